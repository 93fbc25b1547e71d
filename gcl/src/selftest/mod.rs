//! Recorded traces, replayed: does this device, this driver, this build compute what PyTorch did?
//!
//! A trace is a folder `case.toml`, `inputs.safetensors`, `expected.safetensors`. Everything random is in it, so that a
//! replay runs the very steps of production with nothing drawn. Labels must match exactly; every other tensor within
//! [`TOLERANCE`]. Some small traces, made by `traces/make.py` beside this crate, are built in.

mod case;
mod replay;
mod tensors;

use std::path::Path;

use crate::device::Device;
use crate::selftest::case::Case;
pub use crate::selftest::case::TraceError;

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

/// Replays the trace in `folder`.
pub fn replay(folder: &Path, device: &Device) -> Result<TraceReport, TraceError> {
    let read = |file: &'static str| {
        std::fs::read(folder.join(file)).map_err(|source| TraceError::Read {
            file: folder.join(file),
            source,
        })
    };
    let name = folder
        .file_name()
        .unwrap_or(folder.as_os_str())
        .to_string_lossy()
        .into_owned();
    let (case, inputs, expected) = (
        read(case::CASE)?,
        read(case::INPUTS)?,
        read(case::EXPECTED)?,
    );
    replay_bytes(&name, &case, &inputs, &expected, device)
}

fn replay_bytes(
    name: &str,
    case: &[u8],
    inputs: &[u8],
    expected: &[u8],
    device: &Device,
) -> Result<TraceReport, TraceError> {
    let case = Case::read(case, inputs)?;
    let expected = tensors::Tensors::read(case::EXPECTED, expected)?;
    let tensors = device.install(|| replay::replay(&case, &expected, device))?;
    Ok(TraceReport {
        name: name.to_owned(),
        tensors,
    })
}

macro_rules! built_in {
    ($($name:literal),* $(,)?) => {
        /// The traces that are built in: name, case, inputs, expected.
        const BUILT_IN: &[(&str, &[u8], &[u8], &[u8])] = &[$((
            $name,
            include_bytes!(concat!("../../traces/", $name, "/case.toml")),
            include_bytes!(concat!("../../traces/", $name, "/inputs.safetensors")),
            include_bytes!(concat!("../../traces/", $name, "/expected.safetensors")),
        )),*];
    };
}
built_in!(
    "gcl-ones",
    "gcl-replace",
    "gcl-gaussian",
    "gcl-none",
    "gcl-soft-labels",
    "gcl-own-labels",
    "gcl-top-percent",
    "gcl-weak-50",
    "gcl-pretrained",
    "gcl-one-class",
    "autoencoder-all",
    "autoencoder-td",
    "autoencoder-occ",
    "gcl-own-pretrained",
    "gcl-soft-pretrained",
);

/// Replays the built-in traces: every kind of training there is, in seconds.
pub fn builtin(device: &Device) -> Vec<Result<TraceReport, TraceError>> {
    BUILT_IN
        .iter()
        .map(|(name, case, inputs, expected)| replay_bytes(name, case, inputs, expected, device))
        .collect()
}
