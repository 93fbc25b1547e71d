//! The lists and the truth alone, for whoever has the videos themselves.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::request::{ExtraRows, Import, Request, Wanted};
use super::{names, shanghaitech, ucf_crime};
use crate::error::DatasetError;

/// Lists and truth as they are passed around.
#[derive(Debug, Clone)]
pub struct ListRequest {
    /// List of the training videos.
    pub train: PathBuf,
    /// List of the test videos.
    pub test: PathBuf,
    /// UCF-Crime's temporal annotation (a text), ShanghaiTech's frame masks (a folder).
    pub annotations: PathBuf,
}

/// What the lists say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lists {
    /// The training videos, in the order of their list.
    pub train: Vec<ListedVideo>,
    /// The test videos, in the order of theirs.
    pub test: Vec<ListedVideo>,
    /// Where such videos come from.
    pub source: &'static str,
    /// Where their licence is found.
    pub licence: &'static str,
    /// What differs from the published numbers, one line each.
    pub notes: Vec<String>,
}

/// A video of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedVideo {
    /// Its name, without folders and extension.
    pub name: String,
    /// The list.
    pub list: PathBuf,
    /// Its line in it, from 1.
    pub line: usize,
    /// Its frames, where the lists or the truth know them.
    pub frames: Option<u32>,
    /// Whether it is anomalous, where known.
    pub label: Option<bool>,
    /// Anomalous frames: ascending, not overlapping.
    pub anomalous: Vec<Range<u32>>,
}

/// What UCF-Crime's lists and annotation say.
///
/// # Errors
/// Every fault with its file and line.
pub fn ucf_crime_lists(request: &ListRequest) -> Result<Lists, DatasetError> {
    finish(ucf_crime::read(&request.as_import()))
}

/// What ShanghaiTech's lists and masks say.
///
/// # Errors
/// Every fault with its file and line.
pub fn shanghaitech_lists(request: &ListRequest) -> Result<Lists, DatasetError> {
    finish(shanghaitech::read(&request.as_import()))
}

/// What videos are matched by, however a list or a file spells them: `Abuse/Abuse001_x264.mp4` is `Abuse001`.
pub fn video_key(path: &str) -> &str {
    names::key(path)
}

impl ListRequest {
    /// An import without features: nothing of it but the lists is looked at.
    fn as_import(&self) -> Request {
        Request {
            features: self.train.parent().unwrap_or(Path::new("")).to_owned(),
            train: vec![self.train.clone()],
            test: vec![self.test.clone()],
            annotations: vec![self.annotations.clone()],
            frame_counts: Vec::new(),
            out: PathBuf::new(),
            name: String::new(),
            extractor: String::new(),
            frames_per_segment: 16,
            skip_missing: false,
            extra_rows: ExtraRows::Refuse,
            link: false,
        }
    }
}

pub(super) fn finish(import: Import<'_>) -> Result<Lists, DatasetError> {
    let listed = |wanted: Vec<Wanted>| wanted.into_iter().map(ListedVideo::from).collect();
    import.faults.finish(Lists {
        train: listed(import.train),
        test: listed(import.test),
        source: import.source,
        licence: import.licence,
        notes: import.notes,
    })
}

impl From<Wanted> for ListedVideo {
    fn from(video: Wanted) -> Self {
        Self {
            name: video.name,
            list: video.list,
            line: video.line,
            frames: video.frames,
            label: video.label,
            anomalous: video.anomalous,
        }
    }
}
