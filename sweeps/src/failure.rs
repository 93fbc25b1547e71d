//! Why an attempt ended without a result. The class decides what happens next; the message is for people.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why an attempt ended without a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind of trouble it was.
    pub class: FailureClass,
    /// One or a few lines for people: what failed, where.
    pub message: String,
}

/// The kinds of trouble, each with a retry budget of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureClass {
    /// The worker was told to go (SIGTERM, drain): a free retry.
    Preempted,
    /// The lease ran out without a word.
    WorkerLost,
    /// The attempt ran longer than it may.
    Timeout,
    /// The device or the host had no memory left.
    OutOfMemory,
    /// A loss or a weight became infinite or NaN. Deterministic: never retried.
    Diverged,
    /// The data set is missing, damaged or another than the job names.
    BadData,
    /// The trainer panicked or answered with a fault of its own.
    Trainer,
}

impl FailureClass {
    /// Every class.
    pub const ALL: [Self; 7] = [
        Self::Preempted,
        Self::WorkerLost,
        Self::Timeout,
        Self::OutOfMemory,
        Self::Diverged,
        Self::BadData,
        Self::Trainer,
    ];

    /// The name in tables, logs and CSV files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Preempted => "preempted",
            Self::WorkerLost => "worker-lost",
            Self::Timeout => "timeout",
            Self::OutOfMemory => "out-of-memory",
            Self::Diverged => "diverged",
            Self::BadData => "bad-data",
            Self::Trainer => "trainer",
        }
    }
}

impl Failure {
    /// A failure of `class`; the message is cut at 4,096 characters, since it travels and is kept.
    pub fn new(class: FailureClass, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if let Some((cut, _)) = message.char_indices().nth(4096) {
            message.truncate(cut);
        }
        Self { class, message }
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.class, self.message)
    }
}
