//! A weights file seen as the tensors of a network: prefixes taken off, shapes checked, nothing left over.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{FinishedSource, Tensors};
use crate::error::ExtractError;
use crate::network::TensorSource;

/// Prefixes that wrappers of models leave in front of every name.
const PREFIXES: [&str; 3] = ["module.", "model.", "_orig_mod."];

/// Tensors that a checkpoint may have though the feature extractor does not use them: classifiers and counters.
const UNUSED: [&str; 6] = ["fc.", "fc7.", "fc8.", "_fc.", "classifier.", "last_linear."];

/// Layers that a port names by their places in a list, and their names in the network: C3D's other port.
const PLACES: [(&str, &str); 9] = [
    ("features.0.", "conv1."),
    ("features.3.", "conv2."),
    ("features.6.", "conv3a."),
    ("features.8.", "conv3b."),
    ("features.11.", "conv4a."),
    ("features.13.", "conv4b."),
    ("features.16.", "conv5a."),
    ("features.18.", "conv5b."),
    ("classifier.0.", "fc6."),
];

/// A weights file.
pub(crate) struct Checkpoint {
    tensors: Tensors,
    /// Name in the network → name in the file.
    names: BTreeMap<String, String>,
    used: BTreeSet<String>,
}

impl Checkpoint {
    pub(crate) fn open(path: &Path) -> Result<Self, ExtractError> {
        let tensors = Tensors::open(path)?;
        let names = tensors
            .entries
            .keys()
            .map(|stored| {
                let mut name = stored.as_str();
                while let Some(shorter) =
                    PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix))
                {
                    name = shorter;
                }
                (name.to_owned(), stored.clone())
            })
            .collect();
        let names = by_layer(names);
        Ok(Self {
            tensors,
            names,
            used: BTreeSet::new(),
        })
    }
}

/// Names by places turned into the network's, where the file is C3D's: all of its layers are there.
fn by_layer(names: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let has = |place: &str| names.contains_key(&format!("{place}weight"));
    if !PLACES.iter().all(|(place, _)| has(place)) {
        return names;
    }
    names
        .into_iter()
        .map(|(name, stored)| {
            let layer = PLACES
                .iter()
                .find_map(|(place, layer)| Some(format!("{layer}{}", name.strip_prefix(place)?)));
            (layer.unwrap_or(name), stored)
        })
        .collect()
}

#[cfg(test)]
impl Checkpoint {
    pub(crate) fn tensors_mut(&mut self) -> &mut Tensors {
        &mut self.tensors
    }
}

fn shown(shape: impl IntoIterator<Item = u64>) -> String {
    let sides: Vec<String> = shape.into_iter().map(|side| side.to_string()).collect();
    format!("[{}]", sides.join(", "))
}

impl TensorSource for Checkpoint {
    fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ExtractError> {
        let expected = shape.iter().map(|side| *side as u64);
        let Some(stored) = self.names.get(name) else {
            let some: Vec<_> = self
                .names
                .keys()
                .take(3)
                .map(|name| format!("`{name}`"))
                .collect();
            return Err(self.tensors.fault(format!(
                "has no tensor `{name}`, which the network needs as {}; it has {} tensors{}{}",
                shown(expected),
                self.names.len(),
                if some.is_empty() { "" } else { ": " },
                some.join(", "),
            )));
        };
        let found = &self.tensors.entries[stored].shape;
        if !found.iter().copied().eq(expected.clone()) {
            return Err(self.tensors.fault(format!(
                "tensor `{name}` is {}, the network needs {}",
                shown(found.iter().copied()),
                shown(expected)
            )));
        }
        let stored = stored.clone();
        let values = self.tensors.floats(&stored)?;
        if let Some(place) = values.iter().position(|value| !value.is_finite()) {
            return Err(self.tensors.fault(format!(
                "tensor `{name}` holds {} at {place}",
                values[place]
            )));
        }
        self.used.insert(name.to_owned());
        Ok(values)
    }
}

impl FinishedSource for Checkpoint {
    fn finish(&self) -> Result<(), ExtractError> {
        let left = self.names.iter().find(|(name, _)| {
            !self.used.contains(*name)
                && !name.ends_with("num_batches_tracked")
                && !UNUSED.iter().any(|unused| name.starts_with(unused))
        });
        match left {
            None => Ok(()),
            Some((name, stored)) => Err(self.tensors.fault(format!(
                "tensor `{name}` {} has no place in this network: the weights are of another one",
                shown(self.tensors.entries[stored].shape.iter().copied())
            ))),
        }
    }
}
