//! The derived half of a box: a function of its evidence. Who publishes writes it into the box, who verifies beside it, and compares.

use std::path::Path;

use publication::content::SweepContent;
use publication::sums::{FileSum, Sums};
use publication::{Content, appendix, checklist, citation, croissant, layout, readme, ro_crate};

use super::opened::{OpenBox, as_error, read_bytes, walk};
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
    reports::write_report(&results, &target.join(layout::REPORT))
        .map_err(|error| failed(&error))?;
    let mut derived = Derived {
        made: Vec::new(),
        sums: Sums::new(),
    };
    for path in evidence(opened) {
        derived.sum(&opened.folder, path)?;
    }
    for folder in ["tables", layout::REPORT] {
        let files = walk(target, folder);
        let files = files.map_err(|error| CommandError::io("read", target, &error))?;
        for (path, _) in files {
            derived.made.push(path.clone());
            derived.sum(target, path)?;
        }
    }
    derived.write(target, layout::README, &readme::readme(&content))?;
    derived.write(target, layout::CITATION, &citation::citation(manifest))?;
    derived.write(target, layout::CHECKLIST, &checklist::checklist(&content))?;
    for data in &opened.datasets {
        let splits = croissant::splits(&data.facts);
        derived.write(target, &layout::splits(&data.named.files), &splits)?;
        let text = croissant::describe(manifest, data, &derived.sums);
        derived.write(target, &layout::croissant(&data.named.files), &text)?;
    }
    let bytes = derived.sums.values().map(|sum| sum.bytes).sum();
    let text = appendix::appendix(&content, bytes);
    derived.write(target, layout::APPENDIX, &text)?;
    let text = ro_crate::metadata(&content, &derived.sums);
    derived.write(target, layout::CRATE, &text)?;
    derived.made.sort();
    Ok(derived)
}

impl Derived {
    /// Writes a file of the derived half.
    fn write(&mut self, target: &Path, path: &str, text: &str) -> Result<(), CommandError> {
        put(target, path, text.as_bytes())?;
        self.made.push(path.to_owned());
        self.sums
            .insert(path.to_owned(), FileSum::of(text.as_bytes()));
        Ok(())
    }

    /// Takes the sum of a file that is there.
    fn sum(&mut self, folder: &Path, path: String) -> Result<(), CommandError> {
        let bytes = read_bytes(folder, &path).map_err(|fault| as_error(&fault))?;
        self.sums.insert(path, FileSum::of(&bytes));
        Ok(())
    }
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
    files.extend(opened.finished().into_keys().map(layout::record));
    let artifacts = walk(&opened.folder, "evidence/artifacts").unwrap_or_default();
    files.extend(artifacts.into_iter().map(|(path, _)| path));
    files
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
