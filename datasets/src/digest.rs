//! The digest of a folder, cached beside the data under the sizes and times of its files.
//!
//! A cache entry also says that the numbers were all finite: both questions read everything, so they are answered in one
//! pass and remembered together.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use sweeps::Digest;

const CACHE_FILE: &str = ".gcl-sweep-digest.json";
/// Raised when the digest or the checks change.
const CACHE_REVISION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Cached {
    revision: u32,
    /// Of the paths, sizes and times of all files.
    stamp: Digest,
    digest: Digest,
}

/// What the files look like from outside: any change of a file changes it.
pub(crate) fn stamp(folder: &Path, files: &[PathBuf]) -> Option<Digest> {
    let mut text = String::new();
    for file in files {
        let metadata = fs::metadata(folder.join(file)).ok()?;
        let modified = metadata
            .modified()
            .ok()?
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let _ = writeln!(
            text,
            "{}\0{}\0{}",
            file.display(),
            metadata.len(),
            modified.as_nanos()
        );
    }
    Some(Digest::of(text.as_bytes()))
}

/// The digest that was computed for files of that stamp.
pub(crate) fn cached(folder: &Path, stamp: Digest) -> Option<Digest> {
    places(folder).into_iter().find_map(|place| {
        let cached: Cached = serde_json::from_slice(&fs::read(place).ok()?).ok()?;
        (cached.revision == CACHE_REVISION && cached.stamp == stamp).then_some(cached.digest)
    })
}

/// Remembers a digest, in the first place that can be written; in none, it is computed again next time.
pub(crate) fn remember(folder: &Path, stamp: Digest, digest: Digest) {
    let Ok(bytes) = serde_json::to_vec(&Cached {
        revision: CACHE_REVISION,
        stamp,
        digest,
    }) else {
        return;
    };
    // Root can write anywhere: a folder that says read-only is left alone all the same.
    let read_only = fs::metadata(folder).is_ok_and(|metadata| metadata.permissions().readonly());
    for place in places(folder).into_iter().skip(usize::from(read_only)) {
        // Written beside and renamed: two workers that start together must not read half of it.
        let beside = place.with_extension(format!("{}.part", std::process::id()));
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
