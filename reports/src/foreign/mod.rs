//! Results of other programs, so that they get these statistics: MLflow's folders, W&B's offline runs, TensorBoard's event files, and any
//! table, read as a [`Mapping`] says.
//!
//! The same the other way: [`write_mlflow`](fn@write_mlflow), [`write_wandb`](fn@write_wandb).
//!
//! What cannot be told for certain is refused, never guessed: which number is the AUC, which runs are one method, which seeds pair.

mod cells;
mod framed;
mod mapping;
mod mlflow;
mod run;
mod table;
mod tensorboard;
mod wandb;
mod wandb_record;
mod write_mlflow;
mod write_wandb;
mod written;

use std::path::{Path, PathBuf};

pub use mapping::{Mapping, MappingError};
pub use write_mlflow::write_mlflow;
pub use write_wandb::write_wandb;

use crate::error::ReportError;
use crate::files::Tables;
use framed::{Records, Unreadable};
use run::Found;

/// Folders below one that is looked through, and files of runs, at most.
const MOST_FILES: usize = 200_000;
/// Bytes of one file of a run at most: a bound on memory.
const LARGEST: u64 = 1 << 30;

/// Reads the runs of another program below a folder, or the lines of a table, as one sweep.
///
/// # Errors
/// No runs are there; a name of the mapping is in none of them (what is there is listed); a number is no AUC; two runs are the same cell.
pub fn read_foreign(path: &Path, mapping: &Mapping) -> Result<Tables, ReportError> {
    let found = find(path, Some(mapping))?;
    cells::tables(path, &found, mapping)
}

/// What somebody who gave no mapping should know of this folder; `None` where it holds no runs of a program that is known.
pub fn describe_foreign(path: &Path) -> Option<String> {
    let found = find(path, None)
        .ok()
        .filter(|found| !found.runs.is_empty())?;
    Some(format!(
        "`{}` holds {} runs of {}: --map says what is what, such as --map '{}'\n{}",
        path.display(),
        found.runs.len(),
        found.program,
        found.suggestion(),
        found.names()
    ))
}

fn find(path: &Path, mapping: Option<&Mapping>) -> Result<Found, ReportError> {
    if path.is_file() {
        return match mapping {
            Some(mapping) => table::read(path, mapping),
            None => Err(fault(path, "it is a file".to_owned())),
        };
    }
    if let Some(experiments) = mlflow::experiments(path) {
        return mlflow::read(path, &experiments);
    }
    let files = files(path)?;
    let ends = |file: &&PathBuf, ending: &str| {
        file.extension()
            .is_some_and(|extension| extension == ending)
    };
    let offline: Vec<&PathBuf> = files.iter().filter(|file| ends(file, "wandb")).collect();
    if !offline.is_empty() {
        return wandb::read(path, &offline);
    }
    let events: Vec<&PathBuf> = files
        .iter()
        .filter(|file| tensorboard::is_events(file))
        .collect();
    if !events.is_empty() {
        return tensorboard::read(path, &events);
    }
    Err(fault(
        path,
        "it holds no runs that are known: MLflow's mlruns, W&B's offline-run-*, TensorBoard's events.out.tfevents.*, or a table (.csv) are expected"
            .to_owned(),
    ))
}

/// The files below a folder, in the order of their names; links are not followed.
fn files(path: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let (mut files, mut folders) = (Vec::new(), vec![path.to_owned()]);
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(ReportError::read(&folder))? {
            let entry = entry.map_err(ReportError::read(&folder))?;
            seen += 1;
            if seen > MOST_FILES {
                return Err(fault(
                    path,
                    format!("it has more than {MOST_FILES} files: name a folder below it"),
                ));
            }
            let kind = entry.file_type().map_err(ReportError::read(&folder))?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The records of a file of a run, by the reader of its frames; a torn end is noted.
fn records(
    path: &Path,
    read: impl Fn(&[u8]) -> Result<Records, Unreadable>,
    notes: &mut Vec<String>,
) -> Result<Vec<Vec<u8>>, ReportError> {
    let read = read(&bytes(path)?).map_err(|why| {
        let message = match why {
            Unreadable::Damaged(at) => {
                format!("it is damaged at byte {at}: its checksum is another")
            }
            Unreadable::NotOf(program) => {
                format!("it is no file of {program}: its first bytes are others")
            }
        };
        fault(path, message)
    })?;
    if read.torn {
        notes.push(format!(
            "{}: the end of the file is torn: what stands before it was read",
            path.display()
        ));
    }
    Ok(read.records)
}

/// The bytes of a file of a run.
fn bytes(path: &Path) -> Result<Vec<u8>, ReportError> {
    let length = std::fs::metadata(path)
        .map_err(ReportError::read(path))?
        .len();
    if length > LARGEST {
        return Err(fault(
            path,
            format!("it has {length} bytes, and at most {LARGEST} are read"),
        ));
    }
    std::fs::read(path).map_err(ReportError::read(path))
}

fn fault(path: &Path, message: String) -> ReportError {
    ReportError::Foreign {
        path: path.to_owned(),
        message,
    }
}
