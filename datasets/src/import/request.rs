//! What every importer is asked, finds and answers.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use crate::error::{DatasetError, Faults};
use crate::write_error::WriteError;

/// What is imported, and where to.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Folder with the features; folders within it are looked into.
    pub features: PathBuf,
    /// Lists of the training videos.
    pub train: Vec<PathBuf>,
    /// Lists of the test videos.
    pub test: Vec<PathBuf>,
    /// Truth of the test videos: UCF-Crime's temporal annotation (texts), ShanghaiTech's frame masks (folders).
    pub annotations: Vec<PathBuf>,
    /// More lists that know the videos' numbers of frames. Without one, a video has as many as its segments stand for.
    pub frame_counts: Vec<PathBuf>,
    /// The folder to make; it must not exist, or be empty.
    pub out: PathBuf,
    /// The data set's name, under which sweep files know it.
    pub name: String,
    /// What made the features: it stands in `dataset.toml`, nothing depends on it.
    pub extractor: String,
    /// Frames of a segment.
    pub frames_per_segment: u32,
    /// Leave out videos without features, or without those of one crop, and say so, instead of refusing.
    pub skip_missing: bool,
    /// What becomes of more rows than a video's frames allow.
    pub extra_rows: ExtraRows,
    /// Link to features that can stay as they are, instead of copying them.
    pub link: bool,
}

/// What becomes of more rows than a video's frames allow. Extractors pad with one or two: those are always left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExtraRows {
    /// Nothing is imported.
    #[default]
    Refuse,
    /// A training video has as many frames as its rows stand for. A test video is refused: it has a truth by frames.
    Keep,
    /// The rows past the last frame are left out.
    Drop,
}

impl ExtraRows {
    /// All, by name.
    pub const ALL: [(&'static str, Self); 3] = [
        ("refuse", Self::Refuse),
        ("keep", Self::Keep),
        ("drop", Self::Drop),
    ];
}

impl Request {
    /// How messages call where the truth comes from.
    pub(super) fn shown_annotations(&self) -> String {
        let shown: Vec<String> = self
            .annotations
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        shown.join(", ")
    }
}

/// What was imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// The data set's name.
    pub name: String,
    /// Its digest.
    pub digest: sweeps::Digest,
    /// Width of a feature row.
    pub dimension: usize,
    /// Crops per segment.
    pub crops: usize,
    /// The training split.
    pub train: ImportedSplit,
    /// The test split.
    pub test: ImportedSplit,
    /// What was changed, left out, or differs from the published numbers, one line each.
    pub notes: Vec<String>,
}

/// A split that was imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct ImportedSplit {
    /// Videos.
    pub videos: usize,
    /// Of them, anomalous.
    pub anomalous: usize,
    /// Segments.
    pub segments: usize,
    /// Frames.
    pub frames: u64,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Lists, annotations or features that cannot be used: each fault with its file and line.
    #[error("{}", faults(.0))]
    Faults(DatasetError),
    /// The folder cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

fn faults(error: &DatasetError) -> String {
    let mut text = String::from("nothing was imported:");
    for fault in &error.faults {
        text += &format!("\n  {fault}");
    }
    if error.count > error.faults.len() {
        text += &format!("\n  and {} more", error.count - error.faults.len());
    }
    text
}

/// For the terminal.
impl fmt::Display for ImportReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "{}: {} dimensions, {} crop{}, digest {}",
            self.name,
            self.dimension,
            self.crops,
            if self.crops == 1 { "" } else { "s" },
            self.digest
        )?;
        for (name, split) in [("train", &self.train), ("test", &self.test)] {
            writeln!(
                out,
                "  {name:<6} {} videos ({} anomalous), {} segments, {} frames",
                split.videos, split.anomalous, split.segments, split.frames
            )?;
        }
        self.notes
            .iter()
            .try_for_each(|note| writeln!(out, "  note: {note}"))
    }
}

/// A video that the lists want, before its features are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// As it will stand in our lists.
    pub(super) name: String,
    /// Where it was found, for messages.
    pub(super) list: PathBuf,
    pub(super) line: usize,
    pub(super) frames: Option<u32>,
    pub(super) label: Option<bool>,
    /// Ascending, not overlapping; within `frames` where those are known.
    pub(super) anomalous: Vec<std::ops::Range<u32>>,
}

/// Both splits of one import, with what there is to say about them.
pub(super) struct Import<'a> {
    pub(super) request: &'a Request,
    pub(super) train: Vec<Wanted>,
    pub(super) test: Vec<Wanted>,
    pub(super) source: &'static str,
    pub(super) licence: &'static str,
    /// Frames by which a truth may pass the last segment, where no list knows the number of frames: it is clipped.
    pub(super) slack: u32,
    /// Whether every name of a features file is a video's own: a number at its end is no crop's.
    pub(super) whole_names: bool,
    pub(super) notes: Vec<String>,
    pub(super) faults: Faults,
}

impl Import<'_> {
    /// Says where the lists differ from what was published: training, test, anomalous among each.
    pub(super) fn compare(&mut self, published: [usize; 4]) {
        let anomalous = |videos: &[Wanted]| {
            videos
                .iter()
                .filter(|video| video.label == Some(true))
                .count()
        };
        let found = [
            self.train.len(),
            self.test.len(),
            anomalous(&self.train),
            anomalous(&self.test),
        ];
        let names = [
            "training video",
            "test video",
            "anomalous training video",
            "anomalous test video",
        ];
        for ((name, found), published) in names.iter().zip(found).zip(published) {
            if found != published {
                self.notes.push(format!(
                    "the lists have {found} {name}{}; {published} were published",
                    if found == 1 { "" } else { "s" }
                ));
            }
        }
    }
}
