//! The header of a `.npy` file, read strictly: numpy's own three keys, a bounded length, no Python expressions.
//!
//! A general reader of Python literals recurses as deep as the file says and allocates as much as it promises. A features
//! file comes from outside, so this one reads only what `numpy.save` writes for plain arrays.

use std::fmt::Write as _;

/// The magic, the version and the length come before the header's text.
const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// numpy itself refuses longer headers unless told otherwise.
const MAX_HEADER: usize = 10_000;
/// Arrays of more dimensions are not features.
const MAX_DIMENSIONS: usize = 8;

/// What the numbers are. All little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    U8,
    I8,
    I32,
    I64,
    F16,
    F32,
    F64,
}

impl Kind {
    /// Bytes of a number.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::Bool | Self::U8 | Self::I8 => 1,
            Self::F16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::I64 | Self::F64 => 8,
        }
    }
}

/// The header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    /// Column by column instead of row by row.
    pub(crate) fortran: bool,
    pub(crate) shape: Vec<u64>,
    /// Where the numbers begin.
    pub(crate) offset: usize,
}

impl Header {
    /// Reads the header at the beginning of a file's bytes.
    ///
    /// # Errors
    /// What is wrong with it, as half a sentence.
    pub(crate) fn parse(file: &[u8]) -> Result<Self, String> {
        let no_npy = || "is no .npy file".to_owned();
        let rest = file.strip_prefix(MAGIC).ok_or_else(no_npy)?;
        let (version, rest) = rest.split_first_chunk::<2>().ok_or_else(no_npy)?;
        let (length, before) = match version[0] {
            1 => {
                let length = rest.first_chunk::<2>().ok_or_else(no_npy)?;
                (usize::from(u16::from_le_bytes(*length)), MAGIC.len() + 4)
            }
            2 | 3 => {
                let length = rest.first_chunk::<4>().ok_or_else(no_npy)?;
                (u32::from_le_bytes(*length) as usize, MAGIC.len() + 6)
            }
            other => return Err(format!("is of .npy version {other}, which is not known")),
        };
        if length > MAX_HEADER {
            return Err(format!(
                "has a .npy header of {length} bytes, no plain array"
            ));
        }
        let text = file
            .get(before..before + length)
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .ok_or_else(|| "is cut off within its .npy header".to_owned())?;
        let (descr, fortran, shape) = dictionary(text).ok_or_else(|| {
            "has a .npy header of another form than numpy.save writes for a plain array".to_owned()
        })?;
        Ok(Self {
            kind: kind(descr)?,
            fortran,
            shape,
            offset: before + length,
        })
    }

    /// Bytes that the numbers of this shape take, `None` beyond what a machine can address.
    pub(crate) fn bytes(&self) -> Option<u64> {
        self.shape
            .iter()
            .try_fold(self.kind.bytes() as u64, |bytes, length| {
                bytes.checked_mul(*length)
            })
    }

    /// Checks that a file of `length` bytes holds exactly the promised numbers.
    ///
    /// # Errors
    /// What is wrong with it, as half a sentence.
    pub(crate) fn check_length(&self, length: u64) -> Result<(), String> {
        let held = length.saturating_sub(self.offset as u64);
        match self.bytes() {
            Some(bytes) if bytes == held => Ok(()),
            Some(bytes) if bytes < held => Err(format!(
                "has {held} bytes of numbers, another number than the {bytes} of its header's shape {:?}",
                self.shape
            )),
            _ => Err(format!(
                "is cut short: its header promises the shape {:?}, it has {held} bytes of numbers",
                self.shape
            )),
        }
    }
}

/// The first bytes of a row-major file; the numbers follow at a multiple of 64.
pub(crate) fn header(kind: Kind, shape: &[usize]) -> Vec<u8> {
    let descr = match kind {
        Kind::Bool => "|b1",
        Kind::U8 => "|u1",
        Kind::I8 => "|i1",
        Kind::I32 => "<i4",
        Kind::I64 => "<i8",
        Kind::F16 => "<f2",
        Kind::F32 => "<f4",
        Kind::F64 => "<f8",
    };
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (");
    for length in shape {
        let _ = write!(text, "{length}, ");
    }
    if shape.len() > 1 {
        text.truncate(text.len() - 2);
    } else {
        text.truncate(text.len() - 1);
    }
    text.push_str("), }");
    while !(MAGIC.len() + 4 + text.len() + 1).is_multiple_of(64) {
        text.push(' ');
    }
    text.push('\n');
    let mut bytes = MAGIC.to_vec();
    bytes.extend([1, 0]);
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.into_bytes());
    bytes
}

/// `{'descr': '<f4', 'fortran_order': False, 'shape': (48, 147), }`, keys in any order, each once.
fn dictionary(text: &str) -> Option<(&str, bool, Vec<u64>)> {
    let mut rest = text.trim().strip_prefix('{')?;
    let (mut descr, mut fortran, mut shape) = (None, None, None);
    loop {
        rest = rest.trim_start();
        if let Some(end) = rest.strip_prefix('}') {
            let whole = end.trim().is_empty();
            return whole.then_some((descr?, fortran?, shape?));
        }
        let (key, after) = quoted(rest)?;
        rest = after.trim_start().strip_prefix(':')?.trim_start();
        match key {
            "descr" if descr.is_none() => {
                let (value, after) = quoted(rest)?;
                (descr, rest) = (Some(value), after);
            }
            "fortran_order" if fortran.is_none() => {
                let word = if rest.starts_with("True") {
                    "True"
                } else {
                    "False"
                };
                rest = rest.strip_prefix(word)?;
                fortran = Some(word == "True");
            }
            "shape" if shape.is_none() => {
                let (inside, after) = rest.strip_prefix('(')?.split_once(')')?;
                let lengths: Vec<&str> = inside.split(',').map(str::trim).collect();
                // A trailing comma is a tuple's; an empty place between two commas is not.
                let (last, first) = lengths.split_last()?;
                let lengths = if last.is_empty() { first } else { &lengths };
                if lengths.len() > MAX_DIMENSIONS {
                    return None;
                }
                // Python 2 wrote long integers as `48L`.
                let parse = |length: &&str| length.trim_end_matches('L').parse::<u64>().ok();
                shape = Some(lengths.iter().map(parse).collect::<Option<Vec<u64>>>()?);
                rest = after;
            }
            _ => return None,
        }
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix(',') {
            rest = after;
        } else if !rest.starts_with('}') {
            return None;
        }
    }
}

/// A text between quotes without escapes, and what follows.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let (inside, after) = text[1..].split_once(quote)?;
    (!inside.contains('\\')).then_some((inside, after))
}

fn kind(descr: &str) -> Result<Kind, String> {
    Ok(match descr {
        "|b1" => Kind::Bool,
        "|u1" | "<u1" => Kind::U8,
        "|i1" | "<i1" => Kind::I8,
        "<i4" => Kind::I32,
        "<i8" => Kind::I64,
        "<f2" => Kind::F16,
        "<f4" => Kind::F32,
        "<f8" => Kind::F64,
        swapped if swapped.starts_with('>') => {
            return Err(format!(
                "holds big-endian numbers ({swapped}): save x.astype(x.dtype.newbyteorder(\"<\"))"
            ));
        }
        other => return Err(format!("holds `{other}`, not numbers that can be features")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_text(text: &str) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes
    }

    #[test]
    fn a_header_that_is_written_reads_back() {
        for shape in [&[7][..], &[48, 147], &[3, 10, 2048], &[0, 4]] {
            for kind in [Kind::F16, Kind::F32, Kind::F64, Kind::U8, Kind::Bool] {
                let bytes = header(kind, shape);
                assert!(bytes.len().is_multiple_of(64));
                let read = Header::parse(&bytes).unwrap();
                assert_eq!(read.kind, kind);
                assert!(!read.fortran);
                assert!(
                    read.shape.iter().eq(shape
                        .iter()
                        .map(|length| *length as u64)
                        .collect::<Vec<_>>()
                        .iter())
                );
                assert_eq!(read.offset, bytes.len());
            }
        }
    }

    #[test]
    fn what_numpy_has_written_over_the_years_is_read() {
        for text in [
            "{'descr': '<f4', 'fortran_order': False, 'shape': (48, 147), }        \n",
            "{\"shape\": (48L, 147L), \"fortran_order\": False, \"descr\": \"<f4\"}\n",
            "{'fortran_order':False,'shape':(48,147,),'descr':'<f4',}",
        ] {
            let header = Header::parse(&with_text(text)).expect(text);
            assert_eq!((header.kind, header.shape), (Kind::F32, vec![48, 147]));
        }
        let scalar = "{'descr': '<f4', 'fortran_order': True, 'shape': (), }";
        let header = Header::parse(&with_text(scalar)).unwrap();
        assert!(header.fortran && header.shape.is_empty());
    }

    #[test]
    fn a_header_that_is_no_plain_array_is_refused_without_harm() {
        let nested = format!("{}{}", "(".repeat(9_000), ")".repeat(900));
        for text in [
            "",
            "{",
            "{}",
            "{'descr': '<f4'}",
            "{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1, 2)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,, 2)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 2)}",
            "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1, 2)}",
            "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1, 2)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2)} + 1",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}",
            "{'descr': '|O', 'fortran_order': False, 'shape': (1, 2)}",
            "{'descr': '>f4', 'fortran_order': False, 'shape': (1, 2)}",
            &nested,
        ] {
            assert!(Header::parse(&with_text(text)).is_err(), "{text}");
        }
        // Four gigabytes of header, promised by ten bytes.
        assert!(Header::parse(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}").is_err());
    }

    #[test]
    fn lengths_that_overflow_are_short_files() {
        let huge = "{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296)}";
        let header = Header::parse(&with_text(huge)).unwrap();
        assert_eq!(header.bytes(), None);
        assert!(header.check_length(1 << 40).unwrap_err().contains("short"));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200), text in "[{}'a-z:, ()0-9<f\"]{0,80}") {
            let _ = Header::parse(&bytes);
            let _ = Header::parse(&with_text(&text));
        }
    }
}
