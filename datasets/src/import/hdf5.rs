//! Features in HDF5: a file with an array a video, or a file a video. MATLAB's files of version 7.3 are HDF5 too.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::Path;

use half::f16;
use hdf5_pure::{DType, Dataset, Datatype, DatatypeByteOrder, File, Group};

use super::names;

/// Groups within groups.
const MAX_DEPTH: usize = 4;
/// Arrays of one file.
const MAX_MEMBERS: usize = 200_000;
/// Numbers of one array: a day of video at 30 frames a second, in ten crops of 2048 features, has 3.3e9.
const MAX_NUMBERS: u64 = 1 << 32;

/// An array of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    /// Where it lies in the file.
    pub(super) path: String,
    /// The name of the video that it is of.
    pub(super) video: String,
    /// The group that it lies in.
    pub(super) folder: String,
    /// Why it cannot be read, where that shows already.
    pub(super) unread: Option<String>,
}

/// An array that was read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Array {
    /// The lengths, as who wrote the file sees them.
    pub(super) shape: Vec<usize>,
    /// The first length varies fastest, as MATLAB has it.
    pub(super) fortran: bool,
    pub(super) numbers: Vec<f32>,
}

/// Whether a file's name says that it is of this kind.
pub(super) fn named(path: &Path) -> bool {
    matches!(names::extension(path).as_str(), "h5" | "hdf5" | "mat")
}

/// The arrays of a file that can be features: floating-point numbers, more than one, in two or three dimensions.
///
/// # Errors
/// What is wrong with the file, as half a sentence.
pub(super) fn members(path: &Path) -> Result<Vec<Member>, String> {
    let (file, _) = open(path)?;
    let mut found = Vec::new();
    let mut unread = BTreeMap::new();
    visit(&file.root(), "", 0, &mut found, &mut unread);
    if found.is_empty() {
        return Err(
            "holds no array of floating-point numbers in two or three dimensions".to_owned(),
        );
    }
    found.sort();
    let mut members = name(found);
    for member in &mut members {
        member.unread = unread.remove(&member.path);
    }
    Ok(members)
}

/// Arrays go by their own names; where all are called the same, each in a group of its own, by their groups'.
fn name(found: Vec<String>) -> Vec<Member> {
    let last = |path: &str| path.rsplit('/').next().unwrap_or("").to_owned();
    let names: BTreeSet<String> = found.iter().map(|path| last(path)).collect();
    let by_group = found.len() > 1 && names.len() == 1;
    found
        .into_iter()
        .map(|path| {
            let parent = |path: &str| {
                path.rsplit_once('/')
                    .map_or(String::new(), |(group, _)| group.to_owned())
            };
            let named = if by_group {
                parent(&path)
            } else {
                path.clone()
            };
            Member {
                video: last(&named),
                folder: last(&parent(&named)),
                path,
                unread: None,
            }
        })
        .collect()
}

fn visit(
    group: &Group,
    prefix: &str,
    depth: usize,
    found: &mut Vec<String>,
    unread: &mut BTreeMap<String, String>,
) {
    // MATLAB keeps what cells and objects refer to in groups of such names.
    let own = |name: &String| !name.starts_with('#');
    let datasets = group.datasets().unwrap_or_else(|error| {
        let group = prefix.trim_end_matches('/').to_owned();
        found.push(group.clone());
        unread.insert(group, format!("is a group that cannot be read: {error}"));
        Vec::new()
    });
    for name in datasets.into_iter().filter(own) {
        let path = format!("{prefix}{name}");
        let looked = group.dataset(&name).and_then(|dataset| {
            let shape = dataset.shape()?;
            Ok((2..=3).contains(&shape.len())
                && shape.iter().any(|length| *length > 1)
                && floating(&dataset.dtype()?))
        });
        if found.len() >= MAX_MEMBERS {
            return;
        }
        match looked {
            Ok(true) => found.push(path),
            Ok(false) => {}
            Err(error) => {
                found.push(path.clone());
                unread.insert(path, format!("cannot be read: {error}"));
            }
        }
    }
    if depth >= MAX_DEPTH {
        return;
    }
    for name in group.groups().unwrap_or_default().into_iter().filter(own) {
        if let Ok(inner) = group.group(&name) {
            visit(
                &inner,
                &format!("{prefix}{name}/"),
                depth + 1,
                found,
                unread,
            );
        }
    }
}

fn floating(kind: &DType) -> bool {
    match kind {
        DType::F32 | DType::F64 => true,
        DType::Other(other) => matches!(**other, Datatype::FloatingPoint { .. }),
        _ => false,
    }
}

/// Reads an array.
///
/// # Errors
/// What is wrong with it, as half a sentence.
pub(super) fn read(path: &Path, member: &str) -> Result<Array, String> {
    let (file, matlab) = open(path)?;
    let unread = |error| format!("cannot be read: {error}");
    let dataset = file.dataset(member).map_err(unread)?;
    let stored = dataset.shape().map_err(unread)?;
    let count = stored
        .iter()
        .try_fold(1_u64, |count, length| count.checked_mul(*length))
        .filter(|count| *count <= MAX_NUMBERS)
        .ok_or_else(|| format!("has the shape {stored:?}: too many numbers for a video"))?;
    let numbers = numbers(&dataset)?;
    if numbers.len() as u64 != count {
        return Err(format!(
            "has {} numbers, its shape {stored:?} has {count}",
            numbers.len()
        ));
    }
    let mut shape: Vec<usize> = stored.iter().map(|length| *length as usize).collect();
    if matlab {
        // MATLAB counts from the other end: what it calls [segments, dim] lies as [dim, segments].
        shape.reverse();
    }
    Ok(Array {
        shape,
        fortran: matlab,
        numbers,
    })
}

fn numbers(dataset: &Dataset) -> Result<Vec<f32>, String> {
    let unread = |error| format!("cannot be read: {error}");
    match dataset.datatype().map_err(unread)? {
        // The crate does not convert half precision.
        Datatype::FloatingPoint {
            size: 2,
            byte_order: DatatypeByteOrder::LittleEndian,
            layout,
        } if layout.exponent_size == 5 => Ok(dataset
            .read_raw()
            .map_err(unread)?
            .chunks_exact(2)
            .map(|bytes| f16::from_le_bytes([bytes[0], bytes[1]]).to_f32())
            .collect()),
        _ => dataset.read_f32().map_err(unread),
    }
}

/// Opens a file; true where MATLAB's header says that its lengths are reversed.
fn open(path: &Path) -> Result<(File, bool), String> {
    let mut header = [0; 128];
    let length = fs::File::open(path)
        .and_then(|mut file| {
            let mut length = 0;
            while length < header.len() {
                match file.read(&mut header[length..])? {
                    0 => break,
                    more => length += more,
                }
            }
            Ok(length)
        })
        .map_err(|error| format!("cannot be opened: {error}"))?;
    let header = &header[..length];
    let matlab = header.starts_with(b"MATLAB 7.3 MAT-file");
    if header.starts_with(b"MATLAB") && !matlab {
        return Err(
            "is a MAT file older than version 7.3, which is not read: save it again with -v7.3, or each video's array \
             with numpy.save"
                .to_owned(),
        );
    }
    // Reads on demand: the features of all videos can be one file.
    let file = File::open_streaming(path)
        .map_err(|error| format!("is no HDF5 file that can be read: {error}"))?;
    Ok((file, matlab))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn videos(paths: &[&str]) -> Vec<String> {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        name(paths).into_iter().map(|member| member.video).collect()
    }

    #[test]
    fn arrays_go_by_their_own_names_or_by_their_groups() {
        assert_eq!(videos(&["a", "train/b"]), ["a", "b"]);
        assert_eq!(videos(&["a/features", "train/b/features"]), ["a", "b"]);
        assert_eq!(videos(&["features"]), ["features"]);
    }
}
