//! A video among the files of a folder, and how it can be called.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::pictures::Steps;
use super::reason;
use crate::account::Account;

/// A video and the name under which a data set knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Video {
    /// Path inside the folder of videos without the extension, with `/` on every system.
    pub name: String,
    /// A file, or a folder of pictures.
    pub path: PathBuf,
    /// The names of its frames in that folder, in their order; `None` for a file.
    pub pictures: Option<Arc<[Box<str>]>>,
    /// Another name that a list may use: what the frames are called in a folder of another name.
    pub alias: Option<String>,
    /// Of pictures that are not every frame of what they were taken from: which they are.
    pub steps: Option<Steps>,
}

/// What a folder holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// The videos, sorted by name.
    pub videos: Vec<Video>,
    /// What is not taken for a video, and may be one where a list names it.
    pub others: Vec<Other>,
    /// What is left out in any case, and what was changed.
    pub(crate) account: Account,
    /// The folder.
    pub(crate) root: PathBuf,
}

/// What is not taken for a video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// What it would be.
    pub video: Video,
    /// Why it is not taken.
    pub(crate) reason: &'static str,
    /// How that is said of it.
    pub(crate) said: String,
}

impl Found {
    /// What is left out and changed where these videos are taken, by their names.
    pub(crate) fn account(&self, taken: &BTreeSet<&str>) -> Account {
        let mut account = self.account.clone();
        let mut endings: BTreeMap<&str, usize> = BTreeMap::new();
        for other in &self.others {
            if taken.contains(other.video.name.as_str()) {
                continue;
            }
            if other.reason == reason::ENDING {
                *endings.entry(&other.said).or_default() += 1;
            } else {
                account.add(other.reason, &other.said);
            }
        }
        for (ending, count) in endings {
            account.add_several(reason::ENDING, ending, count);
        }
        for video in &self.videos {
            if !taken.contains(video.name.as_str()) {
                account.add(reason::NOT_LISTED, &video.name);
            }
        }
        account
    }
}

impl Video {
    /// A file of that name.
    pub fn file(name: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            path: path.into(),
            pictures: None,
            alias: None,
            steps: None,
        }
    }

    /// Its name with the file's extension.
    pub(crate) fn full_name(&self) -> Option<String> {
        if self.pictures.is_some() {
            return None;
        }
        let extension = self.path.extension()?.to_str()?;
        let with_it = self.path.file_stem()?.to_str()?;
        // Named with its extension already, where another has the same name without.
        let last = self.name.rsplit('/').next().unwrap_or(&self.name);
        (last == with_it).then(|| format!("{}.{extension}", self.name))
    }

    /// Every name that may mean it, with its folders in front.
    fn names(&self) -> impl Iterator<Item = String> {
        let raw = self.path.file_stem().and_then(|stem| stem.to_str());
        let folders = self.name.rsplit_once('/').map(|(folders, _)| folders);
        // A name with control characters is another in a data set; a list has it as it is.
        let raw = raw
            .filter(|raw| self.pictures.is_none() && raw.contains(char::is_control))
            .map(|raw| match folders {
                Some(folders) => format!("{folders}/{raw}"),
                None => raw.to_owned(),
            });
        let raw_full = raw.as_ref().and_then(|raw| {
            let extension = self.path.extension()?.to_str()?;
            Some(format!("{raw}.{extension}"))
        });
        [
            Some(self.name.clone()),
            self.full_name(),
            self.alias.clone(),
            raw,
            raw_full,
        ]
        .into_iter()
        .flatten()
    }
}

/// Finds videos by every name that means one: with or without extension, or by the file's name alone where only one has it.
pub struct Names<'a> {
    /// What a list may write in front of a name: the folder, as it is called.
    fronts: Vec<String>,
    taken: Index<'a>,
    others: Index<'a>,
}

/// What a name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named<'a> {
    /// This video.
    One(&'a Video),
    /// More than one.
    Several,
    /// None.
    Nothing,
}

#[derive(Default)]
struct Index<'a> {
    exact: BTreeMap<String, &'a Video>,
    /// Two videos of one name: neither is meant by it.
    short: BTreeMap<String, Option<&'a Video>>,
}

impl<'a> Names<'a> {
    /// Those of everything that was found.
    pub fn of(found: &'a Found) -> Self {
        let root = std::path::absolute(&found.root).unwrap_or_default();
        let fronts = [
            Some(found.root.clone()),
            std::fs::canonicalize(&root).ok(),
            root.file_name().map(PathBuf::from),
            Some(root),
        ];
        let fronts = fronts.into_iter().flatten();
        let fronts = fronts.filter_map(|front| front.to_str().map(str::to_owned));
        Self {
            fronts: fronts.filter(|front| !front.is_empty()).collect(),
            taken: Index::of(found.videos.iter()),
            others: Index::of(found.others.iter().map(|other| &other.video)),
        }
    }

    /// What the name means. What was not taken for a video is one where it is named.
    pub fn find(&self, name: &str) -> Named<'a> {
        let name = name.trim();
        let plain = name.trim_start_matches("./").trim_end_matches('/');
        let turned = plain.replace('\\', "/");
        let inside = self.fronts.iter().find_map(|front| {
            let rest = turned.strip_prefix(front.as_str())?;
            rest.starts_with('/')
                .then(|| rest.trim_start_matches('/').trim())
        });
        for index in [&self.taken, &self.others] {
            for name in [Some(name), Some(plain), Some(&*turned), inside] {
                let Some(name) = name else { continue };
                match index.find(name) {
                    Named::Nothing => {}
                    found => return found,
                }
            }
        }
        Named::Nothing
    }
}

impl<'a> Index<'a> {
    fn of(videos: impl Iterator<Item = &'a Video> + Clone) -> Self {
        let mut index = Self::default();
        for video in videos.clone() {
            let mut short: Vec<String> = Vec::new();
            for name in video.names() {
                let last = name.rsplit('/').next().unwrap_or(&name).trim().to_owned();
                if !short.contains(&last) {
                    short.push(last);
                }
                index.exact.entry(name.trim().to_owned()).or_insert(video);
            }
            for name in short {
                index
                    .short
                    .entry(name)
                    .and_modify(|one| *one = None)
                    .or_insert(Some(video));
            }
        }
        // A video's own name means it, whatever others are called with their extension.
        for video in videos {
            index.exact.insert(video.name.trim().to_owned(), video);
        }
        index
    }

    fn find(&self, name: &str) -> Named<'a> {
        if let Some(video) = self.exact.get(name) {
            return Named::One(video);
        }
        match self.short.get(name) {
            Some(Some(video)) => Named::One(video),
            Some(None) => Named::Several,
            None => Named::Nothing,
        }
    }
}

/// Bytes of a video; of pictures the sum.
pub fn size(video: &Video) -> u64 {
    let bytes = |path: &Path| std::fs::metadata(path).map_or(0, |data| data.len());
    match &video.pictures {
        None => bytes(&video.path),
        Some(pictures) => pictures
            .iter()
            .map(|picture| bytes(&video.path.join(&**picture)))
            .sum(),
    }
}
