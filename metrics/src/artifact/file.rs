//! Reading and writing of safetensors files with a description in JSON.

use std::collections::HashMap;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::de::DeserializeOwned;

use super::ArtifactError;
use crate::frames::Frames;

/// The format that is written and read.
const FORMAT: u64 = 1;

/// What an artifact is called and where its description stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) key: &'static str,
}

impl Kind {
    pub(super) fn fault(self, message: impl std::fmt::Display) -> ArtifactError {
        ArtifactError {
            artifact: self.name,
            message: message.to_string(),
        }
    }
}

/// Tensors on their way into a file.
pub(super) struct Writer<'a> {
    kind: Kind,
    tensors: Vec<(&'a str, Dtype, Vec<usize>, Vec<u8>)>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind,
            tensors: Vec::new(),
        }
    }

    pub(super) fn floats(&mut self, name: &'a str, shape: Vec<usize>, values: &[f32]) {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        self.tensors
            .push((name, Dtype::F32, shape, bytes.collect()));
    }

    pub(super) fn counts(&mut self, name: &'a str, values: &[u32]) {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        self.tensors
            .push((name, Dtype::U32, vec![values.len()], bytes.collect()));
    }

    pub(super) fn flags(&mut self, name: &'a str, values: &[bool]) {
        let bytes = values.iter().map(|value| u8::from(*value));
        self.tensors
            .push((name, Dtype::U8, vec![values.len()], bytes.collect()));
    }

    /// `positives`, `negatives` and `segments`.
    pub(super) fn frames(&mut self, frames: &Frames) {
        let lengths: Vec<u32> = frames
            .videos()
            .iter()
            .map(|video| video.len() as u32)
            .collect();
        self.counts("positives", frames.positives());
        self.counts("negatives", frames.negatives());
        self.counts("segments", &lengths);
    }

    pub(super) fn finish(self, description: &serde_json::Value) -> Result<Vec<u8>, ArtifactError> {
        let fault = |error: &dyn std::fmt::Display| {
            self.kind.fault(format!("could not be written: {error}"))
        };
        let views = self
            .tensors
            .iter()
            .map(|(name, kind, shape, bytes)| {
                let view = TensorView::new(*kind, shape.clone(), bytes);
                Ok((*name, view.map_err(|error| fault(&error))?))
            })
            .collect::<Result<Vec<_>, ArtifactError>>()?;
        let metadata = HashMap::from([(self.kind.key.to_owned(), description.to_string())]);
        safetensors::serialize(views, Some(metadata)).map_err(|error| fault(&error))
    }
}

/// A tensor of floating-point numbers.
pub(super) struct Floats {
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f32>,
}

/// A file that is being read.
pub(super) struct Reader<'a> {
    kind: Kind,
    tensors: SafeTensors<'a>,
    description: serde_json::Value,
}

impl<'a> Reader<'a> {
    pub(super) fn new(kind: Kind, bytes: &'a [u8]) -> Result<Self, ArtifactError> {
        let tensors = SafeTensors::deserialize(bytes)
            .map_err(|error| kind.fault(format!("is no safetensors file: {error}")))?;
        let (_, metadata) = SafeTensors::read_metadata(bytes)
            .map_err(|error| kind.fault(format!("is no safetensors file: {error}")))?;
        let text = metadata
            .metadata()
            .as_ref()
            .and_then(|entries| entries.get(kind.key))
            .ok_or_else(|| kind.fault(format!("has no entry `{}`", kind.key)))?;
        let description: serde_json::Value = serde_json::from_str(text).map_err(|error| {
            kind.fault(format!("has an unreadable entry `{}`: {error}", kind.key))
        })?;
        let reader = Self {
            kind,
            tensors,
            description,
        };
        match reader.entry::<u64>("format")? {
            FORMAT => Ok(reader),
            other => Err(kind.fault(format!(
                "has format {other}; this program reads format {FORMAT}"
            ))),
        }
    }

    pub(super) fn fault(&self, message: impl std::fmt::Display) -> ArtifactError {
        self.kind.fault(message)
    }

    /// An entry of the description.
    pub(super) fn entry<T: DeserializeOwned>(&self, name: &str) -> Result<T, ArtifactError> {
        let value = self.description.get(name).cloned().unwrap_or_default();
        serde_json::from_value(value)
            .map_err(|error| self.fault(format!("does not say `{name}`: {error}")))
    }

    fn tensor(&self, name: &str, kind: Dtype) -> Result<Option<TensorView<'_>>, ArtifactError> {
        let Ok(tensor) = self.tensors.tensor(name) else {
            return Ok(None);
        };
        if tensor.dtype() != kind {
            return Err(self.fault(format!("has a tensor `{name}` of another type")));
        }
        Ok(Some(tensor))
    }

    fn missing(&self, name: &str) -> ArtifactError {
        self.fault(format!("has no tensor `{name}`"))
    }

    /// Finite numbers; `None` where there is no such tensor.
    pub(super) fn floats(&self, name: &str) -> Result<Option<Floats>, ArtifactError> {
        let Some(tensor) = self.tensor(name, Dtype::F32)? else {
            return Ok(None);
        };
        let (values, _) = tensor.data().as_chunks::<4>();
        let values: Vec<f32> = values
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect();
        if !values.iter().all(|value| value.is_finite()) {
            return Err(self.fault(format!("has numbers in `{name}` that are not finite")));
        }
        Ok(Some(Floats {
            shape: tensor.shape().to_vec(),
            values,
        }))
    }

    pub(super) fn counts(&self, name: &str) -> Result<Vec<u32>, ArtifactError> {
        let tensor = self
            .tensor(name, Dtype::U32)?
            .ok_or_else(|| self.missing(name))?;
        let (values, _) = tensor.data().as_chunks::<4>();
        Ok(values
            .iter()
            .map(|bytes| u32::from_le_bytes(*bytes))
            .collect())
    }

    pub(super) fn flags(&self, name: &str) -> Result<Vec<bool>, ArtifactError> {
        self.optional_flags(name)?.ok_or_else(|| self.missing(name))
    }

    pub(super) fn optional_flags(&self, name: &str) -> Result<Option<Vec<bool>>, ArtifactError> {
        let tensor = self.tensor(name, Dtype::U8)?;
        Ok(tensor.map(|tensor| tensor.data().iter().map(|byte| *byte > 0).collect()))
    }

    /// The points of a two-dimensional map.
    pub(super) fn pairs(&self, name: &str) -> Result<Vec<[f32; 2]>, ArtifactError> {
        let found = self.floats(name)?.ok_or_else(|| self.missing(name))?;
        match found.shape[..] {
            [_, 2] => Ok(found.values.as_chunks::<2>().0.to_vec()),
            _ => Err(self.fault(format!("has a tensor `{name}` of another shape"))),
        }
    }

    /// `positives`, `negatives` and `segments`: one entry of `segments` per name in `videos`.
    pub(super) fn frames(&self, videos: usize) -> Result<Frames, ArtifactError> {
        let (positives, negatives) = (self.counts("positives")?, self.counts("negatives")?);
        let lengths = self.counts("segments")?;
        if lengths.len() != videos {
            return Err(self.fault(format!(
                "names {videos} videos and has segments of {}",
                lengths.len()
            )));
        }
        let total = positives.len();
        let mut frames = Frames::default();
        let mut start = 0_usize;
        for length in lengths {
            let own = start
                .checked_add(length as usize)
                .filter(|end| *end <= total && *end <= negatives.len())
                .map(|end| start..end)
                .ok_or_else(|| self.fault("has videos of more segments than there are"))?;
            start = own.end;
            frames.push_counts(&positives[own.clone()], &negatives[own]);
        }
        if start != total || negatives.len() != total {
            return Err(self.fault("has segments that no video has"));
        }
        Ok(frames)
    }
}
