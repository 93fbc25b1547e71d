//! A sweep with everything in it that can go wrong, as its users see it.

use std::time::Duration;

use sweeps::{FailureClass, JobStatus};
use worker::fake::{Fake, Step};

use crate::network::{Cluster, sweep};

#[tokio::test(start_paused = true)]
async fn jobs_that_fail_are_told_apart_and_say_why() {
    let cluster = Cluster::start().await;
    cluster.client().submit(&sweep("s", 4)).await.unwrap();
    let trainer = || {
        Fake::new(|task| match task.job.seed {
            0 => vec![Step::Epoch, Step::Fail(FailureClass::Trainer)],
            1 => vec![Step::Fail(FailureClass::Diverged)],
            _ => {
                let time = Duration::from_secs(1);
                let work = Step::Work { time, batch: time };
                vec![work, Step::Epoch]
            }
        })
    };
    let workers = [
        cluster.worker("one", trainer()),
        cluster.worker("other", trainer()),
    ];
    let cells = cluster.settled("s").await;
    let client = cluster.client();
    let statuses: Vec<_> = cells
        .iter()
        .map(|cell| (cell.status, cell.attempts))
        .collect();
    assert_eq!(
        statuses,
        [
            (JobStatus::Quarantined, 2),
            (JobStatus::Failed, 1),
            (JobStatus::Done, 1),
            (JobStatus::Done, 1),
        ],
        "neither stalls the queue"
    );

    let quarantined = client.explain(cells[0].job_id).await.unwrap();
    let mut names: Vec<_> = quarantined
        .view
        .failures
        .iter()
        .map(|failure| failure.worker.as_str())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["one", "other"], "both messages are kept");
    assert_eq!(quarantined.reasons.len(), 1, "{:?}", quarantined.reasons);
    assert!(quarantined.reasons[0].contains("two different workers"));

    let failed = client.explain(cells[1].job_id).await.unwrap();
    assert_eq!(failed.view.failures.len(), 1);
    assert_eq!(
        failed.reasons,
        [
            "failed: `diverged` is not tried again: it would end the same way; `retry` queues it again"
        ]
    );
    for worker in workers {
        worker.stop().await;
    }
}
