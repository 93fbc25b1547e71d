//! `gcl-sweep run`: one machine plays all roles. A coordinator in this process, worker processes of the same program, a
//! report at the end. It speaks to its coordinator over loopback as everybody else would.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::path::Path;

use proto::nouns::{self as message, Control, ControlAction, Row, StateKind, Target};
use tokio_util::sync::CancellationToken;

use crate::arguments::{Format, Run};
use crate::client::Client;
use crate::command::coordinator::Security;
use crate::command::local_coordinator::LocalCoordinator;
use crate::command::local_workers::{self, LocalWorker, Seat};
use crate::command::notify::Notify;
use crate::command::places::{Remembered, lost_state, places, remember_state};
use crate::command::reuse::Reuse;
use crate::command::sweep_file::SweepFile;
use crate::command::{claims, conclusion, preflight, report, submit, watch};
use crate::contact::Contact;
use crate::data_folders::Folders;
use crate::error::CommandError;
use crate::interrupt;
use crate::output::counted;
use crate::output::say;

/// Runs the sweep and writes its report.
pub fn run(arguments: &Run, format: Format) -> Result<(), CommandError> {
    let mut file = SweepFile::select(&arguments.selection)?;
    let folders = Folders::resolve(&arguments.selection.folders)?;
    file.open_datasets(&folders)?;
    file.demand_datasets()?;
    preflight::check(&file)?;
    let (out, state) = places(&file, arguments.out.as_deref(), arguments.state.as_deref());
    if arguments.until_decided && file.expansion.adaptive.is_none() {
        return Err(CommandError::Usage(format!(
            "{} has no claims that --until-decided could decide\n\nhint: write them under [adaptive], see docs/sweeps.md; with --only no claim is decided",
            file.path
        )));
    }
    if let (None, Some(lost)) = (&arguments.state, lost_state(&out)) {
        return Err(CommandError::Store(format!(
            "the state of this folder was in {lost}, to which {link} leads, and is not there\n\nhint: mount or restore it, name the place where it is now by --state, or \
             remove the link to begin anew",
            lost = lost.display(),
            link = out.join("state").display()
        )));
    }
    crate::folder::make(&out)?;
    super::runtime()?.block_on(drive(arguments, &file, &folders, &out, &state, format))
}

async fn drive(
    arguments: &Run,
    file: &SweepFile,
    folders: &Folders,
    out: &Path,
    state: &Path,
    format: Format,
) -> Result<(), CommandError> {
    let stop = interrupt::token()
        .map_err(|error| CommandError::Other(format!("cannot listen for signals: {error}")))?;
    let security = if arguments.open {
        Security::loopback().with_live_page()
    } else {
        Security::loopback()
    };
    let coordinator = LocalCoordinator::start("run", out, state, security, &stop).await?;
    if let Some(address) = coordinator.live_page(&file.spec.name) {
        say(&format!(
            "live page, for whoever has this address: {address}"
        ));
    }
    // What is refused leaves the folder as it was.
    if let Err(error) = offer(arguments, file, state, &coordinator).await {
        coordinator.stop().await?;
        return Err(error);
    }
    if arguments.state.is_some() {
        remember(out, state);
    }
    let outcome = settle(arguments, file, folders, state, &coordinator, &stop).await;
    // The report is made from what is on disk even when the sweep was stopped: it says what is missing.
    let client = coordinator.client()?;
    let reported = report::write(&client, &file.spec.name, out, Some(file)).await;
    coordinator.stop().await?;
    let rows = outcome?;
    let results = reported?;
    let printed = report::print_summary(&results, format)
        .and_then(|()| conclusion::print(&results, &file.spec.next, out, format));
    let claims = results.claims.as_deref();
    if let Some(hint) = claims.and_then(|view| claims::stopped(view, &file.path)) {
        say(&hint);
    }
    // Failed jobs weigh more than a reader of the table who left.
    watch::end(&file.spec.name, &rows).and(printed)
}

/// Has the folder of the run lead to the state folder that was given, and says what somebody must know of it.
fn remember(out: &Path, state: &Path) {
    let usual = out.join("state");
    let (usual, state_shown) = (usual.display(), state.display());
    match remember_state(out, state) {
        Ok(Remembered::Found) => {}
        Ok(Remembered::Instead(before)) => say(&format!(
            "note: {usual} leads to {state_shown} from now on, and led to {} before",
            before.display()
        )),
        Ok(Remembered::Not) => say(&format!(
            "note: {usual} is there itself and stays: later commands on this state need --state {state_shown}"
        )),
        Err(error) => say(&format!(
            "note: {usual} does not lead to {state_shown}, which later commands need by --state: {error}"
        )),
    }
}

/// Submits the sweep, unless that would hide cells of it which nobody meant to.
pub(super) async fn offer(
    arguments: &Run,
    file: &SweepFile,
    state: &Path,
    coordinator: &LocalCoordinator,
) -> Result<(), CommandError> {
    let client = coordinator.client()?;
    let request = message::Submit {
        fixed_seeds: !arguments.until_decided,
        ..submit::request(file, arguments.selection.max_jobs)
    };
    if !arguments.selection.only.is_empty() {
        let trial = message::Submit {
            dry_run: true,
            ..request.clone()
        };
        let meaning = client
            .submit(&trial)
            .await
            .map_err(|error| client.failed(error))?;
        if meaning.hidden > 0 {
            return Err(CommandError::Usage(submit::would_hide(
                state,
                file,
                meaning.hidden,
            )));
        }
    }
    let submitted = client
        .submit(&request)
        .await
        .map_err(|error| client.failed(error))?;
    say(&submit::describe(&submitted));
    Ok(())
}

/// Runs the jobs that are left, those that failed again.
pub(super) async fn settle(
    arguments: &Run,
    file: &SweepFile,
    folders: &Folders,
    state: &Path,
    coordinator: &LocalCoordinator,
    stop: &CancellationToken,
) -> Result<Vec<Row>, CommandError> {
    let client = coordinator.client()?;
    let mut rows = rows(&client, &file.spec.name).await?;
    let failed: BTreeSet<_> = rows
        .iter()
        .filter(|row| row.status.is_failure())
        .map(|row| row.job_id)
        .collect();
    if !failed.is_empty() {
        // Whoever types the command again has freed memory, mended data, or wants to be sure.
        let target = Target::Sweep(file.spec.name.clone());
        let again = Control {
            target,
            action: ControlAction::Retry,
        };
        client
            .control(&again)
            .await
            .map_err(|error| client.failed(error))?;
        say(&format!(
            "{} failed before and are tried again",
            failed.len()
        ));
        rows = self::rows(&client, &file.spec.name).await?;
    }
    let device = &arguments.team.device;
    let mut reuse = Reuse::open(&arguments.cache, device, coordinator, &file.spec.name);
    if let Some(reuse) = &mut reuse {
        let taken = tokio::select! {
            taken = Box::pin(reuse.take_over()) => taken,
            () = stop.cancelled() => return Err(interrupted()),
        };
        if taken > 0 {
            rows = self::rows(&client, &file.spec.name).await?;
        }
        Box::pin(reuse.keep()).await;
    }
    let open: BTreeSet<_> = rows
        .iter()
        .filter(|row| !row.status.is_settled())
        .map(|row| row.job_id)
        .collect();
    if open.is_empty() {
        say("nothing to run: every job of this sweep is settled in the state folder");
        return Ok(rows);
    }
    let team = team(arguments, open.len());
    let finish = CancellationToken::new();
    let mut workers = tokio::task::JoinSet::new();
    for worker in team.start(coordinator, folders, state)? {
        workers.spawn(worker.supervise(finish.clone()));
    }
    let contact = Contact::of_this_process(&client);
    let notify = Notify::new(&arguments.notify);
    let ended = tokio::select! {
        rows = watch::until_settled(&client, &file.spec.name, Format::Text, contact, notify) => rows,
        failed = all_failed(&mut workers) => Err(failed),
        // Its end says why.
        () = coordinator.broke() => Err(CommandError::Broken("the coordinator of this command broke down".into())),
        never = Box::pin(keep_going(&mut reuse)) => match never {},
        () = stop.cancelled() => Err(interrupted()),
    };
    if ended.is_err() {
        coordinator.ending();
    }
    if matches!(ended, Err(CommandError::Interrupted(_))) {
        say(
            "stopping: the workers keep a checkpoint of what they train (a second Ctrl-C leaves at once)",
        );
    }
    finish.cancel();
    while workers.join_next().await.is_some() {}
    if let Some(reuse) = &mut reuse {
        Box::pin(reuse.end()).await;
    }
    ended
}

fn interrupted() -> CommandError {
    CommandError::Interrupted(
        "interrupted: what is finished is kept, and the same command goes on from there".into(),
    )
}

/// Takes over and keeps results meanwhile, where there is a cache.
async fn keep_going(reuse: &mut Option<Reuse>) -> Infallible {
    match reuse {
        Some(reuse) => reuse.go_on().await,
        None => std::future::pending().await,
    }
}

async fn rows(client: &Client, sweep: &str) -> Result<Vec<Row>, CommandError> {
    let rows = client.rows(sweep, &[]).await;
    Ok(rows.map_err(|error| client.failed(error))?.0)
}

/// Waits until no worker can be kept alive: as long as one is left, the sweep goes on, and a warning says what became of
/// the others. One that ended as it should is waited for no more.
async fn all_failed(workers: &mut tokio::task::JoinSet<Result<(), CommandError>>) -> CommandError {
    while let Some(ended) = workers.join_next().await {
        let error = match ended {
            Ok(Ok(())) => continue,
            Ok(Err(error)) => error,
            Err(error) => CommandError::Other(format!("a worker's supervisor ended: {error}")),
        };
        if workers.is_empty() {
            return error;
        }
        say(&format!(
            "warning: {} left: {error}",
            counted(workers.len(), "worker")
        ));
    }
    std::future::pending().await
}

/// How many workers, on what, with how many threads.
struct Team {
    workers: usize,
    device: String,
    /// The GPUs among which they are dealt out; none: all on `device`.
    gpus: Vec<String>,
    threads: usize,
}

fn team(arguments: &Run, jobs: usize) -> Team {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let device = arguments.team.device.clone();
    let gpus = local_workers::gpus(&device);
    let workers = arguments
        .team
        .workers
        .unwrap_or_else(|| local_workers::usual_count(&device, gpus.len(), cores).min(jobs.max(1)));
    let threads = arguments.threads.unwrap_or((cores / workers).max(1));
    Team {
        workers,
        device,
        gpus,
        threads,
    }
}

impl Team {
    fn start(
        &self,
        coordinator: &LocalCoordinator,
        folders: &Folders,
        state: &Path,
    ) -> Result<Vec<LocalWorker>, CommandError> {
        let program = std::env::current_exe()
            .map_err(|error| CommandError::Other(format!("cannot find this program: {error}")))?;
        let logs = state.join("logs");
        std::fs::create_dir_all(&logs)
            .map_err(|error| CommandError::io("make the folder", &logs, &error))?;
        Ok((1..=self.workers)
            .map(|number| LocalWorker {
                program: program.clone(),
                coordinator: coordinator.address.clone(),
                token_file: coordinator.token_file(),
                name: format!("local-{number}"),
                seat: Seat::of(number, &self.device, &self.gpus),
                threads: self.threads,
                scratch: state.join("scratch").join(format!("local-{number}")),
                log: logs.join(format!("local-{number}.log")),
                folders: folders.clone(),
                rehearsal: coordinator.kind() == StateKind::Rehearsal,
            })
            .collect())
    }
}
