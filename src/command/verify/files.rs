//! What is checked without running a job.

use std::path::Path;

use publication::sums::FileSum;
use publication::verification::{Check, Fault};
use publication::{JournalFacts, chain, difference, layout, sums};
use sweeps::{Digest, JobStatus};

use crate::command::published::{MISSING, OpenBox, derive, read_bytes, walk};
use crate::output::counted;

/// Every file has the hash that it had, none is missing, none is new.
pub fn hashes(folder: &Path) -> Check {
    let mut check = Check {
        name: "hashes".into(),
        ..Check::default()
    };
    let told = read_bytes(folder, layout::SUMS).and_then(|bytes| {
        let text =
            String::from_utf8(bytes).map_err(|_| Fault::new(layout::SUMS, "", "it is no text"))?;
        sums::read(&text).map_err(|what| Fault::new(layout::SUMS, "", what))
    });
    let told = match told {
        Ok(told) => told,
        Err(mut fault) => {
            if fault.what == MISSING {
                fault.what += ": the box was never finished";
            }
            check.faults.push(fault);
            return check;
        }
    };
    let mut equal = 0;
    for (path, sha256) in &told {
        match read_bytes(folder, path) {
            Ok(bytes) if FileSum::of(&bytes).sha256 == *sha256 => equal += 1,
            Ok(_) => check.faults.push(Fault::new(
                path,
                "",
                "its bytes are not those that were published",
            )),
            Err(fault) => check.faults.push(fault),
        }
    }
    match walk(folder, "") {
        Ok(files) => {
            for (path, _) in files {
                if path != layout::SUMS && !told.contains_key(&path) {
                    check
                        .faults
                        .push(Fault::new(path, "", "it is no part of the box"));
                }
            }
        }
        Err(error) => check.faults.push(Fault::new("", "", error.to_string())),
    }
    check.equal = counted(equal, "file");
    check
}

/// The journal is whole, and what the manifest says of it.
pub fn journal(opened: &OpenBox) -> Check {
    let facts = &opened.manifest.journal;
    let mut check = Check {
        name: "journal".into(),
        ..Check::default()
    };
    let faults = opened
        .unreadable
        .iter()
        .cloned()
        .chain(chain::faults(&opened.lines));
    check.faults = faults
        .map(|fault| Fault::new(layout::JOURNAL, format!("line {}", fault.line), fault.what))
        .collect();
    let found = JournalFacts::of(&opened.lines);
    if found.head != facts.head || found.entries != facts.entries {
        check.faults.push(Fault::new(
            layout::JOURNAL,
            "",
            format!(
                "it ends with entry {} of {}, its hash is not the one that {} tells",
                found.entries,
                facts.entries,
                layout::MANIFEST
            ),
        ));
    }
    if found.withheld > 0 {
        check.notes.push(format!(
            "{} of {} entries are of other sweeps: only their hashes are here, and the chain through them is not checked",
            found.withheld, found.entries
        ));
    }
    if let Some(original) = facts.original_head {
        check.notes.push(format!(
            "names were taken out and the journal was hashed anew; with names, its head was {original}"
        ));
    }
    check.equal = format!("{} entries", found.entries - found.withheld);
    check
}

/// Records are those of the journal, sweep files those that were submitted, artifacts those that records name.
pub fn evidence_agrees(opened: &OpenBox) -> Check {
    let mut check = Check {
        name: "records and sweep files".into(),
        ..Check::default()
    };
    let mut equal = 0;
    let finished = opened.finished();
    for job in finished.keys().copied() {
        let path = layout::record(job);
        let record = match opened.record(job) {
            Ok(record) => record,
            Err(fault) => {
                check.faults.push(fault);
                continue;
            }
        };
        match opened.ledger.records.get(&job) {
            Some((_, journaled)) if *journaled == record => equal += 1,
            Some((line, journaled)) => {
                let value = |record| serde_json::to_value(record).unwrap_or_default();
                let place = difference::of_values(&value(journaled), &value(&record));
                let (place, what) = place.map_or_else(
                    || (String::new(), String::new()),
                    |(place, told, here)| (place, format!(": {told} there, {here} here")),
                );
                check.faults.push(Fault::new(
                    &path,
                    place,
                    format!("line {line} of the journal says otherwise{what}"),
                ));
            }
            None => check
                .faults
                .push(Fault::new(&path, "", "the journal has no such result")),
        }
        for artifact in &record.outcome.artifacts {
            let path = layout::artifact(artifact.digest);
            match read_bytes(&opened.folder, &path) {
                Ok(bytes) if Digest::of(&bytes) == artifact.digest => {}
                Ok(_) => check.faults.push(Fault::new(
                    path,
                    "",
                    "its bytes are not those that its record names",
                )),
                Err(fault) => check.faults.push(fault),
            }
        }
    }
    // A result that the journal has and the box does not show would be one that somebody left out.
    for (job, (line, _)) in &opened.ledger.records {
        if !finished.contains_key(job) {
            check.faults.push(Fault::new(
                layout::JOURNAL,
                format!("line {line}"),
                format!(
                    "job {} has a result there, and none in the box",
                    job.short()
                ),
            ));
        }
    }
    for sweep in &opened.sweeps {
        let path = layout::sweep_file(&sweep.named.files);
        match opened
            .ledger
            .submissions
            .get(&sweep.named.name)
            .and_then(|all| all.last())
        {
            Some((line, _, text)) if *text != sweep.spec.text => {
                let place = difference::of_bytes(text.as_bytes(), sweep.spec.text.as_bytes());
                check.faults.push(Fault::new(
                    &path,
                    place.unwrap_or_default(),
                    format!("it is not the file that line {line} of the journal submits"),
                ));
            }
            Some(_) => {}
            None => check.notes.push(format!(
                "the journal was compacted: it does not show when `{}` was submitted",
                sweep.named.name
            )),
        }
        let unfinished = sweep.evidence.jobs.iter();
        let unfinished = unfinished
            .filter(|job| job.status != JobStatus::Done)
            .count();
        if unfinished > 0 {
            check.notes.push(format!(
                "`{}` has {} without a result",
                sweep.named.name,
                counted(unfinished as u64, "cell")
            ));
        }
    }
    check.equal = counted(equal, "record");
    check
}

/// Every figure is the one that its CSV draws.
pub fn figures(folder: &Path) -> Check {
    let mut check = Check {
        name: "figures from their CSV files".into(),
        ..Check::default()
    };
    let mut equal = 0;
    let files = walk(folder, layout::FIGURES).unwrap_or_default();
    for path in files.iter().map(|(path, _)| path) {
        let Some(stem) = path.strip_suffix(".csv") else {
            continue;
        };
        let figure = match reports::figures::redraw(&folder.join(path)) {
            Ok(figure) => figure,
            Err(error) => {
                let what = format!("nothing can be drawn of it: {}", proto::error_chain(&error));
                check.faults.push(Fault::new(path, "", what));
                continue;
            }
        };
        let mut compare = |path: String, drawn: &[u8]| match read_bytes(folder, &path) {
            Ok(bytes) => match difference::of_bytes(&bytes, drawn) {
                None => equal += 1,
                Some(place) => check.faults.push(Fault::new(
                    path,
                    place,
                    format!("it is not what {stem}.csv draws"),
                )),
            },
            Err(fault) => check.faults.push(fault),
        };
        compare(format!("{stem}.svg"), figure.svg.as_bytes());
        match reports::figures::png(&figure) {
            Ok(drawn) => compare(format!("{stem}.png"), &drawn),
            Err(error) => {
                let what = proto::error_chain(&error);
                check
                    .faults
                    .push(Fault::new(format!("{stem}.png"), "", what));
            }
        }
    }
    check.equal = counted(equal, "picture");
    check
}

/// Tables, report, figures and descriptions are what the records give.
pub async fn numbers(opened: &OpenBox, beside: &Path) -> Check {
    let mut check = Check {
        name: "numbers from the records".into(),
        ..Check::default()
    };
    let derived = match derive(opened, beside).await {
        Ok(derived) => derived,
        Err(error) => {
            let what = format!("nothing can be computed again: {error}");
            check.faults.push(Fault::new("evidence", "", what));
            return check;
        }
    };
    let mut equal = 0;
    for path in &derived.made {
        let compared = read_bytes(&opened.folder, path).and_then(|told| {
            let again = read_bytes(beside, path)?;
            Ok(difference::of_bytes(&told, &again))
        });
        match compared {
            Ok(None) => equal += 1,
            Ok(Some(place)) => {
                check
                    .faults
                    .push(Fault::new(path, place, "it is not what the records give"));
            }
            Err(fault) => check.faults.push(fault),
        }
    }
    let here = crate::command::report::this_program();
    let there = &opened.manifest.program;
    if !check.faults.is_empty()
        && publication::aliases::number_of(&here.version) != here.version
        && here.version != there.version
    {
        check.notes.push(format!(
            "the box was published by {}, this is {}: where pages differ and tables do not, the report is written otherwise now, and that version shows it",
            there.version, here.version
        ));
    }
    check.equal = counted(equal, "file");
    check
}
