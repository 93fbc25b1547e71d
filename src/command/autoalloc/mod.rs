//! `gcl-sweep autoalloc`: keeps as many workers in a cluster's queue as there is work for.
//!
//! It looks at the coordinator's queue and at Slurm's, asks the pure [`policy`] what to do, and does it. What it asked for
//! it remembers ([`memory`]), whatever the queue shows. It holds nothing that must survive: killed and started again, it
//! finds its allocations by their name.

mod memory;
mod policy;
mod replies;
mod slurm;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proto::nouns::{WorkerState, WorkerView};
use sweeps::JobStatus;

use crate::arguments::{Autoalloc, Slurm as Arguments};
use crate::client::Client;
use crate::clock::Stopwatch;
use crate::error::CommandError;
use crate::interrupt;
use crate::output::say;
use memory::Memory;
use policy::{Action, Allocation, AllocationState, Allocator, Policy, Seen};
use slurm::{Slurm, SlurmError};

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

/// Both queues, and what is remembered of them.
struct Cluster {
    slurm: Slurm,
    memory: Memory,
    /// Ends that were said, and those that were over before the first look.
    said: BTreeSet<String>,
    looked: bool,
}

/// What a look at both queues shows.
struct Look {
    /// Jobs that wait or run in sweeps that are not paused.
    unsettled: u64,
    allocations: Vec<Allocation>,
    /// Why some of them will not start.
    in_vain: BTreeSet<String>,
}

async fn keep(arguments: &Arguments) -> Result<(), CommandError> {
    let stop = interrupt::token()
        .map_err(|error| CommandError::Other(format!("cannot listen for signals: {error}")))?;
    let policy = Policy {
        min: arguments.min,
        max: arguments.max,
        jobs_per_worker: arguments.jobs_per_worker.saturating_mul(arguments.pack),
        idle_after: Duration::from_secs(arguments.idle_after),
        fails_within: Duration::from_secs(arguments.fails_within),
    };
    let mut cluster = Cluster {
        slurm: Slurm::new(&arguments.script, &arguments.job_name, &arguments.sbatch)?,
        memory: Memory::default(),
        said: BTreeSet::new(),
        looked: false,
    };
    let client = Client::new(&arguments.connection)?;
    let clock = Stopwatch::start();
    let mut allocator = Allocator::default();
    let mut before = String::new();
    loop {
        match cluster.look(&client, clock.elapsed()).await {
            Ok(look) => {
                let now = clock.elapsed();
                let live = look
                    .allocations
                    .iter()
                    .filter(|one| !matches!(one.state, AllocationState::Ended { .. }))
                    .count();
                if arguments.until_settled && look.unsettled == 0 && live == 0 {
                    say("all jobs are settled and no allocation is left");
                    return Ok(());
                }
                let actions = allocator.step(&policy, now, look.unsettled, &look.allocations);
                let mut seen = format!(
                    "{} jobs wait or run, {live} allocations of at most {}",
                    look.unsettled, policy.max
                );
                if !look.in_vain.is_empty() {
                    let reasons: Vec<_> = look.in_vain.into_iter().collect();
                    seen += &format!(
                        "; some will not start as they are asked for ({}): the partition, --time or --gres must be others",
                        reasons.join(", ")
                    );
                }
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
                    cluster
                        .act(&mut allocator, now, action, arguments.dry_run)
                        .await?;
                }
            }
            Err(Unseen::Lasting(error)) => return Err(error),
            // Neither queue answers now and then: coordinators are upgraded, Slurm's controllers restarted.
            Err(Unseen::Passing(error)) => {
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

/// Why the queues cannot be seen.
enum Unseen {
    /// No later try helps.
    Lasting(CommandError),
    /// Somebody is being restarted.
    Passing(CommandError),
}

impl From<SlurmError> for Unseen {
    fn from(error: SlurmError) -> Self {
        match error {
            SlurmError::Lasting(_) => Self::Lasting(error.into()),
            SlurmError::Passing(_) => Self::Passing(error.into()),
        }
    }
}

impl Cluster {
    async fn look(&mut self, client: &Client, now: Duration) -> Result<Look, Unseen> {
        let (unsettled, workers) = match ask(client).await {
            Ok(answer) => answer,
            Err(error) if !self.looked && client.is_locked_out().await => {
                return Err(Unseen::Lasting(error));
            }
            Err(error) => return Err(Unseen::Passing(error)),
        };
        let workers = by_allocation(&workers);
        let listed = self.slurm.list().await?;
        let queue: Vec<(String, AllocationState)> = listed
            .iter()
            .map(|one| (one.id.clone(), one.state))
            .collect();
        let missing = self.memory.missing(&queue);
        let accounts = self
            .slurm
            .accounts(&missing)
            .await
            .into_iter()
            .map(|(id, account)| (id, account.state))
            .collect();
        let allocations = self.memory.merge(now, &queue, &workers, &accounts);
        self.say_bad_ends(&allocations).await;
        self.looked = true;
        let in_vain = listed
            .into_iter()
            .filter(|one| one.state == AllocationState::Waiting)
            .filter_map(|one| one.reason)
            .filter(|reason| replies::waits_in_vain(reason))
            .collect();
        Ok(Look {
            unsettled,
            allocations,
            in_vain,
        })
    }

    /// Says of each allocation that ended badly why, once.
    async fn say_bad_ends(&mut self, allocations: &[Allocation]) {
        let ended = allocations.iter().filter(|one| match one.state {
            AllocationState::Ended { failed, .. } => failed || one.worker.is_none(),
            _ => false,
        });
        let new: Vec<&Allocation> = ended
            .filter(|one| self.said.insert(one.id.clone()))
            .collect();
        // What had ended before the first look is an earlier run's story.
        if !self.looked || new.is_empty() {
            return;
        }
        let ids: Vec<String> = new.iter().map(|one| one.id.clone()).collect();
        let accounts = self.slurm.accounts(&ids).await;
        for one in new {
            let ended = accounts
                .get(&one.id)
                .filter(|account| matches!(account.state, AllocationState::Ended { .. }));
            match (ended, one.state) {
                (Some(account), _) => {
                    say(&format!("allocation {} ended: {}", one.id, account.why()));
                }
                (None, AllocationState::VANISHED) => say(&format!(
                    "allocation {} vanished: neither Slurm's queue nor its accounting knows it, and no worker came of it",
                    one.id
                )),
                (None, AllocationState::Ended { failed: true, .. }) => {
                    say(&format!("allocation {} failed: see its output", one.id));
                }
                (None, _) => {}
            }
        }
    }

    /// # Errors
    /// What no later try helps.
    async fn act(
        &mut self,
        allocator: &mut Allocator,
        now: Duration,
        action: Action,
        dry_run: bool,
    ) -> Result<(), CommandError> {
        if dry_run {
            say(&format!("would do: {action:?}"));
            return Ok(());
        }
        if let Action::Withdraw(id) | Action::Release(id) = &action {
            // Its end is our doing.
            self.said.insert(id.clone());
        }
        let done = match action {
            Action::Start(count) => {
                for _ in 0..count {
                    match self.slurm.start().await {
                        Ok(id) => {
                            self.memory.asked(&id, now);
                            say(&format!("asked for allocation {id}"));
                        }
                        Err(error @ SlurmError::Lasting(_)) => return Err(error.into()),
                        Err(error) => {
                            allocator.start_failed(now);
                            say(&error.to_string());
                            break;
                        }
                    }
                }
                return Ok(());
            }
            Action::Withdraw(id) => self
                .slurm
                .withdraw(&id)
                .await
                .map(|()| format!("withdrew allocation {id}: no work is left for it")),
            Action::Release(id) => self
                .slurm
                .release(&id)
                .await
                .map(|()| format!("sent the idle worker of allocation {id} home")),
        };
        say(&done.unwrap_or_else(|error| error.to_string()));
        Ok(())
    }
}

/// The coordinator's queue: unsettled jobs, and the workers.
async fn ask(client: &Client) -> Result<(u64, Vec<WorkerView>), CommandError> {
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
    Ok((unsettled, workers))
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
