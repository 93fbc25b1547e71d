//! A video's features: a mapped `.npy` file, or numbers that were made.

use std::borrow::Cow;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use half::f16;
use memmap2::Mmap;

use crate::map::map;
use crate::npy::{Header, Kind};
use crate::pack::Pack;

/// Numbers that are looked at together when they are checked.
const CHUNK: usize = 1 << 10;

/// Features of one video, `[segments, crops, dim]`.
#[derive(Debug, Clone)]
pub struct Features {
    pub(crate) segments: usize,
    pub(crate) crops: usize,
    pub(crate) dim: usize,
    numbers: Numbers,
}

#[derive(Debug, Clone)]
enum Numbers {
    Made(Arc<[f32]>),
    Mapped {
        map: Arc<Mmap>,
        /// Where the header is.
        header: Range<usize>,
        /// Where the numbers begin.
        offset: usize,
        half: bool,
    },
    /// In a file that is mapped when it is looked at, see [`Features::held`].
    Loose {
        path: PathBuf,
        header: Vec<u8>,
        half: bool,
    },
}

impl Features {
    /// Features that were made, `[segments, 1, dim]`.
    pub(crate) fn made(values: Vec<f32>, dim: usize) -> Self {
        Self::made_in_crops(values, 1, dim)
    }

    /// The shape of features that were not made, `[segments, 1, dim]`. There is no number to look at.
    pub(crate) fn unmade(segments: usize, dim: usize) -> Self {
        Self {
            segments,
            ..Self::made(Vec::new(), dim)
        }
    }

    /// Features that were made, `[segments, crops, dim]`.
    pub(crate) fn made_in_crops(values: Vec<f32>, crops: usize, dim: usize) -> Self {
        Self {
            segments: values.len() / (crops * dim),
            crops,
            dim,
            numbers: Numbers::Made(values.into()),
        }
    }

    /// Maps a `.npy` file of f32 or f16, `[segments, dim]` or `[segments, crops, dim]`.
    ///
    /// # Errors
    /// What is wrong with it, as half a sentence.
    pub(crate) fn map(path: &Path, dim: usize) -> Result<Self, String> {
        let file =
            std::fs::File::open(path).map_err(|error| format!("cannot be opened: {error}"))?;
        let length = file
            .metadata()
            .map_err(|error| format!("cannot be read: {error}"))?
            .len();
        if length == 0 {
            return Err("is empty".to_owned());
        }
        let map = map(&file).map_err(|error| format!("cannot be mapped into memory: {error}"))?;
        let header = Header::parse(&map)?;
        let offset = header.offset;
        let features = Self::checked(&header, dim)?;
        // The map's length, not the directory entry's: it is what the numbers are read from.
        header.check_length(map.len() as u64)?;
        Ok(features(Arc::new(map), 0..offset, offset))
    }

    /// The same of a file that is mapped no longer than it is looked at: a process may map some ten thousand files.
    ///
    /// # Errors
    /// What is wrong with it, as half a sentence.
    pub(crate) fn loose(path: &Path, dim: usize) -> Result<Self, String> {
        let mapped = Self::map(path, dim)?;
        let numbers = Numbers::Loose {
            path: path.to_owned(),
            header: mapped.header().to_vec(),
            half: mapped.dtype() == "f16",
        };
        Ok(Self { numbers, ..mapped })
    }

    /// The features with their file mapped, for a look.
    ///
    /// # Errors
    /// The file is not what it was, as half a sentence.
    pub(crate) fn held(&self) -> Result<Cow<'_, Self>, String> {
        let Numbers::Loose { path, header, .. } = &self.numbers else {
            return Ok(Cow::Borrowed(self));
        };
        let mapped = Self::map(path, self.dim)?;
        if mapped.header() == header {
            Ok(Cow::Owned(mapped))
        } else {
            Err("changed while it was read: do it again".to_owned())
        }
    }

    /// The features that a pack holds under that path.
    ///
    /// # Errors
    /// What is wrong with it, as half a sentence.
    pub(crate) fn packed(pack: &Pack, path: &Path, dim: usize) -> Result<Self, String> {
        let place = pack.file(path).ok_or_else(|| {
            format!(
                "does not hold {}: make it again with `data pack`",
                path.display()
            )
        })?;
        let header = Header::parse(&pack.map[place.header.clone()])?;
        let features = Self::checked(&header, dim)?;
        Ok(features(
            pack.map.clone(),
            place.header.clone(),
            place.rows.start,
        ))
    }

    /// Checks type and shape; what it gives makes the features from the map, the header's place and the numbers'.
    fn checked(
        header: &Header,
        dim: usize,
    ) -> Result<impl FnOnce(Arc<Mmap>, Range<usize>, usize) -> Self + use<>, String> {
        let half = match header.kind {
            Kind::F16 => true,
            Kind::F32 => false,
            other => {
                return Err(format!(
                    "holds numbers of type {other:?}; f32 or f16 is expected: save x.astype(numpy.float32)"
                ));
            }
        };
        let shape = &header.shape;
        if header.fortran && shape.iter().filter(|length| **length > 1).count() > 1 {
            return Err(
                "is stored column by column (fortran order): save numpy.ascontiguousarray(x)"
                    .to_owned(),
            );
        }
        let (segments, crops, width) = match shape[..] {
            [segments, width] => (segments, 1, width),
            [segments, crops, width] => (segments, crops, width),
            _ => {
                return Err(format!(
                    "has shape {shape:?}; [segments, dim] or [segments, crops, dim] is expected"
                ));
            }
        };
        if width != dim as u64 {
            return Err(format!(
                "has {width} features a row, but dataset.toml says feature_dim = {dim}"
            ));
        }
        if segments == 0 || crops == 0 {
            return Err("has no segments".to_owned());
        }
        Ok(move |map, header, offset| Self {
            segments: segments as usize,
            crops: crops as usize,
            dim,
            numbers: Numbers::Mapped {
                map,
                header,
                offset,
                half,
            },
        })
    }

    /// The `.npy` header, empty where the numbers were made.
    pub(crate) fn header(&self) -> &[u8] {
        match &self.numbers {
            Numbers::Made(_) => &[],
            Numbers::Mapped { map, header, .. } => &map[header.clone()],
            Numbers::Loose { header, .. } => header,
        }
    }

    /// The bytes of the numbers as they are on disk, empty where they were made or are not held.
    pub(crate) fn rows(&self) -> &[u8] {
        match &self.numbers {
            Numbers::Made(_) | Numbers::Loose { .. } => &[],
            Numbers::Mapped { map, .. } => &map[self.place()],
        }
    }

    /// The map, the place of the numbers in it, and whether they are f16.
    pub(crate) fn mapped(&self) -> Option<(Arc<Mmap>, Range<usize>, bool)> {
        match &self.numbers {
            Numbers::Mapped { map, half, .. } => Some((map.clone(), self.place(), *half)),
            Numbers::Made(_) | Numbers::Loose { .. } => None,
        }
    }

    /// Where the numbers are in the map.
    fn place(&self) -> Range<usize> {
        match &self.numbers {
            Numbers::Made(_) | Numbers::Loose { .. } => 0..0,
            Numbers::Mapped { offset, half, .. } => {
                let bytes = if *half { 2 } else { 4 };
                *offset..*offset + self.segments * self.crops * self.dim * bytes
            }
        }
    }

    /// `f32` or `f16`.
    pub(crate) fn dtype(&self) -> &'static str {
        if matches!(
            self.numbers,
            Numbers::Mapped { half: true, .. } | Numbers::Loose { half: true, .. }
        ) {
            "f16"
        } else {
            "f32"
        }
    }

    /// See [`crate::Video::copy_rows_f32`].
    pub(crate) fn copy_rows_f32(&self, segments: Range<usize>, out: &mut [f32]) {
        let row = self.crops * self.dim;
        let range = segments.start * row..segments.end * row;
        assert_eq!(out.len(), range.len(), "the buffer fits the rows");
        match &self.numbers {
            Numbers::Made(values) => out.copy_from_slice(&values[range]),
            // Data sets with such features do not leave this crate, and it holds what it looks at.
            Numbers::Loose { path, .. } => panic!("{} is not held", path.display()),
            // The header's length is a multiple of 64 in every version of the format that numpy writes, but nothing
            // promises alignment: bytes are taken one number at a time, which compiles to plain copies.
            Numbers::Mapped {
                map,
                offset,
                half: false,
                ..
            } => {
                let bytes = &map[offset + range.start * 4..offset + range.end * 4];
                for (out, bytes) in out.iter_mut().zip(bytes.as_chunks::<4>().0) {
                    *out = f32::from_le_bytes(*bytes);
                }
            }
            Numbers::Mapped {
                map,
                offset,
                half: true,
                ..
            } => {
                let bytes = &map[offset + range.start * 2..offset + range.end * 2];
                for (out, bytes) in out.iter_mut().zip(bytes.as_chunks::<2>().0) {
                    *out = f16::from_le_bytes(*bytes).to_f32();
                }
            }
        }
    }

    /// See [`crate::Video::push_rows_f16`].
    pub(crate) fn push_rows_f16(&self, out: &mut Vec<f16>) {
        if let Numbers::Mapped { half: true, .. } = &self.numbers {
            let bytes = self.rows().as_chunks::<2>().0;
            out.extend(bytes.iter().map(|bytes| f16::from_le_bytes(*bytes)));
        }
    }

    /// Asks the system to read the numbers from the disk now. A wish: where it is not granted, the first look waits for them.
    pub(crate) fn will_be_read(&self) {
        #[cfg(unix)]
        if let Numbers::Mapped { map, .. } = &self.numbers {
            let place = self.place();
            let _ = map.advise_range(memmap2::Advice::WillNeed, place.start, place.len());
        }
    }

    /// The first segment with a number that is not finite.
    pub(crate) fn first_not_finite(&self) -> Option<usize> {
        let at = match &self.numbers {
            Numbers::Made(values) => first(values, |value| !value.is_finite()),
            Numbers::Loose { .. } => None,
            // Not finite is an exponent of ones: told from the bits, without a copy.
            Numbers::Mapped { half: false, .. } => first(self.rows().as_chunks::<4>().0, |bytes| {
                u32::from_le_bytes(*bytes) & 0x7f80_0000 == 0x7f80_0000
            }),
            Numbers::Mapped { half: true, .. } => first(self.rows().as_chunks::<2>().0, |bytes| {
                u16::from_le_bytes(*bytes) & 0x7c00 == 0x7c00
            }),
        };
        Some(at? / (self.crops * self.dim))
    }

    /// The bytes of the numbers to a hasher, as they are on disk.
    pub(crate) fn hash(&self, hasher: &mut blake3::Hasher) {
        match &self.numbers {
            Numbers::Mapped { .. } | Numbers::Loose { .. } => {
                hasher.update(self.rows());
            }
            Numbers::Made(values) => {
                for chunk in values.chunks(4096) {
                    let bytes: Vec<u8> =
                        chunk.iter().flat_map(|value| value.to_le_bytes()).collect();
                    hasher.update(&bytes);
                }
            }
        }
    }
}

/// The place of the first one that is `bad`.
fn first<T>(numbers: &[T], bad: impl Fn(&T) -> bool) -> Option<usize> {
    let mut before = 0;
    for chunk in numbers.chunks(CHUNK) {
        // Without a way out in the middle, many are compared at once.
        if chunk.iter().fold(false, |any, number| any | bad(number)) {
            return Some(before + chunk.iter().position(&bad)?);
        }
        before += chunk.len();
    }
    None
}
