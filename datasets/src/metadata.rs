//! `dataset.toml`.

use std::path::Path;

use serde::Deserialize;

use crate::dataset::Metadata;
use crate::error::Faults;

/// Features wider than this are a mistake in the file.
const MAX_DIM: usize = 65_536;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    feature_dim: usize,
    frames_per_segment: u32,
    #[serde(default)]
    extractor: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    licence: String,
    /// Written by `data synth`.
    #[serde(default)]
    synthetic: bool,
}

/// Reads the metadata and whether the data set says that it is synthetic; `None` where it cannot be used.
pub(crate) fn read(folder: &Path, faults: &mut Faults) -> Option<(Metadata, bool)> {
    let path = folder.join("dataset.toml");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            faults.add(&path, format_args!("cannot be read: {error}; a data set is a folder with dataset.toml, train.csv and test.csv"));
            return None;
        }
    };
    let file: File = match toml::from_str(&text) {
        Ok(file) => file,
        Err(error) => {
            faults.add(&path, error.to_string().trim_end());
            return None;
        }
    };
    if !(1..=MAX_DIM).contains(&file.feature_dim) {
        faults.add(
            &path,
            format_args!(
                "feature_dim = {} is out of range [1, {MAX_DIM}]",
                file.feature_dim
            ),
        );
        return None;
    }
    if !(1..=100_000).contains(&file.frames_per_segment) {
        faults.add(
            &path,
            format_args!(
                "frames_per_segment = {} is out of range [1, 100000]",
                file.frames_per_segment
            ),
        );
        return None;
    }
    if file.name.trim().is_empty() {
        faults.add(&path, "name is empty");
    }
    let metadata = Metadata {
        name: file.name,
        feature_dim: file.feature_dim,
        frames_per_segment: file.frames_per_segment,
        extractor: file.extractor,
        source: file.source,
        licence: file.licence,
    };
    Some((metadata, file.synthetic))
}
