//! `gcl-sweep autoalloc`: keeps as many workers in a cluster's queue as there is work for.
//!
//! It looks at the coordinator's queue and at Slurm's, asks the pure [`policy`] what to do, and does it. It holds nothing
//! that must survive: killed and started again, it finds its allocations by their name.

mod policy;
mod slurm;

use std::collections::BTreeMap;
use std::time::Duration;

use proto::nouns::{WorkerState, WorkerView};
use sweeps::JobStatus;

use crate::arguments::{Autoalloc, Slurm as Arguments};
use crate::client::Client;
use crate::clock::Stopwatch;
use crate::error::CommandError;
use crate::interrupt;
use crate::output::say;
use policy::{Action, Allocation, AllocationState, Allocator, Policy, Seen};
use slurm::Slurm;

/// What the worker of an allocation is called: the batch script says `--name slurm-ID`, with a suffix where one allocation
/// starts several.
const WORKER_PREFIX: &str = "slurm-";

/// Keeps a cluster's queue filled until a signal.
pub fn autoalloc(arguments: &Autoalloc) -> Result<(), CommandError> {
    let Autoalloc::Slurm(arguments) = arguments;
    if arguments.min > arguments.max {
        return Err(CommandError::Usage(format!(
            "--min {} is above --max {}",
            arguments.min, arguments.max
        )));
    }
    if !arguments.script.is_file() {
        return Err(CommandError::Usage(format!(
            "there is no batch script {}",
            arguments.script.display()
        )));
    }
    super::runtime()?.block_on(keep(arguments))
}

async fn keep(arguments: &Arguments) -> Result<(), CommandError> {
    let stop = interrupt::token()
        .map_err(|error| CommandError::Other(format!("cannot listen for signals: {error}")))?;
    let policy = Policy {
        min: arguments.min,
        max: arguments.max,
        jobs_per_worker: arguments.jobs_per_worker,
        idle_after: Duration::from_secs(arguments.idle_after),
        fails_within: Duration::from_secs(arguments.fails_within),
    };
    let cluster = Slurm {
        script: arguments.script.clone(),
        job_name: arguments.job_name.clone(),
        sbatch: arguments.sbatch.clone(),
    };
    let client = Client::new(&arguments.connection)?;
    let clock = Stopwatch::start();
    let mut allocator = Allocator::default();
    let mut before = String::new();
    loop {
        match look(&client, &cluster).await {
            Ok((unsettled, allocations)) => {
                let now = clock.elapsed();
                let live = allocations
                    .iter()
                    .filter(|one| !matches!(one.state, AllocationState::Ended { .. }))
                    .count();
                if arguments.until_settled && unsettled == 0 && live == 0 {
                    say("all jobs are settled and no allocation is left");
                    return Ok(());
                }
                let actions = allocator.step(&policy, now, unsettled, &allocations);
                let mut seen = format!(
                    "{unsettled} jobs wait or run, {live} allocations of at most {}",
                    policy.max
                );
                if let Some(until) = allocator.backs_off_until(now) {
                    let wait = until.saturating_sub(now).as_secs();
                    seen +=
                        "; allocations failed at once (see their output), the next is tried later";
                    tracing::warn!(seconds = wait, "backing off");
                }
                if seen != before {
                    say(&seen);
                    before = seen;
                }
                for action in actions {
                    act(&cluster, &mut allocator, now, action, arguments.dry_run).await;
                }
            }
            // Neither queue answers now and then: coordinators are upgraded, Slurm's controllers restarted.
            Err(error) => {
                let seen = format!("cannot see the queues, trying again: {error}");
                if seen != before {
                    say(&seen);
                    before = seen;
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => {
                say(&format!(
                    "stopping; allocations stay: `scancel --name={} --signal=TERM --batch` sends their workers home",
                    arguments.job_name
                ));
                return Ok(());
            }
            () = tokio::time::sleep(Duration::from_secs(arguments.every)) => {}
        }
    }
}

async fn act(
    cluster: &Slurm,
    allocator: &mut Allocator,
    now: Duration,
    action: Action,
    dry_run: bool,
) {
    if dry_run {
        say(&format!("would do: {action:?}"));
        return;
    }
    match action {
        Action::Start(count) => {
            for _ in 0..count {
                match cluster.start().await {
                    Ok(id) => say(&format!("asked for allocation {id}")),
                    Err(error) => {
                        allocator.start_failed(now);
                        say(&error.to_string());
                        return;
                    }
                }
            }
        }
        Action::Withdraw(id) => match cluster.withdraw(&id).await {
            Ok(()) => say(&format!("withdrew allocation {id}: no work is left for it")),
            Err(error) => say(&error.to_string()),
        },
        Action::Release(id) => match cluster.release(&id).await {
            Ok(()) => say(&format!("sent the idle worker of allocation {id} home")),
            Err(error) => say(&error.to_string()),
        },
    }
}

/// Both queues: unsettled jobs, and the allocations with their workers.
async fn look(client: &Client, cluster: &Slurm) -> Result<(u64, Vec<Allocation>), CommandError> {
    let unsettled = client
        .sweeps()
        .await?
        .iter()
        .filter(|sweep| !sweep.cancelled)
        .map(|sweep| {
            let waiting = if sweep.paused {
                0
            } else {
                sweep.counts.of(JobStatus::Pending)
            };
            waiting + sweep.counts.of(JobStatus::Running)
        })
        .sum();
    let workers = client
        .workers()
        .await
        .map_err(|error| client.failed(error))?;
    let seen = by_allocation(&workers);
    let allocations = cluster
        .list()
        .await?
        .into_iter()
        .map(|(id, state)| Allocation {
            worker: seen.get(&id).copied(),
            state,
            id,
        })
        .collect();
    Ok((unsettled, allocations))
}

/// Workers by the allocation in their name. The one that does most speaks for its allocation.
fn by_allocation(workers: &[WorkerView]) -> BTreeMap<String, Seen> {
    let mut seen = BTreeMap::new();
    for worker in workers {
        let Some(rest) = worker.name.strip_prefix(WORKER_PREFIX) else {
            continue;
        };
        let id = rest.split('-').next().unwrap_or(rest).to_owned();
        let now = match worker.state {
            WorkerState::Gone | WorkerState::Silent => Seen::Left,
            _ if worker.leases.is_empty() => Seen::Idle,
            _ => Seen::Busy,
        };
        let entry = seen.entry(id).or_insert(now);
        *entry = (*entry).max(now);
    }
    seen
}
