//! The artifact `scores`: the final score of every test segment, from which every figure on scores can be drawn.
//!
//! A safetensors file, the same bytes for the same scores: `score_g` and, where there is a D, `score_d` (f32, one per
//! segment, test videos in the data set's order; `score_g` is absent where a method has a classifier alone), `positives` and `negatives` (u32, the anomalous and normal frames that
//! each segment stands for), `segments` (u32, per video). Its one metadata entry `gcl-scores` is JSON:
//! `{"format": 1, "videos": [names]}`.

use std::collections::HashMap;

use safetensors::tensor::{Dtype, TensorView};

use crate::error::TrainError;
use metrics::Frames;

/// The name of the artifact.
pub const SCORES: &str = "scores";

/// Encodes the scores of the test segments.
pub(crate) fn encode(
    names: &[String],
    frames: &Frames,
    score_g: Option<&[f32]>,
    score_d: Option<&[f32]>,
) -> Result<Vec<u8>, TrainError> {
    let segments: Vec<u32> = frames
        .videos()
        .iter()
        .map(|video| video.len() as u32)
        .collect();
    let count = frames.segments();
    let mut tensors = vec![
        (
            "positives",
            Dtype::U32,
            vec![count],
            counts(frames.positives()),
        ),
        (
            "negatives",
            Dtype::U32,
            vec![count],
            counts(frames.negatives()),
        ),
        (
            "segments",
            Dtype::U32,
            vec![segments.len()],
            counts(&segments),
        ),
    ];
    for (name, scores) in [("score_g", score_g), ("score_d", score_d)] {
        if let Some(scores) = scores {
            tensors.push((name, Dtype::F32, vec![scores.len()], floats(scores)));
        }
    }
    let header = serde_json::json!({ "format": 1, "videos": names });
    file("gcl-scores", &header, &tensors)
}

/// A tensor's name, type, shape and bytes.
pub(crate) type Named<'a> = (&'a str, Dtype, Vec<usize>, Vec<u8>);

/// A safetensors file with one metadata entry, `key`.
pub(crate) fn file(
    key: &str,
    header: &serde_json::Value,
    tensors: &[Named<'_>],
) -> Result<Vec<u8>, TrainError> {
    let fault = |error: &dyn std::fmt::Display| TrainError::Device {
        message: format!("an artifact could not be encoded: {error}"),
    };
    let views = tensors
        .iter()
        .map(|(name, kind, shape, bytes)| {
            let view = TensorView::new(*kind, shape.clone(), bytes);
            Ok((*name, view.map_err(|error| fault(&error))?))
        })
        .collect::<Result<Vec<_>, TrainError>>()?;
    let metadata = HashMap::from([(key.to_owned(), header.to_string())]);
    safetensors::serialize(views, Some(metadata)).map_err(|error| fault(&error))
}

/// Little-endian bytes.
pub(crate) fn floats(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

/// Little-endian bytes.
pub(crate) fn counts(values: &[u32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_can_be_read_without_us() {
        let mut frames = Frames::default();
        frames.push(2, 40, 16, &[]);
        let encode = || {
            encode(
                &["a".into()],
                &frames,
                Some(&[0.25, 1.0]),
                Some(&[0.5, 0.5]),
            )
            .unwrap()
        };
        assert_eq!(encode(), encode());
        let bytes = encode();
        let read = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(
            read.tensor("score_g").unwrap().data(),
            [0.25_f32.to_le_bytes(), 1.0_f32.to_le_bytes()].concat()
        );
        assert_eq!(
            read.tensor("negatives").unwrap().data(),
            [16, 0, 0, 0, 24, 0, 0, 0]
        );
    }
}
