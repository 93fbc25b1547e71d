//! The heartbeat: one task that renews every lease that is held, carries progress, and hears the coordinator's orders.
//!
//! A [`Lease`] is a guard: the heartbeat renews it while it lives. One that is dropped before its end was told is handed back.

use std::collections::BTreeMap;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use client::decision::CallDecision;
use client::link::Link;
use proto::limits::{REPORT_LINES, REPORT_POINTS};
use proto::nouns::{LeaseKey, Order, Progress, StopReason};
use sweeps::EpochPoint;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::trainer::{Event, Trainer};
use crate::wording::log_lines;

/// Bytes of the lines of one attempt that wait for a report: many attempts share one.
const LOG_BYTES: usize = 256 << 10;
/// Between two reports of how the device is doing.
const MEASURED: Duration = Duration::from_secs(5);
/// Between two reports of epochs or log lines, at least: epochs of small data sets take milliseconds, and each report costs the
/// coordinator a turn.
const FLOOR: Duration = Duration::from_millis(500);
/// How long the end of an attempt waits for its last log lines to be heard.
const LAST_LINES: Duration = Duration::from_secs(2);

/// Leases held, what is to be reported of them, and what was ordered.
pub(crate) struct Heartbeat {
    shared: Arc<Shared>,
    link: Arc<Link>,
    task: JoinHandle<()>,
}

struct Shared {
    held: Mutex<BTreeMap<LeaseKey, HeldLease>>,
    /// Leases that were dropped before their end was told.
    dropped: Mutex<Vec<LeaseKey>>,
    /// There is something to report, or a lease to renew.
    wake: Notify,
    /// Somebody waits for the next report: the floor does not hold.
    hurry: Notify,
    /// A report ended, heard or not.
    ended: Notify,
    /// The last report was not heard.
    unheard: AtomicBool,
    drain: CancellationToken,
}

#[derive(Default)]
struct HeldLease {
    points: Vec<EpochPoint>,
    log: Vec<String>,
    /// Log lines are on their way.
    travelling: bool,
    stop: CancellationToken,
    order: Option<StopReason>,
}

/// A lease that is held: renewed while the guard lives.
pub(crate) struct Lease {
    key: LeaseKey,
    shared: Arc<Shared>,
    settled: bool,
}

impl Heartbeat {
    /// Starts. It stops when dropped.
    pub(crate) fn start(link: Arc<Link>, trainer: Arc<dyn Trainer>) -> Self {
        let shared = Arc::new(Shared {
            held: Mutex::default(),
            dropped: Mutex::default(),
            wake: Notify::new(),
            hurry: Notify::new(),
            ended: Notify::new(),
            unheard: AtomicBool::new(false),
            drain: CancellationToken::new(),
        });
        let task = tokio::spawn(run(Arc::clone(&link), trainer, Arc::clone(&shared)));
        Self { shared, link, task }
    }

    /// Hands back what was dropped, within that time, and says nothing more: after a goodbye, a report would make the
    /// coordinator ask for another hello.
    pub(crate) async fn stop(&self, within: Duration) {
        self.task.abort();
        let _ = timeout(within, self.shared.hand_back_dropped(&self.link)).await;
    }

    /// Holds that lease; `None` where it is held already.
    pub(crate) fn hold(&self, key: LeaseKey) -> Option<Lease> {
        let fresh = self.shared.with(|held| {
            let fresh = !held.contains_key(&key);
            held.entry(key).or_default();
            fresh
        });
        self.shared.wake.notify_one();
        fresh.then(|| Lease {
            key,
            shared: Arc::clone(&self.shared),
            settled: false,
        })
    }

    /// Every lease that is held.
    pub(crate) fn held(&self) -> Vec<LeaseKey> {
        self.shared.with(|held| held.keys().copied().collect())
    }

    /// Cancelled when the coordinator wants this worker to go.
    pub(crate) fn drain(&self) -> &CancellationToken {
        &self.shared.drain
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Lease {
    /// The job and the attempt.
    pub(crate) fn key(&self) -> LeaseKey {
        self.key
    }

    /// Cancelled when the coordinator wants the attempt to stop.
    pub(crate) fn stop(&self) -> CancellationToken {
        self.shared
            .with(|held| held.entry(self.key).or_default().stop.clone())
    }

    /// Why the attempt must stop, if it must.
    pub(crate) fn order(&self) -> Option<StopReason> {
        self.shared
            .with(|held| held.get(&self.key).and_then(|entry| entry.order))
    }

    /// Reports what happened, with the next report.
    pub(crate) fn progress(&self, event: Event) {
        self.shared.with(|held| {
            let Some(entry) = held.get_mut(&self.key) else {
                return;
            };
            match event {
                Event::Epoch(point) => entry.points.push(point),
                Event::Log(text) => entry.log.extend(log_lines(&text)),
            }
            entry.keep_bounded();
        });
        self.shared.wake.notify_one();
    }

    /// Waits a moment until the log lines so far are heard: the coordinator takes none of an attempt that is over. The epochs
    /// are in the record anyway.
    pub(crate) async fn flush(&self) {
        let until = Instant::now() + LAST_LINES;
        loop {
            let mut ended = std::pin::pin!(self.shared.ended.notified());
            ended.as_mut().enable();
            let waits = self.shared.with(|held| {
                held.get(&self.key).is_some_and(|entry| {
                    entry.order.is_none() && (entry.travelling || !entry.log.is_empty())
                })
            });
            if !waits {
                return;
            }
            self.shared.hurry.notify_one();
            self.shared.wake.notify_one();
            tokio::select! {
                () = ended => {}
                () = sleep_until(until) => return,
            }
            // Lines are a courtesy: one report that fails is enough.
            if self.shared.unheard.load(Ordering::Relaxed) {
                return;
            }
        }
    }

    /// Its end was told: there is nothing to hand back.
    pub(crate) fn settle(mut self) {
        self.settled = true;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let entry = self.shared.with(|held| held.remove(&self.key));
        let taken_back = entry.is_some_and(|entry| entry.order.is_some());
        if !self.settled && !taken_back {
            self.shared.dropped().push(self.key);
            self.shared.wake.notify_one();
        }
    }
}

impl HeldLease {
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

    fn has_news(&self) -> bool {
        self.order.is_none() && !(self.points.is_empty() && self.log.is_empty())
    }
}

impl Shared {
    fn with<R>(&self, act: impl FnOnce(&mut BTreeMap<LeaseKey, HeldLease>) -> R) -> R {
        act(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn dropped(&self) -> std::sync::MutexGuard<'_, Vec<LeaseKey>> {
        self.dropped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_news(&self) -> bool {
        self.with(|held| held.values().any(HeldLease::has_news))
    }

    fn take(&self) -> Vec<Progress> {
        self.with(|held| {
            held.iter_mut()
                .filter(|(_, entry)| entry.order.is_none())
                .map(|(&key, entry)| {
                    entry.travelling = !entry.log.is_empty();
                    Progress {
                        job: key.job,
                        attempt: key.attempt,
                        points: mem::take(&mut entry.points),
                        log: mem::take(&mut entry.log),
                    }
                })
                .collect()
        })
    }

    /// A report ended; `unheard` goes before what came since.
    fn end(&self, heard: bool, unheard: Vec<Progress>) {
        self.with(|held| {
            for entry in held.values_mut() {
                entry.travelling = false;
            }
            for mut unheard in unheard {
                if let Some(entry) = held.get_mut(&unheard.key()) {
                    unheard.points.append(&mut entry.points);
                    unheard.log.append(&mut entry.log);
                    entry.points = unheard.points;
                    entry.log = unheard.log;
                    entry.keep_bounded();
                }
            }
        });
        self.unheard.store(!heard, Ordering::Relaxed);
        self.ended.notify_waiters();
    }

    fn apply_orders(&self, progress: &[Progress], orders: &[Order]) {
        self.with(|held| {
            for (entry, order) in progress.iter().zip(orders) {
                if let (Some(held), Order::Stop(reason)) = (held.get_mut(&entry.key()), order) {
                    held.order = Some(*reason);
                    held.stop.cancel();
                }
            }
        });
    }

    /// One try for each: a lease that nobody renews runs out.
    async fn hand_back_dropped(&self, link: &Link) {
        loop {
            let Some(key) = self.dropped().pop() else {
                return;
            };
            if let Err(trouble) = link.release(key, "its worker let it go").await {
                tracing::info!(job = %key.job.short(), attempt = %key.attempt, message = trouble.message, "a job could not be handed back");
            }
        }
    }
}

async fn run(link: Arc<Link>, trainer: Arc<dyn Trainer>, shared: Arc<Shared>) {
    // A third of the time to live: two reports may get lost.
    let next = || Instant::now() + link.time_to_live() / 3;
    let mut due = next();
    let mut failures = 0;
    let mut measured: Option<Instant> = None;
    let mut told: Option<Instant> = None;
    loop {
        tokio::select! {
            () = shared.wake.notified() => {}
            () = sleep_until(due) => {}
        }
        // No lease may run out while another is handed back.
        let _ = timeout(link.time_to_live() / 6, shared.hand_back_dropped(&link)).await;
        if let Some(told) = told
            && shared.has_news()
        {
            tokio::select! {
                () = sleep_until((told + FLOOR).min(due)) => {}
                () = shared.hurry.notified() => {}
            }
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
        if !silent {
            told = Some(Instant::now());
        }
        match link.report(&progress, telemetry.as_ref()).await {
            Ok((orders, drain)) => {
                failures = 0;
                due = next();
                if telemetry.is_some() {
                    measured = Some(Instant::now());
                }
                shared.apply_orders(&progress, &orders);
                shared.end(true, Vec::new());
                if drain {
                    shared.drain.cancel();
                }
            }
            // No lease depends on it, and the call for work complains already.
            Err(_) if progress.is_empty() => {
                shared.end(false, Vec::new());
                due = next();
            }
            Err(trouble) => {
                failures += 1;
                let wait = link.backoff(failures).min(link.time_to_live() / 3);
                tracing::warn!(
                    message = trouble.message,
                    failures,
                    ?wait,
                    "a heartbeat was not answered"
                );
                // What the coordinator will never take is not offered again; the heartbeat goes on without it.
                let again = trouble.decision != CallDecision::GiveUp;
                shared.end(false, if again { progress } else { Vec::new() });
                sleep(wait).await;
                // The lease was not renewed: the next report is due now.
                due = Instant::now();
            }
        }
    }
}
