//! Which videos a folder holds, and what it holds beside them.
//!
//! Nothing odd ends the search: what cannot be a video, or cannot be looked at, is passed over and counted by its reason. Only
//! the folder itself has to be there.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::found::{Found, Other, Video};
use super::pictures::{self, Gaps};
use super::{IMAGES, VIDEOS, has_extension, reason};
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
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    let said = format!("{}: {error}", at.name);
                    self.pass(reason::UNREADABLE, &said);
                    break;
                }
            };
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
                match std::fs::metadata(&path) {
                    Ok(data) => kind = data.file_type(),
                    Err(_) => {
                        self.pass(reason::DANGLING, &name);
                        continue;
                    }
                }
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
            let (name, alias) = if alone {
                let says = run.name.contains(|letter: char| letter.is_ascii_digit());
                (at.name.clone(), says.then_some(named))
            } else {
                (named, None)
            };
            match run.gaps {
                None => {}
                Some(Gaps::Missing(missing)) => {
                    self.pass(reason::GAPS, &format!("{name} ({missing} missing)"));
                }
                Some(Gaps::Every(step)) => {
                    self.pass(reason::EVERY, &format!("{name} (steps of {step})"));
                }
            }
            self.found.videos.push(Video {
                name,
                path: folder.to_owned(),
                pictures: Some(run.pictures.into()),
                alias,
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
            name: at.name.clone(),
            path: folder.to_owned(),
            pictures: Some(in_order(names).into()),
            alias: None,
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
        for video in &mut self.found.videos {
            if let Some(name) = printable(&video.name) {
                let said = format!("{} is called {name}", video.name);
                self.found.account.add(reason::CALLED, &said);
                video.name = name;
            }
        }
        self.name_apart();
        self.found.videos.sort_by(|a, b| a.name.cmp(&b.name));
        self.found
            .others
            .sort_by(|a, b| a.video.path.cmp(&b.video.path));
        self.name_others();
        self.found
    }

    /// What is not taken gets a name that no video has, should a list name it.
    fn name_others(&mut self) {
        let videos = self.found.videos.iter();
        let mut seen: BTreeSet<String> = videos.map(|video| video.name.clone()).collect();
        for Other { video, .. } in &mut self.found.others {
            if let Some(name) = printable(&video.name) {
                video.name = name;
            }
            if seen.contains(&video.name)
                && let Some(full) = video.full_name()
            {
                video.name = full;
            }
            let (name, mut number) = (video.name.clone(), 2);
            while !seen.insert(video.name.clone()) {
                video.name = format!("{name}-{number}");
                number += 1;
            }
        }
    }

    /// Every video has a name of its own.
    fn name_apart(&mut self) {
        let mut of_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, video) in self.found.videos.iter().enumerate() {
            of_name.entry(video.name.clone()).or_default().push(at);
        }
        let mut out = Vec::new();
        for (name, places) in of_name.into_iter().filter(|(_, all)| all.len() > 1) {
            let ending = |at: usize| {
                let ending = self.found.videos[at].path.extension();
                ending.map(|ending| ending.to_string_lossy().to_ascii_lowercase())
            };
            let pictures = |at: usize| self.found.videos[at].pictures.is_some();
            // A file before the pictures that were made of it, and before its preview.
            let files: Vec<usize> = places.iter().copied().filter(|at| !pictures(*at)).collect();
            let real: Vec<usize> = files
                .iter()
                .copied()
                .filter(|at| ending(*at).as_deref() != Some("gif"))
                .collect();
            let kept = match (&real[..], &files[..]) {
                ([], [_, ..]) => files,
                ([_, ..], _) => real,
                _ => places.clone(),
            };
            for at in places.iter().filter(|at| !kept.contains(at)) {
                let reason = if pictures(*at) {
                    reason::FRAMES
                } else {
                    reason::PREVIEW
                };
                out.push((*at, reason));
            }
            if let [_, _, ..] = kept[..] {
                self.found.account.add(reason::TWICE, &name);
                for at in kept {
                    if let Some(full) = self.found.videos[at].full_name() {
                        self.found.videos[at].name = full;
                    }
                }
            }
        }
        out.sort_unstable();
        for (at, reason) in out.into_iter().rev() {
            let video = self.found.videos.remove(at);
            let said = video.name.clone();
            self.other(video, reason, said);
        }
        self.number_apart();
    }

    /// Names that are still equal (`a.mp4` and `a.MP4`) get a number.
    fn number_apart(&mut self) {
        let mut seen = BTreeSet::new();
        for video in &mut self.found.videos {
            let mut number = 2;
            let name = video.name.clone();
            while !seen.insert(video.name.clone()) {
                video.name = format!("{name}-{number}");
                number += 1;
            }
        }
    }
}

/// The name without control characters, where it has some: lists are read line by line, and names are shown on terminals.
fn printable(name: &str) -> Option<String> {
    name.contains(char::is_control)
        .then(|| name.replace(char::is_control, "_"))
}

/// A file's name without its extension.
fn as_video(name: &str, path: &Path) -> Video {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let stem = extension.and_then(|extension| name.strip_suffix(extension)?.strip_suffix('.'));
    Video::file(stem.unwrap_or(name), path)
}

fn in_order(mut names: Vec<String>) -> Vec<Box<str>> {
    names.sort_by_cached_key(|name| (natural_key(name), name.clone()));
    names.into_iter().map(String::into_boxed_str).collect()
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

/// Runs of digits compare as numbers: each is written with its length in front.
pub(super) fn natural_key(name: &str) -> String {
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
    use super::super::found::{Named, Names};
    use super::*;

    /// A folder with these empty files.
    fn holding(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        root
    }

    fn names(root: &Path) -> Vec<String> {
        let videos = find(root).unwrap().videos;
        videos.into_iter().map(|video| video.name).collect()
    }

    /// What is said where everything found is taken.
    fn said(root: &Path) -> String {
        let found = find(root).unwrap();
        let taken = found.videos.iter().map(|video| video.name.as_str());
        found.account(&taken.collect()).lines().join("\n")
    }

    #[test]
    fn videos_are_files_and_folders_of_images() {
        let root = holding(&[
            "a/x.mp4",
            "a/notes.txt",
            "b.avi",
            "c/10.jpg",
            "c/9.JPG",
            "c/.9.jpg",
            "d/e/001.tif",
        ]);
        assert_eq!(names(root.path()), ["a/x", "b", "c", "d/e"]);
        let found = find(root.path()).unwrap();
        let pictures = found.videos[2].pictures.clone().unwrap();
        assert_eq!(pictures.join(" "), "9.JPG 10.jpg");
        assert_eq!(found.videos[2].path, root.path().join("c"));
    }

    #[test]
    fn recorders_endings_are_videos_and_others_are_said() {
        let root = holding(&[
            "a.dav", "b.h264", "c.H265", "d.264", "e.gif", "f.ifv", "g.txt",
        ]);
        assert_eq!(names(root.path()), ["a", "b", "c", "d", "e"]);
        assert_eq!(
            said(root.path()),
            "left out, files of other endings (2): .ifv 1, .txt 1"
        );
    }

    #[test]
    fn two_types_of_one_name_are_two_videos_but_previews_and_frames_are_none() {
        let root = holding(&[
            "b.avi", "b.mkv", "c.mp4", "c.gif", "d.mp4", "d/1.jpg", "d/2.jpg",
        ]);
        assert_eq!(names(root.path()), ["b.avi", "b.mkv", "c", "d"]);
        let said = said(root.path());
        for line in [
            "changed, videos of one name in several types are called with their ending (1): b",
            "left out, GIFs called as the video beside them (1): c",
            "left out, pictures in a folder called as the video beside it (1): d",
        ] {
            assert!(said.contains(line), "{said}");
        }
        let found = find(root.path()).unwrap();
        let known = Names::of(&found);
        let path = |name| match known.find(name) {
            Named::One(video) => video.path.clone(),
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(path("b.mkv"), root.path().join("b.mkv"));
        assert_eq!(path("c"), root.path().join("c.mp4"));
        assert_eq!(path("c.gif"), root.path().join("c.gif"));
        assert_eq!(known.find("b"), Named::Nothing);
    }

    #[test]
    fn one_odd_thing_ends_nothing() {
        use std::os::unix::ffi::OsStrExt;
        let root = holding(&[
            "a.mp4",
            "._a.mp4",
            "__MACOSX/._a.mp4",
            "__MACOSX/b.mp4",
            "lost+found/#12.mp4",
            "in/new\nline.mp4",
            "in/#1.mp4",
            "gone/x.mp4",
        ]);
        let at = |name: &str| root.path().join(name);
        std::os::unix::fs::symlink(root.path(), at("in/circle")).unwrap();
        std::os::unix::fs::symlink("nowhere.mp4", at("link.mp4")).unwrap();
        std::os::unix::fs::symlink(at("gone"), at("again")).unwrap();
        nix::unistd::mkfifo(&at("pipe.mp4"), nix::sys::stat::Mode::S_IRUSR).unwrap();
        let odd = std::ffi::OsStr::from_bytes(b"\xff.mp4");
        std::fs::write(root.path().join(odd), "").unwrap();
        assert_eq!(
            names(root.path()),
            ["a", "again/x", "gone/x", "in/#1", "in/new_line"]
        );
        let said = said(root.path());
        for line in [
            "left out, links to a folder around them (1): in/circle",
            "left out, links to nothing (1): link.mp4",
            "left out, neither files nor folders (1): pipe.mp4",
            "left out, folders of the system (2): ",
            "left out, hidden (their names begin with a dot) (1): ._a.mp4",
            "left out, names that are no UTF-8, which no list can hold (1)",
            "changed, names with control characters (1): in/new\u{fffd}line is called in/new_line",
        ] {
            assert!(said.contains(line), "{line}: {said}");
        }
        let found = find(root.path()).unwrap();
        let whole = at("in/#1.mp4").display().to_string();
        for name in ["in/new\nline.mp4", "new\nline", "in/new_line", &whole] {
            let named = Names::of(&found).find(name);
            assert!(matches!(named, Named::One(_)), "{name:?}");
        }
        assert!(find(&at("nothing")).is_err());
    }

    #[test]
    fn pictures_beside_videos_masks_and_thumbnails_are_named_not_taken() {
        let root = holding(&[
            "Train/a.mp4",
            "Train/a.jpg",
            "Test/Test001/001.tif",
            "Test/Test001/002.tif",
            "Test/Test001_gt/001.bmp",
            "Test/Test001_gt/002.bmp",
            "thumbs/1.jpg",
            "poster1.jpg",
            "album/cat.jpg",
            "album/dog.jpg",
        ]);
        assert_eq!(names(root.path()), ["Test/Test001", "Train/a"]);
        let said = said(root.path());
        for line in [
            "left out, pictures beside videos (1): Train/a.jpg",
            "left out, called masks or truth (1): Test/Test001_gt (2 pictures)",
            "left out, called thumbnails or previews (1): thumbs/1.jpg",
            "left out, pictures above folders of videos (1): poster1.jpg",
            "left out, pictures whose names do not number them as frames (1): album (2 pictures)",
        ] {
            assert!(said.contains(line), "{line}: {said}");
        }
        let found = find(root.path()).unwrap();
        let Named::One(masks) = Names::of(&found).find("Test/Test001_gt/") else {
            panic!("not found");
        };
        assert_eq!(masks.pictures.as_ref().unwrap().len(), 2);
        let taken = ["Test/Test001_gt", "Test/Test001", "Train/a"].into();
        assert!(!found.account(&taken).lines().join("").contains("masks"));
    }

    #[test]
    fn frames_of_a_class_in_one_folder_are_its_videos() {
        let root = holding(&[
            "Train/Abuse/Abuse001_x264_0.png",
            "Train/Abuse/Abuse001_x264_10.png",
            "Train/Abuse/Abuse002_x264_0.png",
            "Train/Abuse/Abuse002_x264_10.png",
            "Train/Arson/Arson009_x264_0.png",
            "Train/Arson/Arson009_x264_10.png",
            "Train/Arson/Arson009_x264_20.png",
        ]);
        assert_eq!(
            names(root.path()),
            [
                "Train/Abuse/Abuse001_x264",
                "Train/Abuse/Abuse002_x264",
                "Train/Arson"
            ]
        );
        let found = find(root.path()).unwrap();
        let Named::One(arson) = Names::of(&found).find("Arson009_x264") else {
            panic!("not found");
        };
        assert_eq!(arson.name, "Train/Arson");
        let said = said(root.path());
        assert!(said.contains("(1): Train/Abuse (2 videos)"), "{said}");
        assert!(said.contains("Train/Arson (steps of 10)"), "{said}");
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
