//! The coordinator of a world: its starts, its turns, its deaths; and the network.

use super::*;
use crate::scheduler::fairness::Fairness;

impl World {
    pub(super) fn kill_coordinator(&mut self) {
        if self.scheduler.take().is_some() {
            self.tally.coordinator_kills += 1;
            self.tickets.clear();
            let delay = 1 + self.below(4 * self.scale.ttl);
            self.at(delay, Happening::Start);
        }
    }

    pub(super) fn stand_still(&mut self, duration: u64) {
        if self.scheduler.is_some() {
            self.tally.stood_still += 1;
            self.frozen_until = self.frozen_until.max(self.now + duration);
            if duration >= self.scale.ttl / 3 {
                self.went_on = Some(self.frozen_until);
            }
        }
    }

    /// Whether something has to wait until the coordinator goes on; its timer also for everything that came before it.
    pub(super) fn waits_at_the_door(&self, happening: &Happening) -> bool {
        let stands = self.now < self.frozen_until;
        match happening {
            Happening::Arrive(..) | Happening::Continue => stands,
            Happening::Wake => {
                stands
                    || self.sabotage != Sabotage::TickBeforeCalls
                        && self.at_the_door().next().is_some()
            }
            _ => false,
        }
    }

    /// What reaches the coordinator now and was not heard yet.
    pub(super) fn at_the_door(&self) -> impl Iterator<Item = &Request> {
        let now = (self.now, 0)..(self.now + 1, 0);
        self.queue
            .range(now)
            .filter_map(|(_, happening)| match happening {
                Happening::Arrive(_, _, request) => Some(request),
                _ => None,
            })
    }

    pub(super) fn start(&mut self) -> Result<(), String> {
        if self.scheduler.is_some() {
            return Ok(());
        }
        if self.sabotage == Sabotage::LoseLastEntry {
            self.journal.pop();
            let rest = std::mem::take(&mut self.journal);
            self.live.clear();
            self.leased.clear();
            self.wanted.clear();
            self.recorded.clear();
            self.write(rest);
        }
        let mut scheduler = Scheduler::new(self.policy.clone());
        for entry in &self.journal {
            scheduler.replay(entry).map_err(|error| error.to_string())?;
        }
        // Sometimes the journal was compacted before.
        if self.chance(50) {
            let mut restored = Scheduler::new(self.policy.clone());
            for entry in scheduler.image() {
                restored.replay(&entry).map_err(|error| error.to_string())?;
            }
            if restored.fingerprint() != scheduler.fingerprint() {
                return Err("a snapshot is another state".into());
            }
            scheduler = restored;
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
        // A new process: that of before may stand still for ever.
        self.frozen_until = 0;
        self.went_on = None;
        self.passed_over.clear();
        self.turn(vec![Event::Recovered], &[])
    }

    pub(super) fn turn(&mut self, events: Vec<Event>, fenced: &[bool]) -> Result<(), String> {
        let now = Timestamp(self.now);
        let Some(scheduler) = &mut self.scheduler else {
            return Ok(());
        };
        let mut entries = Vec::new();
        let mut replies = Vec::new();
        let mut wake = None;
        for event in events {
            if self.sabotage == Sabotage::ForgetWhoseTurn {
                scheduler.fairness = Fairness::default();
            }
            for effect in scheduler.step(now, event) {
                match effect {
                    Effect::Persist(entry) => entries.push(entry),
                    Effect::Reply(ticket, reply) => replies.push((ticket, reply)),
                    Effect::WakeAt(at) => wake = Some(at),
                    Effect::Publish(_) | Effect::Keep { .. } => {}
                }
            }
            self.turns += 1;
            if self.turns.is_multiple_of(self.scale.check_every) {
                scheduler.check()?;
            }
        }
        let scheduler_is_busy = scheduler.is_busy();
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
            self.judge_loss(entry)?;
            self.judge_turns(entry)?;
            self.tally.dropped += u64::from(matches!(entry, Entry::SubmissionDropped { .. }));
            self.tally.audited +=
                u64::from(matches!(entry, Entry::Compared { audit: Some(_), .. }));
            if let Entry::Failed { failure, .. } = entry {
                self.tally.expired += u64::from(failure.class == FailureClass::WorkerLost);
            }
        }
        if scheduler_is_busy && !self.continues {
            self.continues = true;
            self.at(1, Happening::Continue);
        }
        if let Some(at) = wake {
            self.at(at.since(now), Happening::Wake);
        }
        let dies = self.now < self.scale.quiet
            && !entries.is_empty()
            && self.below(1_000_000) < self.scale.deaths;
        if dies {
            // Any number of the turn's entries got to the disk, with all of them the answers may still be untold.
            let written = self.below(entries.len() as u64 + 1) as usize;
            self.write(entries.into_iter().take(written));
            if self.sabotage == Sabotage::ReplyBeforeFlush {
                self.tell(replies);
            }
            self.kill_coordinator();
            return Ok(());
        }
        self.write(entries);
        self.tell(replies);
        Ok(())
    }

    pub(super) fn tell(&mut self, replies: Vec<(Ticket, Reply)>) {
        for (ticket, reply) in replies {
            if let Some((caller, call)) = self.tickets.remove(&ticket) {
                self.travel(Happening::Answer(caller, call, reply));
            }
        }
    }

    pub(super) fn travel(&mut self, message: Happening) {
        let wild = self.now < self.scale.quiet;
        if wild && self.chance(5) {
            self.tally.lost += 1;
            return;
        }
        if wild && self.chance(5) {
            self.tally.doubled += 1;
            let delay = 1 + self.below(3 * self.scale.ttl);
            self.at(delay, message.clone());
        }
        // Mostly quick; sometimes later than a lease lives.
        let longest = if wild && self.chance(12) {
            3 * self.scale.ttl
        } else {
            20
        };
        let delay = 1 + self.below(longest);
        self.at(delay, message);
    }

    pub(super) fn send(&mut self, caller: usize, request: Request) {
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
        self.at(self.scale.patience, Happening::Act(caller, call));
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
        Request::Control(_) => "control",
        Request::Drain { .. } => "drain",
        Request::Audit(_) => "audit",
        Request::TakeOver(_) => "take-over",
    }
}
