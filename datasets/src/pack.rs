//! One file per split instead of one per video: thousands of files open as one map, and the rows of a split lie one after
//! the other, so that all processes of a host read f32 features from the same pages.
//!
//! `train.pack`: the magic, the place of the rows (u64), the length of the index (u64), the index (JSON: the files' paths
//! in the order of the list, each with the length of its `.npy` header), the headers, zeros up to a page, the rows. All
//! integers are little-endian. Header and rows together are the file that was packed, byte for byte: the digest of a
//! packed data set is that of the loose one.

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::Mmap;
use serde::{Deserialize, Serialize};

use crate::map::map;
use crate::npy::Header;

pub(crate) const MAGIC: &[u8; 8] = b"GCLPACK1";
/// Magic and two numbers.
pub(crate) const FIXED: usize = 24;

#[derive(Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) path: PathBuf,
    /// Length of its `.npy` header.
    pub(crate) header: usize,
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
