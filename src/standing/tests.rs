use std::sync::Arc;

use proto::nouns::RowGroup;
use sweeps::Reporting;

use super::*;

fn group(variant: &str) -> Arc<RowGroup> {
    Arc::new(RowGroup {
        variant: variant.into(),
        point: Vec::new(),
        reporting: Reporting::default(),
        epochs: 10,
    })
}

fn row(group: &Arc<RowGroup>, seed: u8, status: JobStatus) -> Row {
    Row {
        group: group.clone(),
        seed: seed.into(),
        job_id: id(&group.variant, seed),
        status,
        attempts: 0,
        epochs: 0,
        auc: None,
        error: None,
        warnings: Vec::new(),
    }
}

fn id(variant: &str, seed: u8) -> JobId {
    let mut bytes = [seed; 32];
    bytes[0] = variant.as_bytes()[0];
    JobId(bytes)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Two variants of four seeds.
fn standing() -> Standing {
    let groups = [group("a"), group("b")];
    let rows: Vec<Row> = groups
        .iter()
        .flat_map(|group| (0..4).map(move |seed| row(group, seed, JobStatus::Pending)))
        .collect();
    Standing::of_rows(&[], &rows, Duration::ZERO)
}

#[test]
fn the_time_left_is_that_of_each_variants_own_jobs() {
    let mut standing = standing();
    assert_eq!(standing.times(seconds(0)).left(), None, "nothing is known");
    // One job of `a` takes 10 s, one of `b` 100 s; one worker.
    standing.set(id("a", 0), JobStatus::Running, seconds(0));
    standing.set(id("a", 0), JobStatus::Done, seconds(10));
    standing.set(id("b", 0), JobStatus::Running, seconds(10));
    standing.set(id("b", 0), JobStatus::Done, seconds(110));
    let left = |standing: &Standing, group: usize| {
        let times = standing.times(seconds(110));
        times.left_of(group).unwrap().as_secs()
    };
    assert_eq!((left(&standing, 0), left(&standing, 1)), (30, 300));
    assert_eq!(standing.times(seconds(110)).left(), Some(seconds(330)));
    // Two at a time.
    standing.set(id("a", 1), JobStatus::Running, seconds(110));
    standing.set(id("a", 2), JobStatus::Running, seconds(110));
    assert_eq!(standing.times(seconds(110)).left(), Some(seconds(165)));
}

#[test]
fn a_job_that_was_under_way_counts_from_where_it_was_found() {
    let group = group("a");
    let mut rows = vec![
        row(&group, 0, JobStatus::Running),
        row(&group, 1, JobStatus::Pending),
    ];
    rows[0].epochs = 5;
    let mut standing = Standing::of_rows(&[], &rows, Duration::ZERO);
    standing.advance(id("a", 0), 2);
    // 2 of 10 epochs in 20 s: 30 s for the rest of it, 100 s for the other.
    assert_eq!(
        standing
            .times(seconds(20))
            .left()
            .map(|left| left.as_secs()),
        Some(130)
    );
}

#[test]
fn a_job_of_two_variants_is_counted_in_both_and_once_in_all() {
    let (a, b) = (group("a"), group("b"));
    let mut shared = row(&b, 0, JobStatus::Pending);
    shared.job_id = id("a", 0);
    let rows = [row(&a, 0, JobStatus::Pending), shared];
    let mut standing = Standing::of_rows(&[], &rows, Duration::ZERO);
    standing.set(id("a", 0), JobStatus::Running, seconds(1));
    standing.set(id("a", 0), JobStatus::Done, seconds(2));
    standing.score(id("a", 0), 0.75);
    assert_eq!((standing.len(), standing.settled()), (1, 1));
    for group in standing.groups() {
        assert!(group.is_settled());
        assert_eq!(standing.mean(group).map(|mean| mean.n), Some(1));
    }
}

#[test]
fn counts_follow_and_a_retry_begins_anew() {
    let mut standing = standing();
    let job = id("a", 0);
    assert_eq!(
        standing.set(JobId([9; 32]), JobStatus::Done, seconds(0)),
        None
    );
    standing.set(job, JobStatus::Running, seconds(0));
    standing.advance(job, 4);
    assert!((standing.share_of(&job) - 0.4).abs() < 1e-6);
    assert_eq!(standing.running(), 1);
    standing.set(job, JobStatus::Failed, seconds(1));
    assert_eq!((standing.running(), standing.settled()), (0, 1));
    assert_eq!(
        standing.set(job, JobStatus::Pending, seconds(2)),
        Some(JobStatus::Failed)
    );
    assert_eq!((standing.settled(), standing.groups()[0].settled()), (0, 0));
    assert!(standing.share_of(&job) < 1e-6);
}

#[test]
fn a_mean_is_of_finished_jobs_alone_and_of_scores_as_they_are() {
    let mut standing = standing();
    for (seed, auc) in [(0, 0.5), (1, 0.75)] {
        standing.set(id("a", seed), JobStatus::Done, seconds(1));
        standing.score(id("a", seed), auc);
    }
    standing.set(id("a", 2), JobStatus::Running, seconds(1));
    standing.score(id("a", 2), 0.25);
    let mean = standing.mean(&standing.groups()[0]).unwrap();
    assert_eq!((mean.n, mean.to_string()), (2, "62.50 ± 17.68".to_owned()));
    standing.groups[0].reporting.score_smoothing = 2.0;
    assert_eq!(standing.mean(&standing.groups()[0]), None);
}
