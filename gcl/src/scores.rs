//! The artifact `scores`: the final score of every test segment, from which every figure on scores can be drawn.
//!
//! A safetensors file, the same bytes for the same scores: `score_g` and, where there is a D, `score_d` (f32, one per
//! segment, test videos in the data set's order), `positives` and `negatives` (u32, the anomalous and normal frames that
//! each segment stands for), `segments` (u32, per video). Its one metadata entry `gcl-scores` is JSON:
//! `{"format": 1, "videos": [names]}`.

use std::collections::HashMap;

use safetensors::tensor::{Dtype, TensorView};

use crate::error::TrainError;
use crate::metrics::Frames;

/// The name of the artifact.
pub const SCORES: &str = "scores";

/// Encodes the scores of the test segments.
pub(crate) fn encode(
    names: &[String],
    frames: &Frames,
    score_g: &[f32],
    score_d: Option<&[f32]>,
) -> Result<Vec<u8>, TrainError> {
    let fault = |error: &dyn std::fmt::Display| TrainError::Device {
        message: format!("the scores could not be encoded: {error}"),
    };
    let floats = |values: &[f32]| -> Vec<u8> {
        values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    };
    let counts = |values: &[u32]| -> Vec<u8> {
        values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    };
    let segments: Vec<u32> = frames
        .videos()
        .iter()
        .map(|video| video.len() as u32)
        .collect();
    let mut tensors = vec![
        ("score_g", Dtype::F32, floats(score_g)),
        ("positives", Dtype::U32, counts(frames.positives())),
        ("negatives", Dtype::U32, counts(frames.negatives())),
        ("segments", Dtype::U32, counts(&segments)),
    ];
    if let Some(scores) = score_d {
        tensors.push(("score_d", Dtype::F32, floats(scores)));
    }
    let views = tensors
        .iter()
        .map(|(name, kind, bytes)| {
            let view = TensorView::new(*kind, vec![bytes.len() / 4], bytes);
            Ok((*name, view.map_err(|error| fault(&error))?))
        })
        .collect::<Result<Vec<_>, TrainError>>()?;
    let header = serde_json::json!({ "format": 1, "videos": names }).to_string();
    let metadata = HashMap::from([("gcl-scores".to_owned(), header)]);
    safetensors::serialize(views, Some(metadata)).map_err(|error| fault(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_can_be_read_without_us() {
        let mut frames = Frames::default();
        frames.push(2, 40, 16, &[]);
        let encode = || encode(&["a".into()], &frames, &[0.25, 1.0], Some(&[0.5, 0.5])).unwrap();
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
