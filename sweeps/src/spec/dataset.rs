//! `[dataset]`: a folder's name with the digest it must have, or the settings of synthetic data.

use std::ops::Range;

use super::name::name;
use super::table::{Entry, as_count, as_table, as_text, entries, unknown_key};
use crate::dataset_source::DatasetSource;
use crate::fault::{Fault, Found};
use crate::id::Digest;
use crate::parameter::nearest_hint;
use crate::synthetic::{Regime, Synthetic};

/// What `[dataset]` says.
#[derive(Default)]
pub(super) struct Dataset {
    pub source: Option<DatasetSource>,
    pub digest: Option<Digest>,
    pub span: Option<Range<usize>>,
}

impl Dataset {
    pub(super) fn read(entry: &Entry<'_>, faults: &mut Found) -> Self {
        let mut dataset = Dataset {
            span: Some(entry.key_span.clone()),
            ..Dataset::default()
        };
        let Some(table) = as_table(entry.value, "dataset", faults) else {
            return dataset;
        };
        for entry in entries(table) {
            if faults.is_full() {
                break;
            }
            let source = match entry.key {
                "name" => Some(DatasetSource::Named(name(
                    &entry,
                    "a data set's name",
                    faults,
                ))),
                "synthetic" => synthetic(&entry, faults).map(DatasetSource::Synthetic),
                "digest" => {
                    let text = as_text(entry.value, "dataset.digest", faults).unwrap_or_default();
                    match text.parse() {
                        Ok(digest) => dataset.digest = Some(digest),
                        Err(error) => faults.push(Fault::new(
                            entry.span(),
                            format!("{error}"),
                            "`gcl-sweep data inspect` prints a data set's digest",
                        )),
                    }
                    None
                }
                _ => {
                    faults.push(unknown_key(
                        &entry,
                        "[dataset]",
                        &["name", "digest", "synthetic"],
                    ));
                    None
                }
            };
            if source.is_some() && dataset.source.is_some() {
                faults.push(Fault::new(
                    entry.key_span.clone(),
                    "a data set has a `name` or is `synthetic`, not both",
                    "remove one of the two",
                ));
            }
            dataset.source = source.or(dataset.source);
        }
        if dataset.digest.is_some() && matches!(dataset.source, Some(DatasetSource::Synthetic(_))) {
            faults.push(Fault::new(
                entry.key_span.clone(),
                "a synthetic data set's digest follows from its settings",
                "remove `digest`",
            ));
        }
        dataset
    }
}

fn synthetic(entry: &Entry<'_>, faults: &mut Found) -> Option<Synthetic> {
    const KNOWN: [&str; 5] = ["videos", "mean_length", "dimension", "seed", "regime"];
    let before = faults.len();
    let mut synthetic = Synthetic {
        videos: 90,
        mean_length: 25,
        dimension: 128,
        seed: 0,
        regime: Regime::FixedCameras,
    };
    for entry in entries(as_table(entry.value, "dataset.synthetic", faults)?) {
        if faults.is_full() {
            break;
        }
        let mut count = |range| as_count(entry.value, entry.key, range, faults);
        match entry.key {
            "videos" => synthetic.videos = count(6..=100_000).unwrap_or(6) as u32,
            "mean_length" => synthetic.mean_length = count(4..=10_000).unwrap_or(4) as u32,
            "dimension" => synthetic.dimension = count(8..=16_384).unwrap_or(8) as u32,
            "seed" => synthetic.seed = count(0..=i64::MAX as u64).unwrap_or(0),
            "regime" => {
                let word = as_text(entry.value, "regime", faults).unwrap_or_default();
                let names = || Regime::ALL.iter().map(|(name, _)| *name);
                match Regime::ALL.iter().find(|(name, _)| *name == word) {
                    Some((_, regime)) => synthetic.regime = *regime,
                    None => faults.push(Fault::new(
                        entry.span(),
                        format!("there is no regime `{word}`"),
                        format!(
                            "{}one of: {}",
                            nearest_hint(word, names()),
                            names().collect::<Vec<_>>().join(", ")
                        ),
                    )),
                }
            }
            _ => faults.push(unknown_key(&entry, "[dataset.synthetic]", &KNOWN)),
        }
    }
    (faults.len() == before).then_some(synthetic)
}
