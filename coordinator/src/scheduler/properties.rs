//! Random sequences of events, valid and not. After each step the state is checked for contradictions, and against what
//! may never happen.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sweeps::{AttemptNumber, Failure, FailureClass, JobId, JobStatus};

use super::fixture::{self, grid_on, hello, submission};
use super::tests::world::World;
use super::{Entry, Event, Policy, Request, Scheduler, Ticket};
use proto::nouns::{
    Audit, Control, ControlAction, Fail, Finish, Goodbye, LeaseRequest, Next, Progress, Release,
    Report, Target, WorkerId,
};

#[derive(Debug, Clone)]
enum Action {
    Submit {
        name: u8,
        first: u8,
        count: u8,
    },
    Hello {
        name: u8,
        session: u8,
        slots: u8,
        knows: bool,
    },
    Lease {
        worker: u8,
        slots: u8,
        wait: bool,
        honest: bool,
    },
    Report {
        worker: u8,
        job: u8,
        attempt: u8,
    },
    Finish {
        worker: u8,
        job: u8,
        attempt: u8,
        wrong: bool,
        next: bool,
    },
    Fail {
        worker: u8,
        job: u8,
        attempt: u8,
        class: u8,
    },
    Release {
        worker: u8,
        job: u8,
        attempt: u8,
    },
    Goodbye {
        worker: u8,
    },
    Drain {
        name: u8,
    },
    Control {
        sweep: Option<u8>,
        job: u8,
        action: u8,
    },
    Pass {
        seconds: u8,
    },
    Abandon {
        ticket: u8,
    },
    Restart,
    Audit {
        name: u8,
        percent: u8,
    },
    TakeOver {
        job: u8,
    },
}

fn action() -> impl Strategy<Value = Action> {
    let w = 1..5_u8;
    let j = 0..8_u8;
    // Mostly the live attempt (0 means that), sometimes any other.
    let a = prop_oneof![3 => Just(0_u8), 1 => 1..6_u8];
    prop_oneof![
        2 => (0..3_u8, 0..4_u8, 1..5_u8).prop_map(|(name, first, count)| Action::Submit { name, first, count }),
        3 => (0..3_u8, 0..2_u8, 1..4_u8, prop::bool::weighted(0.9))
            .prop_map(|(name, session, slots, knows)| Action::Hello { name, session, slots, knows }),
        6 => (w.clone(), 0..4_u8, any::<bool>(), prop::bool::weighted(0.8))
            .prop_map(|(worker, slots, wait, honest)| Action::Lease { worker, slots, wait, honest }),
        3 => (w.clone(), j.clone(), a.clone()).prop_map(|(worker, job, attempt)| Action::Report { worker, job, attempt }),
        4 => (w.clone(), j.clone(), a.clone(), prop::bool::weighted(0.1), any::<bool>())
            .prop_map(|(worker, job, attempt, wrong, next)| Action::Finish { worker, job, attempt, wrong, next }),
        3 => (w.clone(), j.clone(), a.clone(), 0..7_u8)
            .prop_map(|(worker, job, attempt, class)| Action::Fail { worker, job, attempt, class }),
        1 => (w.clone(), j.clone(), a).prop_map(|(worker, job, attempt)| Action::Release { worker, job, attempt }),
        1 => w.prop_map(|worker| Action::Goodbye { worker }),
        1 => (0..3_u8).prop_map(|name| Action::Drain { name }),
        1 => j.clone().prop_map(|job| Action::TakeOver { job }),
        2 => (prop::option::of(0..3_u8), j, 0..4_u8).prop_map(|(sweep, job, action)| Action::Control { sweep, job, action }),
        3 => (1..90_u8).prop_map(|seconds| Action::Pass { seconds }),
        1 => (0..60_u8).prop_map(|ticket| Action::Abandon { ticket }),
        1 => Just(Action::Restart),
        2 => (0..3_u8, 1..100_u8).prop_map(|(name, percent)| Action::Audit { name, percent }),
    ]
}

/// The ids of the jobs that can come up, so that messages can name jobs that exist not yet, or not any more.
fn ids() -> Vec<JobId> {
    submission("all", grid_on("tracks", 0, 8, 1)).ids
}

fn perform(world: &mut World, ids: &[JobId], action: &Action) {
    let attempt_of = |world: &World, job: u8, attempt: u8| {
        if attempt > 0 {
            return AttemptNumber(attempt.into());
        }
        world
            .scheduler
            .job_view(ids[job as usize])
            .map_or(AttemptNumber(1), |view| AttemptNumber(view.attempts))
    };
    let held = |world: &World, worker: WorkerId| {
        world
            .scheduler
            .workers(world.now)
            .into_iter()
            .find(|view| view.worker == worker)
            .map_or(Vec::new(), |view| view.leases)
    };
    match *action {
        Action::Submit { name, first, count } => {
            let grid = grid_on("tracks", first.into(), count.into(), 1);
            // Of more than two cells: in parts, between which everything else happens.
            world.send(Request::Submit(Box::new(submission(
                &format!("s{name}"),
                grid,
            ))));
        }
        Action::Hello {
            name,
            session,
            slots,
            knows,
        } => {
            let mut hello = hello(&format!("w{name}"), session.into(), slots.into());
            if !knows {
                hello.datasets.clear();
            }
            world.send(Request::Hello(Box::new(hello)));
        }
        Action::Lease {
            worker,
            slots,
            wait,
            honest,
        } => {
            let worker = WorkerId(worker.into());
            let held = if honest {
                held(world, worker)
            } else {
                Vec::new()
            };
            world.send(Request::Lease(LeaseRequest {
                worker,
                slots: slots.into(),
                held,
                warm: Vec::new(),
                wait_ms: if wait { 20_000 } else { 0 },
            }));
        }
        Action::Report {
            worker,
            job,
            attempt,
        } => {
            let progress = Progress {
                job: ids[job as usize],
                attempt: attempt_of(world, job, attempt),
                points: Vec::new(),
                log: vec!["line".into()],
            };
            world.send(Request::Report(Report {
                worker: WorkerId(worker.into()),
                progress: vec![progress],
                telemetry: None,
            }));
        }
        Action::Finish {
            worker,
            job,
            attempt,
            wrong,
            next,
        } => {
            let attempt = attempt_of(world, job, attempt);
            let mut record = fixture::record(ids[job as usize], attempt, &format!("w{worker}"));
            if wrong {
                record.outcome.curve.clear();
            }
            let worker = WorkerId(worker.into());
            let next = next.then(|| Next {
                slots: 1,
                held: held(world, worker),
                warm: Vec::new(),
            });
            world.send(Request::Finish(Finish {
                worker,
                record: Box::new(record),
                next,
            }));
        }
        Action::Fail {
            worker,
            job,
            attempt,
            class,
        } => {
            let attempt = attempt_of(world, job, attempt);
            world.send(Request::Fail(Fail {
                worker: WorkerId(worker.into()),
                job: ids[job as usize],
                attempt,
                failure: Failure::new(FailureClass::ALL[class as usize], "it failed"),
                next: None,
            }));
        }
        Action::Release {
            worker,
            job,
            attempt,
        } => {
            let attempt = attempt_of(world, job, attempt);
            world.send(Request::Release(Release {
                worker: WorkerId(worker.into()),
                job: ids[job as usize],
                attempt,
                reason: String::new(),
            }));
        }
        Action::Goodbye { worker } => {
            world.send(Request::Goodbye(Goodbye {
                worker: WorkerId(worker.into()),
                reason: String::new(),
            }));
        }
        Action::Drain { name } => {
            world.send(Request::Drain {
                worker: format!("w{name}"),
                reason: "asked".into(),
            });
        }
        Action::Control { sweep, job, action } => {
            let target = match sweep {
                Some(name) => Target::Sweep(format!("s{name}")),
                None => Target::Job(ids[job as usize]),
            };
            let action = [
                ControlAction::Cancel,
                ControlAction::Pause,
                ControlAction::Resume,
                ControlAction::Retry,
            ][action as usize];
            world.send(Request::Control(Control { target, action }));
        }
        Action::Pass { seconds } => world.pass(u64::from(seconds) * 1000),
        Action::Abandon { ticket } => world.step(Event::Abandon(Ticket(ticket.into()))),
        Action::Restart => world.restart(),
        Action::Audit { name, percent } => {
            world.send(Request::Audit(Audit {
                sweep: format!("s{name}"),
                fraction: f64::from(percent) / 100.0,
            }));
        }
        Action::TakeOver { job } => {
            // Of an attempt of another state: its number says nothing here.
            let mut record = fixture::record(ids[job as usize], AttemptNumber(3), "elsewhere");
            record.provenance.cached_since_ms = Some(1);
            world.send(Request::TakeOver(vec![record]));
        }
    }
}

/// What a job was like before a step.
fn snapshot(world: &World, ids: &[JobId]) -> BTreeMap<JobId, (JobStatus, u64)> {
    ids.iter()
        .filter_map(|id| {
            let view = world.scheduler.job_view(*id).ok()?;
            Some((*id, (view.status, view.attempts)))
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn no_sequence_of_events_breaks_a_rule(actions in prop::collection::vec(action(), 1..60)) {
        let mut world = World::new();
        // A submission of more than two cells has parts, and everything else happens between them.
        let policy = Policy { submission_part: 2, ..Policy::default() };
        world.scheduler = Scheduler::new(policy);
        let ids = ids();
        for action in actions {
            let before = snapshot(&world, &ids);
            let revives = matches!(action, Action::Control { action: 3, .. } | Action::Submit { .. })
                || world.scheduler.is_busy();
            perform(&mut world, &ids, &action);
            world.step(Event::Continue);
            let after = snapshot(&world, &ids);
            for (id, (status, attempts)) in before {
                let (now, tried) = after[&id];
                prop_assert!(tried >= attempts, "attempts fell");
                if status == JobStatus::Done {
                    prop_assert_eq!(now, JobStatus::Done);
                } else if status.is_settled() && now != status {
                    // Only a person or a late result wakes what is settled.
                    prop_assert!(revives || now == JobStatus::Done, "{} became {}", status, now);
                }
            }
        }
        let mut leased: BTreeMap<JobId, u64> = BTreeMap::new();
        let mut finished: BTreeMap<JobId, u32> = BTreeMap::new();
        for entry in &world.entries {
            match entry {
                Entry::Leased { leases, .. } => for lease in leases {
                    let last = leased.entry(lease.job).or_default();
                    prop_assert!(lease.attempt.0 > *last, "an attempt was given twice");
                    *last = lease.attempt.0;
                },
                Entry::Finished { record, .. } => *finished.entry(record.job_id).or_default() += 1,
                _ => {}
            }
        }
        prop_assert!(finished.values().all(|times| *times == 1), "a job has two records");
        world.restart();
    }
}
