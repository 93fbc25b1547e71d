//! `looks.csv`: each look at a claim, what it saw and what it decided. A report made from the files takes every look again.

use std::path::Path;

use looks::{ClaimsView, Look, Verdict, planning_interval};

use super::csv_file::CsvFile;
use super::table::Table;
use crate::claims::differences;
use crate::error::ReportError;
use crate::results::SweepResults;

/// The columns.
pub const LOOK_COLUMNS: [&str; 12] = [
    "sweep",
    "step",
    "claim",
    "left",
    "right",
    "where",
    "seeds",
    "difference",
    "low",
    "high",
    "log_e",
    "verdict",
];

/// The text of `looks.csv`; `None` where nothing was set out to be decided.
pub fn write_looks(results: &SweepResults) -> Option<String> {
    let view = results.claims.as_deref()?;
    let mut table = Table::new(LOOK_COLUMNS.into_iter());
    let seen = differences(view, results);
    for look in &view.looks {
        let Some(claim) = view.claims.get(look.claim as usize) else {
            continue;
        };
        let all = seen.get(look.claim as usize).map_or(&[][..], |all| all);
        let seen = all.get(..look.seeds as usize).unwrap_or_default();
        let interval = planning_interval(seen, view.settings.alpha);
        let place = claim.claim.place.iter();
        let place: Vec<String> = place
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        table.text(&results.name_in_tables());
        table.text(&look.step.to_string());
        table.text(&(look.claim + 1).to_string());
        table.text(&claim.claim.left);
        table.text(&claim.claim.right);
        table.text(&place.join(","));
        table.text(&look.seeds.to_string());
        table.number((!seen.is_empty()).then(|| seen.iter().sum::<f64>() / seen.len() as f64));
        table.number(interval.map(|interval| interval.low));
        table.number(interval.map(|interval| interval.high));
        table.number(Some(look.log_e));
        table.text(look.verdict.name());
        table.end_line();
    }
    Some(table.into_text())
}

/// The looks of a sweep in `looks.csv` beside its other tables; none where the file is not there.
pub(super) fn read_looks(folder: &Path, sweep: &str) -> Result<Vec<Look>, ReportError> {
    let path = folder.join("looks.csv");
    if !path.exists() {
        return Ok(Vec::new());
    }
    let file = CsvFile::read(&path, &LOOK_COLUMNS)?;
    let mut looks = Vec::new();
    for fields in file.lines() {
        if fields.text("sweep") != sweep {
            continue;
        }
        let whole = |column: &str| -> Result<u32, ReportError> {
            fields
                .whole(column)?
                .ok_or_else(|| fields.fault(format!("`{column}` is empty")))
        };
        let word = fields.text("verdict").trim();
        let verdict = Verdict::ALL
            .into_iter()
            .find(|verdict| verdict.name() == word)
            .ok_or_else(|| fields.fault(format!("`{word}` is no verdict")))?;
        let claim = whole("claim")?;
        looks.push(Look {
            step: whole("step")?,
            claim: claim
                .checked_sub(1)
                .ok_or_else(|| fields.fault("claims count from 1".to_owned()))?,
            seeds: whole("seeds")?,
            log_e: fields
                .number("log_e")?
                .ok_or_else(|| fields.fault("`log_e` is empty".to_owned()))?,
            verdict,
        });
    }
    Ok(looks)
}

/// What `sweep.json` holds of claims: the rest is in `looks.csv`.
pub(super) fn without_looks(view: &ClaimsView) -> ClaimsView {
    ClaimsView {
        looks: Vec::new(),
        ..view.clone()
    }
}
