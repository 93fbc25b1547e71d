//! A video's features, opened: their rows in one order, whatever lies on the disk.

use std::fs;
use std::path::PathBuf;

use half::f16;
use memmap2::Mmap;

use super::found::{Files, Place};
use super::request::ExtraRows;
use super::{hdf5, names};
use crate::map::map;
use crate::npy::{Header, Kind};

/// C3D features of one video as text have a megabyte.
const MAX_TEXT: u64 = 1 << 30;
/// Rows that stand for a whole video however long it is, as in the features of Sultani et al.
const BINS: usize = 32;
/// Segments beyond a video's last frame that are dropped rather than refused: extractors pad.
const PADDING: usize = 2;

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
    /// More of them than extractors pad: what was done, somebody asked for.
    pub(super) extra: bool,
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
        rules: Rules,
    ) -> Result<Self, (PathBuf, String)> {
        let per_segment = rules.per_segment;
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
            Files::Incomplete(crops, missing) => {
                let last = crops.keys().next_back().copied().unwrap_or(0);
                return Err(files.fault(&format!(
                    "is one of {} crops, and crop {missing} of those up to {last} is missing",
                    crops.len()
                )));
            }
            Files::Unread(place, what) => return Err(place.fault(what)),
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
        let text = names::extension(&first.place.path) == "txt";
        let Settled {
            segments,
            span,
            extra,
        } = match frames {
            // C3D's 32 lines are bins even where the video happens to have about as many segments.
            Some(frames) if text && rows == BINS => Settled::bins(frames, per_segment),
            _ => settle(rows, frames, rules).map_err(fault)?,
        };
        let frames = if extra && segments == rows {
            None
        } else {
            frames
        };
        if rows == BINS && text && frames.is_none() && !extra {
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
            extra,
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

/// What decides on rows that do not fit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) per_segment: u32,
    pub(super) extra_rows: ExtraRows,
    /// Whether the video is tested on: its frames have a truth.
    pub(super) test: bool,
}

/// How many segments of a file's rows are used, and what they stand for.
#[derive(Debug, PartialEq, Eq)]
struct Settled {
    segments: usize,
    span: Span,
    /// There are more rows than a video of so many frames has, beyond padding.
    extra: bool,
}

impl Settled {
    fn segments(segments: usize) -> Self {
        Self {
            segments,
            span: Span::Segments,
            extra: false,
        }
    }

    fn bins(frames: u32, per_segment: u32) -> Self {
        Self {
            segments: ((frames / per_segment) as usize).max(1),
            span: Span::Bins,
            extra: false,
        }
    }
}

fn settle(rows: usize, frames: Option<u32>, rules: Rules) -> Result<Settled, String> {
    let Some(frames) = frames else {
        return Ok(Settled::segments(rows));
    };
    let per_segment = rules.per_segment;
    let most = frames.div_ceil(per_segment) as usize;
    // The same bounds as at the door of `crate::open`.
    let least = ((frames / per_segment) as usize).saturating_sub(1).max(1);
    if (least..=most + PADDING).contains(&rows) {
        return Ok(Settled::segments(rows.min(most)));
    }
    if rows == BINS {
        return Ok(Settled::bins(frames, per_segment));
    }
    let extra = |segments| {
        Ok(Settled {
            extra: true,
            ..Settled::segments(segments)
        })
    };
    let hint = match rules.extra_rows {
        _ if rows < least => "",
        ExtraRows::Drop => return extra(most),
        ExtraRows::Keep if !rules.test => return extra(rows),
        _ if rules.test => {
            "; --extra-rows drop leaves out those past the last frame, which is right where row 0 is the video's first \
             segment: the truth of a test video would slide otherwise"
        }
        ExtraRows::Keep | ExtraRows::Refuse => {
            "; --extra-rows keep takes all of them for training, as the published code does, --extra-rows drop leaves out \
             those past the last frame"
        }
    };
    Err(format!(
        "has {rows} segments, but its video has {frames} frames: {least} to {most} are expected{hint}"
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
    if names::extension(path) == "txt" {
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
    if a == 1 && b > 1 {
        // One crop in front of the segments, or one segment of several crops.
        return !(crops(b) && expected == Some(1));
    }
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
        let rules = |extra_rows, test| Rules {
            per_segment: 16,
            extra_rows,
            test,
        };
        let settle = |rows, frames| settle(rows, frames, rules(ExtraRows::Refuse, false));
        assert_eq!(settle(48, None), Ok(Settled::segments(48)));
        // 764 frames are 47.75 segments.
        for (rows, used) in [(46, 46), (47, 47), (48, 48), (49, 48), (50, 48)] {
            assert_eq!(settle(rows, Some(764)), Ok(Settled::segments(used)));
        }
        assert_eq!(settle(32, Some(764)), Ok(Settled::bins(764, 16)));
        assert_eq!(settle(32, Some(40)), Ok(Settled::bins(40, 16)));
        assert!(settle(51, Some(764)).is_err());
        assert!(settle(45, Some(764)).is_err());
        // More rows than frames: what was asked for.
        for (rule, test, used) in [
            (ExtraRows::Keep, false, Some(60)),
            (ExtraRows::Drop, false, Some(48)),
            (ExtraRows::Drop, true, Some(48)),
            (ExtraRows::Keep, true, None),
            (ExtraRows::Refuse, true, None),
        ] {
            let settled = super::settle(60, Some(764), rules(rule, test));
            assert_eq!(settled.as_ref().ok().map(|s| s.segments), used);
            assert!(settled.is_ok_and(|s| s.extra) == used.is_some());
            assert!(super::settle(45, Some(764), rules(rule, test)).is_err());
        }
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
        assert!(crops_first(1, 87, None), "one crop in front");
        assert!(!crops_first(1, 10, Some(1)));
    }
}
