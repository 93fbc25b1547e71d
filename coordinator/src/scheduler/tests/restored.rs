//! A state that was restored from a backup, and workers that still speak of what it has forgotten.

use super::*;

/// The state of a backup that was taken before anything was handed out, restored, and the world that went on.
fn restored(jobs: u64) -> (World, World) {
    let mut before = World::new();
    before.sweep("a", jobs);
    let mut after = World::new();
    after.sweep("a", jobs);
    begin_life(&mut after, 5);
    (before, after)
}

fn begin_life(world: &mut World, random: u64) {
    let entry = world.scheduler.new_life(world.now, random);
    world.scheduler.replay(&entry).unwrap();
    world.entries.push(entry);
    world.restart();
}

#[test]
fn a_result_of_a_forgotten_attempt_is_taken() {
    let (mut before, mut after) = restored(2);
    let old = before.worker("w");
    let (first, second) = (before.one(old), before.one(old));
    // Its worker delivers without having said hello here.
    assert_eq!(after.finish(old, &first), Ok(Receipt::Recorded));
    assert_eq!(after.finish(old, &first), Ok(Receipt::Equal));
    after.restart();
    // Somebody else has begun it here meanwhile.
    let new = after.worker("v");
    let again = after.one(new);
    assert_eq!(again.job_id, second.job_id);
    assert_eq!(after.finish(old, &second), Ok(Receipt::Recorded));
    assert_eq!(after.report(new, &again), Order::Stop(StopReason::Finished));
    assert_eq!(after.finish(new, &again), Ok(Receipt::Equal));
    after.restart();
    assert_eq!(after.count("a", JobStatus::Done), 2);
}

#[test]
fn an_attempt_that_runs_since_before_the_restore_goes_on() {
    let (mut before, mut after) = restored(1);
    let old = before.worker("w");
    let job = before.one(old);
    // It is asked to say hello, and then has its lease.
    let progress = |worker| {
        Request::Report(proto::nouns::Report {
            worker,
            progress: vec![proto::nouns::Progress {
                job: job.job_id,
                attempt: job.attempt,
                points: Vec::new(),
                log: Vec::new(),
            }],
            telemetry: None,
        })
    };
    assert_eq!(after.ask(progress(old)), Err(Refusal::UnknownWorker(old)));
    let worker = after.worker("w");
    assert_ne!(worker, old);
    assert!(matches!(after.report(worker, &job), Order::Continue { .. }));
    after.restart();
    // Nobody else gets it.
    let other = after.worker("v");
    assert!(after.lease(other, 1, &[]).assignments.is_empty());
    assert!(matches!(after.report(worker, &job), Order::Continue { .. }));
    assert_eq!(after.finish(worker, &job), Ok(Receipt::Recorded));
    after.restart();
}

#[test]
fn a_lease_that_ended_in_the_earlier_life_makes_room_for_the_one_that_followed_it() {
    let mut before = World::new();
    before.sweep("a", 1);
    let (first, second) = (before.worker("w"), before.worker("v"));
    let lost = before.one(first);
    // The backup.
    let mut after = World::new();
    for entry in &before.entries {
        after.scheduler.replay(entry).unwrap();
        after.entries.push(entry.clone());
    }
    begin_life(&mut after, 0);
    before.fail(first, &lost, FailureClass::Trainer).unwrap();
    let job = before.one(second);
    assert!(matches!(after.report(second, &job), Order::Continue { .. }));
    assert_eq!(
        after.report(first, &lost),
        Order::Stop(StopReason::StaleLease)
    );
    after.restart();
    assert_eq!(after.finish(second, &job), Ok(Receipt::Recorded));
}

/// Two states that were restored from one backup, one after the other; the second drew the smaller life.
#[test]
fn an_attempt_of_a_larger_life_goes_on_too() {
    let (_, mut larger) = restored(2);
    let mut smaller = World::new();
    smaller.sweep("a", 2);
    begin_life(&mut smaller, 2);
    let old = larger.worker("w");
    let (first, second) = (larger.one(old), larger.one(old));
    let worker = smaller.worker("w");
    assert!(matches!(
        smaller.report(worker, &first),
        Order::Continue { .. }
    ));
    // Somebody else has begun this one.
    let other = smaller.worker("v");
    let ours = smaller.one(other);
    assert_eq!(ours.job_id, second.job_id);
    assert_eq!(
        smaller.report(worker, &second),
        Order::Stop(StopReason::StaleLease)
    );
    smaller.restart();
    // Whoever follows gets a number that the larger life has not given.
    smaller.fail(worker, &first, FailureClass::Trainer).unwrap();
    larger.fail(old, &first, FailureClass::Trainer).unwrap();
    let (next, theirs) = (smaller.one(other), larger.one(old));
    assert_eq!((next.job_id, theirs.job_id), (first.job_id, first.job_id));
    assert_ne!(next.attempt, theirs.attempt);
    assert_eq!(next.attempt.count(), 2);
    assert_eq!(smaller.finish(old, &theirs), Ok(Receipt::Recorded));
    assert_eq!(smaller.finish(other, &next), Ok(Receipt::Equal));
    smaller.restart();
    // A number that somebody made up does not use up the lives that there are.
    let mut made_up = ours;
    made_up.attempt = AttemptNumber((((1 << 31) - 1) << 32) | 1);
    assert_eq!(
        smaller.report(other, &made_up),
        Order::Stop(StopReason::StaleLease)
    );
}

#[test]
fn numbers_of_two_lives_are_never_the_same() {
    let (mut before, mut after) = restored(3);
    let (old, new) = (before.worker("w"), after.worker("w"));
    assert_ne!(old, new);
    let (theirs, ours) = (before.one(old), after.one(new));
    assert_eq!(theirs.job_id, ours.job_id);
    assert_ne!(theirs.attempt, ours.attempt);
    assert_eq!(ours.attempt.count(), 1);
    // The old life's attempt is over: it neither fails nor renews nor returns ours.
    assert!(matches!(
        after.fail(old, &theirs, FailureClass::Trainer),
        Err(Refusal::StaleLease { .. })
    ));
    assert_eq!(
        after.report(new, &ours),
        Order::Continue {
            time_to_live_ms: TTL
        }
    );
    // Two states that were restored from one backup, too.
    let (_, mut sibling) = restored(3);
    begin_life(&mut sibling, 8);
    let worker = sibling.worker("w");
    assert_ne!(worker, new);
    let cousin = sibling.one(worker);
    assert_ne!(cousin.attempt, ours.attempt);
    assert_eq!(after.finish(worker, &cousin), Ok(Receipt::Recorded));
    after.restart();
}

#[test]
fn an_attempt_that_nobody_handed_out_is_refused_where_nothing_was_restored() {
    let mut world = World::new();
    world.sweep("a", 1);
    let worker = world.worker("w");
    let mut job = world.one(worker);
    for attempt in [0, 2, 1 << 32, (7 << 32) | 1] {
        job.attempt = AttemptNumber(attempt);
        assert!(matches!(
            world.finish(worker, &job),
            Err(Refusal::UnknownAttempt { .. })
        ));
    }
    // And in a restored one, if it is of this very life.
    begin_life(&mut world, 3);
    job.attempt = AttemptNumber((4 << 32) | 9);
    assert!(matches!(
        world.finish(worker, &job),
        Err(Refusal::UnknownAttempt { .. })
    ));
}
