//! The videos that lists want, whatever a line looks like.

use std::path::PathBuf;

use super::names::Crops;
use super::request::Wanted;
use super::text;
use crate::error::Faults;

/// What a line says of a video.
pub(super) struct Listed {
    /// As it will stand in our lists.
    pub(super) name: String,
    pub(super) label: Option<bool>,
    pub(super) frames: Option<u32>,
}

/// Lines by number with what each says; nothing of one that is a further crop of a video before it.
pub(super) type Lines = Vec<(usize, Result<Option<Listed>, String>)>;

/// The videos of `paths`, each list with `crops` of its own, read by `read`.
pub(super) fn wanted(
    paths: &[PathBuf],
    crops: impl Fn() -> Crops,
    notes: &mut Vec<String>,
    faults: &mut Faults,
    read: impl Fn(&[(usize, String)], &mut Crops) -> Lines,
) -> Vec<Wanted> {
    let mut videos = Vec::new();
    for path in paths {
        let mut crops = crops();
        for (line, listed) in read(&text::lines(path, faults), &mut crops) {
            match listed {
                Ok(Some(Listed {
                    name,
                    label,
                    frames,
                })) => videos.push(Wanted {
                    name,
                    list: path.clone(),
                    line,
                    frames,
                    label,
                    anomalous: Vec::new(),
                }),
                Ok(None) => {}
                Err(what) => faults.add(path, format_args!("line {line}: {what}")),
            }
        }
        notes.extend(crops.note(path));
    }
    videos
}
