//! Which videos a folder holds.

use std::path::{Path, PathBuf};

use super::{IMAGES, VIDEOS, has_extension};
use crate::error::ExtractError;

/// A video and the name under which a data set knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Video {
    /// Path inside the folder of videos without the extension, with `/` on every system.
    pub name: String,
    /// A file, or a folder of images.
    pub path: PathBuf,
}

/// Folders inside folders: deeper ones are a mistake or a loop of links.
const DEEPEST: usize = 16;

/// Every video below `folder`, sorted by name: files by their extension, and folders that hold images.
pub fn find(folder: &Path) -> Result<Vec<Video>, ExtractError> {
    let mut videos = Vec::new();
    walk(folder, "", 0, &mut videos)?;
    videos.sort_by(|a, b| a.name.cmp(&b.name));
    for pair in videos.windows(2) {
        if pair[0].name == pair[1].name {
            return Err(ExtractError::Request(format!(
                "{} and {} have the same name without their extension: rename one, or take it out of the folder",
                pair[0].path.display(),
                pair[1].path.display()
            )));
        }
    }
    Ok(videos)
}

fn walk(
    folder: &Path,
    prefix: &str,
    depth: usize,
    videos: &mut Vec<Video>,
) -> Result<(), ExtractError> {
    if depth > DEEPEST {
        return Err(ExtractError::Request(format!(
            "{}: more than {DEEPEST} folders deep",
            folder.display()
        )));
    }
    let fault = |source| ExtractError::file(folder, source);
    let mut images = false;
    for entry in std::fs::read_dir(folder).map_err(fault)? {
        let path = entry.map_err(fault)?.path();
        let Some(file) = path.file_name().and_then(|file| file.to_str()) else {
            return Err(ExtractError::Request(format!(
                "{}: its name is not UTF-8, so no list can name it: rename it",
                path.display()
            )));
        };
        if file.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            walk(&path, &format!("{prefix}{file}/"), depth + 1, videos)?;
        } else if has_extension(&path, &IMAGES) {
            images = true;
        } else if has_extension(&path, &VIDEOS) {
            let stem = path
                .file_stem()
                .and_then(|stem| stem.to_str())
                .unwrap_or(file);
            videos.push(Video {
                name: format!("{prefix}{stem}"),
                path: path.clone(),
            });
        }
    }
    if images {
        let own = folder
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or("video");
        videos.push(Video {
            name: if prefix.is_empty() {
                own.to_owned()
            } else {
                prefix.trim_end_matches('/').to_owned()
            },
            path: folder.to_owned(),
        });
    }
    Ok(())
}

/// BLAKE3 of a video's bytes; of a folder of images, of the images' names and digests in their order.
pub fn digest(video: &Path) -> Result<[u8; 32], ExtractError> {
    if !video.is_dir() {
        return Ok(*crate::files::digest(video)?.as_bytes());
    }
    let mut hasher = blake3::Hasher::new();
    for image in images(video)? {
        let name = image.file_name().unwrap_or_default().to_string_lossy();
        hasher.update(&(name.len() as u64).to_le_bytes());
        hasher.update(name.as_bytes());
        hasher.update(crate::files::digest(&image)?.as_bytes());
    }
    Ok(*hasher.finalize().as_bytes())
}

/// The images of a folder in the order of their numbers: `frame2` before `frame10`.
pub(super) fn images(folder: &Path) -> Result<Vec<PathBuf>, ExtractError> {
    let fault = |source| ExtractError::file(folder, source);
    let mut images = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fault)? {
        let path = entry.map_err(fault)?.path();
        let hidden = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if has_extension(&path, &IMAGES) && !hidden {
            images.push(path);
        }
    }
    images.sort_by_cached_key(|path| {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        (natural_key(&name), name)
    });
    Ok(images)
}

/// Runs of digits compare as numbers: each is written with its length in front.
fn natural_key(name: &str) -> String {
    let mut key = String::new();
    let mut rest = name;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 {
            let number = rest[..digits].trim_start_matches('0');
            // A letter that sorts where digits do, then the length, then the digits.
            key.push_str(&format!("0{:05}{number}", number.len()));
            rest = &rest[digits..];
        }
        let others = rest
            .find(|letter: char| letter.is_ascii_digit())
            .unwrap_or(rest.len());
        key.push_str(&rest[..others]);
        rest = &rest[others..];
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn videos_are_files_and_folders_of_images() {
        let root = tempfile::tempdir().unwrap();
        for file in [
            "a/x.mp4",
            "a/notes.txt",
            "b.avi",
            "c/10.jpg",
            "c/9.JPG",
            "c/.9.jpg",
            "d/e/001.tif",
        ] {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let names: Vec<_> = find(root.path())
            .unwrap()
            .into_iter()
            .map(|video| video.name)
            .collect();
        assert_eq!(names, ["a/x", "b", "c", "d/e"]);
        let files: Vec<_> = images(&root.path().join("c")).unwrap();
        assert_eq!(
            files,
            [root.path().join("c/9.JPG"), root.path().join("c/10.jpg")]
        );
        std::fs::write(root.path().join("b.mkv"), "").unwrap();
        assert!(
            find(root.path())
                .unwrap_err()
                .to_string()
                .contains("same name")
        );
    }

    #[test]
    fn numbers_in_names_count() {
        let mut names = [
            "f10",
            "f2",
            "f002b",
            "f2a",
            "f1",
            "g",
            "f",
            "f100000000000000000000",
        ];
        names.sort_by_key(|name| natural_key(name));
        assert_eq!(
            names,
            [
                "f",
                "f1",
                "f2",
                "f2a",
                "f002b",
                "f10",
                "f100000000000000000000",
                "g"
            ]
        );
    }
}
