//! Features as they are found: which files belong to a video, and their rows in one order.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use half::f16;
use memmap2::Mmap;

use super::{hdf5, names};
use crate::error::Faults;
use crate::map::map;
use crate::npy::{Header, Kind};

/// Folders within folders; also what ends a circle of links.
const MAX_DEPTH: usize = 6;
/// Entries that are looked at.
const MAX_ENTRIES: usize = 2_000_000;
/// C3D features of one video as text have a megabyte.
const MAX_TEXT: u64 = 1 << 30;
/// Rows that stand for a whole video however long it is, as in the features of Sultani et al.
const BINS: usize = 32;
/// Segments beyond a video's last frame that are dropped rather than refused: extractors pad.
const PADDING: usize = 2;

/// Where an array lies: a file, or one of the arrays in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    /// The array's name within an HDF5 file.
    pub(super) member: Option<String>,
}

impl Place {
    /// A fault of the array, where the file alone is named by who says it.
    fn fault(&self, what: &str) -> (PathBuf, String) {
        let what = match &self.member {
            Some(member) => format!("data set `{member}` {what}"),
            None => what.to_owned(),
        };
        (self.path.clone(), what)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.path.display())?;
        self.member
            .iter()
            .try_for_each(|member| write!(out, ", data set `{member}`"))
    }
}

/// The arrays of one video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Files {
    One(Place),
    /// One a crop.
    Crops(BTreeMap<u32, Place>),
    /// More than can be told apart.
    Unclear(Place, Place),
}

impl Files {
    /// The first of them, and what is wrong with it.
    pub(super) fn fault(&self, what: &str) -> (PathBuf, String) {
        match self {
            Self::One(place) | Self::Unclear(place, _) => place.fault(what),
            Self::Crops(crops) => crops.values().next().map_or_else(
                || (PathBuf::new(), what.to_owned()),
                |place| place.fault(what),
            ),
        }
    }

    /// How messages call them.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::One(place) | Self::Unclear(place, _) => place.to_string(),
            Self::Crops(crops) => crops
                .values()
                .next()
                .map_or_else(String::new, ToString::to_string),
        }
    }
}

/// All features files of a folder, by the video's key.
pub(super) fn index(folder: &Path, faults: &mut Faults) -> BTreeMap<String, Files> {
    let mut found = Vec::new();
    let mut unread = None;
    walk(folder, 0, &mut found, &mut unread, faults);
    found.sort();
    let mut index: BTreeMap<String, Files> = BTreeMap::new();
    for path in found {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        if !hdf5::named(&path) {
            put(&mut index, &name, Place { path, member: None });
            continue;
        }
        match hdf5::members(&path) {
            // An array alone goes by its file's name, whatever it is called.
            Ok(members) if members.len() == 1 => {
                let member = members.into_iter().next().map(|member| member.path);
                put(&mut index, &name, Place { path, member });
            }
            Ok(members) => {
                for member in members {
                    let place = Place {
                        path: path.clone(),
                        member: Some(member.path),
                    };
                    put(&mut index, &member.video, place);
                }
            }
            Err(what) => faults.add(&path, what),
        }
    }
    if index.is_empty() && !faults.any() {
        let hint = unread.map_or(String::new(), |path: PathBuf| {
            format!(
                "; {} cannot be read: save each video's array with numpy.save",
                path.display()
            )
        });
        faults.add(
            folder,
            format_args!("holds no features (.npy, .h5, .mat, or C3D's .txt){hint}"),
        );
    }
    index
}

/// Adds an array under the video that `name` speaks of.
fn put(index: &mut BTreeMap<String, Files>, name: &str, place: Place) {
    let (key, crop) = names::crop(name);
    match (index.get_mut(key), crop) {
        (None, None) => {
            index.insert(key.to_owned(), Files::One(place));
        }
        (None, Some(crop)) => {
            index.insert(key.to_owned(), Files::Crops([(crop, place)].into()));
        }
        (Some(Files::Crops(crops)), Some(crop)) if !crops.contains_key(&crop) => {
            crops.insert(crop, place);
        }
        (Some(files), _) => {
            let other = match files {
                Files::One(other) | Files::Unclear(other, _) => Some(other.clone()),
                Files::Crops(crops) => crops.values().next().cloned(),
            };
            let other = other.unwrap_or_else(|| place.clone());
            *files = Files::Unclear(other, place);
        }
    }
}

fn walk(
    folder: &Path,
    depth: usize,
    found: &mut Vec<PathBuf>,
    unread: &mut Option<PathBuf>,
    faults: &mut Faults,
) {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            faults.add(folder, format_args!("cannot be read: {error}"));
            return;
        }
    };
    for entry in entries.filter_map(Result::ok) {
        let path = entry.path();
        if path.is_dir() {
            if depth < MAX_DEPTH {
                walk(&path, depth + 1, found, unread, faults);
            }
            continue;
        }
        match path
            .extension()
            .and_then(|extension| extension.to_str())
            .unwrap_or("")
        {
            "npy" | "txt" | "h5" | "hdf5" | "mat" if found.len() < MAX_ENTRIES => found.push(path),
            "npz" | "pkl" | "pt" => *unread = Some(path),
            _ => {}
        }
    }
}

/// What a video's rows stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Span {
    /// Each row for one segment.
    Segments,
    /// Each of 32 rows for a 32nd of the video: they are repeated.
    Bins,
}

/// A video's features, opened: `[segments, crops, dim]` whatever lies on the disk.
pub(super) struct Source {
    pub(super) segments: usize,
    pub(super) crops: usize,
    pub(super) dim: usize,
    pub(super) frames: u32,
    pub(super) span: Span,
    /// Segments beyond the video's end that are left out.
    pub(super) dropped: usize,
    /// f16 on the disk, and here.
    pub(super) half: bool,
    /// The one file that can be taken as it is.
    pub(super) plain: Option<PathBuf>,
    /// One, or one a crop.
    parts: Vec<Part>,
    rows: usize,
}

struct Part {
    place: Place,
    numbers: Numbers,
    /// Rows, crops, dim.
    shape: [usize; 3],
    /// Numbers from one to the next along each.
    strides: [usize; 3],
}

enum Numbers {
    Mapped {
        map: Mmap,
        offset: usize,
        kind: Kind,
    },
    /// From text or HDF5: nothing that could be mapped.
    Owned(Vec<f32>),
}

impl Source {
    /// Opens a video's files and settles how many segments and frames it has.
    ///
    /// # Errors
    /// The file at fault, and what is wrong with it as half a sentence.
    pub(super) fn open(
        files: &Files,
        frames: Option<u32>,
        per_segment: u32,
    ) -> Result<Self, (PathBuf, String)> {
        let expected = frames.map(|frames| frames.div_ceil(per_segment) as usize);
        let parts = match files {
            Files::One(place) => vec![part(place, expected).map_err(|what| place.fault(&what))?],
            Files::Crops(crops) => crops
                .values()
                .map(|place| part(place, expected).map_err(|what| place.fault(&what)))
                .collect::<Result<_, _>>()?,
            Files::Unclear(first, second) => {
                return Err(first.fault(&format!("and {second} are of one video")));
            }
        };
        let first = &parts[0];
        let fault = |what: String| first.place.fault(&what);
        let [rows, crops, dim] = first.shape;
        if let Some(other) = parts.iter().find(|part| part.shape != first.shape) {
            let what = format!(
                "has the shape {:?}, but {} has {:?}",
                other.shape, first.place, first.shape
            );
            return Err(other.place.fault(&what));
        }
        if parts.len() > 1 && crops > 1 {
            return Err(fault(
                "holds several crops, though its name says that it is one".to_owned(),
            ));
        }
        let text = first
            .place
            .path
            .extension()
            .is_some_and(|extension| extension == "txt");
        let (segments, span) = match frames {
            // C3D's 32 lines are bins even where the video happens to have about as many segments.
            Some(frames) if text && rows == BINS => {
                (((frames / per_segment) as usize).max(1), Span::Bins)
            }
            _ => settle(rows, frames, per_segment).map_err(fault)?,
        };
        if rows == BINS && text && frames.is_none() {
            return Err(fault(format!(
                "has {BINS} lines, for a video of any length: its number of frames is needed; \
                 give a list that knows it"
            )));
        }
        let known = frames.map_or_else(
            || u32::try_from(u64::from(per_segment) * segments as u64).ok(),
            Some,
        );
        let frames = known
            .filter(|frames| *frames <= crate::list::MAX_FRAMES)
            .ok_or_else(|| fault(format!("has {rows} segments, too many for a video")))?;
        let kind = match &first.numbers {
            Numbers::Mapped { kind, .. } => Some(*kind),
            Numbers::Owned(_) => None,
        };
        let row_major = first.strides == [crops * dim, dim, 1];
        let untouched = span == Span::Segments && segments == rows && parts.len() == 1 && row_major;
        let plain = (untouched && matches!(kind, Some(Kind::F16 | Kind::F32)))
            .then(|| first.place.path.clone());
        Ok(Self {
            segments,
            crops: if parts.len() > 1 { parts.len() } else { crops },
            dim,
            frames,
            span,
            dropped: if span == Span::Segments {
                rows - segments
            } else {
                0
            },
            half: kind == Some(Kind::F16),
            plain,
            parts,
            rows,
        })
    }

    /// Copies the rows of one segment, `[crops, dim]`.
    pub(super) fn copy_segment(&self, segment: usize, out: &mut [f32]) {
        let row = match self.span {
            Span::Segments => segment,
            Span::Bins => segment * self.rows / self.segments,
        };
        for (crop, out) in out.chunks_exact_mut(self.dim).enumerate() {
            let (part, crop) = if self.parts.len() > 1 {
                (&self.parts[crop], 0)
            } else {
                (&self.parts[0], crop)
            };
            let start = row * part.strides[0] + crop * part.strides[1];
            for (at, out) in out.iter_mut().enumerate() {
                *out = part.numbers.get(start + at * part.strides[2]);
            }
        }
    }
}

/// How many segments of a file's rows are used, and what they stand for.
fn settle(rows: usize, frames: Option<u32>, per_segment: u32) -> Result<(usize, Span), String> {
    let Some(frames) = frames else {
        return Ok((rows, Span::Segments));
    };
    let most = frames.div_ceil(per_segment) as usize;
    // The same bounds as at the door of `crate::open`.
    let least = ((frames / per_segment) as usize).saturating_sub(1).max(1);
    if (least..=most + PADDING).contains(&rows) {
        return Ok((rows.min(most), Span::Segments));
    }
    if rows == BINS {
        return Ok((((frames / per_segment) as usize).max(1), Span::Bins));
    }
    Err(format!(
        "has {rows} segments, but its video has {frames} frames: {least} to {most} are expected"
    ))
}

fn part(place: &Place, expected: Option<usize>) -> Result<Part, String> {
    let path = place.path.as_path();
    if let Some(member) = &place.member {
        let array = hdf5::read(path, member)?;
        return arranged(
            place,
            Numbers::Owned(array.numbers),
            &array.shape,
            array.fortran,
            expected,
        );
    }
    let file = fs::File::open(path).map_err(|error| format!("cannot be opened: {error}"))?;
    let length = file
        .metadata()
        .map_err(|error| format!("cannot be read: {error}"))?
        .len();
    if length == 0 {
        return Err("is empty".to_owned());
    }
    if path.extension().is_some_and(|extension| extension == "txt") {
        return text(place, length);
    }
    let map = map(&file).map_err(|error| format!("cannot be mapped into memory: {error}"))?;
    let header = Header::parse(&map)?;
    header.check_length(map.len() as u64)?;
    if !matches!(header.kind, Kind::F16 | Kind::F32 | Kind::F64) {
        return Err("holds no floating-point numbers".to_owned());
    }
    let shape: Vec<usize> = header.shape.iter().map(|length| *length as usize).collect();
    let numbers = Numbers::Mapped {
        offset: header.offset,
        kind: header.kind,
        map,
    };
    arranged(place, numbers, &shape, header.fortran, expected)
}

/// Rows, crops and dimensions of an array in either order of its numbers.
fn arranged(
    place: &Place,
    numbers: Numbers,
    lengths: &[usize],
    fortran: bool,
    expected: Option<usize>,
) -> Result<Part, String> {
    if lengths.contains(&0) {
        return Err(format!("has no numbers: its shape is {lengths:?}"));
    }
    let (mut shape, mut strides) = match *lengths {
        [rows, dim] if fortran => ([rows, 1, dim], [1, 0, rows]),
        [rows, dim] => ([rows, 1, dim], [dim, dim, 1]),
        [rows, crops, dim] if fortran => ([rows, crops, dim], [1, rows, rows * crops]),
        [rows, crops, dim] => ([rows, crops, dim], [crops * dim, dim, 1]),
        _ => {
            return Err(format!(
                "has the shape {lengths:?}; [segments, dim], [segments, crops, dim] or [crops, segments, dim] is expected"
            ));
        }
    };
    if lengths.len() == 3 && crops_first(shape[0], shape[1], expected) {
        shape.swap(0, 1);
        strides.swap(0, 1);
    }
    Ok(Part {
        place: place.clone(),
        numbers,
        shape,
        strides,
    })
}

/// Whether `[a, b, dim]` is crops first. Five and ten crops are in use; where both lengths could be that, the video's
/// number of segments decides, and the usual order where it is unknown.
fn crops_first(a: usize, b: usize, expected: Option<usize>) -> bool {
    let crops = |length: usize| matches!(length, 5 | 10);
    let fits = |length: usize| {
        expected.is_none_or(|expected| {
            (expected.saturating_sub(2)..=expected + PADDING).contains(&length)
        })
    };
    crops(a)
        && if crops(b) || b == 1 {
            fits(b) && !fits(a)
        } else {
            true
        }
}

/// Numbers in lines, as C3D's features are passed around.
fn text(place: &Place, length: u64) -> Result<Part, String> {
    if length > MAX_TEXT {
        return Err(format!("has {length} bytes, too many for features as text"));
    }
    let text =
        fs::read_to_string(&place.path).map_err(|error| format!("cannot be read: {error}"))?;
    let mut numbers = Vec::new();
    let mut dim = None;
    let mut rows = 0;
    for (index, line) in text.lines().enumerate() {
        let before = numbers.len();
        for field in line.split_ascii_whitespace() {
            let number: f32 = field.parse().map_err(|_| {
                let shown: String = field.chars().take(40).collect();
                format!("line {}: `{shown}` is no number", index + 1)
            })?;
            numbers.push(number);
        }
        let width = numbers.len() - before;
        if width == 0 {
            continue;
        }
        rows += 1;
        if *dim.get_or_insert(width) != width {
            return Err(format!(
                "line {}: has {width} numbers, the first line has {}",
                index + 1,
                dim.unwrap_or(0)
            ));
        }
    }
    let dim = dim.ok_or_else(|| "holds no numbers".to_owned())?;
    Ok(Part {
        place: place.clone(),
        numbers: Numbers::Owned(numbers),
        shape: [rows, 1, dim],
        strides: [dim, dim, 1],
    })
}

impl Numbers {
    fn get(&self, index: usize) -> f32 {
        match self {
            Self::Owned(numbers) => numbers[index],
            Self::Mapped { map, offset, kind } => {
                let bytes = &map[offset + index * kind.bytes()..];
                match kind {
                    Kind::F16 => bytes
                        .first_chunk()
                        .map_or(0.0, |bytes| f16::from_le_bytes(*bytes).to_f32()),
                    Kind::F64 => bytes
                        .first_chunk()
                        .map_or(0.0, |bytes| f64::from_le_bytes(*bytes) as f32),
                    // Other kinds were refused when the file was opened.
                    _ => bytes
                        .first_chunk()
                        .map_or(0.0, |bytes| f32::from_le_bytes(*bytes)),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_segments_where_they_fit_the_frames() {
        assert_eq!(settle(48, None, 16), Ok((48, Span::Segments)));
        // 764 frames are 47.75 segments.
        for (rows, used) in [(46, 46), (47, 47), (48, 48), (49, 48), (50, 48)] {
            assert_eq!(settle(rows, Some(764), 16), Ok((used, Span::Segments)));
        }
        assert_eq!(settle(32, Some(764), 16), Ok((47, Span::Bins)));
        assert_eq!(settle(32, Some(40), 16), Ok((2, Span::Bins)));
        assert!(settle(51, Some(764), 16).is_err());
        assert!(settle(45, Some(764), 16).is_err());
    }

    #[test]
    fn the_order_of_crops_is_told_from_the_lengths() {
        assert!(!crops_first(37, 10, None));
        assert!(crops_first(10, 37, None));
        assert!(!crops_first(10, 10, None));
        assert!(!crops_first(5, 10, Some(5)));
        assert!(crops_first(5, 10, Some(10)));
        assert!(!crops_first(10, 1, None), "ten segments without crops");
        assert!(!crops_first(48, 3, Some(48)));
    }
}
