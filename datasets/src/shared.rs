//! Rows of a split where they lie on disk.

use std::ops::Range;
use std::sync::Arc;

use memmap2::Mmap;

use crate::dataset::Split;

/// The f32 rows of a split, in the order of its list: read from the maps, whose pages all processes of the host share.
#[derive(Debug, Clone)]
pub struct SharedRows {
    /// At least one, none empty.
    parts: Vec<Part>,
}

/// Numbers that lie one behind the other.
#[derive(Debug, Clone)]
struct Part {
    map: Arc<Mmap>,
    bytes: Range<usize>,
    /// How many numbers lie in the parts before.
    first: usize,
}

impl Part {
    fn values(&self) -> &[f32] {
        // Its place was checked when it was made; nothing else could be done about it here.
        bytemuck::try_cast_slice(&self.map[self.bytes.clone()]).unwrap_or_default()
    }

    fn end(&self) -> usize {
        self.first + self.bytes.len() / size_of::<f32>()
    }
}

impl SharedRows {
    /// How many numbers there are.
    pub fn count(&self) -> usize {
        self.parts.last().map_or(0, Part::end)
    }

    /// `length` numbers from number `first` on: rows of one video.
    ///
    /// # Panics
    /// If there are none, or they belong to two videos that lie in two files.
    pub fn row(&self, first: usize, length: usize) -> &[f32] {
        let index = self.parts.partition_point(|part| part.end() <= first);
        let part = &self.parts[index];
        &part.values()[first - part.first..][..length]
    }

    /// All numbers, file by file.
    pub fn slices(&self) -> impl Iterator<Item = &[f32]> {
        self.parts.iter().map(Part::values)
    }
}

impl Split {
    /// All rows where they lie on disk: files of f32, or a packed split of them. `None` where numbers must be widened, lie
    /// otherwise than this processor reads them, or were made.
    pub fn shared_rows(&self) -> Option<SharedRows> {
        let mut parts: Vec<Part> = Vec::new();
        for video in &self.videos {
            let (map, bytes) = video.features.mapped_f32()?;
            let aligned = bytemuck::try_cast_slice::<u8, f32>(&map[bytes.clone()]).is_ok();
            if !aligned || bytes.is_empty() {
                return None;
            }
            match parts.last_mut() {
                Some(last) if Arc::ptr_eq(&last.map, &map) && last.bytes.end == bytes.start => {
                    last.bytes.end = bytes.end;
                }
                last => {
                    let first = last.map_or(0, |last| last.end());
                    parts.push(Part { map, bytes, first });
                }
            }
        }
        (!parts.is_empty() && cfg!(target_endian = "little")).then_some(SharedRows { parts })
    }
}
