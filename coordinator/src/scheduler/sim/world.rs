//! One world.

mod callers;
mod judge;
mod turns;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use looks::{Arm, Seed, Settings};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sweeps::{AttemptNumber, Digest, Failure, FailureClass, JobId, JobStatus, RunRecord};

use crate::scheduler::fixture::{self, claiming, grid_on, submission};
use crate::scheduler::{
    Answer, Effect, Entry, Event, Policy, Reply, Request, Scheduler, Submission, Ticket,
};
use proto::nouns::{
    Assignment, Audit, Fail, Finish, Hello, LeaseKey, LeaseRequest, Next, Order, Progress, Receipt,
    Refusal, Release, Report, Timestamp, WorkerId,
};

/// A rule that is broken on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sabotage {
    None,
    /// Answers go out although the turn dies before its entries are written.
    ReplyBeforeFlush,
    /// The coordinator takes what an old attempt says for the live one's.
    AcceptStale,
    /// A restart does not see the last entry.
    LoseLastEntry,
    /// A coordinator that stood still does not notice.
    IgnoreFreezes,
    /// Leases expire before what waits at the coordinator's door is heard.
    TickBeforeCalls,
    /// Warm data always decide.
    ForgetWhoseTurn,
}

/// How often what happened.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) coordinator_kills: u64,
    pub(super) worker_kills: u64,
    pub(super) lost: u64,
    pub(super) doubled: u64,
    pub(super) expired: u64,
    pub(super) late_results: u64,
    pub(super) stale: u64,
    pub(super) restarts_with_leases: u64,
    pub(super) audited: u64,
    pub(super) stood_still: u64,
    /// Times that a sweep was passed over in favour of another.
    pub(super) passed_over: u64,
    /// Submissions that were dropped between their parts.
    pub(super) dropped: u64,
    /// Seeds that were added for claims.
    pub(super) seeds_added: u64,
}

impl Tally {
    pub(super) fn add(&mut self, other: &Self) {
        self.coordinator_kills += other.coordinator_kills;
        self.worker_kills += other.worker_kills;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.expired += other.expired;
        self.late_results += other.late_results;
        self.stale += other.stale;
        self.restarts_with_leases += other.restarts_with_leases;
        self.audited += other.audited;
        self.stood_still += other.stood_still;
        self.passed_over += other.passed_over;
        self.dropped += other.dropped;
        self.seeds_added += other.seeds_added;
    }
}

/// How large a world is, and how wild.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    /// How long a lease lives, in milliseconds like all of these.
    ttl: u64,
    /// How long a caller waits for an answer before it asks again.
    patience: u64,
    /// How long a worker that has enough to do rests before it looks again; `None`: until something is due, since weeks have
    /// too many seconds.
    rest: Option<u64>,
    /// Faults end here; what is left must come to an end by itself.
    quiet: u64,
    end: u64,
    longest_job: u64,
    sweeps: u64,
    cells: u64,
    workers: u64,
    /// At most so many deaths of the coordinator at a time of their own, and of workers.
    kills: [u64; 2],
    freezes: u64,
    /// At most so often the coordinator stands still, for up to two times to live.
    standstills: u64,
    /// Of a million turns that write, so many die in the middle.
    deaths: u64,
    /// The scheduler looks for contradictions in itself at one turn of so many.
    check_every: u64,
}

impl Scale {
    /// A world of seconds, of which thousands are run.
    pub(super) const SMALL: Self = Self {
        ttl: 1_000,
        patience: 400,
        rest: Some(50),
        quiet: 12_000,
        end: 200_000,
        longest_job: 4_000,
        sweeps: 3,
        cells: 6,
        workers: 4,
        kills: [6, 10],
        freezes: 6,
        standstills: 4,
        deaths: 40_000,
        check_every: 1,
    };

    /// A thousand workers over three weeks.
    pub(super) const LARGE: Self = Self {
        ttl: HOUR,
        patience: HOUR / 4,
        rest: None,
        quiet: 3 * 7 * 24 * HOUR,
        end: 5 * 7 * 24 * HOUR,
        longest_job: 36 * HOUR,
        sweeps: 24,
        cells: 2_500,
        workers: 1_000,
        kills: [40, 4_000],
        freezes: 2_000,
        standstills: 40,
        deaths: 100,
        check_every: 20_000,
    };
}

const HOUR: u64 = 3_600_000;
/// Something that happens at a time.
#[derive(Debug, Clone)]
enum Happening {
    /// A request reaches the coordinator. From which caller, which of its calls.
    Arrive(usize, u64, Request),
    /// An answer reaches a caller.
    Answer(usize, u64, Reply),
    /// The coordinator's timer.
    Wake,
    Start,
    /// The coordinator goes on with what takes long.
    Continue,
    /// A caller does what is due, unless it waits for an answer to another call than that.
    Act(usize, u64),
    /// A worker's process dies, and comes back.
    Kill(usize),
    Revive(usize),
    /// A worker stands still for so long, and goes on as if nothing had been (`SIGSTOP`).
    Freeze(usize, u64),
    KillCoordinator,
    /// The coordinator stands still for so long; what is sent to it waits at its door.
    FreezeCoordinator(u64),
}

/// A worker, or the user (caller 0).
#[derive(Debug, Default)]
struct Caller {
    name: String,
    alive: bool,
    session: u64,
    id: Option<WorkerId>,
    /// The call that it waits for.
    call: Option<(u64, Request)>,
    calls: u64,
    /// Jobs that run, and when they end.
    running: BTreeMap<LeaseKey, u64>,
    /// Survives the process: records to deliver, and leases that were held.
    spool: VecDeque<RunRecord>,
    held_before: BTreeSet<LeaseKey>,
    failures: VecDeque<(LeaseKey, Failure)>,
    last_report: u64,
    frozen_until: u64,
    /// The data set of its last job.
    warm: Vec<Digest>,
    /// What the user has yet to submit.
    submissions: VecDeque<Submission>,
    /// Audits that the user has yet to ask for.
    audits: u64,
}

pub(super) struct World {
    random: ChaCha8Rng,
    scale: Scale,
    sabotage: Sabotage,
    now: u64,
    order: u64,
    queue: BTreeMap<(u64, u64), Happening>,
    callers: Vec<Caller>,
    scheduler: Option<Scheduler>,
    policy: Policy,
    /// The disk.
    journal: Vec<Entry>,
    /// The live attempt of each job, as the journal has it: an oracle that knows nothing of the scheduler's state.
    live: BTreeMap<JobId, AttemptNumber>,
    /// By sweep, the jobs of its cells, as the journal has them.
    wanted: BTreeMap<String, BTreeSet<JobId>>,
    /// The same of a submission that has not ended.
    begun: (String, BTreeSet<JobId>),
    /// Jobs that the journal has a record of.
    recorded: BTreeSet<JobId>,
    /// Every lease that the journal has.
    leased: BTreeSet<LeaseKey>,
    datasets: BTreeMap<JobId, Digest>,
    /// The coordinator stands still until then.
    frozen_until: u64,
    /// When it last went on after it had stood still for so long that it must have noticed.
    went_on: Option<u64>,
    /// How often each sweep that waits was passed over.
    passed_over: BTreeMap<String, u64>,
    turns: u64,
    /// That it goes on is in the queue.
    continues: bool,
    tickets: BTreeMap<Ticket, (usize, u64)>,
    next_ticket: u64,
    /// What was acknowledged and must stay.
    acknowledged_records: BTreeSet<JobId>,
    acknowledged_sweeps: BTreeSet<String>,
    pub(super) trace: Vec<String>,
    pub(super) tally: Tally,
}

impl World {
    pub(super) fn new(seed: u64, sabotage: Sabotage) -> Self {
        Self::of(Scale::SMALL, seed, sabotage)
    }

    pub(super) fn of(scale: Scale, seed: u64, sabotage: Sabotage) -> Self {
        let mut policy = Policy {
            time_to_live_ms: scale.ttl,
            longest_wait_ms: 2 * scale.ttl,
            ..Policy::default()
        };
        policy.retries[FailureClass::WorkerLost as usize] = u32::MAX;
        let mut world = Self {
            random: ChaCha8Rng::seed_from_u64(seed),
            scale,
            turns: 0,
            continues: false,
            live: BTreeMap::new(),
            wanted: BTreeMap::new(),
            begun: (String::new(), BTreeSet::new()),
            recorded: BTreeSet::new(),
            leased: BTreeSet::new(),
            datasets: BTreeMap::new(),
            frozen_until: 0,
            went_on: None,
            passed_over: BTreeMap::new(),
            sabotage,
            now: 0,
            order: 0,
            queue: BTreeMap::new(),
            callers: Vec::new(),
            scheduler: None,
            policy,
            journal: Vec::new(),
            tickets: BTreeMap::new(),
            next_ticket: 1,
            acknowledged_records: BTreeSet::new(),
            acknowledged_sweeps: BTreeSet::new(),
            trace: Vec::new(),
            tally: Tally::default(),
        };
        let mut user = Caller {
            alive: true,
            ..Caller::default()
        };
        let is_large = scale.check_every > 1;
        if !is_large {
            // Of some cells many a sweep has parts, and parts have other ends.
            world.policy.submission_part = 1 + (seed % 4) as usize;
        }
        let many = |world: &mut Self, most| if is_large { most } else { world.below(most) };
        for sweep in 0..=many(&mut world, scale.sweeps) {
            let first = world.below(4);
            let count = 1 + many(&mut world, scale.cells);
            let name = format!("s{}", if is_large { sweep } else { world.below(2) });
            let rates = if is_large { 1 + sweep as u32 } else { 1 };
            let count = count / u64::from(rates) + 1;
            let dataset = ["tracks", "video"][world.below(2) as usize];
            let adapts = !is_large && world.below(3) == 0;
            let mut submission = if adapts {
                let settings = Settings {
                    alpha: 0.3,
                    min: 1 + (count / 2) as u32,
                    max: 7,
                    margin: [0.0, 0.8][world.below(2) as usize],
                    at_once: 1 + world.below(3) as u32,
                };
                let grid = grid_on(dataset, first, settings.min.into(), 3);
                claiming(&name, grid, settings)
            } else {
                submission(&name, grid_on(dataset, first, count, rates))
            };
            submission.text = format!("{} version {sweep}", submission.text);
            user.submissions.push_back(submission);
        }
        user.audits = world.below(4);
        world.callers.push(user);
        for worker in 0..=many(&mut world, scale.workers) {
            world.callers.push(Caller {
                name: format!("w{worker}"),
                alive: true,
                session: 1,
                ..Caller::default()
            });
        }
        world.at(0, Happening::Start);
        for caller in 0..world.callers.len() {
            let start = world.below(500);
            world.at(start, Happening::Act(caller, 0));
        }
        for _ in 0..many(&mut world, scale.kills[0]) {
            let time = world.below(scale.quiet);
            world.at(time, Happening::KillCoordinator);
        }
        for _ in 0..many(&mut world, scale.kills[1]) {
            let (time, worker) = (
                world.below(scale.quiet),
                1 + world.below(world.callers.len() as u64 - 1),
            );
            world.at(time, Happening::Kill(worker as usize));
        }
        for _ in 0..many(&mut world, scale.freezes) {
            let (time, duration) = (world.below(scale.quiet), world.below(4 * scale.ttl));
            let worker = 1 + world.below(world.callers.len() as u64 - 1);
            world.at(time, Happening::Freeze(worker as usize, duration));
        }
        for _ in 0..many(&mut world, scale.standstills) {
            let (time, duration) = (world.below(scale.quiet), world.below(2 * scale.ttl + 1));
            world.at(time, Happening::FreezeCoordinator(duration));
        }
        world
    }

    fn below(&mut self, end: u64) -> u64 {
        if end == 0 {
            0
        } else {
            self.random.next_u64() % end
        }
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn at(&mut self, delay: u64, happening: Happening) {
        self.order += 1;
        self.queue.insert((self.now + delay, self.order), happening);
    }

    pub(super) fn run(&mut self) -> Result<(), String> {
        while let Some(((time, _), happening)) = self.queue.pop_first() {
            if time > self.scale.end {
                break;
            }
            self.now = time;
            self.happen(happening)?;
            let looks = self.order.is_multiple_of(self.scale.check_every);
            if time > self.scale.quiet && looks && self.is_finished() {
                return self.judge();
            }
        }
        self.judge()
    }

    fn happen(&mut self, happening: Happening) -> Result<(), String> {
        if self.waits_at_the_door(&happening) {
            self.at(self.frozen_until.saturating_sub(self.now), happening);
            return Ok(());
        }
        match happening {
            Happening::Start => self.start()?,
            Happening::Continue => {
                let is_busy = |scheduler: &Scheduler| scheduler.is_busy();
                self.continues = false;
                if self.scheduler.as_ref().is_some_and(is_busy) {
                    self.turn(vec![Event::Continue], &[])?;
                }
            }
            Happening::Wake => {
                let due = self
                    .scheduler
                    .as_ref()
                    .and_then(|scheduler| scheduler.lease_clock.wake_at())
                    .is_some_and(|at| at.0 <= self.now);
                if due {
                    if self.sabotage == Sabotage::IgnoreFreezes
                        && let Some(scheduler) = &mut self.scheduler
                    {
                        scheduler.lease_clock.forget_to_be_late(Timestamp(self.now));
                    }
                    self.turn(vec![Event::Tick], &[])?;
                }
            }
            Happening::Arrive(caller, call, request) => {
                if self.scheduler.is_some() {
                    let ticket = Ticket(self.next_ticket);
                    self.next_ticket += 1;
                    self.tickets.insert(ticket, (caller, call));
                    let fenced = self.fenced(&request);
                    let request = if self.sabotage == Sabotage::AcceptStale {
                        self.unfence(request)
                    } else {
                        request
                    };
                    self.turn(vec![Event::Request(ticket, request)], &fenced)?;
                }
            }
            Happening::Answer(caller, call, reply) => self.hear(caller, call, &reply)?,
            Happening::Act(caller, call) => {
                let waited = self.callers[caller].call.as_ref().map(|(call, _)| *call);
                if waited.is_none_or(|waited| waited == call) {
                    self.act(caller);
                }
            }
            Happening::Kill(worker) => {
                self.tally.worker_kills += 1;
                let delay = 1 + self.below(3 * self.scale.ttl);
                let dead = &mut self.callers[worker];
                if dead.alive {
                    dead.alive = false;
                    dead.held_before.extend(dead.running.keys());
                    dead.running.clear();
                    dead.failures.clear();
                    dead.call = None;
                    dead.id = None;
                    self.at(delay, Happening::Revive(worker));
                }
            }
            Happening::Revive(worker) => {
                let caller = &mut self.callers[worker];
                caller.alive = true;
                caller.session += 1;
                self.at(1, Happening::Act(worker, 0));
            }
            Happening::Freeze(worker, duration) => {
                self.callers[worker].frozen_until = self.now + duration;
            }
            Happening::KillCoordinator => self.kill_coordinator(),
            Happening::FreezeCoordinator(duration) => self.stand_still(duration),
        }
        Ok(())
    }
}

fn diverges(job: JobId) -> bool {
    job.0[3].is_multiple_of(8)
}
