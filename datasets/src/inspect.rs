//! What is in a data set, for people and programs.

use std::fmt;
use std::path::Path;

use serde::Serialize;

use crate::dataset::{Dataset, Metadata, Split};
use crate::error::DatasetError;
use crate::open::{Maps, open_with};

/// Everything that `data inspect` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Inspection {
    /// What `dataset.toml` says.
    #[serde(flatten)]
    pub metadata: Metadata,
    /// Whether a generator made it.
    pub synthetic: bool,
    /// The digest that job ids are made with.
    pub digest: sweeps::Digest,
    /// `f32` or `f16`.
    pub dtype: String,
    /// Crops per segment.
    pub crops: usize,
    /// The training split.
    pub train: SplitInspection,
    /// The test split.
    pub test: SplitInspection,
    /// What is allowed, and probably not meant.
    pub warnings: Vec<String>,
    /// What was left out, changed or not understood when it was made or read.
    pub notes: Vec<String>,
}

/// A split.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SplitInspection {
    /// Videos.
    pub videos: usize,
    /// Of them, labelled normal.
    pub normal_videos: usize,
    /// Of them, labelled anomalous.
    pub anomalous_videos: usize,
    /// Segments.
    pub segments: usize,
    /// Frames.
    pub frames: u64,
    /// Anomalous frames, as far as the list knows.
    pub anomalous_frames: u64,
    /// Segments of the shortest, the median and the longest video.
    pub segments_per_video: [usize; 3],
    /// Smallest, mean and largest Euclidean norm of a row.
    pub norm: [f64; 3],
    /// Share of numbers that are zero, `[0, 1]`.
    pub zeros: f64,
    /// Dimensions that never change.
    pub constant_dimensions: usize,
}

/// Opens a data set and looks at everything, at one file at a time: more may be in it than a process may map.
///
/// # Errors
/// Every fault of the folder, each with its file.
pub fn inspect_folder(folder: &Path) -> Result<Inspection, DatasetError> {
    Ok(inspect(&open_with(folder, Maps::OneByOne)?))
}

/// Looks at everything.
pub fn inspect(dataset: &Dataset) -> Inspection {
    let videos = || dataset.train.videos.iter().chain(&dataset.test.videos);
    let halves = videos()
        .filter(|video| video.features.dtype() == "f16")
        .count();
    let dtype = match halves {
        0 => "f32",
        some if some == videos().count() => "f16",
        _ => "f32 and f16",
    };
    let mut lost = Vec::new();
    let train = split(&dataset.train, dataset.metadata.feature_dim, &mut lost);
    let test = split(&dataset.test, dataset.metadata.feature_dim, &mut lost);
    let mut warnings = warnings(&train, &test, dataset.test.without_truth());
    warnings.append(&mut lost);
    Inspection {
        metadata: dataset.metadata.clone(),
        synthetic: dataset.synthetic,
        digest: dataset.digest,
        dtype: dtype.to_owned(),
        crops: dataset.train.crops(),
        warnings,
        train,
        test,
        notes: dataset.notes.clone(),
    }
}

fn warnings(train: &SplitInspection, test: &SplitInspection, without_truth: usize) -> Vec<String> {
    let mut warnings = Vec::new();
    if test.anomalous_frames == 0 || test.anomalous_frames == test.frames {
        let which = if test.anomalous_frames == 0 {
            "no"
        } else {
            "only"
        };
        warnings.push(format!(
            "test.csv has {which} anomalous frames: an AUC needs both kinds"
        ));
    }
    if without_truth > 0 {
        warnings.push(format!(
            "test.csv: {without_truth} of {} videos have neither a label nor anomalous frames: their frames count as normal",
            test.videos
        ));
    }
    for (list, split) in [("train.csv", train), ("test.csv", test)] {
        if split.norm[0] == 0.0 {
            warnings.push(format!("{list} has segments whose features are all zero"));
        }
    }
    warnings
}

fn split(split: &Split, dim: usize, lost: &mut Vec<String>) -> SplitInspection {
    let mut lengths: Vec<usize> = split.videos.iter().map(crate::Video::segments).collect();
    lengths.sort_unstable();
    let length = |share: usize| {
        lengths
            .get((lengths.len().saturating_sub(1)) * share / 2)
            .copied()
            .unwrap_or(0)
    };
    let (mut smallest, mut largest, mut sum) = (f64::INFINITY, 0.0_f64, 0.0);
    let (mut rows, mut zeros) = (0_u64, 0_u64);
    let mut range: Vec<Option<(f32, f32)>> = vec![None; dim];
    for video in &split.videos {
        let features = match video.features.held() {
            Ok(features) => features,
            Err(what) => {
                lost.push(format!("the features of `{}`: {what}", video.name));
                continue;
            }
        };
        let mut buffer = vec![0.0; video.crops() * dim];
        for segment in 0..video.segments() {
            features.copy_rows_f32(segment..segment + 1, &mut buffer);
            for row in buffer.chunks_exact(dim) {
                let norm = row
                    .iter()
                    .map(|value| f64::from(*value).powi(2))
                    .sum::<f64>()
                    .sqrt();
                (smallest, largest, sum, rows) =
                    (smallest.min(norm), largest.max(norm), sum + norm, rows + 1);
                for (value, range) in row.iter().zip(&mut range) {
                    zeros += u64::from(*value == 0.0);
                    let (low, high) = range.unwrap_or((*value, *value));
                    *range = Some((low.min(*value), high.max(*value)));
                }
            }
        }
    }
    SplitInspection {
        videos: split.videos.len(),
        normal_videos: split.labelled(Some(false)),
        anomalous_videos: split.labelled(Some(true)),
        segments: split.segments(),
        frames: split.frames(),
        anomalous_frames: split.anomalous_frames(),
        segments_per_video: [length(0), length(1), length(2)],
        norm: [smallest, sum / rows.max(1) as f64, largest],
        zeros: zeros as f64 / (rows * dim as u64).max(1) as f64,
        constant_dimensions: range
            .iter()
            .flatten()
            .filter(|(low, high)| low == high)
            .count(),
    }
}

impl fmt::Display for Inspection {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let made = if self.synthetic { " (synthetic)" } else { "" };
        writeln!(out, "{}{made}", self.metadata.name)?;
        writeln!(out, "  digest     {}", self.digest)?;
        let crops = if self.crops == 1 {
            "no crops".to_owned()
        } else {
            format!("{} crops", self.crops)
        };
        writeln!(
            out,
            "  features   {} dimensions, {}, {crops}, {} frames a segment",
            self.metadata.feature_dim, self.dtype, self.metadata.frames_per_segment
        )?;
        for (label, text) in [
            ("extractor", &self.metadata.extractor),
            ("source", &self.metadata.source),
            ("licence", &self.metadata.licence),
        ] {
            writeln!(out, "  {label:<10} {text}")?;
        }
        for (name, split) in [("train", &self.train), ("test", &self.test)] {
            let unknown = split.videos - split.normal_videos - split.anomalous_videos;
            // Labels of whole videos alone, as UCF-Crime's training list has them.
            let anomalous = if split.anomalous_videos > 0 && split.anomalous_frames == 0 {
                "which of them are anomalous is not known".to_owned()
            } else {
                let share = split.anomalous_frames as f64 / split.frames.max(1) as f64 * 100.0;
                format!("{share:.1}% of them anomalous")
            };
            writeln!(
                out,
                "  {name:<10} {} videos ({} normal, {} anomalous, {unknown} unlabelled), {} segments, {} frames, {anomalous}",
                split.videos,
                split.normal_videos,
                split.anomalous_videos,
                split.segments,
                split.frames
            )?;
            let [shortest, median, longest] = split.segments_per_video;
            let [low, mean, high] = split.norm;
            writeln!(
                out,
                "             {shortest} / {median} / {longest} segments a video (shortest, median, longest); row norm {low:.3} / {mean:.3} / {high:.3} \
                 (least, mean, most); {:.1}% zeros; {} constant dimensions",
                split.zeros * 100.0,
                split.constant_dimensions
            )?;
        }
        for warning in &self.warnings {
            writeln!(out, "  warning    {warning}")?;
        }
        for note in &self.notes {
            writeln!(out, "  note       {note}")?;
        }
        Ok(())
    }
}
