//! The tables that a run replaces by others, of the next version of its sweep or of another sweep: kept beside them, so that both can be compared.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use reports::SweepResults;
use sweeps::JobId;

use crate::error::CommandError;

/// The folder of versions in that of a run: `versions/1` is the oldest.
const FOLDER: &str = "versions";
const RESULTS: &str = "results.csv";
const ABOUT: &str = "sweep.json";
/// What a version is compared by.
const TABLES: [&str; 5] = [RESULTS, "epochs.csv", "summary.csv", ABOUT, "looks.csv"];

/// Keeps what lies in `out` where it has results that `results` no longer shows; where it went. A version that was kept before is not
/// kept twice.
pub fn keep(results: &SweepResults, out: &Path) -> Result<Option<PathBuf>, CommandError> {
    if results.rehearsal || !out.join(ABOUT).exists() {
        return Ok(None);
    }
    // Tables that cannot be read are nobody's version.
    let Ok(tables) = reports::read_tables(out) else {
        return Ok(None);
    };
    let shown: BTreeSet<JobId> = results.cells.iter().map(|cell| cell.job_id).collect();
    let hides = tables
        .sweeps
        .iter()
        .filter(|before| !before.rehearsal)
        .flat_map(|before| &before.cells)
        .any(|cell| cell.record.is_some() && !shown.contains(&cell.job_id));
    if !hides {
        return Ok(None);
    }
    let folder = out.join(FOLDER);
    keep_in(out, &folder).map_err(|error| {
        CommandError::Other(format!(
            "cannot keep the results that were here before in {}: {error}; they are still in {}, and nothing was written over them",
            folder.display(),
            out.display()
        ))
    })
}

fn keep_in(out: &Path, folder: &Path) -> io::Result<Option<PathBuf>> {
    let mut newest = 0;
    let now = fs::read(out.join(RESULTS))?;
    if folder.exists() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let Some(number) = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok())
            else {
                continue;
            };
            newest = newest.max(number);
            if fs::read(entry.path().join(RESULTS)).is_ok_and(|kept| kept == now) {
                return Ok(None);
            }
        }
    }
    let place = folder.join((newest + 1_u32).to_string());
    let part = folder.join(format!("{}.part", newest + 1));
    fs::create_dir_all(&part)?;
    for table in TABLES {
        let table = Path::new(table);
        if out.join(table).exists() {
            fs::copy(out.join(table), part.join(table))?;
        }
    }
    fs::rename(&part, &place)?;
    Ok(Some(place))
}

/// What to type to see a version that was kept beside the one of now.
pub fn hint(kept: &Path, out: &Path) -> String {
    format!(
        "the results that were here before are kept; both side by side:\n  gcl-sweep report --from {} --from {} --out {}",
        reports::shell_word(&kept.display().to_string()),
        reports::shell_word(&out.display().to_string()),
        reports::shell_word(&out.join("compared").display().to_string())
    )
}
