//! Videos: files that ffmpeg reads, or folders of images. Both are streams of RGB frames, one frame in memory at a time.

mod apart;
mod child;
mod ffmpeg;
mod find;
mod found;
mod opencv;
mod order;
mod pictures;
mod ppm;
pub(crate) mod reason;
mod resize;
mod segments;
mod stream;

use std::path::{Path, PathBuf};

use std::sync::atomic::AtomicBool;

pub use ffmpeg::Decoder;
pub use find::{digest, find};
pub use found::{Found, Named, Names, Other, Video, size};
pub use pictures::Steps;
pub use resize::resize;
pub(crate) use segments::{Crops, FRAMES, Segments};
pub(crate) use stream::FrameStream;

use crate::error::ExtractError;

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

/// Files that are taken for videos when a folder is searched; a list may name any other. From the second line on those of
/// recorders and cameras, streams without a container, and GIFs.
const VIDEOS: [&str; 52] = [
    "mp4", "avi", "mkv", "mov", "webm", "mpg", "mpeg", "m4v", "flv", "wmv", "ts", "m2ts", "3gp",
    "ogv", "mts", "asf", "y4m", "dav", "h264", "h265", "264", "265", "hevc", "avc", "x264", "x265",
    "vob", "m2v", "m1v", "mpv", "mpe", "mp4v", "mjpg", "mjpeg", "m2t", "trp", "tod", "mod", "mxf",
    "dv", "divx", "f4v", "3g2", "3gpp", "rm", "rmvb", "ogm", "qt", "ivf", "nut", "av1", "gif",
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

impl Decoder {
    /// Calls `each` with every frame of a file or a folder of images, in order, until it returns false. The number of
    /// frames comes back, and what ffmpeg complained about.
    pub fn frames(
        &self,
        path: &Path,
        mut each: impl FnMut(&Frame) -> Result<bool, ExtractError>,
    ) -> Result<(u64, String), ExtractError> {
        let stop = AtomicBool::new(false);
        let mut stream = FrameStream::open(self, &find::at(path)?, &stop)?;
        let mut frame = Frame::default();
        while stream.next(&mut frame)? {
            if !each(&frame)? {
                break;
            }
        }
        let decoded = stream.decoded();
        Ok((decoded.frames, decoded.complaints))
    }
}

pub(crate) fn video_fault(path: &Path, message: impl Into<String>) -> ExtractError {
    ExtractError::Video {
        path: PathBuf::from(path),
        message: message.into(),
    }
}
