//! The digest of a data set: of what is computed from, in one canonical form. The dimension, the frames per segment, the
//! lists (names, frames, labels, ranges) and the features are in it. Who made the data and under which licence is not, nor
//! where the files lie, nor how a list is laid out: an edit there changes no number, and makes no job another one.
//!
//! The features' part is cached beside the data under the files' sizes and times, since computing it reads every byte. A cache
//! entry also says that the numbers were all finite: both questions read everything, so they are answered in one pass and
//! remembered together. The metadata and the lists are read at every opening and hashed anew.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use sweeps::Digest;

use crate::dataset::{Metadata, Video};
use crate::features::Features;

const CACHE_FILE: &str = ".gcl-sweep-digest.json";
/// Raised when the digest or the checks change.
const CACHE_REVISION: u32 = 2;

#[derive(Serialize, Deserialize)]
struct Cached {
    revision: u32,
    /// Of the paths, sizes and times of all files.
    stamp: Digest,
    /// Of the features of all videos, in the order of the lists.
    features: Digest,
}

/// The digest of a data set with features of that digest.
pub(crate) fn of(metadata: &Metadata, splits: [&[Video]; 2], features: Digest) -> Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"gcl-sweep data set 2");
    number(&mut hasher, metadata.feature_dim as u64);
    number(&mut hasher, metadata.frames_per_segment.into());
    for videos in splits {
        number(&mut hasher, videos.len() as u64);
        for video in videos {
            number(&mut hasher, video.name.len() as u64);
            hasher.update(video.name.as_bytes());
            number(&mut hasher, video.frames.into());
            hasher.update(&[video.label.map_or(2, u8::from)]);
            number(&mut hasher, video.anomalous.len() as u64);
            for range in &video.anomalous {
                number(&mut hasher, range.start.into());
                number(&mut hasher, range.end.into());
            }
        }
    }
    hasher.update(&features.0);
    Digest(*hasher.finalize().as_bytes())
}

/// The digest of the features of all videos, in the order of the lists.
#[derive(Default)]
pub(crate) struct FeaturesHasher(blake3::Hasher);

impl FeaturesHasher {
    /// Adds the next video's.
    pub(crate) fn add(&mut self, features: &Features) {
        for length in [features.segments, features.crops, features.dim] {
            number(&mut self.0, length as u64);
        }
        self.0.update(features.dtype().as_bytes());
        features.hash(&mut self.0);
    }

    /// Of those that were added.
    pub(crate) fn digest(&self) -> Digest {
        Digest(*self.0.finalize().as_bytes())
    }
}

fn number(hasher: &mut blake3::Hasher, number: u64) {
    hasher.update(&number.to_le_bytes());
}

/// What the files look like from outside, and which features they give in which order: any change of a file changes it.
pub(crate) fn stamp<'a>(
    folder: &Path,
    files: &[PathBuf],
    order: impl Iterator<Item = &'a Path>,
) -> Option<Digest> {
    let mut text = String::new();
    for features in order {
        let _ = writeln!(text, "{}", features.display());
    }
    for file in files {
        let metadata = fs::metadata(folder.join(file)).ok()?;
        let modified = metadata
            .modified()
            .ok()?
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let _ = writeln!(
            text,
            "\0{}\0{}\0{}",
            file.display(),
            metadata.len(),
            modified.as_nanos()
        );
    }
    Some(Digest::of(text.as_bytes()))
}

/// The digest of the features that was computed for files of that stamp.
pub(crate) fn cached(folder: &Path, stamp: Digest) -> Option<Digest> {
    places(folder).into_iter().find_map(|place| {
        let cached: Cached = serde_json::from_slice(&fs::read(place).ok()?).ok()?;
        (cached.revision == CACHE_REVISION && cached.stamp == stamp).then_some(cached.features)
    })
}

/// Remembers the digest of the features, in the first place that can be written; in none, it is computed again next time.
pub(crate) fn remember(folder: &Path, stamp: Digest, features: Digest) {
    let Ok(bytes) = serde_json::to_vec(&Cached {
        revision: CACHE_REVISION,
        stamp,
        features,
    }) else {
        return;
    };
    // Root can write anywhere: a folder that says read-only is left alone all the same.
    let read_only = fs::metadata(folder).is_ok_and(|metadata| metadata.permissions().readonly());
    for place in places(folder).into_iter().skip(usize::from(read_only)) {
        // Written beside and renamed: two workers that start together must not read half of it.
        let beside = place.with_extension(format!("{}.part", durable::word()));
        let written = place
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&beside, &bytes))
            .and_then(|()| fs::rename(&beside, &place));
        if written.is_ok() {
            return;
        }
        let _ = fs::remove_file(&beside);
    }
}

/// Beside the data; in the user's cache folder, for data that cannot be written to.
fn places(folder: &Path) -> Vec<PathBuf> {
    let mut places = vec![folder.join(CACHE_FILE)];
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    if let (Some(cache), Ok(folder)) = (cache, fs::canonicalize(folder)) {
        let name = Digest::of(folder.as_os_str().as_encoded_bytes()).short();
        places.push(cache.join("gcl-sweep").join(format!("{name}.json")));
    }
    places
}
