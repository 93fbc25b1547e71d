//! The heartbeat: one task that renews every lease that is held, carries progress, and hears the coordinator's orders.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use proto::fit_text;
use proto::limits::{LOG_LINE_BYTES, REPORT_LINES, REPORT_POINTS};
use sweeps::EpochPoint;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::link::Link;
use crate::trainer::{Event, Trainer};
use crate::verdict::Verdict;
use proto::nouns::{LeaseKey, Order, Progress, StopReason};

/// Bytes of the lines of one attempt that wait for a report: many attempts share one.
const LOG_BYTES: usize = 256 << 10;
/// Between two reports of how the device is doing.
const MEASURED: Duration = Duration::from_secs(5);

/// Leases held, what is to be reported of them, and what was ordered.
pub(crate) struct Heart {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    held: Mutex<BTreeMap<LeaseKey, Held>>,
    /// There is something to report, or a lease to renew.
    wake: Notify,
    drain: CancellationToken,
}

#[derive(Default)]
struct Held {
    points: Vec<EpochPoint>,
    log: Vec<String>,
    stop: CancellationToken,
    order: Option<StopReason>,
}

impl Heart {
    /// Starts beating. It stops when dropped.
    pub(crate) fn start(link: Arc<Link>, trainer: Arc<dyn Trainer>) -> Self {
        let shared = Arc::new(Shared {
            held: Mutex::default(),
            wake: Notify::new(),
            drain: CancellationToken::new(),
        });
        let task = tokio::spawn(beat(link, trainer, Arc::clone(&shared)));
        Self { shared, task }
    }

    /// Says nothing more: after a goodbye, a report would make the coordinator ask for another hello.
    pub(crate) fn stop(&self) {
        self.task.abort();
    }

    /// Renews that lease from now on. The token is cancelled when the coordinator wants the attempt to stop.
    pub(crate) fn hold(&self, key: LeaseKey) -> CancellationToken {
        let stop = self
            .shared
            .with(|held| held.entry(key).or_default().stop.clone());
        self.shared.wake.notify_one();
        stop
    }

    /// Renews it no more.
    pub(crate) fn let_go(&self, key: LeaseKey) {
        self.shared.with(|held| held.remove(&key));
    }

    /// Every lease that is held.
    pub(crate) fn held(&self) -> Vec<LeaseKey> {
        self.shared.with(|held| held.keys().copied().collect())
    }

    /// Whether it is held.
    pub(crate) fn holds(&self, key: LeaseKey) -> bool {
        self.shared.with(|held| held.contains_key(&key))
    }

    /// Why the attempt must stop, if it must.
    pub(crate) fn order(&self, key: LeaseKey) -> Option<StopReason> {
        self.shared
            .with(|held| held.get(&key).and_then(|entry| entry.order))
    }

    /// Reports what happened, with the next beat, which comes at once.
    pub(crate) fn progress(&self, key: LeaseKey, event: Event) {
        self.shared.with(|held| {
            let Some(entry) = held.get_mut(&key) else {
                return;
            };
            match event {
                Event::Epoch(point) => entry.points.push(point),
                Event::Log(line) => entry.log.push(fit_text(line, LOG_LINE_BYTES)),
            }
            entry.keep_bounded();
        });
        self.shared.wake.notify_one();
    }

    /// Cancelled when the coordinator wants this worker to go.
    pub(crate) fn drain(&self) -> &CancellationToken {
        &self.shared.drain
    }
}

impl Drop for Heart {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Held {
    /// While the coordinator is away, progress piles up. The record has every epoch in the end, so the oldest may go.
    fn keep_bounded(&mut self) {
        let surplus = self.points.len().saturating_sub(REPORT_POINTS);
        self.points.drain(..surplus);
        let mut surplus = self.log.len().saturating_sub(REPORT_LINES);
        let mut bytes: usize = self.log[surplus..].iter().map(String::len).sum();
        while bytes > LOG_BYTES {
            bytes -= self.log[surplus].len();
            surplus += 1;
        }
        self.log.drain(..surplus);
    }
}

impl Shared {
    fn with<R>(&self, act: impl FnOnce(&mut BTreeMap<LeaseKey, Held>) -> R) -> R {
        act(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn take(&self) -> Vec<Progress> {
        self.with(|held| {
            held.iter_mut()
                .filter(|(_, entry)| entry.order.is_none())
                .map(|(&key, entry)| Progress {
                    job: key.job,
                    attempt: key.attempt,
                    points: mem::take(&mut entry.points),
                    log: mem::take(&mut entry.log),
                })
                .collect()
        })
    }

    /// What was not heard goes before what came since.
    fn put_back(&self, progress: Vec<Progress>) {
        self.with(|held| {
            for mut unheard in progress {
                if let Some(entry) = held.get_mut(&unheard.key()) {
                    unheard.points.append(&mut entry.points);
                    unheard.log.append(&mut entry.log);
                    entry.points = unheard.points;
                    entry.log = unheard.log;
                    entry.keep_bounded();
                }
            }
        });
    }

    fn obey(&self, progress: &[Progress], orders: &[Order]) {
        self.with(|held| {
            for (entry, order) in progress.iter().zip(orders) {
                if let (Some(held), Order::Stop(reason)) = (held.get_mut(&entry.key()), order) {
                    held.order = Some(*reason);
                    held.stop.cancel();
                }
            }
        });
    }
}

async fn beat(link: Arc<Link>, trainer: Arc<dyn Trainer>, shared: Arc<Shared>) {
    // A third of the time to live: two beats may get lost.
    let next = || Instant::now() + link.time_to_live() / 3;
    let mut due = next();
    let mut failures = 0;
    let mut measured: Option<Instant> = None;
    loop {
        tokio::select! {
            () = shared.wake.notified() => {}
            () = sleep_until(due) => {}
        }
        let progress = shared.take();
        let telemetry = trainer
            .telemetry()
            .filter(|_| measured.is_none_or(|at| at.elapsed() >= MEASURED));
        // A worker without a job is seen to be idle by what it measures.
        if progress.is_empty() && telemetry.is_none() {
            due = next();
            continue;
        }
        let silent = progress
            .iter()
            .all(|entry| entry.points.is_empty() && entry.log.is_empty());
        if silent && Instant::now() < due {
            continue;
        }
        match link.report(&progress, telemetry.as_ref()).await {
            Ok((orders, drain)) => {
                failures = 0;
                due = next();
                if telemetry.is_some() {
                    measured = Some(Instant::now());
                }
                shared.obey(&progress, &orders);
                if drain {
                    shared.drain.cancel();
                }
            }
            // No lease depends on it, and the call for work complains already.
            Err(_) if progress.is_empty() => due = next(),
            Err(trouble) => {
                failures += 1;
                let wait = link.backoff(failures).min(link.time_to_live() / 3);
                tracing::warn!(
                    message = trouble.message,
                    failures,
                    ?wait,
                    "a heartbeat was not answered"
                );
                // What the coordinator will never take is not offered again; the beat goes on without it.
                if trouble.verdict != Verdict::GiveUp {
                    shared.put_back(progress);
                }
                sleep(wait).await;
                // The lease was not renewed: the next beat is due now.
                due = Instant::now();
            }
        }
    }
}
