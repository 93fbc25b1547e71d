//! How traces were matched.

/// The largest deviation that passes (labels: none).
pub const TOLERANCE: f64 = 1e-4;

/// How one trace was matched.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceReport {
    /// The trace's name: its folder's.
    pub name: String,
    /// One line per recorded tensor, in the order of the run.
    pub tensors: Vec<TensorReport>,
}

/// How one tensor was matched.
#[derive(Debug, Clone, PartialEq)]
pub struct TensorReport {
    /// Its name in the trace.
    pub name: String,
    /// Number of values.
    pub values: usize,
    /// max |found − recorded|.
    pub absolute: f64,
    /// The same over max |recorded|.
    pub relative: f64,
    /// Of hard labels: how many differ.
    pub wrong_labels: Option<usize>,
    /// What [`TOLERANCE`] is held against: max |found − recorded| / max(1, max |recorded|). A tensor of small numbers (a
    /// bias near 0) is compared by its absolute deviation, one of large numbers by its relative one.
    pub deviation: f64,
    /// Whether it matches.
    pub passed: bool,
}

impl TraceReport {
    /// Whether every tensor matches.
    pub fn passed(&self) -> bool {
        self.tensors.iter().all(|tensor| tensor.passed)
    }

    /// The largest deviation of a tensor that is not of hard labels.
    pub fn largest_deviation(&self) -> f64 {
        self.tensors
            .iter()
            .filter(|tensor| tensor.wrong_labels.is_none())
            .map(|tensor| tensor.deviation)
            .fold(0.0, f64::max)
    }

    /// How many hard labels differ.
    pub fn wrong_labels(&self) -> usize {
        self.tensors
            .iter()
            .filter_map(|tensor| tensor.wrong_labels)
            .sum()
    }
}
