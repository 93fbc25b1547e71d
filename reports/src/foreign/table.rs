//! A table of anybody's, a run a line: W&B's and MLflow's CSV exports among them.

use std::path::Path;

use sweeps::spelling;

use super::fault;
use super::mapping::{Mapping, Seed};
use super::run::{Ended, Found, Run};
use crate::error::ReportError;
use crate::files::{CsvFile, Extra, columns_of};

/// Reads it. Only what the mapping names is looked at.
pub(super) fn read(path: &Path, mapping: &Mapping) -> Result<Found, ReportError> {
    let mut wanted: Vec<&str> = vec![&mapping.auc];
    wanted.extend(mapping.variant.as_deref());
    if let Seed::Named(seed) = &mapping.seed {
        wanted.push(seed);
    }
    wanted.extend(mapping.swept.iter().map(|(_, column)| column.as_str()));
    let columns = columns_of(path);
    if let Some(absent) = wanted
        .iter()
        .find(|name| !columns.iter().any(|column| column == *name))
    {
        let names = columns.iter().map(String::as_str);
        let nearest = sweeps::parameter::nearest(absent, names)
            .map(|name| format!("; did you mean `{name}`?"))
            .unwrap_or_default();
        let shown: Vec<String> = columns
            .iter()
            .take(40)
            .map(|name| format!("`{name}`"))
            .collect();
        return Err(fault(
            path,
            format!(
                "there is no column `{absent}`{nearest}\n  columns: {}",
                shown.join(", ")
            ),
        ));
    }
    wanted.sort_unstable();
    wanted.dedup();
    let nothing = std::collections::BTreeSet::new();
    let file = CsvFile::read_with(path, &wanted, Extra::Swept(&nothing))?;
    let mut runs = Vec::new();
    for fields in file.lines() {
        let place = format!("{}, line {}", path.display(), fields.line);
        let mut run = Run::new(place, fields.line.to_string());
        run.delimiter = file.delimiter();
        run.ended = Ended::Well;
        for name in &wanted {
            let text = fields.text(name).trim();
            if *name == mapping.auc {
                let text = text.strip_suffix('%').map_or(text, str::trim_end);
                if spelling::missing(text) {
                    continue;
                }
                let number = spelling::number(text, run.delimiter).ok_or_else(|| {
                    fields.fault(format!("`{text}` in column `{name}` is not a number"))
                })?;
                run.metrics.insert((*name).to_owned(), vec![(0, number)]);
            } else if !spelling::missing(text) {
                run.parameters.insert((*name).to_owned(), text.to_owned());
            }
        }
        runs.push(run);
    }
    let name = path.file_stem().map_or_else(
        || "table".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    );
    Ok(Found {
        program: "a table",
        name,
        runs,
        notes: Vec::new(),
    })
}
