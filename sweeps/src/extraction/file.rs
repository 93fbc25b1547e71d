//! The text in which extractions are submitted: a sweep file with `[extract]` in place of a data set and a grid.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Extraction, ExtractionSettings, ExtractionWeights};
use crate::cell::{Cell, Reporting};
use crate::dataset_source::DatasetSource;
use crate::id::Digest;
use crate::job::JobSpec;
use crate::parameters::Parameters;

/// Characters of a name.
const LONGEST_NAME: usize = 512;

/// A list of videos to extract, in the order in which they are begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtractionSweep {
    /// Its name among the sweeps of a coordinator.
    pub name: String,
    /// For people.
    pub description: String,
    /// The videos.
    pub extractions: Vec<Extraction>,
}

/// A text that means no extractions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the [extract] file cannot be used: {0}")]
pub struct FileError(String);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    name: String,
    #[serde(default)]
    description: String,
    extract: Section,
    video: Vec<Video>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    videos: String,
    backbone: String,
    weights: ExtractionWeights,
    #[serde(default)]
    ten_crops: bool,
    #[serde(default)]
    drop_last: bool,
    #[serde(default)]
    f16: bool,
    revision: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Video {
    name: String,
    digest: Digest,
}

impl ExtractionSweep {
    /// Whether the text is meant as one of these: a file with `[extract]`.
    pub fn is_meant(text: &str) -> bool {
        // Nearly all files are none, and are read once then.
        text.contains("extract")
            && toml::from_str::<toml::Table>(text).is_ok_and(|table| table.contains_key("extract"))
    }

    /// Reads a text of at most `most` videos.
    ///
    /// # Errors
    /// The first fault.
    pub fn parse(text: &str, most: usize) -> Result<Self, FileError> {
        let text: Text = toml::from_str(text).map_err(|error| FileError(error.to_string()))?;
        if text.video.is_empty() {
            return Err(FileError("it has no [[video]]".into()));
        }
        if text.video.len() > most {
            return Err(FileError(format!(
                "it has {} videos; {most} jobs are allowed",
                text.video.len()
            )));
        }
        check_name("the sweep's name", &text.name)?;
        check_name("the folder's name", &text.extract.videos)?;
        check_name("the backbone", &text.extract.backbone)?;
        let settings = ExtractionSettings {
            backbone: text.extract.backbone,
            weights: text.extract.weights,
            ten_crops: text.extract.ten_crops,
            drop_last: text.extract.drop_last,
            f16: text.extract.f16,
            revision: text.extract.revision,
        };
        let mut names = BTreeSet::new();
        let mut extractions = Vec::with_capacity(text.video.len());
        for video in text.video {
            check_name("a video's name", &video.name)?;
            if !names.insert(video.name.clone()) {
                return Err(FileError(format!("it names `{}` twice", video.name)));
            }
            extractions.push(Extraction {
                folder: text.extract.videos.clone(),
                video: video.name,
                digest: video.digest,
                settings: settings.clone(),
            });
        }
        Ok(Self {
            name: text.name,
            description: text.description,
            extractions,
        })
    }

    /// The text that means these.
    ///
    /// # Errors
    /// No videos, or videos of several folders or settings.
    pub fn to_text(&self) -> Result<String, FileError> {
        let first = self
            .extractions
            .first()
            .ok_or_else(|| FileError("it has no [[video]]".into()))?;
        if self
            .extractions
            .iter()
            .any(|one| one.folder != first.folder || one.settings != first.settings)
        {
            return Err(FileError("its videos have different settings".into()));
        }
        let settings = first.settings.clone();
        let text = Text {
            name: self.name.clone(),
            description: self.description.clone(),
            extract: Section {
                videos: first.folder.clone(),
                backbone: settings.backbone,
                weights: settings.weights,
                ten_crops: settings.ten_crops,
                drop_last: settings.drop_last,
                f16: settings.f16,
                revision: settings.revision,
            },
            video: self
                .extractions
                .iter()
                .map(|one| Video {
                    name: one.video.clone(),
                    digest: one.digest,
                })
                .collect(),
        };
        toml::to_string(&text).map_err(|error| FileError(error.to_string()))
    }

    /// One cell a video, called like it.
    pub fn cells(&self) -> Vec<Cell> {
        self.extractions
            .iter()
            .map(|extraction| Cell {
                variant: extraction.video.clone(),
                point: Vec::new(),
                job: JobSpec {
                    dataset: DatasetSource::Video(Box::new(extraction.clone())),
                    seed: 0,
                    parameters: Parameters::default(),
                },
                reporting: Reporting::default(),
            })
            .collect()
    }
}

fn check_name(what: &str, name: &str) -> Result<(), FileError> {
    let wrong = if name.trim().is_empty() {
        "is empty"
    } else if name.len() > LONGEST_NAME {
        "is too long"
    } else if name.chars().any(char::is_control) {
        "holds a line break or a control character"
    } else {
        return Ok(());
    };
    Err(FileError(format!("{what} {wrong}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> ExtractionSweep {
        let first = super::super::example();
        let mut second = first.clone();
        second.video = "odd \"name\" = [x]".into();
        second.digest = Digest([1; 32]);
        ExtractionSweep {
            name: "features".into(),
            description: String::new(),
            extractions: vec![second, first],
        }
    }

    #[test]
    fn a_list_survives_its_text_in_its_order() {
        let text = two().to_text().unwrap();
        assert!(ExtractionSweep::is_meant(&text), "{text}");
        assert_eq!(ExtractionSweep::parse(&text, 2), Ok(two()));
        assert!(ExtractionSweep::parse(&text, 1).is_err());
        let cells = two().cells();
        assert_eq!(cells[1].variant, "Abuse/Abuse001_x264");
        assert_eq!(
            cells[0].job.dataset.to_string(),
            "ucf-crime/odd \"name\" = [x]"
        );
    }

    #[test]
    fn other_sweep_files_are_not_meant() {
        assert!(!ExtractionSweep::is_meant(
            "name = \"x\"\n[dataset]\nname = \"d\"\n"
        ));
        assert!(!ExtractionSweep::is_meant("= = ="));
    }

    #[test]
    fn faults_are_said() {
        let text = two().to_text().unwrap();
        for (from, to, said) in [
            (
                "name = \"features\"",
                "name = \"\"",
                "the sweep's name is empty",
            ),
            ("revision = 1", "revision = 1\nwidth = 2", "width"),
            ("blake3:", "sha1:", "random:SEED or blake3:HEX"),
            ("ucf-crime", "a\\nb", "the folder's name holds"),
            ("[[video]]", "[[film]]", "film"),
        ] {
            let changed = text.replace(from, to);
            let error = ExtractionSweep::parse(&changed, 10)
                .unwrap_err()
                .to_string();
            assert!(error.contains(said), "{error}");
        }
        let mut twice = two();
        twice.extractions[0].video = twice.extractions[1].video.clone();
        let error = ExtractionSweep::parse(&twice.to_text().unwrap(), 10).unwrap_err();
        assert!(
            error.to_string().contains("`Abuse/Abuse001_x264` twice"),
            "{error}"
        );
    }
}
