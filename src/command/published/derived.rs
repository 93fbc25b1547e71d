//! The derived half of a box: a function of its evidence. Who publishes writes it into the box, who verifies beside it, and compares.

use std::path::Path;

use publication::content::SweepContent;
use publication::sums::{FileSum, Sums};
use publication::{Content, appendix, checklist, citation, croissant, layout, readme, ro_crate};
use sweeps::JobStatus;

use super::opened::{OpenBox, read_bytes, walk};
use crate::command::report;
use crate::command::source::failed;
use crate::error::CommandError;

/// What was derived.
pub struct Derived {
    /// The files that were made.
    pub made: Vec<String>,
    /// The sums of the whole box, but that of the sums.
    pub sums: Sums,
}

/// Makes the derived half in `target`, which may be the box itself.
///
/// # Errors
/// Evidence that cannot be read, or a folder that cannot be written.
pub async fn derive(opened: &OpenBox, target: &Path) -> Result<Derived, CommandError> {
    let manifest = &opened.manifest;
    let mut results = Vec::new();
    for sweep in &opened.sweeps {
        let mut result = report::results_of(opened, &sweep.named.name).await?;
        result.version.clone_from(&manifest.program.version);
        result.facts = report::facts_of(sweep.evidence.submitted_ms, &manifest.program);
        for info in &mut result.datasets {
            let known = opened
                .datasets
                .iter()
                .find(|data| data.facts.name == info.name);
            if let Some(data) = known {
                *info = (&data.facts).into();
            }
        }
        results.push(result);
    }
    let sweeps: Vec<SweepContent<'_>> = opened
        .sweeps
        .iter()
        .zip(&results)
        .map(|(sweep, results)| SweepContent {
            named: &sweep.named,
            evidence: &sweep.evidence,
            results,
        })
        .collect();
    let content = Content {
        manifest,
        sweeps: &sweeps,
        ledger: &opened.ledger,
        datasets: &opened.datasets,
    };
    for sweep in &sweeps {
        let folder = target.join(layout::tables(&sweep.named.files));
        reports::write_csv(sweep.results, &folder).map_err(|error| failed(&error))?;
    }
    reports::write_report(&results, &target.join(layout::REPORT)).map_err(|error| failed(&error))?;
    let mut made = Vec::new();
    for folder in ["tables", layout::REPORT] {
        let files = walk(target, folder);
        let files = files.map_err(|error| CommandError::io("read", target, &error))?;
        made.extend(files.into_iter().map(|(path, _)| path));
    }
    let mut write = |path: &str, text: &str| {
        made.push(path.to_owned());
        put(target, path, text.as_bytes())
    };
    write(layout::README, &readme::readme(&content))?;
    write(layout::CITATION, &citation::citation(manifest))?;
    write(layout::CHECKLIST, &checklist::checklist(&content))?;
    for data in &opened.datasets {
        let splits = croissant::splits(&data.facts);
        write(&layout::splits(&data.named.files), &splits)?;
    }
    let mut sums = sums_of(&opened.folder, &evidence(opened))?;
    for data in &opened.datasets {
        let path = layout::splits(&data.named.files);
        sums.insert(path.clone(), FileSum::of(&read(target, &path)?));
        let text = croissant::describe(manifest, data, &sums);
        write(&layout::croissant(&data.named.files), &text)?;
    }
    sums.extend(sums_of(target, &made)?);
    let bytes = sums.values().map(|sum| sum.bytes).sum::<u64>();
    let text = appendix::appendix(&content, bytes);
    put(target, layout::APPENDIX, text.as_bytes())?;
    made.push(layout::APPENDIX.to_owned());
    sums.insert(layout::APPENDIX.to_owned(), FileSum::of(text.as_bytes()));
    let crate_text = ro_crate::metadata(&content, &sums);
    put(target, layout::CRATE, crate_text.as_bytes())?;
    made.push(layout::CRATE.to_owned());
    sums.insert(layout::CRATE.to_owned(), FileSum::of(crate_text.as_bytes()));
    made.sort();
    Ok(Derived { made, sums })
}

/// The files of the evidence.
fn evidence(opened: &OpenBox) -> Vec<String> {
    let manifest = &opened.manifest;
    let mut files = vec![
        layout::MANIFEST.to_owned(),
        layout::JOURNAL.to_owned(),
        layout::LOCK_FILE.to_owned(),
    ];
    files.extend(layout::LICENCES.map(str::to_owned));
    for named in &manifest.sweeps {
        files.push(layout::sweep_file(&named.files));
        files.push(layout::sweep_evidence(&named.files));
    }
    for data in &opened.datasets {
        files.push(layout::dataset_facts(&data.named.files));
        files.extend(data.files.iter().map(|(path, _)| path.clone()));
    }
    for sweep in &opened.sweeps {
        let done = sweep.evidence.jobs.iter();
        let done = done.filter(|job| job.status == JobStatus::Done);
        files.extend(done.map(|job| layout::record(job.job)));
    }
    let artifacts = walk(&opened.folder, "evidence/artifacts").unwrap_or_default();
    files.extend(artifacts.into_iter().map(|(path, _)| path));
    files.sort();
    files.dedup();
    files
}

fn sums_of(folder: &Path, files: &[String]) -> Result<Sums, CommandError> {
    files
        .iter()
        .map(|path| Ok((path.clone(), FileSum::of(&read(folder, path)?))))
        .collect()
}

fn read(folder: &Path, path: &str) -> Result<Vec<u8>, CommandError> {
    read_bytes(folder, path)
        .map_err(|fault| CommandError::Input(format!("{}: {}", fault.file, fault.what)))
}

/// Writes a file of a box, and the folders above it.
pub fn put(folder: &Path, path: &str, bytes: &[u8]) -> Result<(), CommandError> {
    let at = folder.join(path);
    if let Some(above) = at.parent() {
        std::fs::create_dir_all(above)
            .map_err(|error| CommandError::io("make the folder", above, &error))?;
    }
    std::fs::write(&at, bytes).map_err(|error| CommandError::io("write", &at, &error))
}

/// A value as a file of a box has it.
pub fn pretty<T: serde::Serialize>(value: &T) -> Result<String, CommandError> {
    let text = serde_json::to_string_pretty(value).map_err(|error| CommandError::other(&error))?;
    Ok(text + "\n")
}
