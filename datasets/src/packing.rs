//! Writing a packed data set; [`crate::pack`] has the format.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::dataset::{Dataset, Split};
use crate::error::{DatasetError, Faults};
use crate::list;
use crate::new_folder::NewFolder;
use crate::open::{Maps, open, open_with};
use crate::pack::{Entry, FIXED, MAGIC};
use crate::write_error::WriteError;

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

/// Packs the data set in `folder` into `out`, which must not exist (or be empty), and opens it: the digest is the same. Files are mapped one
/// after the other, so that there may be more of them than a process may map.
///
/// # Errors
/// Faults of the data set, or what the system says.
pub fn pack(folder: &Path, out: &Path) -> Result<Dataset, PackError> {
    let new = NewFolder::begin(out)?;
    let dataset = open_with(folder, Maps::OneByOne)?;
    let failed = |cause| PackError::Write(WriteError::new(out, cause));
    let copy = |name: &str| {
        fs::copy(folder.join(name), new.path().join(name))
            .map(|_| ())
            .map_err(failed)
    };
    copy("dataset.toml")?;
    for (name, split) in [("train", &dataset.train), ("test", &dataset.test)] {
        let list = format!("{name}.csv");
        copy(&list)?;
        let paths = paths(&folder.join(&list));
        let file = new.path().join(format!("{name}.pack"));
        pack_split(split, &paths, &file).map_err(failed)?;
    }
    if open(new.path())?.digest != dataset.digest {
        return Err(PackError::File(
            folder.to_owned(),
            "changed while it was packed: do it again".to_owned(),
        ));
    }
    new.finish()?;
    Ok(open(out)?)
}

/// The features files of a list that was read before, in its order.
fn paths(list: &Path) -> Vec<PathBuf> {
    let mut faults = Faults::new(list);
    list::read(list, &mut faults)
        .lines
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
        let features = video.features.held().map_err(io::Error::other)?;
        out.write_all(features.rows())?;
    }
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()
}
