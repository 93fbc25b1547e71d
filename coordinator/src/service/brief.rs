//! What a display of progress is told: every change of a job, but of its epochs only how many ended and the last AUCs, at
//! most once a second. A job of 400 epochs would send 32 KB otherwise, for a bar.

use std::collections::BTreeMap;
use std::time::Duration;

use proto::nouns::Change;
use proto::wire;
use proto::wire::watch_event::Event;
use sweeps::{EpochPoint, JobId};
use tokio::time::Instant;

/// The time between two changes that tell of a job's epochs.
const PAUSE: Duration = Duration::from_secs(1);

/// What a watcher was told of the epochs of running jobs.
#[derive(Default)]
pub(super) struct Brief(BTreeMap<JobId, Told>);

struct Told {
    at: Instant,
    /// Epochs that ended since.
    ended: u32,
}

impl Brief {
    /// What the watcher is told of a change, if anything.
    pub(super) fn event(&mut self, change: &Change, now: Instant) -> Option<wire::WatchEvent> {
        match change {
            Change::Log { .. } => None,
            Change::Epochs {
                job,
                attempt,
                points,
                ended,
                ..
            } => {
                let told = self.0.get(job);
                let before = told.map_or(0, |told| told.ended);
                let ended = before.saturating_add(*ended);
                if let Some(at) = told.map(|told| told.at)
                    && now < at + PAUSE
                {
                    self.0.insert(*job, Told { at, ended });
                    return None;
                }
                self.0.insert(*job, Told { at: now, ended: 0 });
                let last = points.last().map(|point| EpochPoint {
                    auc_d: point.auc_d,
                    auc_g: point.auc_g,
                    ..EpochPoint::new(point.phase, point.epoch)
                });
                Some(wire::WatchEvent {
                    event: Some(Event::Epochs(wire::EpochsChange {
                        job_id: job.0.to_vec(),
                        // The watcher knows what it asked for.
                        sweeps: Vec::new(),
                        attempt: attempt.0,
                        points: last.iter().map(Into::into).collect(),
                        ended,
                    })),
                    sequence: 0,
                })
            }
            Change::Job { job, .. } => {
                self.0.remove(job);
                let mut event = wire::WatchEvent::from(change);
                if let Some(Event::Job(change)) = &mut event.event {
                    change.sweeps.clear();
                }
                Some(event)
            }
            Change::Sweep { .. } | Change::Worker { .. } => Some(change.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use sweeps::{AttemptNumber, JobStatus, Phase};

    use super::*;

    fn epochs(job: JobId, epoch: u32) -> Change {
        let point = EpochPoint {
            auc_d: Some(0.5),
            loss_d: Some(1.0),
            loss_g: Some(1.0),
            ..EpochPoint::new(Phase::Train, epoch)
        };
        Change::Epochs {
            job,
            sweeps: ["a sweep with a name".into()].into(),
            attempt: AttemptNumber(1),
            points: [point].into(),
            ended: 1,
        }
    }

    #[test]
    fn a_job_of_400_epochs_costs_what_its_seconds_cost() {
        let (job, start) = (JobId([1; 32]), Instant::now());
        let mut brief = Brief::default();
        let (mut bytes, mut ended) = (0, 0);
        // Ten seconds.
        for epoch in 0..400 {
            let now = start + Duration::from_millis(25) * epoch;
            if let Some(event) = brief.event(&epochs(job, epoch), now) {
                bytes += event.encoded_len();
                if let Some(Event::Epochs(change)) = event.event {
                    ended += change.ended;
                    assert_eq!(change.points.len(), 1);
                    assert_eq!(change.points[0].loss_d, None);
                }
            }
        }
        assert!(bytes < 1000, "{bytes}");
        assert_eq!(ended, 361, "all but those of the last second");
        let done = Change::Job {
            job,
            sweeps: ["a".into()].into(),
            status: JobStatus::Done,
            attempt: AttemptNumber(1),
            worker: None,
            error: None,
            scores: [Some(0.5), None],
        };
        assert!(brief.event(&done, start).is_some());
        assert!(brief.0.is_empty(), "nothing is remembered of settled jobs");
    }
}
