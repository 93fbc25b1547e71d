//! Finished jobs that are run again.

use super::*;
use proto::nouns::{Audit, AuditStamp, AuditVerdict, Audited};

fn audit(world: &mut World, fraction: f64) -> Audited {
    let audit = Audit {
        sweep: "s".into(),
        fraction,
    };
    match world.ask(Request::Audit(audit)) {
        Ok(Answer::Audited(audited)) => audited,
        other => panic!("{other:?}"),
    }
}

fn stamp(world: &World) -> AuditStamp {
    world.scheduler.sweep_info("s").unwrap().audit
}

/// A sweep of that many jobs, all done by the worker `a`.
fn finished(jobs: u64) -> (World, WorkerId) {
    let mut world = World::new();
    world.sweep("s", jobs);
    let a = world.worker("a");
    for _ in 0..jobs {
        let job = world.one(a);
        let record = fixture::record(job.job_id, job.attempt, "a");
        world.deliver(a, record).unwrap();
    }
    (world, a)
}

fn reasons(world: &World, job: JobId) -> String {
    let explanation = world.scheduler.explain(job, world.now).unwrap();
    explanation.reasons.join("; ")
}

#[test]
fn a_share_is_the_same_jobs_each_time_and_a_larger_one_these_and_more() {
    let (mut world, _) = finished(40);
    let chosen = |world: &World| match world.entries.last() {
        Some(Entry::AuditAsked { jobs, .. }) => jobs.clone(),
        other => panic!("{other:?}"),
    };
    let told = audit(&mut world, 0.05);
    assert_eq!((told.finished, told.chosen, told.queued), (40, 2, 2));
    let few = chosen(&world);
    let entries = world.entries.len();
    assert_eq!(audit(&mut world, 0.05).queued, 0);
    assert_eq!(world.entries.len(), entries, "nothing new");
    let told = audit(&mut world, 0.2);
    assert_eq!((told.chosen, told.queued), (8, 6));
    assert!(chosen(&world).iter().all(|job| !few.contains(job)));
    assert_eq!(stamp(&world).waiting, 8);
    world.restart();
    assert_eq!(stamp(&world).waiting, 8);
    // At least one.
    let (mut other, _) = finished(3);
    assert_eq!(audit(&mut other, 0.001).queued, 1);
    for fraction in [0.0, -1.0, 1.1, f64::NAN] {
        let audit = Audit {
            sweep: "s".into(),
            fraction,
        };
        assert!(matches!(
            other.ask(Request::Audit(audit)),
            Err(Refusal::Invalid(_))
        ));
    }
}

#[test]
fn another_worker_runs_it_when_it_has_nothing_else_to_do() {
    let (mut world, a) = finished(1);
    let b = world.worker("b");
    world.submit(submission("other", grid_on("tracks", 50, 1, 1)));
    audit(&mut world, 1.0);
    let job = world.scheduler.find_jobs("", 1)[0];
    assert!(reasons(&world, job).contains("waits for a worker that has nothing else"));
    let first = world.one(b);
    assert_ne!(first.job_id, job, "jobs that wait come first");
    assert!(
        world.lease(a, 1, &[]).assignments.is_empty(),
        "its own worker does not get it"
    );
    let again = world.lease(b, 1, &[&first]).assignments.remove(0);
    assert_eq!((again.job_id, again.attempt), (job, AttemptNumber(2)));
    assert_eq!(world.status(job), JobStatus::Done);
    assert!(matches!(world.report(b, &again), Order::Continue { .. }));
    assert!(reasons(&world, job).contains("attempt 2 runs it again on `b`"));
    world.restart();
    assert_eq!(world.finish(b, &again).unwrap(), Receipt::Equal);
    let rows = world.scheduler.cell_rows("s").unwrap().1;
    assert_eq!(
        rows[0].last_attempt,
        AttemptNumber(1),
        "the report's line stays as it was"
    );
    let stamp = stamp(&world);
    assert_eq!((stamp.equal, stamp.compared(), stamp.waiting), (1, 1, 0));
    assert!(reasons(&world, job).contains("equal to the bit"));
    // Repeating the answer that got lost changes nothing.
    let entries = world.entries.len();
    assert_eq!(world.finish(b, &again).unwrap(), Receipt::Equal);
    assert_eq!(world.entries.len(), entries);
    assert_eq!(audit(&mut world, 1.0).queued, 0);
}

#[test]
fn the_only_worker_audits_itself() {
    let (mut world, a) = finished(1);
    audit(&mut world, 1.0);
    let again = world.one(a);
    world.finish(a, &again).unwrap();
    assert_eq!(stamp(&world).equal, 1);
}

#[test]
fn a_worker_that_waits_is_woken_for_an_audit() {
    let (mut world, _) = finished(1);
    let b = world.worker("b");
    let ticket = world.send(Request::Lease(LeaseRequest {
        worker: b,
        slots: 1,
        held: Vec::new(),
        warm: Vec::new(),
        wait_ms: 20_000,
    }));
    audit(&mut world, 1.0);
    let answer = lease_answer(world.replies.remove(&ticket).expect("woken"));
    assert_eq!(answer.assignments.len(), 1);
}

#[test]
fn a_wrong_second_result_is_flagged_and_replaces_nothing() {
    let (mut world, _) = finished(1);
    let b = world.worker("b");
    audit(&mut world, 1.0);
    let again = world.one(b);
    let mut record = fixture::record(again.job_id, again.attempt, "b");
    record.outcome.curve.clear();
    assert_eq!(world.deliver(b, record.clone()).unwrap(), Receipt::Differs);
    assert_eq!(stamp(&world).different, 1);
    assert_eq!(world.scheduler.sweep_info("s").unwrap().discrepancies, 1);
    assert!(reasons(&world, again.job_id).contains("DIFFERENT"));
    let recorded = world
        .entries
        .iter()
        .filter(|entry| matches!(entry, Entry::Finished { .. }));
    assert_eq!(recorded.count(), 1);
    assert!(matches!(
        world.entries.last(),
        Some(Entry::Compared { record: Some(kept), audit: Some(AuditVerdict::Different), .. }) if **kept == record
    ));
    world.restart();
    assert_eq!(stamp(&world).different, 1);
}

#[test]
fn across_kinds_of_devices_a_stated_tolerance_decides() {
    for (shift, verdict) in [
        (0.015, AuditVerdict::Within),
        (0.025, AuditVerdict::Different),
    ] {
        let mut world = World::new();
        world.sweep("s", 1);
        let (a, b) = (world.worker("a"), world.worker("b"));
        let job = world.one(a);
        let record = |attempt, worker: &str, auc: f64| {
            let mut record = fixture::record(job.job_id, attempt, worker);
            record.outcome.metrics.g = Some(sweeps::ScoreMetrics {
                auc: Some(auc),
                ..sweeps::ScoreMetrics::default()
            });
            record
        };
        world.deliver(a, record(job.attempt, "a", 0.8)).unwrap();
        audit(&mut world, 1.0);
        let again = world.one(b);
        let mut second = record(again.attempt, "b", 0.8 - shift);
        second.provenance.device.kind = "cuda".into();
        assert_eq!(world.deliver(b, second).unwrap(), Receipt::NotComparable);
        let mut expected = AuditStamp {
            tolerance: proto::nouns::TOLERANCE,
            ..AuditStamp::default()
        };
        expected.count(verdict);
        assert_eq!(stamp(&world), expected);
    }
}

#[test]
fn an_audit_survives_workers_that_fail_it_until_it_is_given_up() {
    let (mut world, a) = finished(1);
    let b = world.worker("b");
    audit(&mut world, 1.0);
    let lost = world.one(b);
    world.pass(TTL + 1);
    assert!(matches!(world.report(b, &lost), Order::Stop(_)));
    assert_eq!(
        (stamp(&world).waiting, world.status(lost.job_id)),
        (1, JobStatus::Done)
    );
    let released = world.one(b);
    world
        .ask(Request::Release(Release {
            worker: b,
            job: released.job_id,
            attempt: released.attempt,
            reason: String::new(),
        }))
        .unwrap();
    for attempt in 4..=7 {
        let job = world.one(b);
        assert_eq!(job.attempt, AttemptNumber(attempt));
        world.fail(b, &job, FailureClass::Trainer).unwrap();
        world.restart();
    }
    assert_eq!((stamp(&world).waiting, stamp(&world).failed), (0, 1));
    assert_eq!(world.status(lost.job_id), JobStatus::Done);
    // It may be asked for again. A late result is as good as any.
    assert_eq!(audit(&mut world, 1.0).queued, 1);
    let running = world.one(b);
    world.finish(b, &lost).unwrap();
    assert_eq!(stamp(&world).equal, 1);
    assert_eq!(world.report(b, &running), Order::Stop(StopReason::Finished));
    assert!(world.lease(a, 1, &[]).assignments.is_empty());
}

#[test]
fn a_job_that_falls_out_of_its_sweep_is_not_audited_any_more() {
    let (mut world, _) = finished(2);
    let b = world.worker("b");
    audit(&mut world, 1.0);
    let running = world.one(b);
    world.submit(submission("s", grid_on("tracks", 7, 1, 1)));
    assert_eq!(world.report(b, &running), Order::Stop(StopReason::Finished));
    assert!(!world.scheduler.has_audits());
    world.restart();
}

#[test]
fn cancelling_ends_audits_and_pausing_holds_them() {
    let (mut world, _) = finished(2);
    let b = world.worker("b");
    audit(&mut world, 1.0);
    let target = || Target::Sweep("s".into());
    world.control(target(), ControlAction::Pause);
    assert!(world.lease(b, 1, &[]).assignments.is_empty());
    world.control(target(), ControlAction::Resume);
    let running = world.one(b);
    assert_eq!(world.control(target(), ControlAction::Cancel), 2);
    assert_eq!(stamp(&world).waiting, 0);
    assert_eq!(world.report(b, &running), Order::Stop(StopReason::Finished));
    assert_eq!(world.count("s", JobStatus::Done), 2);
    // What is over was not cancelled.
    assert!(!world.scheduler.sweep_info("s").unwrap().summary.cancelled);
    world.restart();
    assert!(!world.scheduler.sweep_info("s").unwrap().summary.cancelled);
}

/// Who watches sees a result that stands, not the epochs of a job that is run again to check it.
#[test]
fn the_epochs_of_an_audit_are_no_news() {
    use proto::nouns::Change;
    use sweeps::{EpochPoint, Phase};

    let (mut world, a) = finished(1);
    let epochs = |world: &World| {
        let told = world.told.iter();
        told.filter(|change| matches!(change, Change::Epochs { .. }))
            .count()
    };
    let b = world.worker("b");
    audit(&mut world, 1.0);
    let again = world.one(b);
    world.report_epochs(b, &again, vec![EpochPoint::new(Phase::Train, 1)]);
    assert_eq!(epochs(&world), 0);
    world.sweep("other", 3);
    let first = world.one(a);
    world.report_epochs(a, &first, vec![EpochPoint::new(Phase::Train, 1)]);
    assert_eq!(epochs(&world), 1);
}
