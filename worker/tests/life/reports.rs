//! What is reported of an attempt, and how often.

use std::time::Duration;

use sweeps::FailureClass;
use tokio::time::Instant;
use worker::fake::{Fake, Step};

use crate::world::{State, World, id, reported};

/// Every log line that was reported, in the order of arrival.
fn lines(state: &State) -> Vec<String> {
    state
        .reports
        .iter()
        .flat_map(|(_, report)| &report.progress)
        .flat_map(|progress| progress.log.clone())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn short_epochs_travel_together() {
    let (world, spool) = (World::with_jobs(1), tempfile::tempdir().unwrap());
    let begin = Instant::now();
    let worker = world.worker(spool.path(), Fake::epochs(2_000, Duration::from_millis(10)));
    world
        .until("the job is done", |state| !state.records.is_empty())
        .await;
    let seconds = begin.elapsed().as_secs_f64();
    {
        let state = world.state();
        let most = 2.0 * seconds + 2.0;
        assert!(
            (state.reports.len() as f64) <= most,
            "{} reports in {seconds} s",
            state.reports.len()
        );
        let epochs = reported(&state, id(0)).len();
        assert!(epochs > 1_900, "{epochs} of 2000 were told before the end");
        assert_eq!(state.records[0].outcome.curve.len(), 2_000);
    }
    worker.shutdown.cancel();
    worker.exit().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_last_lines_of_an_attempt_are_heard_before_its_end() {
    for failing in [false, true] {
        let (world, spool) = (World::with_jobs(3), tempfile::tempdir().unwrap());
        let worker = world.worker(
            spool.path(),
            Fake::new(move |task| {
                let mut steps = vec![
                    Step::Log(format!("first of {}", task.job.seed)),
                    Step::Epoch,
                    Step::Log(format!("last of {}", task.job.seed)),
                ];
                if failing {
                    steps.push(Step::Fail(FailureClass::BadData));
                }
                steps
            }),
        );
        world
            .until("the jobs are over", |state| {
                state.records.len() + state.failures.len() == 3
            })
            .await;
        let mut expected = Vec::new();
        for seed in 0..3 {
            expected.extend([format!("first of {seed}"), format!("last of {seed}")]);
        }
        assert_eq!(lines(&world.state()), expected);
        worker.shutdown.cancel();
        worker.exit().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn lines_that_nobody_hears_do_not_hold_up_the_record() {
    let (world, spool) = (World::with_jobs(1), tempfile::tempdir().unwrap());
    world.state().refuse = vec![("report", proto::Reason::Invalid); 50];
    let begin = Instant::now();
    let worker = world.worker(
        spool.path(),
        Fake::new(|_| vec![Step::Log("unheard".to_owned()), Step::Epoch]),
    );
    world
        .until("the job is done", |state| !state.records.is_empty())
        .await;
    assert!(
        begin.elapsed() < Duration::from_secs(3),
        "{:?}",
        begin.elapsed()
    );
    worker.shutdown.cancel();
    worker.exit().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_line_is_no_terminal_command() {
    let (world, spool) = (World::with_jobs(1), tempfile::tempdir().unwrap());
    let worker = world.worker(
        spool.path(),
        Fake::new(|_| {
            vec![
                Step::Log("\u{1b}]0;owned\u{7}\nsecond".to_owned()),
                Step::Epoch,
            ]
        }),
    );
    world
        .until("the job is done", |state| !state.records.is_empty())
        .await;
    assert_eq!(lines(&world.state()), ["\\u{1b}]0;owned\\u{7}", "second"]);
    worker.shutdown.cancel();
    worker.exit().await.unwrap();
}
