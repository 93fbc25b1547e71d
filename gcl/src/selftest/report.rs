//! How traces were matched.

use crate::selftest::error::TraceError;
use crate::selftest::tensors::Tensors;

/// The largest deviation that passes (labels: none).
pub const TOLERANCE: f64 = 1e-4;
/// The same for controls, in which nothing is learned.
pub const CONTROL_TOLERANCE: f64 = 1e-6;

/// How one trace was matched.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceReport {
    /// The trace's name: its folder's.
    pub name: String,
    /// One line per recorded tensor, in the order of the run.
    pub tensors: Vec<TensorReport>,
    /// Recorded tensors that this program does not make again.
    pub left_out: Vec<String>,
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

impl TensorReport {
    /// Holds what a run made against what was recorded under that name. `exact`: every value must be equal, as hard labels must.
    pub(super) fn compare(
        name: &str,
        found: &[f64],
        expected: &Tensors<'_>,
        exact: bool,
        tolerance: f64,
    ) -> Result<Self, TraceError> {
        let recorded = expected.numbers(name)?;
        if recorded.len() != found.len() {
            return Err(expected.fault(
                name,
                format!(
                    "has {} values, the run made {}",
                    recorded.len(),
                    found.len()
                ),
            ));
        }
        // A NaN on either side must show as an infinite deviation, not vanish in a maximum.
        let absolute = found
            .iter()
            .zip(&recorded)
            .map(|(found, recorded)| (found - recorded).abs())
            .map(|difference| {
                if difference.is_nan() {
                    f64::INFINITY
                } else {
                    difference
                }
            })
            .fold(0.0, f64::max);
        let largest = recorded.iter().map(|value| value.abs()).fold(0.0, f64::max);
        let wrong_labels = exact.then(|| {
            found
                .iter()
                .zip(&recorded)
                .filter(|(found, recorded)| found != recorded)
                .count()
        });
        let deviation = absolute / largest.max(1.0);
        Ok(Self {
            name: name.to_owned(),
            values: found.len(),
            absolute,
            relative: if absolute == 0.0 {
                0.0
            } else {
                absolute / largest
            },
            wrong_labels,
            deviation,
            passed: wrong_labels.map_or(deviation <= tolerance, |wrong| wrong == 0),
        })
    }
}
