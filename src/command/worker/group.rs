//! `worker --device all`: one worker process for each GPU, each started again when it crashes, all stopped together.
//!
//! What to do is `worker::supervisor`'s, which is pure; here are the processes, the signals and the clock.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, ChildStdin, Command};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use worker::gpu::{Assigned, Share, nvml::Monitor, shares};
use worker::supervisor::{Effect, End, Event, Policy, Supervisor};

use super::{lifeline, process};
use crate::arguments::Worker;
use crate::clock::Stopwatch;
use crate::error::CommandError;
use crate::exit_code;
use crate::interrupt::{Signals, Wish};
use crate::output::say;

/// What a process may take beyond its grace period before it is killed.
const KILL_AFTER: Duration = Duration::from_secs(10);

/// Starts a worker for each GPU and waits until all are over.
pub(super) fn group(arguments: &Worker) -> Result<(), CommandError> {
    let shares = match arguments.pretend_devices {
        Some(count) => pretended(count),
        None => assigned()?,
    };
    for share in &shares {
        tracing::info!(
            device = share.label,
            name = share.name,
            visible = share.visible,
            memory_bytes = share.memory_bytes,
            "a worker of its own"
        );
    }
    let shutdown = process::shutdown(arguments);
    let code = crate::command::runtime()?.block_on(
        Group {
            program: std::env::current_exe().map_err(|error| {
                CommandError::Other(format!("cannot find this program: {error}"))
            })?,
            limit: process::seconds(arguments.grace).saturating_add(KILL_AFTER),
            children: (0..shares.len()).map(|_| None).collect(),
            shares,
            ends: JoinSet::new(),
        }
        .run(&shutdown),
    )?;
    match code {
        0 => Ok(()),
        code => Err(CommandError::Worker {
            message: "no worker of this host is left; their messages are above".to_owned(),
            code,
        }),
    }
}

/// The GPUs that are ours by the driver and by whoever assigned them.
fn assigned() -> Result<Vec<Share>, CommandError> {
    let unusable =
        |error: &dyn std::fmt::Display| CommandError::Device(format!("--device all: {error}"));
    if !cfg!(feature = "cuda") {
        return Err(unusable(
            &"this program was built without the feature `cuda`; docs/cuda.md says how to build with it",
        ));
    }
    let assigned = assignment();
    let monitor = Monitor::open().map_err(|error| unusable(&error))?;
    let inventory = monitor.inventory().map_err(|error| unusable(&error))?;
    shares(&inventory, &assigned).map_err(|error| unusable(&error))
}

/// What the environment says of the assignment.
pub fn assignment() -> Assigned {
    Assigned {
        visible: std::env::var("CUDA_VISIBLE_DEVICES").ok(),
        slurm: std::env::var_os("SLURM_JOB_ID").is_some(),
    }
}

fn pretended(count: usize) -> Vec<Share> {
    (0..count)
        .map(|index| Share {
            label: format!("gpu{index}"),
            visible: index.to_string(),
            name: "pretended".to_owned(),
            memory_bytes: None,
            uuid: None,
        })
        .collect()
}

struct Group {
    program: PathBuf,
    limit: Duration,
    shares: Vec<Share>,
    /// Standard input of each process that runs: a word there asks the process to stop. Not a signal, since Slurm, systemd
    /// and a terminal signal every process themselves, and a second signal means at once.
    children: Vec<Option<ChildStdin>>,
    ends: JoinSet<(usize, End)>,
}

impl Group {
    async fn run(mut self, shutdown: &CancellationToken) -> Result<u8, CommandError> {
        let no_signals = |error| CommandError::Other(format!("cannot listen for signals: {error}"));
        let mut signals = Signals::listen().map_err(no_signals)?;
        let watch = Stopwatch::start();
        let mut supervisor = Supervisor::new(Policy::default(), self.shares.len());
        let mut killed_at: Option<Duration> = None;
        let mut event = Event::Tick;
        loop {
            for effect in supervisor.step(watch.elapsed(), event) {
                if let Effect::Exit(code) = effect {
                    return Ok(code);
                }
                self.apply(effect).await;
            }
            let now = watch.elapsed();
            let due = [supervisor.due(), killed_at].into_iter().flatten().min();
            let wait = due.map_or(Duration::from_hours(1), |due| due.saturating_sub(now));
            let wish = tokio::select! {
                Some(ended) = self.ends.join_next() => {
                    event = match ended {
                        Ok((child, end)) => Event::Ended(child, end),
                        Err(error) => return Err(CommandError::Other(format!("cannot wait for a worker: {error}"))),
                    };
                    continue;
                }
                () = tokio::time::sleep(wait) => Wish::Repeated,
                wish = signals.next() => wish,
                () = shutdown.cancelled(), if killed_at.is_none() => Wish::Stop,
            };
            event = match (wish, killed_at) {
                (Wish::Stop, None) => {
                    killed_at = Some(watch.elapsed().saturating_add(self.limit));
                    Event::Stop
                }
                (Wish::Leave, _) => {
                    say("second signal: leaving at once");
                    // Dropping the tasks kills the processes.
                    self.ends.shutdown().await;
                    return Ok(exit_code::INTERRUPTED);
                }
                (Wish::Stop | Wish::Repeated, Some(at)) if at <= watch.elapsed() => {
                    tracing::warn!(
                        "workers did not stop within their grace period: they are killed"
                    );
                    self.ends.shutdown().await;
                    return Ok(exit_code::OK);
                }
                (Wish::Stop | Wish::Repeated, _) => Event::Tick,
            };
        }
    }

    async fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::Start(child) => self.start(child),
            Effect::AskToStop(child) => {
                if let Some(input) = &mut self.children[child] {
                    lifeline::ask_to_stop(input).await;
                }
            }
            Effect::WillStart(child, wait) => {
                tracing::warn!(
                    device = self.shares[child].label,
                    ?wait,
                    "its worker ended; it is started again"
                );
            }
            Effect::GivenUp(child) => {
                tracing::error!(
                    device = self.shares[child].label,
                    "its worker is not started again; the others go on"
                );
            }
            Effect::Exit(_) => {}
        }
    }

    fn start(&mut self, child: usize) {
        let share = &self.shares[child];
        // The same command line, and the environment decides on what: whatever an option means, it means it for all.
        let started = Command::new(&self.program)
            .args(std::env::args_os().skip(1))
            .arg(format!(
                "--part-of-group={}/{}",
                share.label,
                self.shares.len()
            ))
            .env("CUDA_VISIBLE_DEVICES", &share.visible)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            // Ctrl-C goes to every process of the terminal's group; the workers are asked to stop by us.
            .process_group(0)
            .kill_on_drop(true)
            .spawn();
        match started {
            Ok(mut process) => {
                tracing::info!(device = share.label, pid = process.id(), "a worker starts");
                self.children[child] = process.stdin.take();
                self.ends
                    .spawn(async move { (child, wait(&mut process).await) });
            }
            Err(error) => {
                tracing::error!(device = share.label, %error, "a worker cannot be started");
                self.ends.spawn(async move { (child, End::Crashed(None)) });
            }
        }
    }
}

async fn wait(process: &mut Child) -> End {
    match process.wait().await {
        Ok(status) => end_of(status),
        Err(_) => End::Crashed(None),
    }
}

fn end_of(status: ExitStatus) -> End {
    match status.code().map(|code| u8::try_from(code).unwrap_or(1)) {
        Some(exit_code::OK) => End::Well,
        // A coordinator that is away is waited for by the worker itself: this code is for good.
        Some(code @ (exit_code::USAGE | exit_code::INVALID_INPUT | exit_code::UNREACHABLE)) => {
            End::Hopeless(code)
        }
        code => End::Crashed(code),
    }
}
