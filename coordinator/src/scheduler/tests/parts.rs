//! Submissions of many jobs, which are taken in parts.

use super::*;
use crate::scheduler::{Policy, Scheduler, Submission, Ticket};
use proto::nouns::{Refusal, Submitted};

/// A world whose parts are of two cells.
fn world() -> World {
    let mut world = World::new();
    let policy = Policy {
        submission_part: 2,
        ..Policy::default()
    };
    world.scheduler = Scheduler::new(policy);
    world
}

fn begin(world: &mut World, submission: Submission) -> Ticket {
    world.send(Request::Submit(Box::new(submission)))
}

fn told(world: &mut World, ticket: Ticket) -> Option<Submitted> {
    match world.replies.remove(&ticket) {
        None => None,
        Some(Ok(Answer::Submitted(told))) => Some(told),
        Some(other) => panic!("{other:?}"),
    }
}

fn of(name: &str, first: u64, cells: u64) -> Submission {
    submission(name, grid_on("tracks", first, cells, 1))
}

#[test]
fn parts_say_what_the_whole_says() {
    let mut whole = World::new();
    let mut parts = world();
    for world in [&mut whole, &mut parts] {
        world.sweep("a", 5);
        let worker = world.worker("w");
        for _ in 0..3 {
            let job = world.one(worker);
            world.finish(worker, &job).unwrap();
        }
    }
    let mut twice = of("b", 2, 7);
    let first = of("b", 2, 7);
    twice.ids[6] = first.ids[0];
    for submission in [of("b", 1, 6), of("a", 3, 9), of("a", 3, 9), twice] {
        let expected = whole.submit(submission.clone());
        assert_eq!(parts.submit(submission), expected);
        for sweep in ["a", "b"] {
            let info = |world: &World| {
                let info = world.scheduler.sweep_info(sweep);
                info.map(|info| info.summary.counts)
            };
            assert_eq!(info(&parts), info(&whole));
        }
        parts.restart();
    }
}

#[test]
fn nothing_is_seen_of_a_sweep_before_its_last_part() {
    let mut world = world();
    let worker = world.worker("w");
    let big = of("big", 0, 7);
    let ticket = begin(&mut world, big.clone());
    let mut steps = 0;
    while world.scheduler.is_busy() {
        assert!(world.scheduler.sweeps().is_empty());
        assert!(world.scheduler.sweep_info("big").is_err());
        assert!(world.scheduler.find_jobs("", 9).is_empty());
        assert!(world.scheduler.job_view(big.ids[0]).is_err());
        assert_eq!(world.scheduler.totals(world.now).jobs.total(), 0);
        let lease = LeaseRequest {
            worker,
            slots: 1,
            held: Vec::new(),
            warm: Vec::new(),
            wait_ms: 0,
        };
        let lease = world.send(Request::Lease(lease));
        assert!(matches!(
            world.replies.remove(&lease),
            Some(Ok(Answer::Lease(answer))) if answer.assignments.is_empty()
        ));
        let cancel = Control {
            target: Target::Sweep("big".into()),
            action: ControlAction::Cancel,
        };
        let cancel = world.send(Request::Control(cancel));
        assert!(matches!(
            world.replies.remove(&cancel),
            Some(Err(Refusal::UnknownSweep(_)))
        ));
        assert!(!world.replies.contains_key(&ticket));
        world.step(Event::Continue);
        steps += 1;
    }
    assert_eq!(steps, 6, "a beginning, four parts, an end");
    assert_eq!(told(&mut world, ticket).unwrap().new, 7);
    assert_eq!(world.count("big", JobStatus::Pending), 7);
    assert_eq!(world.one(worker).job_id, big.ids[0]);
    world.restart();
}

#[test]
fn a_crash_between_any_two_parts_leaves_nothing_that_is_seen() {
    for steps in 1..=6 {
        let mut world = world();
        world.sweep("small", 2);
        let big = of("big", 1, 7);
        let ticket = begin(&mut world, big.clone());
        for _ in 0..steps {
            world.step(Event::Continue);
        }
        let is_taken = told(&mut world, ticket).is_some();
        assert_eq!(is_taken, steps == 6);
        // A snapshot between the parts as well.
        world.restart();
        assert!(!world.scheduler.is_busy());
        assert_eq!(world.scheduler.sweep_info("big").is_ok(), is_taken);
        let jobs = if is_taken { 8 } else { 2 };
        assert_eq!(world.scheduler.find_jobs("", 99).len(), jobs);
        world.restart();
        let again = world.submit(big.clone());
        assert_eq!((again.jobs, again.new), (7, if is_taken { 0 } else { 6 }));
        assert_eq!(world.count("big", JobStatus::Pending), 7);
        world.restart();
    }
}

#[test]
fn others_may_submit_the_same_between_the_parts() {
    let mut world = world();
    let worker = world.worker("w");
    let big = begin(&mut world, of("big", 0, 7));
    let other = begin(&mut world, of("other", 3, 6));
    for _ in 0..3 {
        world.step(Event::Continue);
    }
    // Small ones do not wait: the same name, and jobs that a part has brought already.
    let small = begin(&mut world, of("big", 1, 2));
    assert_eq!(told(&mut world, small).unwrap().new, 2);
    assert_eq!(world.count("big", JobStatus::Pending), 2);
    let lease = LeaseRequest {
        worker,
        slots: 1,
        held: Vec::new(),
        warm: Vec::new(),
        wait_ms: 0,
    };
    world.send(Request::Lease(lease));
    world.step(Event::Continue);
    world.go_on();
    let told_big = told(&mut world, big).unwrap();
    assert_eq!((told_big.new, told_big.hidden), (5, 0));
    let told_other = told(&mut world, other).unwrap();
    assert_eq!((told_other.new, told_other.shared), (2, 4));
    assert_eq!(world.count("big", JobStatus::Pending), 6);
    assert_eq!(world.count("big", JobStatus::Running), 1);
    assert_eq!(world.count("other", JobStatus::Pending), 6);
    let cancelled = world.control(Target::Sweep("big".into()), ControlAction::Cancel);
    assert_eq!(cancelled, 3);
    world.restart();
}

#[test]
fn one_that_nobody_waits_for_goes_on_only_where_it_has_begun() {
    let mut world = world();
    let first = begin(&mut world, of("first", 0, 3));
    let second = begin(&mut world, of("second", 0, 4));
    world.step(Event::Continue);
    world.step(Event::Abandon(first));
    world.step(Event::Abandon(second));
    world.go_on();
    assert!(world.scheduler.sweep_info("first").is_ok());
    assert!(world.scheduler.sweep_info("second").is_err());
}

#[test]
fn entries_that_do_not_fit_change_nothing() {
    let mut world = world();
    world.submit(of("big", 0, 5));
    let entries = world.entries.clone();
    let parts = |kept: &dyn Fn(usize) -> bool| {
        let mut scheduler = Scheduler::new(Policy::default());
        for (_, entry) in entries.iter().enumerate().filter(|(at, _)| kept(*at)) {
            scheduler.replay(entry).unwrap();
        }
        scheduler.check().unwrap();
        scheduler.sweeps().len()
    };
    assert_eq!(entries.len(), 5);
    assert_eq!(parts(&|_| true), 1);
    for missing in 0..entries.len() {
        assert_eq!(parts(&|at| at != missing), 0);
    }
}
