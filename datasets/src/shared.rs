//! Rows of a split where they lie on disk.

use std::ops::Range;
use std::sync::Arc;

use half::f16;
use half::slice::HalfFloatSliceExt as _;
use memmap2::Mmap;

use crate::dataset::Split;

/// The rows of a split, f32 or f16, in the order of its list: read from the maps, whose pages all processes of the host share.
#[derive(Debug, Clone)]
pub struct SharedRows {
    /// At least one, none empty.
    parts: Vec<Part>,
}

/// Numbers as they lie in memory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RawValues<'a> {
    /// Of four bytes.
    F32(&'a [f32]),
    /// Of two bytes.
    F16(&'a [f16]),
}

impl<'a> RawValues<'a> {
    /// How many there are.
    pub fn len(self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::F16(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Those of that range.
    ///
    /// # Panics
    /// If there are fewer.
    #[must_use]
    pub fn part(self, range: Range<usize>) -> RawValues<'a> {
        match self {
            Self::F32(values) => RawValues::F32(&values[range]),
            Self::F16(values) => RawValues::F16(&values[range]),
        }
    }

    /// Copies them; f16 is widened, exactly.
    ///
    /// # Panics
    /// If `out` has another length.
    pub fn copy_to(self, out: &mut [f32]) {
        match self {
            Self::F32(values) => out.copy_from_slice(values),
            Self::F16(values) => values.convert_to_f32_slice(out),
        }
    }
}

/// Numbers that lie one behind the other.
#[derive(Debug, Clone)]
struct Part {
    map: Arc<Mmap>,
    bytes: Range<usize>,
    half: bool,
    /// How many numbers lie in the parts before.
    first: usize,
}

impl Part {
    fn values(&self) -> RawValues<'_> {
        let bytes = &self.map[self.bytes.clone()];
        // Its place was checked when it was made; nothing else could be done about it here.
        if self.half {
            RawValues::F16(bytemuck::try_cast_slice(bytes).unwrap_or_default())
        } else {
            RawValues::F32(bytemuck::try_cast_slice(bytes).unwrap_or_default())
        }
    }

    fn end(&self) -> usize {
        self.first + self.bytes.len() / if self.half { 2 } else { 4 }
    }
}

impl SharedRows {
    /// How many numbers there are.
    pub fn count(&self) -> usize {
        self.parts.last().map_or(0, Part::end)
    }

    /// Bytes that they take on disk, and in the page cache.
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(|part| part.bytes.len()).sum()
    }

    /// `length` numbers from number `first` on: rows of one video.
    ///
    /// # Panics
    /// If there are none, or they belong to two videos that lie in two files.
    pub fn row(&self, first: usize, length: usize) -> RawValues<'_> {
        let index = self.parts.partition_point(|part| part.end() <= first);
        let part = &self.parts[index];
        let first = first - part.first;
        part.values().part(first..first + length)
    }

    /// All numbers, file by file.
    pub fn slices(&self) -> impl Iterator<Item = RawValues<'_>> {
        self.parts.iter().map(Part::values)
    }
}

impl Split {
    /// All rows where they lie on disk: files of f32 or f16, or a packed split of them. `None` where numbers lie otherwise than
    /// this processor reads them, or were made.
    pub fn shared_rows(&self) -> Option<SharedRows> {
        let mut parts: Vec<Part> = Vec::new();
        for video in &self.videos {
            let (map, bytes, half) = video.features.mapped()?;
            let place = &map[bytes.clone()];
            let aligned = if half {
                bytemuck::try_cast_slice::<u8, f16>(place).is_ok()
            } else {
                bytemuck::try_cast_slice::<u8, f32>(place).is_ok()
            };
            if !aligned || bytes.is_empty() {
                return None;
            }
            match parts.last_mut() {
                Some(last)
                    if Arc::ptr_eq(&last.map, &map)
                        && last.half == half
                        && last.bytes.end == bytes.start =>
                {
                    last.bytes.end = bytes.end;
                }
                last => {
                    let first = last.map_or(0, |last| last.end());
                    parts.push(Part {
                        map,
                        bytes,
                        half,
                        first,
                    });
                }
            }
        }
        (!parts.is_empty() && cfg!(target_endian = "little")).then_some(SharedRows { parts })
    }
}
