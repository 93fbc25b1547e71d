//! The files of a trace, and what traces of every kind read of them.

use serde::de::DeserializeOwned;
use sweeps::Choice;
use sweeps::training::FeatureScaling;

use crate::data::matrix::Matrix;
use crate::selftest::error::TraceError;
use crate::selftest::tensors::Tensors;

pub(super) const CASE: &str = "case.toml";
pub(super) const INPUTS: &str = "inputs.safetensors";
pub(super) const EXPECTED: &str = "expected.safetensors";

/// A fault of `case.toml`.
pub(super) fn fault(message: impl Into<String>) -> TraceError {
    TraceError::File {
        file: CASE,
        message: message.into(),
    }
}

/// What `case.toml` says.
pub(super) fn settings<T: DeserializeOwned>(case: &[u8]) -> Result<T, TraceError> {
    let text = std::str::from_utf8(case).map_err(|error| fault(error.to_string()))?;
    toml::from_str(text).map_err(|error| fault(error.to_string()))
}

pub(super) fn feature_scaling(word: &str) -> Result<FeatureScaling, TraceError> {
    FeatureScaling::of_word(word)
        .ok_or_else(|| fault(format!("`feature_scaling` cannot be `{word}`")))
}

/// The recorded features, as they are before scaling.
pub(super) fn features(inputs: &Tensors<'_>) -> Result<Matrix, TraceError> {
    let [rows, dimension] = inputs.shape("features")?[..] else {
        return Err(inputs.fault("features", "is no matrix"));
    };
    if rows == 0 || dimension == 0 || u32::try_from(rows).is_err() {
        return Err(inputs.fault("features", "is empty, or has too many rows"));
    }
    let values = inputs.matrix("features", &[rows, dimension])?;
    Ok(Matrix::new(values, dimension))
}

/// The fold of each row, which may be recorded of each of `videos` videos. `video`: of each row.
pub(super) fn folds(
    inputs: &Tensors<'_>,
    folds: usize,
    video: &[u32],
    videos: usize,
) -> Result<Vec<u32>, TraceError> {
    let mut fold = inputs.indices("fold", folds)?;
    if fold.len() == videos {
        fold = video.iter().map(|video| fold[*video as usize]).collect();
    }
    let rows = video.len();
    if fold.len() != rows || fold.contains(&-1) {
        let message = format!("does not name a fold for all {videos} videos or {rows} rows");
        return Err(inputs.fault("fold", message));
    }
    Ok(fold.into_iter().map(|fold| fold as u32).collect())
}
