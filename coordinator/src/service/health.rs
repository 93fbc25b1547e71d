//! Whether the coordinator can do its work.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::access::Access;
use super::limits::Limits;
use crate::engine::handle::EngineHandle;
use crate::engine::metrics::{Disk, Metrics, MetricsSnapshot};
use crate::engine::{Opening, Totals};
use crate::store::blocking::blocking;

/// The engine answers within this, or it is not well.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often the health service of the gRPC port looks.
const LOOK: Duration = Duration::from_secs(2);
/// How old sizes on disk may be: finding them walks the state folder.
const SIZES: Duration = Duration::from_secs(30);
/// How old the rest may be: however often somebody asks, the engine is asked once a second.
const FRESH: Duration = Duration::from_secs(1);

/// Whether the coordinator can do its work. Cheap to clone.
#[derive(Clone)]
pub struct Health {
    /// Empty while the state is opened.
    engine: Arc<OnceLock<EngineHandle>>,
    opening: Opening,
    state: PathBuf,
    least_free: u64,
    version: String,
    metrics: Metrics,
    sizes: Arc<Mutex<Option<(Instant, Disk)>>>,
    page: Arc<tokio::sync::Mutex<Option<(Instant, String)>>>,
    /// Who may call: a coordinator that lets nobody in is not ready.
    access: Arc<OnceLock<Access>>,
}

impl Health {
    /// Of that engine on that state folder.
    pub fn new(
        engine: EngineHandle,
        state: impl Into<PathBuf>,
        limits: &Limits,
        metrics: Metrics,
        version: impl Into<String>,
    ) -> Self {
        let health = Self::starting(Opening::default(), state, limits, metrics, version);
        health.started(engine);
        health
    }

    /// Of a coordinator that opens its state folder: alive, and not ready until [`Self::started`] says so.
    pub fn starting(
        opening: Opening,
        state: impl Into<PathBuf>,
        limits: &Limits,
        metrics: Metrics,
        version: impl Into<String>,
    ) -> Self {
        Self {
            engine: Arc::default(),
            opening,
            state: state.into(),
            least_free: limits.least_free_bytes,
            version: version.into(),
            metrics,
            sizes: Arc::default(),
            page: Arc::default(),
            access: Arc::default(),
        }
    }

    /// From now on it also says whether that can read its tokens.
    pub fn watch_access(&self, access: &Access) {
        // Whoever says so twice speaks of the same one.
        let _ = self.access.set(access.clone());
    }

    /// The engine, where it runs.
    pub(super) fn engine(&self) -> Option<&EngineHandle> {
        self.engine.get()
    }

    fn token_trouble(&self) -> Option<Arc<str>> {
        self.access.get()?.trouble()
    }

    /// The engine runs.
    pub fn started(&self, engine: EngineHandle) {
        // Whoever says so twice speaks of the same engine.
        let _ = self.engine.set(engine);
    }

    /// Whether the engine turns at all: it answers, though perhaps that it cannot write. While the state is opened there is
    /// none yet; the opening ends in an engine or in the end of the process.
    pub async fn alive(&self) -> bool {
        timeout(PATIENCE, self.turns()).await.unwrap_or(false)
    }

    /// Waits until the engine's loop turns. `false`: it is gone.
    pub async fn turns(&self) -> bool {
        match self.engine.get() {
            Some(engine) => engine.turns().await,
            None => true,
        }
    }

    /// Whether what is sent here would be kept.
    ///
    /// # Errors
    /// Why not, in one line for people.
    pub async fn ready(&self) -> Result<(), String> {
        let Some(engine) = self.engine.get() else {
            return Err(format!("the coordinator is starting, {}", self.opening));
        };
        match timeout(PATIENCE, engine.query(|_, _| ())).await {
            Err(_) => {
                return Err(format!(
                    "the engine did not answer within {} s",
                    PATIENCE.as_secs()
                ));
            }
            Ok(Err(refusal)) => return Err(refusal.to_string()),
            Ok(Ok(())) => {}
        }
        if let Some(why) = self.token_trouble() {
            return Err(format!("nobody is let in by a token: {why}"));
        }
        if let Some(why) = engine.reading_trouble() {
            return Err(format!(
                "results cannot be read until the index was made again from the journal: {why}"
            ));
        }
        if let Some(damage) = engine.damage() {
            return Err(damage);
        }
        // The artifacts may have a disk of their own.
        if let Some(why) = engine.upload_trouble() {
            return Err(why);
        }
        match crate::engine::metrics::free(&self.state) {
            Some(free) if free < self.least_free => Err(format!(
                "the disk of the state folder is nearly full: {} MiB left, at least {} MiB are wanted",
                free >> 20,
                self.least_free >> 20
            )),
            _ => Ok(()),
        }
    }

    /// Somebody was not told.
    pub(super) fn refused(&self, status: &tonic::Status) {
        let reason = proto::Reason::of(status).map_or("other", proto::Reason::word);
        self.metrics.refused(reason);
    }

    /// Everything for Prometheus.
    pub async fn page(&self) -> String {
        let mut kept = self.page.lock().await;
        if let Some((at, text)) = &*kept
            && at.elapsed() < FRESH
        {
            return text.clone();
        }
        let totals = self.totals().await;
        let snapshot = MetricsSnapshot {
            ready: totals.is_some() && self.ready().await.is_ok(),
            totals,
            journal_damaged: self
                .engine
                .get()
                .is_some_and(|engine| engine.damage().is_some()),
            disk: self.sizes().await,
            tokens_readable: self.token_trouble().is_none(),
            damaged_artifacts: self.engine.get().map_or(0, EngineHandle::damaged_artifacts),
            version: self.version.clone(),
        };
        let text = self.metrics.render(&snapshot);
        *kept = Some((Instant::now(), text.clone()));
        text
    }

    async fn totals(&self) -> Option<Totals> {
        timeout(PATIENCE, self.engine.get()?.totals())
            .await
            .ok()?
            .ok()
    }

    async fn sizes(&self) -> Disk {
        let known = *self.sizes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, disk)) = known
            && at.elapsed() < SIZES
        {
            return disk;
        }
        let state = self.state.clone();
        let disk = blocking(move || Disk::of(&state)).await.unwrap_or_default();
        *self.sizes.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), disk));
        disk
    }

    /// Tells the health service of the gRPC port, and the log, what changes.
    pub(super) async fn report(
        self,
        reporter: tonic_health::server::HealthReporter,
        shutdown: CancellationToken,
    ) {
        use tonic_health::ServingStatus::{NotServing, Serving};
        let names = ["", "sweep.v1.ClientService", "sweep.v1.WorkerService"];
        let mut before = None;
        loop {
            let ready = self.ready().await;
            if before.as_ref() != Some(&ready) {
                match (&ready, &before) {
                    (Err(why), _) => tracing::warn!(why, "not ready"),
                    (Ok(()), Some(_)) => tracing::info!("ready again"),
                    (Ok(()), None) => {}
                }
                for name in names {
                    let status = if ready.is_ok() { Serving } else { NotServing };
                    reporter.set_service_status(name, status).await;
                }
                before = Some(ready);
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = shutdown.cancelled() => break,
            }
        }
        for name in names {
            reporter.set_service_status(name, NotServing).await;
        }
    }
}
