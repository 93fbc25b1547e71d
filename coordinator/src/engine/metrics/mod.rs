//! What a coordinator counts. Counters are atomics and histograms a short lock each: cheap enough for every call.
//!
//! What can be looked up when somebody asks (jobs by state, sizes on disk) is not counted along: see [`MetricsSnapshot`].

mod devices;
mod snapshot;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::model::entry::{Entry, RetryDecision};
use proto::nouns::Receipt;

pub(crate) use snapshot::free;
pub use snapshot::{Disk, MetricsSnapshot};

/// One label.
type By = [(&'static str, &'static str); 1];
/// Two labels; the second is a number.
type ByCode = [(&'static str, String); 2];

/// Calls of which the protocol knows nothing: one label for all of them, whatever strangers make up.
const OTHER: &str = "other";

/// The paths of all calls that are counted by name.
fn paths() -> impl Iterator<Item = &'static str> {
    let health = [
        "/grpc.health.v1.Health/Check",
        "/grpc.health.v1.Health/Watch",
    ];
    proto::CALLS.iter().copied().chain(health)
}

/// The counters of a coordinator. Cheap to clone; all clones count together.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    calls: BTreeMap<&'static str, CallMetrics>,
    other: CallMetrics,
    codes: Family<ByCode, Counter>,
    refusals: Family<By, Counter>,
    attempts: Family<By, Counter>,
    verdicts: Family<By, Counter>,
    comparisons: Family<By, Counter>,
    submissions: Counter,
    journal_entries: Counter,
    journal_commit: Histogram,
    journal_failures: Counter,
    compacting: Gauge,
    snapshots: Counter,
    index_ready: Gauge,
    index_failures: Counter,
    connections: Gauge,
    connections_refused: Family<By, Counter>,
    uploads: Gauge,
    upload_bytes: Counter,
    streams: Gauge,
}

struct CallMetrics {
    name: &'static str,
    ok: Counter,
    seconds: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("gcl");
        let codes = Family::<ByCode, Counter>::default();
        // 0.1 ms to 26 s, in steps of 4; a call for work waits for up to 50 s.
        let durations = Family::<By, Histogram, fn() -> Histogram>::new_with_constructor(|| {
            Histogram::new(exponential_buckets(1e-4, 4.0, 10))
        });
        let known = |name: &'static str| CallMetrics {
            name,
            ok: codes.get_or_create(&by_code(name, 0)).clone(),
            seconds: durations.get_or_create(&[("call", name)]).clone(),
        };
        let calls = paths()
            .map(|path| (path, known(path.rsplit('/').next().unwrap_or(path))))
            .collect();
        let other = known(OTHER);
        // 50 µs to 0.8 s, in steps of 2: from a fast disk to a network's.
        let journal_commit = Histogram::new(exponential_buckets(5e-5, 2.0, 15));
        let inner = Inner {
            calls,
            other,
            codes: codes.clone(),
            refusals: Family::default(),
            attempts: Family::default(),
            verdicts: Family::default(),
            comparisons: Family::default(),
            submissions: Counter::default(),
            journal_entries: Counter::default(),
            journal_commit,
            journal_failures: Counter::default(),
            compacting: Gauge::default(),
            snapshots: Counter::default(),
            index_ready: Gauge::default(),
            index_failures: Counter::default(),
            connections: Gauge::default(),
            connections_refused: Family::default(),
            uploads: Gauge::default(),
            upload_bytes: Counter::default(),
            streams: Gauge::default(),
            registry: Registry::default(),
        };
        registry.register("rpc", "Calls by their gRPC code", codes);
        registry.register_with_unit(
            "rpc_duration",
            "Time to the answer of a call (of a stream: to its first header); Lease waits for work",
            Unit::Seconds,
            durations,
        );
        registry.register(
            "refusals",
            "Calls that were refused, by reason",
            inner.refusals.clone(),
        );
        registry.register(
            "attempts",
            "Attempts by what became of them: started, done, released, or a class of failure",
            inner.attempts.clone(),
        );
        registry.register(
            "failure_verdicts",
            "Failed attempts by what followed for the job",
            inner.verdicts.clone(),
        );
        registry.register(
            "comparisons",
            "Second results of finished jobs, by how they compared",
            inner.comparisons.clone(),
        );
        registry.register("submissions", "Submissions", inner.submissions.clone());
        registry.register(
            "journal_entries",
            "Entries written to the journal",
            inner.journal_entries.clone(),
        );
        registry.register_with_unit(
            "journal_commit",
            "Time to write and sync the entries of one turn, and to bring the index up to date",
            Unit::Seconds,
            inner.journal_commit.clone(),
        );
        registry.register(
            "journal_failures",
            "Turns whose entries could not be written",
            inner.journal_failures.clone(),
        );
        registry.register(
            "journal_compacting",
            "1 while a snapshot of the journal is written",
            inner.compacting.clone(),
        );
        registry.register(
            "journal_snapshots",
            "Snapshots that were written",
            inner.snapshots.clone(),
        );
        registry.register(
            "index_ready",
            "1 where results can be read; 0 while the index is made again from the journal",
            inner.index_ready.clone(),
        );
        registry.register(
            "index_failures",
            "How often the index failed and had to be made again",
            inner.index_failures.clone(),
        );
        registry.register("connections", "Open connections", inner.connections.clone());
        registry.register(
            "connections_ended",
            "Connections that the coordinator ended or did not take, by reason",
            inner.connections_refused.clone(),
        );
        registry.register("uploads", "Uploads under way", inner.uploads.clone());
        registry.register_with_unit(
            "upload",
            "Bytes of artifacts that arrived",
            Unit::Bytes,
            inner.upload_bytes.clone(),
        );
        registry.register(
            "streams",
            "Answers that are streamed now: watchers, cells, artifacts",
            inner.streams.clone(),
        );
        Self(Arc::new(Inner { registry, ..inner }))
    }

    /// The counters of the call of that path.
    pub(crate) fn call(&self, path: &str) -> CallCounter {
        CallCounter {
            metrics: self.clone(),
            path: paths().find(|known| *known == path),
        }
    }

    /// A call was refused.
    pub(crate) fn refused(&self, reason: &'static str) {
        self.0.refusals.get_or_create(&[("reason", reason)]).inc();
    }

    /// Entries are on disk.
    pub(crate) fn committed(&self, entries: &[Entry], took: Duration) {
        let inner = &self.0;
        inner.journal_commit.observe(took.as_secs_f64());
        inner.journal_entries.inc_by(entries.len() as u64);
        let attempts = |outcome: &'static str, number: u64| {
            inner
                .attempts
                .get_or_create(&[("outcome", outcome)])
                .inc_by(number);
        };
        for entry in entries {
            match entry {
                Entry::Submitted { .. } | Entry::SubmissionEnded { .. } => {
                    inner.submissions.inc();
                }
                Entry::Leased { leases, .. } => attempts("started", leases.len() as u64),
                Entry::Released { leases, .. } => attempts("released", leases.len() as u64),
                Entry::Finished { record, .. } if record.provenance.cached_since_ms.is_some() => {
                    attempts("taken-over", 1);
                }
                Entry::Finished { .. } => attempts("done", 1),
                Entry::Failed {
                    failure, verdict, ..
                } => {
                    attempts(failure.class.name(), 1);
                    let verdict = match verdict {
                        RetryDecision::Retry => "retry",
                        RetryDecision::Failed => "failed",
                        RetryDecision::Quarantined => "quarantined",
                    };
                    inner.verdicts.get_or_create(&[("verdict", verdict)]).inc();
                }
                Entry::Compared { receipt, .. } => {
                    let result = match receipt {
                        Receipt::Recorded => "recorded",
                        Receipt::Equal => "equal",
                        Receipt::Differs => "differs",
                        Receipt::NotComparable => "not-comparable",
                    };
                    inner.comparisons.get_or_create(&[("result", result)]).inc();
                }
                _ => {}
            }
        }
    }

    /// Entries could not be written.
    pub(crate) fn commit_failed(&self) {
        self.0.journal_failures.inc();
    }

    /// A snapshot is begun.
    pub(crate) fn snapshot_begun(&self) {
        self.0.compacting.set(1);
    }

    /// A snapshot has ended, and counts where it was written.
    pub(crate) fn snapshot_ended(&self, is_written: bool) {
        self.0.snapshots.inc_by(is_written.into());
        self.0.compacting.set(0);
    }

    /// Whether a snapshot is being written.
    #[cfg(test)]
    pub(crate) fn is_compacting(&self) -> bool {
        self.0.compacting.get() != 0
    }

    /// Whether results can be read.
    pub(crate) fn index_ready(&self, ready: bool) {
        self.0.index_ready.set(ready.into());
    }

    /// The index failed.
    pub(crate) fn index_failed(&self) {
        self.0.index_failures.inc();
        self.index_ready(false);
    }

    /// A connection ended, or was not taken, for that reason.
    pub(crate) fn connection_ended(&self, reason: &'static str) {
        self.0
            .connections_refused
            .get_or_create(&[("reason", reason)])
            .inc();
    }

    /// One more connection, until what is returned is dropped.
    pub(crate) fn connection(&self) -> GaugeGuard {
        GaugeGuard::new(&self.0.connections)
    }

    /// One more upload, until what is returned is dropped.
    pub(crate) fn upload(&self) -> GaugeGuard {
        GaugeGuard::new(&self.0.uploads)
    }

    /// Bytes of an upload arrived.
    pub(crate) fn uploaded(&self, bytes: u64) {
        self.0.upload_bytes.inc_by(bytes);
    }

    /// One more streamed answer, until what is returned is dropped.
    pub(crate) fn stream(&self) -> GaugeGuard {
        GaugeGuard::new(&self.0.streams)
    }

    /// Everything as text for Prometheus (OpenMetrics 1.0).
    pub fn render(&self, snapshot: &MetricsSnapshot) -> String {
        let mut text = String::with_capacity(32 << 10);
        // Writing into a string cannot fail.
        let _ = encode_registry(&mut text, &snapshot.registry());
        let _ = encode_registry(&mut text, &self.0.registry);
        let _ = encode_eof(&mut text);
        text
    }
}

/// The counters of one call.
pub(crate) struct CallCounter {
    metrics: Metrics,
    path: Option<&'static str>,
}

impl CallCounter {
    /// It ended with that gRPC code, after that time where it was let in.
    pub(crate) fn ended(&self, code: i32, took: Option<Duration>) {
        let inner = &self.metrics.0;
        let call = self
            .path
            .and_then(|path| inner.calls.get(path))
            .unwrap_or(&inner.other);
        if code == 0 {
            call.ok.inc();
        } else {
            inner.codes.get_or_create(&by_code(call.name, code)).inc();
        }
        if let Some(took) = took {
            call.seconds.observe(took.as_secs_f64());
        }
    }
}

fn by_code(call: &'static str, code: i32) -> ByCode {
    // Only codes that exist, whatever a header says.
    let code = if (0..=16).contains(&code) { code } else { 2 };
    [("call", call.to_owned()), ("code", code.to_string())]
}

/// Counts one up while it lives.
pub(crate) struct GaugeGuard(Gauge);

impl GaugeGuard {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for GaugeGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::nouns::{LeaseKey, Timestamp, WorkerId};
    use sweeps::{AttemptNumber, Failure, FailureClass, JobId};

    #[test]
    fn what_is_on_disk_is_counted_by_what_it_says() {
        let metrics = Metrics::new();
        let (at, job, attempt) = (Timestamp(1), JobId([1; 32]), AttemptNumber(1));
        let entries = [
            Entry::Leased {
                at,
                worker: WorkerId(1),
                leases: vec![LeaseKey { job, attempt }; 3],
            },
            Entry::Failed {
                at,
                job,
                attempt,
                worker: "w".into(),
                failure: Failure::new(FailureClass::WorkerLost, "gone"),
                verdict: RetryDecision::Retry,
            },
        ];
        metrics.committed(&entries, Duration::from_millis(3));
        let held = metrics.upload();
        metrics.call("/made/up").ended(12, None);
        metrics.call("/made/up/again").ended(77, None);
        metrics
            .call("/sweep.v1.WorkerService/Lease")
            .ended(0, Some(Duration::from_millis(2)));
        let text = metrics.render(&MetricsSnapshot::default());
        for line in [
            "gcl_attempts_total{outcome=\"started\"} 3",
            "gcl_attempts_total{outcome=\"worker-lost\"} 1",
            "gcl_failure_verdicts_total{verdict=\"retry\"} 1",
            "gcl_journal_entries_total 2",
            "gcl_journal_commit_seconds_count 1",
            "gcl_uploads 1",
            "gcl_rpc_total{call=\"other\",code=\"12\"} 1",
            "gcl_rpc_total{call=\"other\",code=\"2\"} 1",
            "gcl_rpc_total{call=\"Lease\",code=\"0\"} 1",
            "gcl_rpc_duration_seconds_count{call=\"Lease\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(text.ends_with("# EOF\n"), "{text}");
        drop(held);
        assert!(
            metrics
                .render(&MetricsSnapshot::default())
                .contains("gcl_uploads 0")
        );
    }
}
