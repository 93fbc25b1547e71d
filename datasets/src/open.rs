//! Opening a folder: everything is checked, and everything that is wrong is said at once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::dataset::{Dataset, Metadata, Split, Video};
use crate::digest;
use crate::error::{DatasetError, Faults};
use crate::features::Features;
use crate::list::{self, Line, List};
use crate::map_room;
use crate::metadata::{self, Described};
use crate::pack::Pack;
use crate::scan::scan;

/// The lists of the two splits.
const LISTS: [&str; 2] = ["train.csv", "test.csv"];

/// How many files are mapped at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Maps {
    /// All of them, for as long as the data set lives: what trains reads any row at any time.
    All,
    /// One after the other: see [`Features::held`].
    OneByOne,
}

/// Opens a data set. Features are mapped, not read; the first time, all numbers are looked at and the digest is computed.
///
/// # Errors
/// Every fault of the folder, each with its file.
pub fn open(folder: &Path) -> Result<Dataset, DatasetError> {
    open_with(folder, Maps::All)
}

pub(crate) fn open_with(folder: &Path, maps: Maps) -> Result<Dataset, DatasetError> {
    let mut faults = Faults::new(folder);
    let Some(described) = metadata::read(folder, &mut faults) else {
        // What can be said without the dimension is said now.
        for list in LISTS {
            list::read(&folder.join(list), &mut faults);
        }
        return Err(faults.into_error());
    };
    let Described {
        metadata,
        synthetic,
        notes,
    } = described;
    let mut opener = Opener {
        folder,
        maps,
        metadata: &metadata,
        faults,
        crops: None,
        names: BTreeMap::new(),
        users: BTreeMap::new(),
        packs: Vec::new(),
        notes,
    };
    let train = opener.split(LISTS[0], false);
    let test = opener.split(LISTS[1], true);
    let mut files: Vec<PathBuf> = opener
        .users
        .iter()
        .filter(|(_, user)| !user.packed)
        .map(|(file, _)| file.clone())
        .collect();
    files.append(&mut opener.packs);
    let (mut faults, notes) = (opener.faults, opener.notes);
    if faults.any() {
        return Err(faults.into_error());
    }
    let all = || train.iter().chain(&test);
    let stamp = digest::stamp(folder, &files, all().map(|(file, _)| file.as_path()));
    let known = stamp.and_then(|stamp| digest::cached(folder, stamp));
    let features = known.unwrap_or_else(|| {
        let videos: Vec<&Features> = all().map(|(_, video)| &video.features).collect();
        let seen = scan(&videos);
        for ((file, _), fault) in all().zip(seen.faults) {
            if let Some(fault) = fault {
                faults.add(&folder.join(file), fault);
            }
        }
        if let (false, Some(stamp)) = (faults.any(), stamp) {
            digest::remember(folder, stamp, seen.digest);
        }
        seen.digest
    });
    let strip = |videos: Vec<(PathBuf, Video)>| Split {
        videos: videos.into_iter().map(|(_, video)| video).collect(),
    };
    let (train, test) = (strip(train), strip(test));
    let digest = digest::of(&metadata, [&train.videos, &test.videos], features);
    faults.finish(Dataset {
        metadata,
        synthetic,
        digest,
        train,
        test,
        notes,
    })
}

struct Opener<'a> {
    folder: &'a Path,
    maps: Maps,
    metadata: &'a Metadata,
    faults: Faults,
    /// Crops of the first video, and its file: all must have the same.
    crops: Option<(usize, PathBuf)>,
    /// Videos with the list that each stands in: a test video that was trained on would be a leak.
    names: BTreeMap<String, &'static str>,
    /// Features files with the video that uses each.
    users: BTreeMap<PathBuf, User>,
    /// The packs that were read.
    packs: Vec<PathBuf>,
    /// What there is to say and is no fault.
    notes: Vec<String>,
}

struct User {
    video: String,
    packed: bool,
}

impl Opener<'_> {
    fn split(&mut self, list: &'static str, test: bool) -> Vec<(PathBuf, Video)> {
        let path = self.folder.join(list);
        let List { lines, mut notes } = list::read(&path, &mut self.faults);
        self.notes.append(&mut notes);
        let pack = self.pack(list);
        if pack.is_none() && !self.may_map(&path, lines.len()) {
            return Vec::new();
        }
        let mut videos = Vec::with_capacity(lines.len());
        for line in lines {
            if let Some(other) = self.names.insert(line.video.clone(), list) {
                self.faults.add(
                    &path,
                    format_args!(
                        "line {}: the video `{}` stands in {other} already",
                        line.number, line.video
                    ),
                );
            }
            if test && line.label == Some(true) && line.anomalous.is_empty() {
                self.faults.add(
                    &path,
                    format_args!(
                        "line {}: is labelled anomalous (1), but has no anomalous frames",
                        line.number
                    ),
                );
            }
            let user = User {
                video: line.video.clone(),
                packed: pack.is_some(),
            };
            if let Some(other) = self.users.insert(line.features.clone(), user) {
                self.faults.add(
                    &path,
                    format_args!(
                        "line {}: {} is already the file of the video `{}`",
                        line.number,
                        line.features.display(),
                        other.video
                    ),
                );
                continue;
            }
            let dim = self.metadata.feature_dim;
            let (file, features) = match &pack {
                Some((file, Ok(pack))) => {
                    (file.clone(), Features::packed(pack, &line.features, dim))
                }
                // Said once, by `pack`.
                Some((_, Err(()))) => continue,
                None => {
                    let file = self.folder.join(&line.features);
                    let features = match self.maps {
                        Maps::All => Features::map(&file, dim),
                        Maps::OneByOne => Features::loose(&file, dim),
                    };
                    (file, features)
                }
            };
            match features.and_then(|features| self.fit(&line, features)) {
                Ok(features) => videos.push((
                    line.features,
                    Video {
                        name: line.video,
                        frames: line.frames,
                        label: line.label,
                        anomalous: line.anomalous,
                        features,
                    },
                )),
                Err(what) => self.faults.add(&file, what),
            }
        }
        videos
    }

    /// Whether as many files can be mapped at a time.
    fn may_map(&mut self, list: &Path, files: usize) -> bool {
        if self.maps == Maps::OneByOne || files <= map_room::ALWAYS {
            return true;
        }
        let left = map_room::left();
        if files > left {
            let folder = self.folder.display().to_string();
            let folder = folder.trim_end_matches('/');
            self.faults.add(
                list,
                format_args!(
                    "names {files} files, and this system lets a process map {left} more (vm.max_map_count): `gcl-sweep data pack {folder} --out {folder}-packed` \
                     makes one file of each list, with the same digest"
                ),
            );
        }
        files <= left
    }

    /// The pack beside a list, where there is one: it holds the features of all its videos, and loose files are not
    /// looked at.
    fn pack(&mut self, list: &str) -> Option<(PathBuf, Result<Pack, ()>)> {
        let name = PathBuf::from(list).with_extension("pack");
        let file = self.folder.join(&name);
        if !file.exists() {
            return None;
        }
        self.packs.push(name);
        let pack = Pack::open(&file).map_err(|what| self.faults.add(&file, what));
        Some((file, pack))
    }

    /// Checks features against the list's line and the other videos.
    fn fit(&mut self, line: &Line, features: Features) -> Result<Features, String> {
        let per_segment = u64::from(self.metadata.frames_per_segment);
        let (frames, segments) = (u64::from(line.frames), features.segments as u64);
        let most = frames.div_ceil(per_segment);
        // A last segment that is not whole may be there or not; extractors that need a few frames more drop one.
        let least = (frames / per_segment).saturating_sub(1).max(1);
        if segments > most || segments < least {
            return Err(format!(
                "has {segments} segments, but the video `{}` has {frames} frames: {least} to {most} are expected",
                line.video
            ));
        }
        match &self.crops {
            Some((crops, first)) if *crops != features.crops => Err(format!(
                "has {} crops, but {} has {crops}",
                features.crops,
                first.display()
            )),
            Some(_) => Ok(features),
            None => {
                self.crops = Some((features.crops, line.features.clone()));
                Ok(features)
            }
        }
    }
}
