//! The files of a journal: their names, their order, and where reading begins.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::frame::{self, HEADER, Header, Kind};
use super::{JournalError, sync_folder};

/// Ends the name of a snapshot that is being written.
const PART: &str = "snapshot-part";

/// A segment, opened: it can be read to its end also when a snapshot takes its place meanwhile.
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) path: PathBuf,
    pub(super) file: File,
    pub(super) length: u64,
    /// `None`: it cannot be read.
    pub(super) header: Option<Header>,
}

/// The segments of a folder.
pub(super) struct Segments {
    /// In order; the first is a snapshot, or where everything began.
    pub(super) current: Vec<Segment>,
    /// Those that a snapshot stands for.
    pub(super) obsolete: Vec<PathBuf>,
    /// A last segment that holds nothing, not even a header.
    pub(super) unfinished: Option<(u64, PathBuf)>,
}

/// The file of the segment that begins with that entry.
pub(super) fn path_of(folder: &Path, segment: u64) -> PathBuf {
    folder.join(format!("{segment:020}.journal"))
}

/// The file of a snapshot that is being written.
pub(super) fn part_of(folder: &Path, segment: u64) -> PathBuf {
    folder.join(format!("{segment:020}.{PART}"))
}

/// The numbers of the segments in a folder, in order.
pub(super) fn numbers(folder: &Path) -> Result<Vec<u64>, JournalError> {
    let read = |folder: &Path| -> io::Result<Vec<u64>> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let name = entry?.file_name();
            let number: Option<u64> = name
                .to_str()
                .and_then(|name| name.strip_suffix(".journal"))
                .and_then(|stem| stem.parse().ok());
            found.extend(number);
        }
        found.sort_unstable();
        Ok(found)
    };
    read(folder).map_err(JournalError::io("list", folder))
}

/// Opens the segments of a folder.
pub(super) fn open(folder: &Path) -> Result<Segments, JournalError> {
    // A running coordinator may put a snapshot in the place of segments while they are opened. That is rare, and over in
    // milliseconds.
    let mut tries = 5;
    loop {
        match open_once(folder) {
            Err(JournalError::Io { source, .. })
                if source.kind() == io::ErrorKind::NotFound && tries > 0 =>
            {
                if !folder.is_dir() {
                    return open_once(folder);
                }
                tries -= 1;
            }
            other => return other,
        }
    }
}

fn open_once(folder: &Path) -> Result<Segments, JournalError> {
    let mut current = Vec::new();
    for number in numbers(folder)? {
        let path = path_of(folder, number);
        let file = File::open(&path).map_err(JournalError::io("open", &path))?;
        let length = file
            .metadata()
            .map_err(JournalError::io("look at", &path))?
            .len();
        let header = header_of(&file, length).map_err(JournalError::io("read", &path))?;
        current.push(Segment {
            number,
            path,
            file,
            length,
            header,
        });
    }
    // A segment whose header was not yet written when the power went holds nothing.
    let unfinished = current
        .pop_if(|last| last.length < HEADER || (last.length == HEADER && last.header.is_none()))
        .map(|last| (last.number, last.path));
    let start = current
        .iter()
        .rposition(|segment| {
            segment
                .header
                .as_ref()
                .is_some_and(|header| header.kind == Kind::Snapshot)
        })
        .unwrap_or(0);
    let obsolete = current.drain(..start).map(|segment| segment.path).collect();
    Ok(Segments {
        current,
        obsolete,
        unfinished,
    })
}

fn header_of(file: &File, length: u64) -> io::Result<Option<Header>> {
    if length < HEADER {
        return Ok(None);
    }
    let mut bytes = [0; HEADER as usize];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(frame::read_header(&bytes).ok())
}

/// Removes what a snapshot that was not written to its end has left.
pub(super) fn remove_parts(folder: &Path) -> io::Result<()> {
    let mut found = false;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == PART) {
            std::fs::remove_file(&path)?;
            found = true;
        }
    }
    if found { sync_folder(folder) } else { Ok(()) }
}
