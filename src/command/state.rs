//! What a state folder knows of a sweep: `plan --state`.

use std::path::Path;

use coordinator::state::{ReadError, StateReader};
use coordinator::sweep_language;
use proto::error_chain;
use proto::nouns::{Refusal, StateKind, Submit};
use sweeps::JobStatus;

use super::source::refused;
use crate::command::difference::VersionCell;
use crate::command::known::Known;
use crate::error::CommandError;

/// What a state folder knows of the sweep of that name, and of all. It is read where it lies, also while a coordinator has it open.
pub fn known(state: &Path, submit: &Submit, name: &str) -> Result<Known, CommandError> {
    let mut reader = match StateReader::open(state) {
        Ok(reader) => reader,
        // A `run` would make it.
        Err(error @ (ReadError::NoFolder(_) | ReadError::NoState { .. })) => {
            return Ok(Known::nothing(error.to_string()));
        }
        Err(error) => return Err(CommandError::Store(error_chain(&error))),
    };
    if let Some(kind) = reader.kind().filter(|kind| *kind != StateKind::Training) {
        return Err(CommandError::Store(format!(
            "the state folder {} holds {}: `run` and `submit` of this sweep need another folder",
            state.display(),
            kind.jobs()
        )));
    }
    let mut known = Known::default();
    for sweep in reader.sweeps() {
        let columns = if sweep.name == name {
            Some(reader.sweep_info(name).map_err(refused)?.columns)
        } else {
            None
        };
        reader
            .each_cell(&sweep.name, &mut |cell| {
                if let Some(columns) = &columns {
                    known.earlier.push(VersionCell::of(columns, &cell));
                }
                if cell.status == JobStatus::Done && known.done.insert(cell.job_id) {
                    known.durations.add(&sweep.name, &cell);
                }
            })
            .map_err(refused)?;
    }
    known.meaning = match reader.meaning(submit, &sweep_language()) {
        Ok(meaning) => Some(meaning),
        // Nothing to tell of jobs without an id; `plan` says which data set is missing.
        Err(Refusal::UnknownDataset(_) | Refusal::DatasetConflict { .. }) => None,
        Err(refusal) => return Err(refused(refusal)),
    };
    Ok(known)
}
