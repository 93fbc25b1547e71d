//! Replays a recorded case: a clip, weights from a formula, and what PyTorch's network made of it.

use std::path::Path;

use crate::backbone::Backbone;
use crate::clip::Clip;
use crate::device::Device;
use crate::error::ExtractError;
use crate::extractor::Extractor;
use crate::network::TensorSource;
use crate::weights::{Kind, Tensors};

/// The largest deviation that passes.
pub const TOLERANCE: f64 = 1e-3;

/// How one case was matched.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The case's name: its folder's.
    pub name: String,
    /// One line per recorded tensor.
    pub tensors: Vec<Deviation>,
}

/// How one tensor was matched.
#[derive(Debug, Clone, PartialEq)]
pub struct Deviation {
    /// Its name in the case.
    pub name: String,
    /// Number of values.
    pub values: usize,
    /// max |found − recorded| / max |recorded|; infinite where the shapes differ.
    pub relative: f64,
    /// Whether it is within [`TOLERANCE`].
    pub passed: bool,
}

impl Report {
    /// Whether every tensor matches.
    pub fn passed(&self) -> bool {
        self.tensors.iter().all(|tensor| tensor.passed)
    }

    /// The largest deviation.
    pub fn largest_deviation(&self) -> f64 {
        self.tensors
            .iter()
            .map(|tensor| tensor.relative)
            .fold(0.0, f64::max)
    }
}

/// `case.toml`.
#[derive(Debug, serde::Deserialize)]
struct Case {
    kind: String,
    phase: f64,
}

/// Weights that follow from their name and place: w_i = sin(0.7548776662·i + 0.5698402910·k + phase) for element i of
/// tensor k of the list of names.
pub(crate) struct Formula<'a> {
    names: &'a [String],
    phase: f64,
    path: &'a Path,
}

impl<'a> Formula<'a> {
    /// `path` is the file that faults name.
    pub(crate) fn new(names: &'a [String], phase: f64, path: &'a Path) -> Self {
        Self { names, phase, path }
    }
}

impl TensorSource for Formula<'_> {
    fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ExtractError> {
        let k = self
            .names
            .iter()
            .position(|known| known == name)
            .ok_or_else(|| ExtractError::Case {
                path: self.path.to_owned(),
                message: format!("does not name the tensor `{name}`"),
            })?;
        let count: usize = shape.iter().product();
        let per_channel = (count / shape[0]) as f64;
        let kind = name.rsplit('.').next().unwrap_or_default();
        Ok((0..count)
            .map(|i| {
                let w =
                    libm::sin(0.754_877_666_2 * i as f64 + 0.569_840_291_0 * k as f64 + self.phase);
                let value = match (kind, shape.len()) {
                    ("running_var", _) => 1.0 + 0.5 * w * w,
                    ("weight", 1) => 1.0 + 0.2 * w,
                    ("running_mean", _) | (_, 1) => 0.1 * w,
                    _ => w * (3.0 / per_channel).sqrt(),
                };
                value as f32
            })
            .collect())
    }
}

/// Replays the case in `folder`.
pub fn replay(folder: &Path, device: &Device) -> Result<Report, ExtractError> {
    let fault = |file: &str, message: String| ExtractError::Case {
        path: folder.join(file),
        message,
    };
    let read = |file: &str| {
        let path = folder.join(file);
        std::fs::read_to_string(&path).map_err(|source| ExtractError::file(&path, source))
    };
    let case: Case = toml::from_str(&read("case.toml")?)
        .map_err(|error| fault("case.toml", error.message().to_owned()))?;
    let backbone = Backbone::from_name(&case.kind)
        .filter(|backbone| matches!(backbone, Backbone::ResNext101 | Backbone::ResNext50))
        .ok_or_else(|| {
            fault(
                "case.toml",
                format!("there is no kind `{}` of case", case.kind),
            )
        })?;
    let names: Vec<String> = serde_json::from_str(&read("names.json")?)
        .map_err(|error| fault("names.json", error.to_string()))?;
    let mut expected = Tensors::open(&folder.join("expected.safetensors"))?;
    let (pixels, kind) = expected.bytes("clip")?;
    let shape = expected.entries["clip"].shape.clone();
    let clip = match shape[..] {
        [frames, height, width, 3] if kind == Kind::U8 && height == width => Clip {
            frames: frames as usize,
            side: height as usize,
            pixels,
        },
        _ => {
            return Err(fault(
                "expected.safetensors",
                "`clip` is no square clip of bytes".to_owned(),
            ));
        }
    };
    let names_path = folder.join("names.json");
    let mut weights = Formula::new(&names, case.phase, &names_path);
    let extractor = Extractor::from_source(backbone, &mut weights, device)?;
    let mut found: Vec<(String, Vec<f32>)> = Vec::new();
    let mut stages = |name: &str, activations: &crate::activations::Activations| {
        found.push((format!("mean.{name}"), activations.means().concat()));
        let [t, h, w] = activations.size;
        let shape = [activations.clips, activations.channels, t, h, w];
        found.push((
            format!("shape.{name}"),
            shape.map(|side| side as f32).to_vec(),
        ));
    };
    let features = extractor.features_and_stages(&[clip], Some(&mut stages))?;
    found.push(("features".to_owned(), features.concat()));
    let mut tensors = Vec::new();
    for (name, found) in found {
        let recorded: Vec<f32> = match expected.entries.get(&name).map(|entry| entry.kind) {
            None => continue,
            Some(Kind::I64) => {
                let (bytes, _) = expected.bytes(&name)?;
                let number = |bytes: &[u8]| {
                    bytes
                        .try_into()
                        .map_or(f32::NAN, |bytes| i64::from_le_bytes(bytes) as f32)
                };
                bytes.chunks_exact(8).map(number).collect()
            }
            Some(_) => expected.floats(&name)?,
        };
        let relative = deviation(&found, &recorded);
        tensors.push(Deviation {
            name,
            values: recorded.len(),
            relative,
            passed: relative <= TOLERANCE,
        });
    }
    if !tensors.iter().any(|tensor| tensor.name == "features") {
        return Err(fault(
            "expected.safetensors",
            "has no `features`".to_owned(),
        ));
    }
    Ok(Report {
        name: folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        tensors,
    })
}

/// max |found − recorded| / max |recorded|; infinite for other lengths or NaN.
pub(crate) fn deviation(found: &[f32], recorded: &[f32]) -> f64 {
    if found.len() != recorded.len() {
        return f64::INFINITY;
    }
    let largest = recorded
        .iter()
        .map(|value| f64::from(value.abs()))
        .fold(0.0, f64::max);
    let far = found
        .iter()
        .zip(recorded)
        .map(|(found, recorded)| (f64::from(*found) - f64::from(*recorded)).abs())
        .fold(0.0, |most, far| {
            if far.is_nan() {
                f64::INFINITY
            } else {
                far.max(most)
            }
        });
    if far == 0.0 { 0.0 } else { far / largest }
}
