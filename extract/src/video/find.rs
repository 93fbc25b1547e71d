//! Which videos a folder holds, and what it holds beside them.
//!
//! Nothing odd ends the search: what cannot be a video, or cannot be looked at, is passed over and counted by its reason. Only
//! the folder itself has to be there.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::found::{Found, Other, Video};
use super::order::in_order;
use super::pictures::{self, Gaps};
use super::{IMAGES, VIDEOS, apart, has_extension, reason};
use crate::error::ExtractError;

/// Folders inside folders.
const DEEPEST: usize = 64;
/// Pictures of a run that lies above folders of videos: fewer are covers and posters.
const FRAMES_ABOVE: usize = 16;
/// Folders that systems make: trash, indices, thumbnails, resource forks.
const SYSTEM: [&str; 8] = [
    "__MACOSX",
    "lost+found",
    "@eaDir",
    "#recycle",
    "#snapshot",
    "$RECYCLE.BIN",
    "System Volume Information",
    "RECYCLER",
];

/// Every video below `folder`: files by their extension, and folders that hold numbered pictures.
pub fn find(folder: &Path) -> Result<Found, ExtractError> {
    let mut walk = Walk::default();
    folder.clone_into(&mut walk.found.root);
    let fault = |source| ExtractError::file(folder, source);
    let entries = std::fs::read_dir(folder).map_err(fault)?;
    let here = std::fs::metadata(folder).map_err(fault)?;
    let own = folder
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("video")
        .to_owned();
    walk.around.push((here.dev(), here.ino()));
    walk.folder(folder, entries, &At::root(own));
    Ok(walk.finish())
}

/// Where the walk is.
struct At {
    /// In front of the names of what lies here: `a/b/`.
    prefix: String,
    /// What a video made of this folder's pictures is called.
    name: String,
    /// Whether a folder around, or this one, is called so.
    masks: bool,
    shown: bool,
}

impl At {
    fn root(own: String) -> Self {
        Self {
            prefix: String::new(),
            name: own,
            masks: false,
            shown: false,
        }
    }

    fn inside(&self, folder: &str) -> Self {
        let name = format!("{}{folder}", self.prefix);
        Self {
            prefix: format!("{name}/"),
            name,
            masks: self.masks || pictures::is_truth(folder),
            shown: self.shown || pictures::is_shown(folder),
        }
    }
}

#[derive(Default)]
struct Walk {
    found: Found,
    /// The folders around where the walk is.
    around: Vec<(u64, u64)>,
}

impl Walk {
    fn folder(&mut self, folder: &Path, entries: std::fs::ReadDir, at: &At) {
        let before = self.found.videos.len();
        let mut images = Vec::new();
        let mut files = false;
        let mut here = Vec::new();
        for entry in entries {
            match entry {
                Ok(entry) => here.push(entry),
                Err(error) => {
                    let said = format!("{}: {error}", at.name);
                    self.pass(reason::UNREADABLE, &said);
                    break;
                }
            }
        }
        // What is said is the same on every host.
        here.sort_by_cached_key(std::fs::DirEntry::file_name);
        for entry in here {
            let path = entry.path();
            let Ok(file) = entry.file_name().into_string() else {
                let shown = format!("{}{}", at.prefix, entry.file_name().to_string_lossy());
                self.pass(reason::NO_TEXT, &shown);
                continue;
            };
            let name = format!("{}{file}", at.prefix);
            let mut kind = match entry.file_type() {
                Ok(kind) => kind,
                Err(error) => {
                    self.pass(reason::UNREADABLE, &format!("{name}: {error}"));
                    continue;
                }
            };
            if kind.is_symlink() {
                let Ok(data) = std::fs::metadata(&path) else {
                    self.pass(reason::DANGLING, &name);
                    continue;
                };
                kind = data.file_type();
            }
            if file.starts_with('.') {
                if kind.is_file() && has_extension(&path, &VIDEOS) {
                    self.other(as_video(&name, &path), reason::HIDDEN, name);
                } else {
                    self.pass(reason::HIDDEN, &name);
                }
            } else if kind.is_dir() {
                self.enter(&path, &file, at);
            } else if !kind.is_file() {
                self.pass(reason::NO_FILE, &name);
            } else if has_extension(&path, &IMAGES) && file.contains(char::is_control) {
                self.pass(reason::ALBUM, &name);
            } else if has_extension(&path, &IMAGES) {
                images.push(file);
            } else if has_extension(&path, &VIDEOS) {
                files = true;
                self.found.videos.push(as_video(&name, &path));
            } else {
                let ending = path.extension().map_or_else(
                    || "without one".to_owned(),
                    |ending| format!(".{}", ending.to_string_lossy()),
                );
                self.other(as_video(&name, &path), reason::ENDING, ending);
            }
        }
        if !images.is_empty() {
            let below = self.found.videos.len() > before;
            self.pictures(folder, images, at, files, below);
        }
    }

    fn enter(&mut self, path: &Path, file: &str, at: &At) {
        let name = format!("{}{file}", at.prefix);
        if SYSTEM.iter().any(|own| own.eq_ignore_ascii_case(file)) {
            self.pass(reason::SYSTEM, &name);
            return;
        }
        let opened = std::fs::metadata(path)
            .and_then(|data| Ok(((data.dev(), data.ino()), std::fs::read_dir(path)?)));
        match opened {
            Err(error) => self.pass(reason::UNREADABLE, &format!("{name}: {error}")),
            Ok((own, _)) if self.around.contains(&own) => self.pass(reason::CIRCLE, &name),
            Ok(_) if self.around.len() > DEEPEST => self.pass(reason::DEEP, &name),
            Ok((own, entries)) => {
                self.around.push(own);
                self.folder(path, entries, &at.inside(file));
                self.around.pop();
            }
        }
    }

    /// The pictures of a folder: `files` says whether videos lie beside them, `below` whether beside or below.
    fn pictures(&mut self, folder: &Path, images: Vec<String>, at: &At, files: bool, below: bool) {
        let refused = if at.masks {
            Some(reason::MASKS)
        } else if at.shown {
            Some(reason::SHOWN)
        } else if files {
            Some(reason::BESIDE)
        } else {
            None
        };
        if let Some(reason) = refused {
            self.left_pictures(folder, images, at, reason);
            return;
        }
        let sorted = pictures::sort(images);
        if below
            && sorted
                .runs
                .iter()
                .any(|run| run.pictures.len() < FRAMES_ABOVE)
        {
            let all = sorted.runs.into_iter().flat_map(|run| run.pictures);
            let all = all.map(String::from).chain(sorted.strays);
            self.left_pictures(folder, all.collect(), at, reason::ABOVE);
            return;
        }
        for (reason, names) in [
            (reason::MASKS, &sorted.masks),
            (reason::SECOND, &sorted.second),
        ] {
            for name in names {
                self.pass(reason, &format!("{}{name}", at.prefix));
            }
        }
        if sorted.runs.is_empty() {
            if !sorted.strays.is_empty() {
                self.left_pictures(folder, sorted.strays, at, reason::ALBUM);
            }
            return;
        }
        for name in &sorted.strays {
            self.pass(reason::ALBUM, &format!("{}{name}", at.prefix));
        }
        if sorted.runs.len() > 1 {
            let said = format!("{} ({} videos)", at.name, sorted.runs.len());
            self.pass(reason::SPLIT, &said);
        }
        let alone = sorted.runs.len() == 1;
        for run in sorted.runs {
            let named = format!("{}{}", at.prefix, run.name);
            let (name, alias) = if alone && pictures::is_video_name(&run.name) {
                (named, Some(at.name.clone()))
            } else if alone {
                let says = run.name.contains(|letter: char| letter.is_ascii_digit());
                (at.name.clone(), says.then_some(named))
            } else {
                (named, None)
            };
            let mut steps = None;
            match run.gaps {
                None => {}
                Some(Gaps::Missing(missing)) => {
                    self.pass(reason::GAPS, &format!("{name} ({missing} missing)"));
                }
                Some(Gaps::Every(every)) => {
                    let said = format!("{name} (steps of {})", every.step);
                    self.pass(reason::EVERY, &said);
                    steps = Some(every);
                }
            }
            self.found.videos.push(Video {
                name,
                path: folder.to_owned(),
                pictures: Some(run.pictures.into()),
                alias,
                steps,
            });
        }
    }

    /// Pictures that are not taken, and that a list may name by their folder nevertheless.
    fn left_pictures(&mut self, folder: &Path, names: Vec<String>, at: &At, reason: &'static str) {
        let said = match &names[..] {
            [one] => format!("{}{one}", at.prefix),
            _ => format!("{} ({} pictures)", at.name, names.len()),
        };
        let video = Video {
            pictures: Some(in_order(names).into()),
            ..Video::file(at.name.clone(), folder)
        };
        self.other(video, reason, said);
    }

    fn pass(&mut self, reason: &str, name: &str) {
        self.found.account.add(reason, name);
    }

    fn other(&mut self, video: Video, reason: &'static str, said: String) {
        self.found.others.push(Other {
            video,
            reason,
            said,
        });
    }

    fn finish(mut self) -> Found {
        apart::name(&mut self.found);
        self.found
    }
}

/// A file's name without its extension.
fn as_video(name: &str, path: &Path) -> Video {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let stem = extension.and_then(|extension| name.strip_suffix(extension)?.strip_suffix('.'));
    Video::file(stem.unwrap_or(name), path)
}

/// A video by its path alone: a file, or all the pictures of a folder.
pub(super) fn at(path: &Path) -> Result<Video, ExtractError> {
    if !path.is_dir() {
        return Ok(Video::file("", path));
    }
    let fault = |source| ExtractError::file(path, source);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path).map_err(fault)? {
        let name = entry.map_err(fault)?.file_name();
        if let Ok(name) = name.into_string()
            && has_extension(Path::new(&name), &IMAGES)
            && !name.starts_with('.')
        {
            names.push(name);
        }
    }
    Ok(Video {
        pictures: Some(in_order(names).into()),
        ..Video::file("", path)
    })
}

/// BLAKE3 of a video's bytes; of pictures, of their names and digests in their order.
pub fn digest(video: &Video) -> Result<[u8; 32], ExtractError> {
    let Some(pictures) = &video.pictures else {
        return Ok(*crate::files::digest(&video.path)?.as_bytes());
    };
    let mut hasher = blake3::Hasher::new();
    for name in pictures.iter() {
        let image: PathBuf = video.path.join(&**name);
        hasher.update(&(name.len() as u64).to_le_bytes());
        hasher.update(name.as_bytes());
        hasher.update(crate::files::digest(&image)?.as_bytes());
    }
    Ok(*hasher.finalize().as_bytes())
}

#[cfg(test)]
mod tests;
