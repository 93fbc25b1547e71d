//! How much of anything may arrive, and how much is shown.
//!
//! What arrives and exceeds a limit is refused as a whole. What is shown is cut to what its reader takes, and says so: no
//! stored text or list makes an answer that cannot be sent or read.

/// Bytes of one message, either way: a record of [`CURVE_POINTS`] points fits. A crafted message of that size costs a
/// decoder some 70 times as much for a moment, which is why it is not larger.
pub const MESSAGE_BYTES: usize = 8 << 20;

/// Bytes of a record on the wire. A longer one is cut ([`crate::fit`]), never refused: it is the result of a training. The
/// message that brings it and the one that shows it have room for what is around it.
pub const RECORD_BYTES: usize = 7 << 20;

/// Bytes of one answer of a coordinator, as it is sent and read: the largest thing that may arrive in a message of
/// [`MESSAGE_BYTES`], a record, is shown with the facts around it.
pub const ANSWER_BYTES: usize = MESSAGE_BYTES + (1 << 20);

/// Bytes of a page of a list. One entry that is longer is a page by itself.
pub const PAGE_BYTES: usize = 2 << 20;

/// Jobs that one answer hands out; who has more free slots asks again.
pub const ASSIGNMENTS: usize = 1024;

/// Bytes of a sweep's description in a list.
pub const DESCRIPTION_BYTES: usize = 512;

/// Warnings about one worker.
pub const WORKER_WARNINGS: usize = 64;

/// Cells of one job in its explanation. Thousands of sweeps may share a job.
pub const JOB_CELLS: usize = 1024;

/// Sweeps that a change names.
pub const CHANGE_SWEEPS: usize = 64;

/// Copies of one data set in a list, and the workers that are named for each.
pub const COPIES: usize = 64;

/// Workers that are named for one copy of a data set.
pub const COPY_WORKERS: usize = 16;

/// Bytes of a name: of a worker, a sweep, a data set, a device, a label, a version.
pub const NAME_BYTES: usize = 1024;

/// Bytes of a text for people: a failure, a warning, a line of a log. [`sweeps::Failure::new`] keeps 4,096 characters of
/// at most four bytes.
pub const TEXT_BYTES: usize = 16 << 10;

/// Bytes of a sweep file.
pub const SWEEP_FILE_BYTES: usize = 2 << 20;

/// Bytes of the rendered faults of a sweep file.
pub const RENDERED_BYTES: usize = 6 << 20;

/// Points of a curve: epochs of all phases together. A longer one is thinned.
pub const CURVE_POINTS: usize = 100_000;

/// Points of one attempt in a report.
pub const REPORT_POINTS: usize = 1024;

/// Log lines of one attempt in a report.
pub const REPORT_LINES: usize = 1024;

/// Bytes of a line of a log that a worker sends and a coordinator keeps.
pub const LOG_LINE_BYTES: usize = 2_000;

/// Leases of one worker, in any list of them.
pub const LEASES: usize = 4096;

/// Data sets of one worker, or of a submission.
pub const DATASETS: usize = 4096;

/// Labels of a worker or a sweep.
pub const LABELS: usize = 64;

/// Parameters of a job. The registry has some thirty.
pub const PARAMETERS: usize = 256;

/// Entries of a list or table that is a parameter's value.
pub const VALUE_ENTRIES: usize = 64;

/// Lists in tables in lists: how deep a value may be. The registry has none deeper than 1.
pub const VALUE_DEPTH: usize = 4;

/// Swept parameters of a sweep.
pub const COLUMNS: usize = 256;

/// Claims of a sweep.
pub const CLAIMS: usize = 1_000;

/// Looks at the claims of a sweep that are shown: the first so many.
pub const LOOKS: usize = 50_000;

/// Warnings of a record.
pub const WARNINGS: usize = 256;

/// Artifacts of a record.
pub const ARTIFACTS: usize = 256;

/// Bytes of one artifact.
pub const ARTIFACT_BYTES: u64 = 1 << 30;

/// Bytes of one piece of an artifact as we send it.
pub const CHUNK_BYTES: usize = 256 << 10;

/// Anything that a coordinator lists for people: sweeps, workers, kept log lines.
pub const LISTED: usize = 1_000_000;
