//! What a run tells while it goes on, and at its end.

use crate::pipeline::Extracted;

/// What happens, for progress bars and logs.
#[derive(Debug)]
pub enum Event<'a> {
    /// Once, before the first video. `bytes` is the size of the videos still to do, which come in as they end.
    Start {
        /// Videos of this process's share.
        videos: usize,
        /// Those that are done already.
        done: usize,
        /// Bytes of the others.
        bytes: u64,
        /// Where the network runs.
        device: &'a str,
    },
    /// A video is in work.
    Segments {
        /// Its name.
        video: &'a str,
        /// Segments so far.
        segments: u64,
    },
    /// A video is done.
    Done {
        /// Its name.
        video: &'a str,
        /// What came of it.
        extracted: &'a Extracted,
        /// Its size.
        bytes: u64,
    },
    /// A video could not be decoded and is left out.
    Broken {
        /// Its name.
        video: &'a str,
        /// Why.
        error: &'a str,
        /// Its size.
        bytes: u64,
    },
    /// A file that nobody listed is no video, and is left out.
    NoVideo {
        /// Its name.
        video: &'a str,
        /// What it is.
        why: &'a str,
        /// Its size.
        bytes: u64,
    },
    /// Something ended the decoder of a video, which is tried again by the next run.
    Ended {
        /// Its name.
        video: &'a str,
        /// How.
        why: &'a str,
        /// Its size.
        bytes: u64,
    },
    /// Something that a person should know.
    Notice(String),
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// Videos that this run extracted.
    pub extracted: usize,
    /// Videos that were done already.
    pub reused: usize,
    /// Videos that cannot be decoded and are left out, with the reason; of a complete data set those of every share.
    pub broken: Vec<(String, String)>,
    /// Videos whose decoder something ended each time: they are not extracted, and nothing is said against them.
    pub ended: Vec<(String, String)>,
    /// What was taken, left out and changed.
    pub account: Vec<String>,
    /// Segments of all videos of the data set that are done.
    pub segments: u64,
    /// Whether the lists are written; not while videos were not tried to their end.
    pub complete: bool,
}
