//! `gcl-sweep verify`: is a box what it says? Hashes, journal, figures, numbers, and a sample of its jobs run again.

mod files;
mod rerun;

use std::path::Path;

use publication::verification::{Check, Conclusion, JobCheck, Sample, Verification};
use publication::{layout, sample};

use self::files::{evidence_agrees, figures, hashes, journal, numbers};
use self::rerun::Rerun;
use crate::arguments::{Format, Verify};
use crate::command::published::{OpenBox, Temporary};
use crate::data_folders::Folders;
use crate::error::CommandError;
use crate::output::{self, counted, say};
use crate::version;

/// Faults of one kind that are shown; the others are counted.
const SHOWN: usize = 20;

/// Checks the box.
pub fn verify(arguments: &Verify, format: Format) -> Result<(), CommandError> {
    if !(0.0..=1.0).contains(&arguments.fraction) {
        return Err(CommandError::Usage(
            "--fraction is a share of the jobs: from 0 to 1".into(),
        ));
    }
    let folder = arguments.folder.as_path();
    if !folder.is_dir() {
        return Err(CommandError::Input(format!(
            "there is no folder {}",
            folder.display()
        )));
    }
    if !folder.join(layout::MANIFEST).is_file() {
        return Err(CommandError::Input(format!(
            "{} was not made by `gcl-sweep publish`: it has no {}",
            folder.display(),
            layout::MANIFEST
        )));
    }
    let folders = Folders::resolve(&arguments.folders)?;
    let scratch = scratch_folder()?;
    let found = super::runtime()?.block_on(check(arguments, folder, &folders, &scratch.0))?;
    drop(scratch);
    if let Some(html) = &arguments.html {
        std::fs::write(html, publication::page::page(&found))
            .map_err(|error| CommandError::io("write", html, &error))?;
    }
    tell(&found, format)?;
    match found.conclusion() {
        Conclusion::Equal => Ok(()),
        Conclusion::Different => Err(CommandError::BoxDiffers(found.sentence())),
        Conclusion::Incomplete => Err(CommandError::BoxIncomplete(found.sentence())),
    }
}

async fn check(
    arguments: &Verify,
    folder: &Path,
    folders: &Folders,
    scratch: &Path,
) -> Result<Verification, CommandError> {
    let mut found = Verification {
        title: folder.display().to_string(),
        checked_by: version::LONG.to_owned(),
        ..Verification::default()
    };
    say("checking hashes");
    found.checks.push(hashes(folder));
    let opened = match OpenBox::open(folder) {
        Ok(opened) => opened,
        Err(fault) => {
            found.checks.push(Check {
                name: "evidence".into(),
                notes: vec!["nothing more can be checked until it can be read".into()],
                faults: vec![fault],
                ..Check::default()
            });
            return Ok(found);
        }
    };
    found.title.clone_from(&opened.manifest.title);
    found
        .published_by
        .clone_from(&opened.manifest.program.version);
    found.checks.push(journal(&opened));
    found.checks.push(evidence_agrees(&opened));
    say("drawing figures from their CSV files");
    found.checks.push(figures(folder));
    say("computing the numbers of the report from the records");
    found
        .checks
        .push(numbers(&opened, &scratch.join("derived")).await);
    let finished = opened.finished();
    let seed = match arguments.seed {
        Some(seed) => seed,
        None => random()?,
    };
    found.sample = Sample {
        of: finished.len(),
        fraction: arguments.fraction,
        seed,
    };
    let jobs = finished.keys().copied().collect();
    let drawn = sample::sample(&jobs, arguments.fraction, seed);
    if drawn.is_empty() {
        return Ok(found);
    }
    say(&format!(
        "running {} of {} jobs again, drawn by seed {seed}",
        drawn.len(),
        finished.len()
    ));
    let rerun = Rerun {
        opened: &opened,
        folders,
        scratch,
        device: &arguments.device,
        lanes: arguments.workers,
    };
    (found.device, found.jobs) = rerun.run(&drawn).await?;
    Ok(found)
}

/// A seed that nobody knew before.
fn random() -> Result<u64, CommandError> {
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes).map_err(|error| {
        CommandError::Other(format!("the system gives no random numbers: {error}"))
    })?;
    Ok(u64::from(u32::from_le_bytes(bytes)))
}

/// A folder of this check's own.
fn scratch_folder() -> Result<Temporary, CommandError> {
    let folder = std::env::temp_dir().join(format!("gcl-sweep-verify-{}", durable::word()));
    std::fs::create_dir(&folder)
        .map_err(|error| CommandError::io("make the folder", &folder, &error))?;
    Ok(Temporary(folder))
}

fn tell(found: &Verification, format: Format) -> Result<(), CommandError> {
    if format == Format::Json {
        let mut json = serde_json::to_value(found).map_err(|error| CommandError::other(&error))?;
        json["conclusion"] = serde_json::to_value(found.conclusion())
            .map_err(|error| CommandError::other(&error))?;
        return output::json(&json);
    }
    for check in &found.checks {
        let verdict = if check.faults.is_empty() {
            "as the box says".to_owned()
        } else {
            counted(check.faults.len(), "FAULT")
        };
        let equal = if check.equal.is_empty() {
            String::new()
        } else {
            format!(" ({})", check.equal)
        };
        output::prose(&format!("{}: {verdict}{equal}", check.name))?;
        for note in &check.notes {
            output::prose(&format!("  note: {note}"))?;
        }
        for fault in check.faults.iter().take(SHOWN) {
            output::prose(&format!("  {fault}"))?;
        }
        if check.faults.len() > SHOWN {
            output::prose(&format!("  and {} more", check.faults.len() - SHOWN))?;
        }
    }
    output::prose(&format!("jobs: {}", found.sample_sentence()))?;
    for job in &found.jobs {
        output::prose(&format!("  {}", job_line(job)))?;
    }
    if found.conclusion() == Conclusion::Equal {
        output::prose(&found.sentence())?;
    }
    Ok(())
}

fn job_line(job: &JobCheck) -> String {
    let why = if job.why.is_empty() {
        String::new()
    } else {
        format!(": {}", job.why)
    };
    format!(
        "{} ({}): {}{why}",
        job.cell,
        job.job.short(),
        job.verdict.words()
    )
}
