//! A trainer that trains nothing: for measuring everything else, and for killing processes under load.
//!
//! A job of it is leased, reports an epoch and delivers a record by the same calls as a real one, and every one of them
//! is on disk before it is acknowledged. Its [`Trainer::revision`] is [`NOOP_REVISION`], which is part of every job's id: a
//! record of it is never that of a real job, and a coordinator that takes the one kind refuses the other.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use sweeps::{
    DeviceInfo, Digest, EpochPoint, FinalMetrics, JobId, NOOP_REVISION, Outcome, Phase,
    ScoreMetrics,
};
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::trainer::{Ended, Event, Finished, Task, Trainer};

/// A trainer that trains nothing.
#[derive(Debug, Clone, Default)]
pub struct Noop {
    /// What a job pretends to take.
    pub job: Duration,
}

/// The one epoch of a job: numbers that follow from its id, so that a second result of it can be compared.
fn point(job: JobId) -> EpochPoint {
    let share = f64::from(u16::from_le_bytes([job.0[0], job.0[1]])) / 65_536.0;
    EpochPoint {
        auc_d: Some(share),
        auc_g: Some(1.0 - share),
        ..EpochPoint::new(Phase::Train, 1)
    }
}

#[async_trait]
impl Trainer for Noop {
    fn device(&self) -> DeviceInfo {
        DeviceInfo {
            kind: "noop".to_owned(),
            name: "no device".to_owned(),
        }
    }

    fn datasets(&self) -> BTreeMap<String, Digest> {
        BTreeMap::new()
    }

    fn revision(&self) -> u32 {
        NOOP_REVISION
    }

    async fn train(
        &self,
        task: Task,
        events: mpsc::Sender<Event>,
        stop: CancellationToken,
    ) -> Ended {
        if !self.job.is_zero() {
            tokio::select! {
                () = sleep(self.job) => {}
                () = stop.cancelled() => return Ended::Stopped,
            }
        }
        let point = point(task.job_id);
        // Nobody may be listening; that is no reason to stop.
        let _ = events.send(Event::Epoch(point.clone())).await;
        let score = |auc| {
            Some(ScoreMetrics {
                auc,
                ..ScoreMetrics::default()
            })
        };
        Ended::Finished(Box::new(Finished {
            outcome: Outcome {
                metrics: FinalMetrics {
                    d: score(point.auc_d),
                    g: score(point.auc_g),
                },
                curve: vec![point],
                ..Outcome::default()
            },
            artifacts: Vec::new(),
            duration_s: self.job.as_secs_f64(),
            resumed: 0,
        }))
    }
}
