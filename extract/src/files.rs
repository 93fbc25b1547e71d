//! Files that are whole or not there: written beside their place, synced, renamed.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use half::f16;

use crate::error::ExtractError;

/// The header of a `.npy` file with room for any shape.
const HEADER: usize = 128;

/// Puts a whole file in its place.
pub(crate) fn put(path: &Path, bytes: &[u8]) -> Result<(), ExtractError> {
    let beside = beside(path);
    let fault = |source| ExtractError::file(path, source);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(fault)?;
    }
    let mut file = File::create(&beside).map_err(fault)?;
    let written = file
        .write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    written.map_err(fault)?;
    sync_folder(path)
}

/// The same for a file that this process alone writes: what a killed one left of it goes.
pub(crate) fn put_alone(path: &Path, bytes: &[u8]) -> Result<(), ExtractError> {
    remove_leftovers(path);
    put(path, bytes)
}

/// BLAKE3 of a file, read in pieces.
pub(crate) fn digest(path: &Path) -> Result<blake3::Hash, ExtractError> {
    let fault = |source| ExtractError::file(path, source);
    let mut file = File::open(path).map_err(fault)?;
    let mut hasher = blake3::Hasher::new();
    std::io::copy(&mut file, &mut hasher).map_err(fault)?;
    Ok(hasher.finalize())
}

/// Bytes that a file system allows a name.
const LONGEST_NAME: usize = 255;

/// The file of a video: its name with that ending, the last part cut where no file could be called so.
pub(crate) fn file_of(video: &str, ending: &str) -> String {
    let (folders, last) = match video.rsplit_once('/') {
        Some((folders, last)) => (format!("{folders}/"), last),
        None => (String::new(), video),
    };
    if last.len() + ending.len() <= LONGEST_NAME {
        return format!("{video}{ending}");
    }
    let word = short_word(last);
    let mut cut = LONGEST_NAME - ending.len() - word.len() - 1;
    while !last.is_char_boundary(cut) {
        cut -= 1;
    }
    format!("{folders}{}-{word}{ending}", &last[..cut])
}

/// A short name for a long one.
fn short_word(name: &str) -> String {
    blake3::hash(name.as_bytes()).to_hex()[..16].to_owned()
}

/// What the names of files begin with that are not `path` yet.
fn start(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // With a word of 24 letters and the ending.
    if name.len() + 32 > LONGEST_NAME {
        format!(".{}.", short_word(&name))
    } else {
        format!(".{name}.")
    }
}

/// Two processes that write one file at once each have a file of their own.
fn beside(path: &Path) -> PathBuf {
    path.with_file_name(format!("{}{}.part", start(path), durable::word()))
}

/// What a killed process left of this file; it cannot be gone on with.
fn remove_leftovers(path: &Path) {
    let start = start(path);
    let entries = path
        .parent()
        .and_then(|folder| std::fs::read_dir(folder).ok());
    for entry in entries.into_iter().flatten().flatten() {
        let file = entry.file_name();
        let middle = file
            .to_str()
            .and_then(|file| file.strip_prefix(&start)?.strip_suffix(".part"));
        if middle.is_some_and(|word| {
            word.bytes()
                .all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
        }) {
            // Only room is lost if it stays.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// After a rename the folder has to reach the disk too.
fn sync_folder(path: &Path) -> Result<(), ExtractError> {
    let folder = durable::parent(path);
    durable::sync_folder(folder).map_err(|source| ExtractError::file(folder, source))
}

/// A file that arrives in pieces. Dropped unfinished, it leaves nothing.
#[derive(Debug)]
pub struct Incoming {
    path: PathBuf,
    beside: PathBuf,
    file: Option<File>,
}

impl Incoming {
    pub(crate) fn create(path: &Path) -> Result<Self, ExtractError> {
        let fault = |source| ExtractError::file(path, source);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(fault)?;
        }
        remove_leftovers(path);
        let beside = beside(path);
        Ok(Self {
            path: path.to_owned(),
            file: Some(File::create(&beside).map_err(fault)?),
            beside,
        })
    }

    /// Adds a piece.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), ExtractError> {
        match &mut self.file {
            Some(file) => file
                .write_all(piece)
                .map_err(|source| ExtractError::file(&self.path, source)),
            None => Ok(()),
        }
    }

    /// Syncs the file and puts it in its place.
    pub fn finish(mut self) -> Result<(), ExtractError> {
        let path = self.path.clone();
        let fault = |source| ExtractError::file(&path, source);
        // Taken when it has its name: until then it is removed.
        if let Some(file) = &self.file {
            file.sync_all().map_err(fault)?;
        }
        std::fs::rename(&self.beside, &self.path).map_err(fault)?;
        self.file = None;
        sync_folder(&self.path)
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // It is fetched anew.
            let _ = std::fs::remove_file(&self.beside);
        }
    }
}

/// A `.npy` file that grows row by row; nothing of it is kept in memory. Dropped unfinished, it leaves nothing.
pub(crate) struct NpyWriter {
    path: PathBuf,
    beside: PathBuf,
    file: Option<BufWriter<File>>,
    hasher: blake3::Hasher,
    half: bool,
    dimension: usize,
    crops: usize,
    rows: usize,
    bytes: Vec<u8>,
}

impl NpyWriter {
    /// `[segments, dimension]`, or `[segments, crops, dimension]` for more than one crop; f16 if `half`.
    pub(crate) fn create(
        path: &Path,
        dimension: usize,
        crops: usize,
        half: bool,
    ) -> Result<Self, ExtractError> {
        let fault = |source| ExtractError::file(path, source);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(fault)?;
        }
        remove_leftovers(path);
        let beside = beside(path);
        let mut file = BufWriter::new(File::create(&beside).map_err(fault)?);
        file.write_all(&[0; HEADER]).map_err(fault)?;
        Ok(Self {
            path: path.to_owned(),
            beside,
            file: Some(file),
            hasher: blake3::Hasher::new(),
            half,
            dimension,
            crops,
            rows: 0,
            bytes: Vec::new(),
        })
    }

    /// Adds the features of one crop of one segment.
    pub(crate) fn push(&mut self, row: &[f32]) -> Result<(), ExtractError> {
        self.bytes.clear();
        for value in row {
            let stored = if self.half {
                f16::from_f32(*value).to_f32()
            } else {
                *value
            };
            if !stored.is_finite() {
                return Err(ExtractError::Request(format!(
                    "{}: a feature is {value}, which {} cannot hold; use f32, and check the weights",
                    self.path.display(),
                    if self.half { "f16" } else { "a data set" },
                )));
            }
            if self.half {
                self.bytes.extend(f16::from_f32(*value).to_le_bytes());
            } else {
                self.bytes.extend(value.to_le_bytes());
            }
        }
        self.hasher.update(&self.bytes);
        self.rows += 1;
        match &mut self.file {
            Some(file) => file
                .write_all(&self.bytes)
                .map_err(|source| ExtractError::file(&self.path, source)),
            None => Ok(()),
        }
    }

    /// Writes the shape, syncs, and puts the file in its place. Segments and the digest of the values come back.
    pub(crate) fn finish(mut self) -> Result<(usize, String), ExtractError> {
        let segments = self.rows / self.crops;
        let header = header(segments, self.crops, self.dimension, self.half);
        let path = self.path.clone();
        let fault = |source| ExtractError::file(&path, source);
        // Taken when it has its name: until then it is removed.
        if let Some(file) = &mut self.file {
            file.flush().map_err(fault)?;
            let file = file.get_mut();
            file.seek(SeekFrom::Start(0)).map_err(fault)?;
            file.write_all(&header)
                .and_then(|()| file.sync_all())
                .map_err(fault)?;
        }
        std::fs::rename(&self.beside, &self.path).map_err(fault)?;
        self.file = None;
        sync_folder(&self.path)?;
        Ok((segments, self.hasher.finalize().to_hex().to_string()))
    }
}

impl Drop for NpyWriter {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // What is half done is done again.
            let _ = std::fs::remove_file(&self.beside);
        }
    }
}

fn header(segments: usize, crops: usize, dimension: usize, half: bool) -> Vec<u8> {
    let shape = if crops == 1 {
        format!("({segments}, {dimension})")
    } else {
        format!("({segments}, {crops}, {dimension})")
    };
    let kind = if half { "<f2" } else { "<f4" };
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    header.extend(((HEADER - 10) as u16).to_le_bytes());
    header.extend(
        format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}").bytes(),
    );
    header.resize(HEADER - 1, b' ');
    header.push(b'\n');
    header
}

/// Bytes of a features file of that shape.
pub(crate) fn npy_length(segments: u64, crops: usize, dimension: usize, half: bool) -> u64 {
    HEADER as u64 + segments * (crops * dimension * if half { 2 } else { 4 }) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_has_a_file() {
        assert_eq!(file_of("a/b", ".npy"), "a/b.npy");
        let folder = tempfile::tempdir().unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for name in [
            "x".repeat(251),
            "x".repeat(252),
            "ä".repeat(127),
            "y".repeat(230),
        ] {
            let file = file_of(&format!("deep/{name}"), ".json");
            assert!(seen.insert(file.clone()));
            let path = folder.path().join(file);
            put(&path, b"{}").unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), b"{}");
        }
    }

    #[test]
    fn what_a_killed_process_left_of_a_record_goes_with_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let [record, half, others] = [
            "x.json",
            ".x.json.7235-ff6e.part",
            ".xy.json.7235-ff6e.part",
        ]
        .map(|name| folder.path().join(name));
        for file in [&half, &others] {
            std::fs::write(file, "{").unwrap();
        }
        put_alone(&record, b"{}").unwrap();
        assert!(record.exists() && !half.exists() && others.exists());
    }

    #[test]
    fn a_features_file_is_whole_or_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/x.npy");
        let mut writer = NpyWriter::create(&path, 3, 1, false).unwrap();
        writer.push(&[1.0, -2.0, 0.5]).unwrap();
        drop(writer);
        assert_eq!(
            std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
            0
        );
        let leftover = path.with_file_name(".x.npy.123.part");
        std::fs::write(&leftover, "half").unwrap();
        let mut writer = NpyWriter::create(&path, 3, 1, true).unwrap();
        assert!(!leftover.exists());
        writer.push(&[1.0, -2.0, 0.5]).unwrap();
        assert!(
            writer
                .push(&[1e6, 0.0, 0.0])
                .unwrap_err()
                .to_string()
                .contains("f16 cannot hold")
        );
        writer.push(&[0.0; 3]).unwrap();
        assert_eq!(writer.finish().unwrap().0, 2);
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(bytes.len() as u64, npy_length(2, 1, 3, true));
        assert!(
            bytes[10..].starts_with(b"{'descr': '<f2', 'fortran_order': False, 'shape': (2, 3), }")
        );
        assert_eq!(bytes[128..134], [0, 0x3c, 0, 0xc0, 0, 0x38]);
    }
}
