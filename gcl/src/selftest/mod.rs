//! Recorded traces, replayed: does this device, this driver, this build compute what PyTorch did?
//!
//! A trace is a folder `case.toml`, `inputs.safetensors`, `expected.safetensors`. Everything random is in it, so that a
//! replay runs the very steps of production with nothing drawn. Labels must match exactly; every other tensor within
//! [`TOLERANCE`]. Some small traces, made by `traces/make.py` beside this crate, are built in. Two of them are of kind `controls`, made
//! by `traces/controls.py` and `traces/distil.py`: scores that learn nothing and labels that are made of them once, within
//! [`CONTROL_TOLERANCE`], and D that learns those labels.

mod case;
mod controls;
mod distil;
mod error;
mod recorded;
mod replay;
mod report;
mod tensors;

use std::path::Path;

use crate::device::Device;
use crate::selftest::case::Case;
pub use crate::selftest::error::TraceError;
pub use crate::selftest::report::{CONTROL_TOLERANCE, TOLERANCE, TensorReport, TraceReport};

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
        read(recorded::CASE)?,
        read(recorded::INPUTS)?,
        read(recorded::EXPECTED)?,
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
    let expected = tensors::Tensors::read(recorded::EXPECTED, expected)?;
    let (tensors, left_out) = if case::kind(case).as_deref() == Some(controls::KIND) {
        let (mut tensors, mut left) = controls::replay(case, inputs, &expected, device)?;
        if !left.is_empty() {
            // What no control makes is of labels.
            let made = distil::replay(case, inputs, &expected, &left, device)?;
            left.retain(|name| !made.iter().any(|made| made.name == *name));
            tensors.extend(made);
        }
        (tensors, left)
    } else {
        let case = Case::read(case, inputs)?;
        let tensors = device.install(|| replay::replay(&case, &expected, device))?;
        (tensors, Vec::new())
    };
    Ok(TraceReport {
        name: name.to_owned(),
        tensors,
        left_out,
    })
}

/// Whether a trace whose `case.toml` has this text is one that [`replay`] takes: those of a feature extractor are others.
pub fn is_ours(case: &str) -> bool {
    case::kind(case.as_bytes()).is_none_or(|kind| kind == controls::KIND)
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
    "distil",
    "controls",
);

/// Replays the built-in traces: every kind of training there is, in seconds.
pub fn builtin(device: &Device) -> Vec<Result<TraceReport, TraceError>> {
    BUILT_IN
        .iter()
        .map(|(name, case, inputs, expected)| replay_bytes(name, case, inputs, expected, device))
        .collect()
}
