//! Where the tensors of a file lie, for the three forms there are: safetensors, PyTorch's zip, PyTorch's old stream.
//!
//! Only the table of contents is read at opening; a tensor's values when they are asked for. Every size that the file
//! states is checked against the file before anything is allocated.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use half::{bf16, f16};

use super::pickle::{self, Storage, TensorRef};
use crate::error::ExtractError;

/// A table of contents may be that long: real ones are below a megabyte.
const MOST_CONTENTS: u64 = 64 << 20;

/// The type of stored values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    F64,
    F32,
    F16,
    Bf16,
    I64,
    U8,
    /// One that no network here needs.
    Other,
}

impl Kind {
    fn bytes(self) -> u64 {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::U8 | Self::Other => 1,
        }
    }

    fn of_storage(class: &str) -> Self {
        match class {
            "DoubleStorage" => Self::F64,
            "FloatStorage" => Self::F32,
            "HalfStorage" => Self::F16,
            "BFloat16Storage" => Self::Bf16,
            "LongStorage" => Self::I64,
            "ByteStorage" => Self::U8,
            _ => Self::Other,
        }
    }
}

/// One tensor of the file.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) shape: Vec<u64>,
    pub(crate) kind: Kind,
    strides: Vec<u64>,
    /// Byte range of the storage in the file.
    storage: (u64, u64),
    /// First element within the storage.
    offset: u64,
}

/// A file of tensors.
#[derive(Debug)]
pub(crate) struct Tensors {
    path: PathBuf,
    file: File,
    pub(crate) entries: BTreeMap<String, Entry>,
}

impl Tensors {
    /// Reads the table of contents of a file of any of the three forms.
    pub(crate) fn open(path: &Path) -> Result<Self, ExtractError> {
        let fault = |source| ExtractError::file(path, source);
        let mut file = File::open(path).map_err(fault)?;
        let length = file.metadata().map_err(fault)?.len();
        let mut start = Vec::new();
        (&file).take(16).read_to_end(&mut start).map_err(fault)?;
        file.rewind().map_err(fault)?;
        let entries = if start.starts_with(b"PK\x03\x04") {
            from_zip(&mut file, length)
        } else if start.first() == Some(&0x80) {
            from_stream(&mut file, length)
        } else if start.get(8) == Some(&b'{') {
            from_safetensors(&mut file, length)
        } else {
            Err("is neither a PyTorch checkpoint nor a safetensors file".to_owned())
        };
        let entries = entries.map_err(|message| ExtractError::Weights {
            path: path.to_owned(),
            message,
        })?;
        Ok(Self {
            path: path.to_owned(),
            file,
            entries,
        })
    }

    pub(crate) fn fault(&self, message: String) -> ExtractError {
        ExtractError::Weights {
            path: self.path.clone(),
            message,
        }
    }

    /// The values of a tensor in f64's or f32's or smaller types as f32, row by row.
    pub(crate) fn floats(&mut self, name: &str) -> Result<Vec<f32>, ExtractError> {
        let (bytes, kind) = self.bytes(name)?;
        let values = match kind {
            Kind::F64 => bytes
                .chunks_exact(8)
                .map(|b| f64::from_le_bytes(fixed(b)) as f32)
                .collect(),
            Kind::F32 => bytes
                .chunks_exact(4)
                .map(|b| f32::from_le_bytes(fixed(b)))
                .collect(),
            Kind::F16 => bytes
                .chunks_exact(2)
                .map(|b| f16::from_le_bytes(fixed(b)).to_f32())
                .collect(),
            Kind::Bf16 => bytes
                .chunks_exact(2)
                .map(|b| bf16::from_le_bytes(fixed(b)).to_f32())
                .collect(),
            Kind::I64 | Kind::U8 | Kind::Other => {
                return Err(self.fault(format!(
                    "tensor `{name}` does not hold floating point numbers"
                )));
            }
        };
        Ok(values)
    }

    /// The bytes of a tensor, row by row.
    pub(crate) fn bytes(&mut self, name: &str) -> Result<(Vec<u8>, Kind), ExtractError> {
        let entry = self.entries.get(name).cloned();
        let entry = entry.ok_or_else(|| self.fault(format!("has no tensor `{name}`")))?;
        let size = entry.kind.bytes();
        let outside = || format!("tensor `{name}` reaches outside its storage");
        // A stride of zero would repeat stored values without bound: the count is held against the storage too.
        let count = entry
            .shape
            .iter()
            .try_fold(1u64, |count, side| count.checked_mul(*side));
        let count = count.filter(|count| {
            count
                .checked_mul(size)
                .is_some_and(|bytes| bytes <= entry.storage.1 - entry.storage.0)
        });
        let last = entry.shape.iter().zip(&entry.strides).try_fold(
            entry.offset,
            |last, (side, stride)| {
                side.saturating_sub(1)
                    .checked_mul(*stride)
                    .and_then(|far| last.checked_add(far))
            },
        );
        let end = last.and_then(|last| {
            last.checked_add(1)?
                .checked_mul(size)?
                .checked_add(entry.storage.0)
        });
        let (Some(count), Some(end)) = (count, end) else {
            return Err(self.fault(outside()));
        };
        if count == 0 {
            return Ok((Vec::new(), entry.kind));
        }
        if end > entry.storage.1 || entry.strides.len() != entry.shape.len() {
            return Err(self.fault(outside()));
        }
        let start = entry.storage.0 + entry.offset * size;
        let mut bytes = vec![0; (end - start) as usize];
        let path = self.path.clone();
        self.file
            .seek(SeekFrom::Start(start))
            .and_then(|_| self.file.read_exact(&mut bytes))
            .map_err(|source| ExtractError::file(&path, source))?;
        if entry.strides != contiguous(&entry.shape) {
            bytes = gather(&bytes, &entry, size as usize, count as usize);
        }
        Ok((bytes, entry.kind))
    }
}

/// Copies a strided tensor row by row.
fn gather(bytes: &[u8], entry: &Entry, size: usize, count: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(count * size);
    let mut index = vec![0u64; entry.shape.len()];
    for _ in 0..count {
        let at: u64 = index
            .iter()
            .zip(&entry.strides)
            .map(|(index, stride)| index * stride)
            .sum();
        out.extend_from_slice(&bytes[at as usize * size..][..size]);
        for (axis, index) in index.iter_mut().enumerate().rev() {
            *index += 1;
            if *index < entry.shape[axis] {
                break;
            }
            *index = 0;
        }
    }
    out
}

fn contiguous(shape: &[u64]) -> Vec<u64> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis].max(1);
    }
    strides
}

fn fixed<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(bytes);
    array
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// What a safetensors header says of a tensor.
#[derive(serde::Deserialize)]
struct Header {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: (u64, u64),
}

fn from_safetensors(file: &mut File, length: u64) -> Result<BTreeMap<String, Entry>, String> {
    let mut size = [0; 8];
    file.read_exact(&mut size).map_err(text)?;
    let size = u64::from_le_bytes(size);
    if size > MOST_CONTENTS || size + 8 > length {
        return Err("has a header longer than the file or than 64 MiB".to_owned());
    }
    let mut header = vec![0; size as usize];
    file.read_exact(&mut header).map_err(text)?;
    let parsed: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&header)
        .map_err(|error| format!("has a header that is no JSON: {error}"))?;
    let data = 8 + size;
    parsed
        .into_iter()
        .filter(|(name, _)| name != "__metadata__")
        .map(|(name, value)| {
            let header: Header = serde_json::from_value(value)
                .map_err(|error| format!("tensor `{name}`: {error}"))?;
            let (from, to) = header.data_offsets;
            let inside = from <= to && to <= length - data;
            if !inside || header.shape.iter().any(|side| *side > length) || header.shape.len() > 16
            {
                return Err(format!("tensor `{name}` lies outside the file"));
            }
            let kind = match header.dtype.as_str() {
                "F64" => Kind::F64,
                "F32" => Kind::F32,
                "F16" => Kind::F16,
                "BF16" => Kind::Bf16,
                "I64" => Kind::I64,
                "U8" => Kind::U8,
                _ => Kind::Other,
            };
            let count = header
                .shape
                .iter()
                .try_fold(1u64, |count, side| count.checked_mul(*side));
            if kind != Kind::Other
                && count.and_then(|count| count.checked_mul(kind.bytes())) != Some(to - from)
            {
                return Err(format!(
                    "tensor `{name}` has another length than its shape says"
                ));
            }
            let entry = Entry {
                strides: contiguous_checked(&header.shape),
                shape: header.shape,
                kind,
                storage: (data + from, data + to),
                offset: 0,
            };
            Ok((name, entry))
        })
        .collect()
}

/// As [`contiguous`]; empty where the sizes overflow, which `bytes` then refuses.
fn contiguous_checked(shape: &[u64]) -> Vec<u64> {
    let fits = shape
        .iter()
        .try_fold(1u64, |count, side| count.checked_mul((*side).max(1)));
    if fits.is_some() {
        contiguous(shape)
    } else {
        Vec::new()
    }
}

/// Since PyTorch 1.6: a zip with `NAME/data.pkl` and the storages `NAME/data/KEY`, never compressed.
fn from_zip(file: &mut File, length: u64) -> Result<BTreeMap<String, Entry>, String> {
    let mut archive = zip::ZipArchive::new(std::io::BufReader::new(file)).map_err(text)?;
    let names = (0..archive.len())
        .map(|index| {
            Ok(archive
                .by_index_raw(index)
                .map_err(text)?
                .name()
                .map_err(text)?
                .into_owned())
        })
        .collect::<Result<Vec<String>, String>>()?;
    let contents = names
        .iter()
        .position(|name| name == "data.pkl" || name.ends_with("/data.pkl"));
    let contents = contents.ok_or("is a zip file without a `data.pkl`: no PyTorch checkpoint")?;
    let folder = names[contents].trim_end_matches("data.pkl");
    let mut bytes = Vec::new();
    archive
        .by_index(contents)
        .map_err(text)?
        .take(MOST_CONTENTS)
        .read_to_end(&mut bytes)
        .map_err(text)?;
    let (pickle, _) = pickle::read(&bytes)?;
    let mut ranges = BTreeMap::new();
    for (index, name) in names.iter().enumerate() {
        let Some(key) = name
            .strip_prefix(folder)
            .and_then(|name| name.strip_prefix("data/"))
        else {
            continue;
        };
        let member = archive.by_index_raw(index).map_err(text)?;
        if member.compression() != zip::CompressionMethod::Stored {
            return Err("is a compressed zip: PyTorch writes them uncompressed".to_owned());
        }
        let start = member.data_start().ok_or("has a member without data")?;
        let end = start
            .checked_add(member.size())
            .filter(|end| *end <= length);
        ranges.insert(
            key.to_owned(),
            (start, end.ok_or("has a member that ends after the file")?),
        );
    }
    entries(pickle.tensors()?, &ranges)
}

/// Before PyTorch 1.6: five pickles one after the other (magic, protocol, system, contents, keys), then the storages.
fn from_stream(file: &mut File, length: u64) -> Result<BTreeMap<String, Entry>, String> {
    let mut head = Vec::new();
    file.take(MOST_CONTENTS)
        .read_to_end(&mut head)
        .map_err(text)?;
    let mut at = 0;
    let mut next = || {
        let (pickle, length) = pickle::read(&head[at..])?;
        at += length;
        Ok::<_, String>((pickle, at))
    };
    for _ in 0..3 {
        next()?;
    }
    let (contents, _) = next()?;
    let (keys, end) = next()?;
    let keys = keys
        .texts()
        .ok_or("is a pickle, but no PyTorch checkpoint")?;
    let storages: BTreeMap<&str, &Storage> = contents
        .storages()
        .map(|storage| (storage.key.as_str(), storage))
        .collect();
    let mut position = end as u64;
    let mut ranges = BTreeMap::new();
    for key in keys {
        let mut count = [0; 8];
        file.seek(SeekFrom::Start(position))
            .and_then(|_| file.read_exact(&mut count))
            .map_err(|_| "ends before its last tensor".to_owned())?;
        let storage = storages
            .get(key.as_str())
            .ok_or("has values of a tensor that it does not name")?;
        let kind = Kind::of_storage(&storage.class);
        let width = match storage.class.as_str() {
            "IntStorage" => 4,
            "ShortStorage" => 2,
            _ => kind.bytes(),
        };
        let start = position + 8;
        let end = u64::from_le_bytes(count)
            .checked_mul(width)
            .and_then(|bytes| start.checked_add(bytes))
            .filter(|end| *end <= length)
            .ok_or("ends before its last tensor")?;
        ranges.insert(key, (start, end));
        position = end;
    }
    entries(contents.tensors()?, &ranges)
}

fn entries(
    tensors: BTreeMap<String, TensorRef>,
    ranges: &BTreeMap<String, (u64, u64)>,
) -> Result<BTreeMap<String, Entry>, String> {
    tensors
        .into_iter()
        .map(|(name, tensor)| {
            let range = ranges.get(&tensor.storage.key);
            let range = range.ok_or_else(|| format!("has no values for tensor `{name}`"))?;
            let offset = tensor.offset.checked_add(tensor.storage.view);
            let entry = Entry {
                kind: Kind::of_storage(&tensor.storage.class),
                offset: offset
                    .ok_or_else(|| format!("tensor `{name}` reaches outside its storage"))?,
                shape: tensor.shape,
                strides: tensor.strides,
                storage: *range,
            };
            Ok((name, entry))
        })
        .collect()
}
