//! One file per split instead of one per video: thousands of files open as one map, and the rows of a split lie one after
//! the other, so that all processes of a host read f32 features from the same pages.
//!
//! `train.pack`: the magic, the place of the rows (u64), the length of the index (u64), the index (JSON: the files' paths
//! in the order of the list, each with the length of its `.npy` header), the headers, zeros up to a page, the rows. All
//! integers are little-endian. Header and rows together are the file that was packed, byte for byte: the digest of a
//! packed data set is that of the loose one.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::Mmap;
use serde::{Deserialize, Serialize};

use crate::dataset::{Dataset, Split};
use crate::error::DatasetError;
use crate::list;
use crate::map::map;
use crate::npy::Header;
use crate::write::{WriteError, whole_folder};

const MAGIC: &[u8; 8] = b"GCLPACK1";
/// Magic and two numbers.
const FIXED: usize = 24;
/// Rows begin at a multiple of a page: aligned for every type and for reading past the cache.
const ALIGNMENT: usize = 4096;

/// A data set that could not be packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The data set has faults.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The packed one could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A features file is not plain enough.
    #[error("{file} {what}", file = .0.display(), what = .1)]
    File(PathBuf, String),
}

#[derive(Serialize, Deserialize)]
struct Entry {
    path: PathBuf,
    header: usize,
}

/// A packed split, mapped.
pub(crate) struct Pack {
    pub(crate) map: Arc<Mmap>,
    files: BTreeMap<PathBuf, Packed>,
}

/// One file within a pack.
#[derive(Clone)]
pub(crate) struct Packed {
    /// Where its header is.
    pub(crate) header: Range<usize>,
    /// Where its rows are.
    pub(crate) rows: Range<usize>,
}

impl Pack {
    /// Maps a pack. Every promise of its index is checked against its length.
    ///
    /// # Errors
    /// What is wrong with it, as half a sentence.
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        let file = File::open(path).map_err(|error| format!("cannot be opened: {error}"))?;
        if file.metadata().map_or(0, |metadata| metadata.len()) < FIXED as u64 {
            return Err("is too short for a pack".to_owned());
        }
        let map = map(&file).map_err(|error| format!("cannot be mapped into memory: {error}"))?;
        let files = index(&map)?;
        Ok(Self {
            map: Arc::new(map),
            files,
        })
    }

    /// Where that features file is.
    pub(crate) fn file(&self, path: &Path) -> Option<&Packed> {
        self.files.get(path)
    }
}

fn index(bytes: &[u8]) -> Result<BTreeMap<PathBuf, Packed>, String> {
    let broken = || "is no pack, or was cut short: make it again with `data pack`".to_owned();
    let number = |at: usize| -> Option<usize> {
        let number = u64::from_le_bytes(*bytes.get(at..)?.first_chunk::<8>()?);
        usize::try_from(number).ok()
    };
    if !bytes.starts_with(MAGIC) {
        return Err(broken());
    }
    let first_row = number(8).ok_or_else(broken)?;
    let length = number(16).ok_or_else(broken)?;
    let text = length
        .checked_add(FIXED)
        .and_then(|end| bytes.get(FIXED..end))
        .ok_or_else(broken)?;
    let entries: Vec<Entry> = serde_json::from_slice(text).map_err(|_| broken())?;
    let (mut header, mut row) = (FIXED + length, first_row);
    let mut files = BTreeMap::new();
    for entry in entries {
        let header_end = header.checked_add(entry.header).ok_or_else(broken)?;
        let of_header = bytes
            .get(header..header_end)
            .filter(|_| header_end <= first_row)
            .ok_or_else(broken)?;
        let parsed = Header::parse(of_header)?;
        let end = parsed
            .bytes()
            .and_then(|bytes| usize::try_from(bytes).ok())
            .and_then(|length| row.checked_add(length))
            .filter(|end| parsed.offset == of_header.len() && *end <= bytes.len())
            .ok_or_else(broken)?;
        let packed = Packed {
            header: header..header_end,
            rows: row..end,
        };
        if files.insert(entry.path, packed).is_some() {
            return Err(broken());
        }
        (header, row) = (header_end, end);
    }
    if row == bytes.len() {
        Ok(files)
    } else {
        Err(broken())
    }
}

/// Packs the data set in `folder` into `out`, which must not exist (or be empty), and opens it: the digest is the same.
///
/// # Errors
/// Faults of the data set, or what the system says.
pub fn pack(folder: &Path, out: &Path) -> Result<Dataset, PackError> {
    let dataset = crate::open(folder)?;
    whole_folder(out, |beside| -> Result<(), PackError> {
        let copy = |name: &str| {
            fs::copy(folder.join(name), beside.join(name))
                .map(|_| ())
                .map_err(|cause| WriteError::new(out, cause))
        };
        copy("dataset.toml")?;
        for (name, split) in [("train", &dataset.train), ("test", &dataset.test)] {
            let list = format!("{name}.csv");
            copy(&list)?;
            let paths = paths(&folder.join(&list));
            let file = beside.join(format!("{name}.pack"));
            pack_split(split, &paths, &file).map_err(|cause| WriteError::new(out, cause))?;
        }
        Ok(())
    })?;
    let packed = crate::open(out)?;
    if packed.digest == dataset.digest {
        Ok(packed)
    } else {
        Err(PackError::File(
            folder.to_owned(),
            "changed while it was packed: do it again".to_owned(),
        ))
    }
}

/// The features files of a list that was read before, in its order.
fn paths(list: &Path) -> Vec<PathBuf> {
    let mut faults = crate::error::Faults::new(list);
    list::read(list, &mut faults)
        .into_iter()
        .map(|line| line.features)
        .collect()
}

fn pack_split(split: &Split, paths: &[PathBuf], file: &Path) -> io::Result<()> {
    let mut entries = Vec::with_capacity(paths.len());
    let mut headers = Vec::new();
    for (video, path) in split.videos.iter().zip(paths) {
        let header = video.features.header();
        entries.push(Entry {
            path: path.clone(),
            header: header.len(),
        });
        headers.extend_from_slice(header);
    }
    let index = serde_json::to_vec(&entries)?;
    let before = FIXED + index.len() + headers.len();
    let first_row = before.next_multiple_of(ALIGNMENT);
    let mut out = BufWriter::with_capacity(1 << 20, File::create_new(file)?);
    out.write_all(MAGIC)?;
    out.write_all(&(first_row as u64).to_le_bytes())?;
    out.write_all(&(index.len() as u64).to_le_bytes())?;
    out.write_all(&index)?;
    out.write_all(&headers)?;
    out.write_all(&vec![0; first_row - before])?;
    for video in &split.videos {
        out.write_all(video.features.rows())?;
    }
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()
}
