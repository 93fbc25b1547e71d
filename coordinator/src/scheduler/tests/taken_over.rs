//! Results from elsewhere: they end jobs that nobody trains then, and never count as an attempt.

use proto::nouns::Audit;

use super::*;
use crate::scheduler::Reuse;

const SINCE: u64 = 900_000;

/// A result that another folder's run has made, as attempt 7 of its state.
fn elsewhere(job: JobId) -> sweeps::RunRecord {
    let mut record = fixture::record(job, AttemptNumber(7), "other-1");
    record.provenance.cached_since_ms = Some(SINCE);
    record
}

fn jobs(world: &World) -> Vec<JobId> {
    let reuse = world.scheduler.reuse("a").unwrap();
    reuse.into_iter().map(|(job, _)| job).collect()
}

fn take_over(world: &mut World, records: Vec<sweeps::RunRecord>) -> Result<u64, Refusal> {
    match world.ask(Request::TakeOver(records))? {
        Answer::Changed(taken) => Ok(taken),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_result_from_elsewhere_ends_its_job_with_its_own_provenance_and_is_said_to_be_one() {
    let mut world = World::new();
    world.sweep("a", 3);
    let ids = jobs(&world);
    // Twice in one call is once.
    let taken = take_over(&mut world, vec![elsewhere(ids[0]), elsewhere(ids[0])]);
    assert_eq!(taken, Ok(1));
    assert_eq!(world.status(ids[0]), JobStatus::Done);
    assert_eq!(world.scheduler.job_view(ids[0]).unwrap().attempts, 0);
    let Some(Entry::Finished { at, record }) = world.entries.last() else {
        panic!("{:?}", world.entries.last());
    };
    assert_eq!((*at, &**record), (world.now, &elsewhere(ids[0])));
    let reasons = world.scheduler.explain(ids[0], world.now).unwrap().reasons;
    assert!(reasons[0].contains("not trained here"), "{reasons:?}");
    assert!(
        reasons[0].contains("1 minute ago; `other-1`"),
        "{reasons:?}"
    );
    // A job that is done keeps what it has; the others are handed out.
    assert_eq!(take_over(&mut world, vec![elsewhere(ids[0])]), Ok(0));
    let worker = world.worker("w");
    let leased: Vec<JobId> = [world.one(worker), world.one(worker)]
        .map(|one| one.job_id)
        .into();
    assert!(!leased.contains(&ids[0]));
    world.restart();
    let reuse: Vec<Reuse> = world
        .scheduler
        .reuse("a")
        .unwrap()
        .into_iter()
        .map(|(_, reuse)| reuse)
        .collect();
    assert_eq!(reuse, [Reuse::Settled, Reuse::Wanted, Reuse::Wanted]);
}

#[test]
fn a_running_job_is_ended_and_what_its_attempt_still_delivers_is_compared() {
    let mut world = World::new();
    world.sweep("a", 1);
    let worker = world.worker("w");
    let running = world.one(worker);
    assert_eq!(
        take_over(&mut world, vec![elsewhere(running.job_id)]),
        Ok(1)
    );
    assert_eq!(
        world.report(worker, &running),
        Order::Stop(StopReason::Finished)
    );
    assert!(world.held(worker).is_empty());
    assert_eq!(world.finish(worker, &running), Ok(Receipt::Equal));
    world.restart();
}

#[test]
fn an_audit_of_a_result_from_elsewhere_trains_it_here() {
    let mut world = World::new();
    world.sweep("a", 1);
    let job = jobs(&world)[0];
    take_over(&mut world, vec![elsewhere(job)]).unwrap();
    let audit = Audit {
        sweep: "a".into(),
        fraction: 1.0,
    };
    world.ask(Request::Audit(audit)).unwrap();
    let worker = world.worker("w");
    let again = world.one(worker);
    assert_eq!(again.attempt, AttemptNumber(1));
    let mut other = fixture::record(job, again.attempt, "w");
    other.outcome.curve[0].auc_d = Some(0.123);
    assert_eq!(world.deliver(worker, other), Ok(Receipt::Differs));
    let stamp = world.scheduler.sweep_info("a").unwrap().audit;
    assert_eq!(stamp.different, 1, "{stamp:?}");
    // What an audit found different is kept for nobody else.
    assert_eq!(
        world.scheduler.reuse("a").unwrap(),
        [(job, Reuse::Doubtful)]
    );
    world.restart();
}

#[test]
fn what_cannot_be_the_jobs_result_is_refused() {
    let mut world = World::new();
    world.sweep("a", 2);
    let ids = jobs(&world);
    let with = |change: &dyn Fn(&mut sweeps::RunRecord)| {
        let mut record = elsewhere(ids[0]);
        change(&mut record);
        record
    };
    for wrong in [
        with(&|record| record.provenance.dataset_digest = fixture::digest("other")),
        with(&|record| record.provenance.trainer_revision += 1),
        with(&|record| record.provenance.duration_s = f64::NAN),
        // It does not say where it comes from.
        with(&|record| record.provenance.cached_since_ms = None),
    ] {
        let refused = take_over(&mut world, vec![elsewhere(ids[1]), wrong]);
        assert!(matches!(refused, Err(Refusal::Invalid(_))), "{refused:?}");
    }
    let unknown = elsewhere(JobId([9; 32]));
    assert!(matches!(
        take_over(&mut world, vec![unknown]),
        Err(Refusal::UnknownJob(_))
    ));
    // And a worker delivers what it made.
    let worker = world.worker("w");
    let leased = world.one(worker);
    let mut record = fixture::record(leased.job_id, leased.attempt, "w");
    record.provenance.cached_since_ms = Some(SINCE);
    assert!(matches!(
        world.deliver(worker, record),
        Err(Refusal::Invalid(_))
    ));
    assert_eq!(world.count("a", JobStatus::Done), 0);
    // A job that a person put on hold stays as it is.
    world.control(Target::Job(ids[1]), ControlAction::Pause);
    assert_eq!(take_over(&mut world, vec![elsewhere(ids[1])]), Ok(0));
}
