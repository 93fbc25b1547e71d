//! One world.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sweeps::{AttemptNumber, Failure, FailureClass, JobId, JobStatus, RunRecord};

use crate::message::{
    Assignment, Audit, Fail, Finish, Hello, LeaseKey, LeaseRequest, Next, Order, Progress, Receipt,
    Refusal, Release, Report, Timestamp, WorkerId,
};
use crate::scheduler::fixture::{self, grid_on, submission};
use crate::scheduler::{
    Answer, Effect, Entry, Event, Policy, Reply, Request, Scheduler, Submission, Ticket,
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
    }
}

const TTL: u64 = 1_000;
/// How long a caller waits for an answer before it asks again.
const PATIENCE: u64 = 400;
/// Faults end here; what is left must come to an end by itself.
const QUIET: u64 = 12_000;
const END: u64 = 200_000;

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
    /// A caller does what is due, unless it waits for an answer to another call than that.
    Act(usize, u64),
    /// A worker's process dies, and comes back.
    Kill(usize),
    Revive(usize),
    /// A worker stands still for so long, and goes on as if nothing had been (`SIGSTOP`).
    Freeze(usize, u64),
    KillCoordinator,
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
    /// What the user has yet to submit.
    submissions: VecDeque<Submission>,
    /// Audits that the user has yet to ask for.
    audits: u64,
}

pub(super) struct World {
    random: ChaCha8Rng,
    sabotage: Sabotage,
    now: u64,
    order: u64,
    queue: BTreeMap<(u64, u64), Happening>,
    callers: Vec<Caller>,
    scheduler: Option<Scheduler>,
    policy: Policy,
    /// The disk.
    journal: Vec<Entry>,
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
        let mut policy = Policy {
            time_to_live_ms: TTL,
            longest_wait_ms: 2 * TTL,
            ..Policy::default()
        };
        policy.retries[FailureClass::WorkerLost as usize] = u32::MAX;
        let mut world = Self {
            random: ChaCha8Rng::seed_from_u64(seed),
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
        for sweep in 0..=world.below(3) {
            let (first, count) = (world.below(4), 1 + world.below(6));
            let name = format!("s{}", world.below(2));
            let mut submission = submission(&name, grid_on("tracks", first, count, 1));
            submission.text = format!("{} version {sweep}", submission.text);
            user.submissions.push_back(submission);
        }
        user.audits = world.below(4);
        world.callers.push(user);
        for worker in 0..=world.below(4) {
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
        for _ in 0..world.below(6) {
            let time = world.below(QUIET);
            world.at(time, Happening::KillCoordinator);
        }
        for _ in 0..world.below(10) {
            let (time, worker) = (
                world.below(QUIET),
                1 + world.below(world.callers.len() as u64 - 1),
            );
            world.at(time, Happening::Kill(worker as usize));
        }
        for _ in 0..world.below(6) {
            let (time, duration) = (world.below(QUIET), world.below(4 * TTL));
            let worker = 1 + world.below(world.callers.len() as u64 - 1);
            world.at(time, Happening::Freeze(worker as usize, duration));
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

    /// Runs to the end, or to the first broken rule.
    pub(super) fn run(&mut self) -> Result<(), String> {
        while let Some(((time, _), happening)) = self.queue.pop_first() {
            if time > END {
                break;
            }
            self.now = time;
            self.happen(happening)?;
            if time > QUIET && self.is_finished() {
                return self.judge();
            }
        }
        self.judge()
    }

    fn is_finished(&self) -> bool {
        self.callers.iter().all(|caller| {
            caller.spool.is_empty() && caller.submissions.is_empty() && caller.audits == 0
        }) && self.scheduler.as_ref().is_some_and(|scheduler| {
            scheduler
                .sweeps()
                .iter()
                .all(|sweep| sweep.counts.is_settled())
                && !scheduler.has_audits()
        })
    }

    fn judge(&self) -> Result<(), String> {
        let Some(scheduler) = &self.scheduler else {
            return Err("the coordinator is not up at the end".into());
        };
        for sweep in scheduler.sweeps() {
            for row in scheduler
                .cell_rows(&sweep.name)
                .map_err(|no| no.to_string())?
                .1
            {
                let expected = if diverges(row.job_id) {
                    JobStatus::Failed
                } else {
                    JobStatus::Done
                };
                if row.status != expected {
                    return Err(format!(
                        "job {} ended {}, not {expected}",
                        row.job_id.short(),
                        row.status
                    ));
                }
            }
        }
        if scheduler.has_audits() {
            return Err("an audit has no end".into());
        }
        self.judge_journal()
    }

    fn judge_journal(&self) -> Result<(), String> {
        let mut attempts: BTreeMap<JobId, u64> = BTreeMap::new();
        let mut finished = BTreeSet::new();
        for entry in &self.journal {
            match entry {
                Entry::Leased { leases, .. } => {
                    for lease in leases {
                        let last = attempts.entry(lease.job).or_default();
                        if lease.attempt.0 <= *last {
                            return Err(format!("attempt {} was given twice", lease.attempt));
                        }
                        *last = lease.attempt.0;
                    }
                }
                Entry::Finished { record, .. } if !finished.insert(record.job_id) => {
                    return Err(format!("job {} has two records", record.job_id.short()));
                }
                Entry::Compared {
                    receipt: Receipt::Differs,
                    ..
                } => return Err("honest records differ".into()),
                _ => {}
            }
        }
        if let Some(job) = self.acknowledged_records.difference(&finished).next() {
            return Err(format!(
                "the acknowledged record of {} is lost",
                job.short()
            ));
        }
        Ok(())
    }

    fn happen(&mut self, happening: Happening) -> Result<(), String> {
        match happening {
            Happening::Start => self.start()?,
            Happening::Wake => {
                let due = self
                    .scheduler
                    .as_ref()
                    .and_then(|scheduler| scheduler.wake_at)
                    .is_some_and(|at| at.0 <= self.now);
                if due {
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
                let delay = 1 + self.below(3 * TTL);
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
        }
        Ok(())
    }

    fn kill_coordinator(&mut self) {
        if self.scheduler.take().is_some() {
            self.tally.coordinator_kills += 1;
            self.tickets.clear();
            let delay = 1 + self.below(4 * TTL);
            self.at(delay, Happening::Start);
        }
    }

    /// The coordinator starts: its state is what the journal says.
    fn start(&mut self) -> Result<(), String> {
        if self.scheduler.is_some() {
            return Ok(());
        }
        if self.sabotage == Sabotage::LoseLastEntry {
            self.journal.pop();
        }
        let mut scheduler = Scheduler::new(self.policy.clone());
        for entry in &self.journal {
            scheduler.replay(entry).map_err(|error| error.to_string())?;
        }
        scheduler.check()?;
        for name in &self.acknowledged_sweeps {
            if scheduler.sweep_info(name).is_err() {
                return Err(format!("the acknowledged sweep {name} is lost"));
            }
        }
        for job in &self.acknowledged_records {
            let status = scheduler.job_view(*job).map(|view| view.status);
            if status != Ok(JobStatus::Done) {
                return Err(format!(
                    "the acknowledged record of {} is lost",
                    job.short()
                ));
            }
        }
        let live = scheduler
            .sweeps()
            .iter()
            .any(|sweep| sweep.counts.of(JobStatus::Running) > 0);
        self.tally.restarts_with_leases += u64::from(live);
        self.scheduler = Some(scheduler);
        self.turn(vec![Event::Recovered], &[])
    }

    /// The live attempt of each job, as the journal has it: an oracle that knows nothing of the scheduler's state.
    fn live_attempts(&self) -> BTreeMap<JobId, AttemptNumber> {
        let mut live = BTreeMap::new();
        for entry in &self.journal {
            match entry {
                Entry::Leased { leases, .. } => {
                    live.extend(leases.iter().map(|lease| (lease.job, lease.attempt)));
                }
                Entry::Released { leases, .. } => {
                    for lease in leases {
                        live.remove(&lease.job);
                    }
                }
                Entry::Failed { job, .. } => {
                    live.remove(job);
                }
                Entry::Finished { record, .. } => {
                    live.remove(&record.job_id);
                }
                // The second result of a job that is audited, whichever attempt brings it.
                Entry::Compared { job, .. } => {
                    live.remove(job);
                }
                _ => {}
            }
        }
        live
    }

    /// For each lease that a request speaks of as its own: whether it must be taken.
    fn fenced(&self, request: &Request) -> Vec<bool> {
        let live = self.live_attempts();
        let is_live = |job: &JobId, attempt| live.get(job) == Some(&attempt);
        match request {
            Request::Fail(fail) => vec![is_live(&fail.job, fail.attempt)],
            Request::Release(release) => vec![is_live(&release.job, release.attempt)],
            Request::Report(report) => report
                .progress
                .iter()
                .map(|progress| is_live(&progress.job, progress.attempt))
                .collect(),
            _ => Vec::new(),
        }
    }

    fn unfence(&self, mut request: Request) -> Request {
        let live = self.live_attempts();
        let newest = |job: &JobId, attempt: &mut AttemptNumber| {
            *attempt = live.get(job).copied().unwrap_or(*attempt);
        };
        match &mut request {
            Request::Fail(fail) => newest(&fail.job, &mut fail.attempt),
            Request::Release(release) => newest(&release.job, &mut release.attempt),
            Request::Report(report) => {
                for progress in &mut report.progress {
                    newest(&progress.job, &mut progress.attempt);
                }
            }
            _ => {}
        }
        request
    }

    /// One turn of the engine, which may die at any point of it. `fenced`: which leases of the request must be taken.
    fn turn(&mut self, events: Vec<Event>, fenced: &[bool]) -> Result<(), String> {
        let now = Timestamp(self.now);
        let Some(scheduler) = &mut self.scheduler else {
            return Ok(());
        };
        let mut entries = Vec::new();
        let mut replies = Vec::new();
        let mut wake = None;
        for event in events {
            for effect in scheduler.step(now, event) {
                match effect {
                    Effect::Persist(entry) => entries.push(entry),
                    Effect::Reply(ticket, reply) => replies.push((ticket, reply)),
                    Effect::WakeAt(at) => wake = Some(at),
                    Effect::Publish(_) | Effect::Keep { .. } => {}
                }
            }
            scheduler.check()?;
        }
        if let (false, Some((_, reply))) = (fenced.is_empty(), replies.first()) {
            let taken: Vec<bool> = match reply {
                Ok(Answer::Report(answer)) => answer
                    .orders
                    .iter()
                    .map(|order| matches!(order, Order::Continue { .. }))
                    .collect(),
                reply => vec![reply.is_ok()],
            };
            if taken != fenced {
                return Err(format!("leases {fenced:?} were treated as {taken:?}"));
            }
        }
        for entry in &entries {
            self.tally.audited +=
                u64::from(matches!(entry, Entry::Compared { audit: Some(_), .. }));
            if let Entry::Failed { failure, .. } = entry {
                self.tally.expired += u64::from(failure.class == FailureClass::WorkerLost);
            }
        }
        if let Some(at) = wake {
            self.at(at.since(now), Happening::Wake);
        }
        let dies = self.now < QUIET && !entries.is_empty() && self.chance(4);
        if dies {
            // Any number of the turn's entries got to the disk, with all of them the answers may still be untold.
            let written = self.below(entries.len() as u64 + 1) as usize;
            self.journal.extend(entries.into_iter().take(written));
            if self.sabotage == Sabotage::ReplyBeforeFlush {
                self.tell(replies);
            }
            self.kill_coordinator();
            return Ok(());
        }
        self.journal.extend(entries);
        self.tell(replies);
        Ok(())
    }

    fn tell(&mut self, replies: Vec<(Ticket, Reply)>) {
        for (ticket, reply) in replies {
            if let Some((caller, call)) = self.tickets.remove(&ticket) {
                self.travel(Happening::Answer(caller, call, reply));
            }
        }
    }

    /// Over the network.
    fn travel(&mut self, message: Happening) {
        let wild = self.now < QUIET;
        if wild && self.chance(5) {
            self.tally.lost += 1;
            return;
        }
        if wild && self.chance(5) {
            self.tally.doubled += 1;
            let delay = 1 + self.below(3 * TTL);
            self.at(delay, message.clone());
        }
        // Mostly quick; sometimes later than a lease lives.
        let longest = if wild && self.chance(12) { 3 * TTL } else { 20 };
        let delay = 1 + self.below(longest);
        self.at(delay, message);
    }

    fn send(&mut self, caller: usize, request: Request) {
        let sender = &mut self.callers[caller];
        sender.calls += 1;
        let call = sender.calls;
        sender.call = Some((call, request.clone()));
        self.trace.push(format!(
            "{} {} {call} {}",
            self.now,
            sender.name,
            name_of(&request)
        ));
        self.travel(Happening::Arrive(caller, call, request));
        self.at(PATIENCE, Happening::Act(caller, call));
    }

    /// A caller does what is due: the last call again if it was not answered, or the next one.
    fn act(&mut self, index: usize) {
        let now = self.now;
        let caller = &mut self.callers[index];
        if !caller.alive {
            return;
        }
        if now < caller.frozen_until {
            let delay = caller.frozen_until - now;
            let call = caller.call.as_ref().map_or(0, |(call, _)| *call);
            self.at(delay, Happening::Act(index, call));
            return;
        }
        if index == 0 {
            if let Some(submission) = caller.submissions.front().cloned() {
                self.send(0, Request::Submit(Box::new(submission)));
            } else if caller.audits > 0 {
                let sweep = self
                    .acknowledged_sweeps
                    .first()
                    .cloned()
                    .unwrap_or_default();
                let fraction = 0.5;
                self.send(0, Request::Audit(Audit { sweep, fraction }));
            }
            return;
        }
        // Jobs that have come to their end.
        let ended: Vec<LeaseKey> = caller
            .running
            .iter()
            .filter(|(_, end)| **end <= now)
            .map(|(key, _)| *key)
            .collect();
        for key in ended {
            caller.running.remove(&key);
            if diverges(key.job) {
                let failure = Failure::new(FailureClass::Diverged, "it diverged");
                caller.failures.push_back((key, failure));
            } else {
                let record = fixture::record(key.job, key.attempt, &caller.name);
                caller.spool.push_back(record);
            }
        }
        let Some(id) = caller.id else {
            let hello: Hello = fixture::hello(&caller.name, caller.session, 2);
            self.send(index, Request::Hello(Box::new(hello)));
            return;
        };
        let held = held(caller);
        let request = if let Some(key) = caller.held_before.first().copied() {
            Request::Release(Release {
                worker: id,
                job: key.job,
                attempt: key.attempt,
                reason: "a new process".into(),
            })
        } else if now >= caller.last_report + TTL / 3 && !held.is_empty() {
            caller.last_report = now;
            let progress = held
                .iter()
                .map(|key| Progress {
                    job: key.job,
                    attempt: key.attempt,
                    points: Vec::new(),
                    log: Vec::new(),
                })
                .collect();
            Request::Report(Report {
                worker: id,
                progress,
                telemetry: None,
            })
        } else if let Some((key, failure)) = caller.failures.front().cloned() {
            Request::Fail(Fail {
                worker: id,
                job: key.job,
                attempt: key.attempt,
                failure,
                next: None,
            })
        } else if let Some(record) = caller.spool.front().cloned() {
            let key = key_of(&record);
            let next = self.chance(50).then(|| Next {
                slots: 1,
                held: held.iter().copied().filter(|held| *held != key).collect(),
                warm: Vec::new(),
            });
            Request::Finish(Finish {
                worker: id,
                record: Box::new(record),
                next,
            })
        } else if held.len() < 2 {
            Request::Lease(LeaseRequest {
                worker: id,
                slots: 1 + u32::from(held.is_empty() && now.is_multiple_of(3)),
                held,
                warm: Vec::new(),
                wait_ms: PATIENCE / 2,
            })
        } else {
            self.at(50, Happening::Act(index, 0));
            return;
        };
        self.send(index, request);
    }

    fn hear(&mut self, index: usize, call: u64, reply: &Reply) -> Result<(), String> {
        // An answer to a call that is over (asked again, or of a process that died) is not heard.
        let waited = self.callers[index].call.clone();
        let Some((_, request)) =
            waited.filter(|(expected, _)| *expected == call && self.callers[index].alive)
        else {
            return Ok(());
        };
        self.callers[index].call = None;
        let soon = 1 + self.below(30);
        self.at(soon, Happening::Act(index, 0));
        match (&request, reply) {
            (_, Err(Refusal::UnknownWorker(_))) => self.callers[index].id = None,
            (Request::Submit(submission), Ok(_)) => {
                self.acknowledged_sweeps.insert(submission.name.clone());
                self.callers[0].submissions.pop_front();
            }
            (Request::Audit(_), Ok(Answer::Audited(_))) => {
                self.callers[0].audits -= 1;
                // Later there is more to audit.
                self.callers[0].frozen_until = self.now + self.below(8 * TTL);
            }
            (Request::Hello(_), Ok(Answer::Welcome(welcome))) => {
                self.callers[index].id = Some(welcome.worker);
            }
            (Request::Release(release), _) => {
                let key = LeaseKey {
                    job: release.job,
                    attempt: release.attempt,
                };
                self.callers[index].held_before.remove(&key);
            }
            (Request::Fail(_), _) => {
                self.tally.stale += u64::from(reply.is_err());
                self.callers[index].failures.pop_front();
            }
            (Request::Report(report), Ok(Answer::Report(answer))) => {
                for (progress, order) in report.progress.iter().zip(&answer.orders) {
                    if let Order::Stop(_) = order {
                        self.tally.stale += 1;
                        let key = LeaseKey {
                            job: progress.job,
                            attempt: progress.attempt,
                        };
                        self.callers[index].running.remove(&key);
                    }
                }
            }
            (Request::Finish(finish), Ok(Answer::Finish(answer))) => {
                let record = &finish.record;
                self.acknowledged_records.insert(record.job_id);
                let last = self.scheduler.as_ref().map_or(0, |scheduler| {
                    scheduler
                        .job_view(record.job_id)
                        .map_or(0, |view| view.attempts)
                });
                self.tally.late_results += u64::from(record.provenance.attempt.0 < last);
                let key = key_of(record);
                self.callers[index].spool.retain(|kept| key_of(kept) != key);
                self.take(index, &answer.assignments)?;
            }
            (Request::Lease(_), Ok(Answer::Lease(answer))) => {
                self.take(index, &answer.assignments)?;
            }
            (_, Err(refusal)) => return Err(format!("{request:?} was refused: {refusal}")),
            _ => return Err(format!("{request:?} was answered by {reply:?}")),
        }
        Ok(())
    }

    fn take(&mut self, index: usize, assignments: &[Assignment]) -> Result<(), String> {
        for assignment in assignments {
            let key = LeaseKey {
                job: assignment.job_id,
                attempt: assignment.attempt,
            };
            let on_disk = self.journal.iter().any(
                |entry| matches!(entry, Entry::Leased { leases, .. } if leases.contains(&key)),
            );
            if !on_disk {
                return Err(format!(
                    "attempt {} was told before it was written",
                    key.attempt
                ));
            }
            if held(&self.callers[index]).contains(&key) {
                return Err(format!("attempt {} was told to its holder", key.attempt));
            }
            let duration = 1 + self.below(4 * TTL);
            self.callers[index].running.insert(key, self.now + duration);
        }
        if held(&self.callers[index]).len() > 2 + self.stale_of(index) {
            return Err("a worker has more leases than slots".into());
        }
        Ok(())
    }

    /// Leases that a worker believes in and the coordinator does not any more.
    fn stale_of(&self, index: usize) -> usize {
        let live = |key: &LeaseKey| {
            self.scheduler
                .as_ref()
                .is_some_and(|scheduler| scheduler.live_lease(*key).is_some())
        };
        held(&self.callers[index])
            .iter()
            .filter(|key| !live(key))
            .count()
    }
}

/// Every lease that a worker has: running, to be failed, to be delivered.
fn held(caller: &Caller) -> Vec<LeaseKey> {
    caller
        .running
        .keys()
        .copied()
        .chain(caller.failures.iter().map(|(key, _)| *key))
        .chain(caller.spool.iter().map(key_of))
        .collect()
}

fn key_of(record: &RunRecord) -> LeaseKey {
    LeaseKey {
        job: record.job_id,
        attempt: AttemptNumber(record.provenance.attempt.0),
    }
}

fn name_of(request: &Request) -> &'static str {
    match request {
        Request::Submit(_) => "submit",
        Request::Hello(_) => "hello",
        Request::Lease(_) => "lease",
        Request::Report(_) => "report",
        Request::Finish(_) => "finish",
        Request::Fail(_) => "fail",
        Request::Release(_) => "release",
        Request::Goodbye(_) => "goodbye",
        Request::Steer(_) => "steer",
        Request::Drain { .. } => "drain",
        Request::Audit(_) => "audit",
    }
}

/// Some jobs diverge, whoever runs them.
fn diverges(job: JobId) -> bool {
    job.0[3].is_multiple_of(8)
}
