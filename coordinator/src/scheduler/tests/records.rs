//! Results: the first is taken, a second must agree.

use super::*;

#[test]
fn a_silent_lease_expires_and_its_late_result_is_still_taken() {
    let mut world = World::new();
    world.sweep("a", 1);
    let (slow, fast) = (world.worker("slow"), world.worker("fast"));
    let old = world.one(slow);
    world.pass(TTL - 1);
    assert_eq!(
        world.report(slow, &old),
        Order::Continue {
            time_to_live_ms: TTL
        }
    );
    world.pass(TTL - 1);
    assert_eq!(world.status(old.job_id), JobStatus::Running);
    world.pass(1);
    assert_eq!(world.status(old.job_id), JobStatus::Pending);

    let new = world.one(fast);
    assert_eq!((new.job_id, new.attempt), (old.job_id, AttemptNumber(2)));
    // The old attempt is fenced.
    let stale = Refusal::StaleLease {
        job: old.job_id,
        attempt: old.attempt,
    };
    assert_eq!(
        world.report(slow, &old),
        Order::Stop(StopReason::StaleLease)
    );
    assert_eq!(
        world.fail(slow, &old, FailureClass::Trainer),
        Err(stale.clone())
    );
    let release = Release {
        worker: slow,
        job: old.job_id,
        attempt: old.attempt,
        reason: String::new(),
    };
    assert_eq!(world.ask(Request::Release(release)), Err(stale));
    assert_eq!(world.status(old.job_id), JobStatus::Running);
    // But its result counts, and the newer attempt is told to stop; what that one delivers is compared.
    assert_eq!(world.finish(slow, &old), Ok(Receipt::Recorded));
    assert_eq!(world.report(fast, &new), Order::Stop(StopReason::Finished));
    assert_eq!(world.finish(fast, &new), Ok(Receipt::Equal));
    assert_eq!(world.scheduler.job_view(old.job_id).unwrap().attempts, 2);
    world.restart();
}

#[test]
fn a_second_result_that_differs_is_kept_and_counted_once() {
    let mut world = World::new();
    world.sweep("a", 1);
    let worker = world.worker("w");
    let old = world.one(worker);
    world.pass(TTL);
    let new = world.one(worker);
    world.finish(worker, &new).unwrap();
    let mut other = fixture::record(old.job_id, old.attempt, "w");
    other.outcome.curve[0].auc_d = Some(0.123);
    assert_eq!(world.deliver(worker, other.clone()), Ok(Receipt::Differs));
    assert_eq!(world.deliver(worker, other.clone()), Ok(Receipt::Differs));
    assert_eq!(world.scheduler.sweep_info("a").unwrap().discrepancies, 1);
    assert!(
        matches!(world.entries.last(), Some(Entry::Compared { record: Some(kept), .. }) if **kept == other)
    );
    other.provenance.device.kind = "cuda-sm90".into();
    assert_eq!(world.deliver(worker, other), Ok(Receipt::NotComparable));
    assert_eq!(world.scheduler.sweep_info("a").unwrap().discrepancies, 1);
    let reasons = world
        .scheduler
        .explain(old.job_id, world.now)
        .unwrap()
        .reasons;
    assert!(
        reasons
            .iter()
            .any(|reason| reason.contains("another result")),
        "{reasons:?}"
    );
    world.restart();
}
