//! Extractions: the jobs that are no training.

use sweeps::{Extraction, ExtractionSettings, ExtractionWeights};

use crate::error::WireError;
use crate::limits::NAME_BYTES;
use crate::number::{digest, required, text};
use crate::wire;

impl From<&Extraction> for wire::Extraction {
    fn from(extraction: &Extraction) -> Self {
        use wire::extraction::Weights;
        let settings = &extraction.settings;
        Self {
            folder: extraction.folder.clone(),
            video: extraction.video.clone(),
            digest: extraction.digest.0.to_vec(),
            backbone: settings.backbone.clone(),
            ten_crops: settings.ten_crops,
            drop_last: settings.drop_last,
            f16: settings.f16,
            revision: settings.revision,
            weights: Some(match settings.weights {
                ExtractionWeights::Random(seed) => Weights::Random(seed),
                ExtractionWeights::File(digest) => Weights::File(digest.0.to_vec()),
            }),
        }
    }
}

impl TryFrom<wire::Extraction> for Extraction {
    type Error = WireError;
    fn try_from(wire: wire::Extraction) -> Result<Self, WireError> {
        use wire::extraction::Weights;
        Ok(Self {
            folder: text("extraction.folder", wire.folder, NAME_BYTES)?,
            video: text("extraction.video", wire.video, NAME_BYTES)?,
            digest: digest("extraction.digest", &wire.digest)?,
            settings: ExtractionSettings {
                backbone: text("extraction.backbone", wire.backbone, NAME_BYTES)?,
                weights: match required("extraction.weights", wire.weights)? {
                    Weights::Random(seed) => ExtractionWeights::Random(seed),
                    Weights::File(bytes) => {
                        ExtractionWeights::File(digest("extraction.weights", &bytes)?)
                    }
                },
                ten_crops: wire.ten_crops,
                drop_last: wire.drop_last,
                f16: wire.f16,
                revision: wire.revision,
            },
        })
    }
}
