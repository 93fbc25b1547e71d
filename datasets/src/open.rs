//! Opening a folder: everything is checked, and everything that is wrong is said at once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sweeps::Digest;

use crate::dataset::{Dataset, Metadata, Split, Video};
use crate::digest;
use crate::error::{DatasetError, Faults};
use crate::features::Features;
use crate::list::{self, Line};
use crate::metadata;
use crate::pack::Pack;

/// The lists of the two splits.
const LISTS: [&str; 2] = ["train.csv", "test.csv"];

/// Opens a data set. Features are mapped, not read; the first time, all numbers are looked at and the digest is computed.
///
/// # Errors
/// Every fault of the folder, each with its file.
pub fn open(folder: &Path) -> Result<Dataset, DatasetError> {
    let mut faults = Faults::new(folder);
    let Some((metadata, synthetic)) = metadata::read(folder, &mut faults) else {
        // What can be said without the dimension is said now.
        for list in LISTS {
            list::read(&folder.join(list), &mut faults);
        }
        return Err(faults.into_error());
    };
    let mut opener = Opener {
        folder,
        metadata: &metadata,
        faults,
        crops: None,
        names: BTreeMap::new(),
        users: BTreeMap::new(),
        packs: Vec::new(),
    };
    let train = opener.split(LISTS[0], false);
    let test = opener.split(LISTS[1], true);
    let mut files: Vec<PathBuf> = ["dataset.toml", LISTS[0], LISTS[1]]
        .iter()
        .map(PathBuf::from)
        .collect();
    files.extend(
        opener
            .users
            .iter()
            .filter(|(_, user)| !user.packed)
            .map(|(file, _)| file.clone()),
    );
    files.append(&mut opener.packs);
    let mut faults = opener.faults;
    if faults.any() {
        return Err(faults.into_error());
    }
    let stamp = digest::stamp(folder, &files);
    let known = stamp.and_then(|stamp| digest::cached(folder, stamp));
    let digest = if let Some(digest) = known {
        digest
    } else {
        let digest = look_at_all(folder, &files, &train, &test, &mut faults);
        if let (false, Some(stamp)) = (faults.any(), stamp) {
            digest::remember(folder, stamp, digest);
        }
        digest
    };
    let strip = |videos: Vec<(PathBuf, Video)>| Split {
        videos: videos.into_iter().map(|(_, video)| video).collect(),
    };
    faults.finish(Dataset {
        synthetic,
        digest,
        train: strip(train),
        test: strip(test),
        metadata,
    })
}

struct Opener<'a> {
    folder: &'a Path,
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
}

struct User {
    video: String,
    packed: bool,
}

impl Opener<'_> {
    fn split(&mut self, list: &'static str, test: bool) -> Vec<(PathBuf, Video)> {
        let path = self.folder.join(list);
        let lines = list::read(&path, &mut self.faults);
        let pack = self.pack(list);
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
                    let features = Features::map(&file, dim);
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

/// The digest over everything, and a look at every number.
fn look_at_all(
    folder: &Path,
    files: &[PathBuf],
    train: &[(PathBuf, Video)],
    test: &[(PathBuf, Video)],
    faults: &mut Faults,
) -> Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"gcl-sweep data set 1");
    for file in files.iter().take(3) {
        match std::fs::read(folder.join(file)) {
            Ok(bytes) => frame(&mut hasher, file, bytes.len() as u64, |hasher| {
                hasher.update(&bytes);
            }),
            Err(error) => faults.add(&folder.join(file), format_args!("cannot be read: {error}")),
        }
    }
    for (file, video) in train.iter().chain(test) {
        if let Some(segment) = video.features.first_not_finite() {
            faults.add(
                &folder.join(file),
                format_args!("has a number that is NaN or infinite in segment {segment}"),
            );
        }
        let numbers = (video.segments() * video.crops() * video.features.dim) as u64;
        frame(&mut hasher, file, numbers, |hasher| {
            video.features.hash(hasher);
        });
    }
    Digest(*hasher.finalize().as_bytes())
}

/// Names and lengths go in with the bytes, so that no two folders read alike.
fn frame(
    hasher: &mut blake3::Hasher,
    file: &Path,
    length: u64,
    bytes: impl FnOnce(&mut blake3::Hasher),
) {
    let name = file.to_string_lossy();
    hasher.update(&(name.len() as u64).to_le_bytes());
    hasher.update(name.as_bytes());
    hasher.update(&length.to_le_bytes());
    bytes(hasher);
}
