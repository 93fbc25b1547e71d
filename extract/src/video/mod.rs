//! Videos: files that ffmpeg reads, or folders of images. Both are streams of RGB frames, one frame in memory at a time.

mod ffmpeg;
mod find;
mod opencv;
mod resize;
mod segments;

use std::path::{Path, PathBuf};

pub use ffmpeg::Decoder;
pub(crate) use ffmpeg::FrameStream;
pub use find::{Video, digest, find};
pub use resize::resize;
pub(crate) use segments::{Crops, FRAMES, Segments};

/// One frame: RGB, row by row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frame {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `[height, width, 3]`.
    pub pixels: Vec<u8>,
}

/// Image files that a folder of frames may hold.
const IMAGES: [&str; 9] = [
    "jpg", "jpeg", "png", "bmp", "tif", "tiff", "ppm", "pgm", "webp",
];

/// Files that are taken for videos when a folder is searched; a list may name any other.
const VIDEOS: [&str; 17] = [
    "mp4", "avi", "mkv", "mov", "webm", "mpg", "mpeg", "m4v", "flv", "wmv", "ts", "m2ts", "3gp",
    "ogv", "mts", "asf", "y4m",
];

fn has_extension(path: &Path, known: &[&str]) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| known.contains(&extension.to_ascii_lowercase().as_str()))
}

/// What was not right about a video that could be decoded nevertheless.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Decoded {
    /// Frames altogether.
    pub(crate) frames: u64,
    /// What the decoder complained about; empty when nothing.
    pub(crate) complaints: String,
}

pub(crate) fn video_fault(path: &Path, message: impl Into<String>) -> crate::ExtractError {
    crate::ExtractError::Video {
        path: PathBuf::from(path),
        message: message.into(),
    }
}
