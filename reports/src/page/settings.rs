//! The settings of each variant: what it sets, what it leaves at the defaults, and where that is not the paper's.

use std::collections::{BTreeMap, BTreeSet};

use sweeps::{Parameters, Value};

use super::Section;
use super::html::{Cell, Table, escape};
use crate::summary::SummaryRow;

/// Rows whose settings are listed at most.
const MOST: usize = 100;

pub(super) fn settings(section: &Section<'_>) -> String {
    let known: Vec<(&SummaryRow, &Parameters, usize)> = section
        .rows
        .iter()
        .enumerate()
        .filter_map(|(index, row)| {
            let cell = row.first(section.results)?;
            let parameters = &cell.cell.job.parameters;
            parameters
                .contains("method")
                .then_some((row, parameters, index))
        })
        .collect();
    if known.is_empty() {
        return "<p>These results do not say with which settings their jobs were trained.</p>\n"
            .to_owned();
    }
    let defaults: BTreeMap<&str, Option<Value>> = sweeps::registry::PARAMETERS
        .iter()
        .map(|parameter| (parameter.name, (parameter.default)()))
        .collect();
    let is_default = |name: &str, value: &Value| {
        defaults
            .get(name)
            .is_some_and(|default| default.as_ref() == Some(value))
    };
    // A parameter that is at its default everywhere has no column of its own.
    let changed: BTreeSet<&str> = known
        .iter()
        .flat_map(|(_, parameters, _)| parameters.iter())
        .filter(|(name, value)| !is_default(name, value))
        .map(|(name, _)| name)
        .collect();
    let mut columns = vec!["Variant".to_owned()];
    columns.extend(changed.iter().map(|name| (*name).to_owned()));
    columns.push("Differs from the paper in".to_owned());
    let mut table = Table::new(
        "What is not at its default in one variant at least; an asterisk marks the default, a dash what means nothing there",
        Some("copy"),
        &columns,
    );
    for (row, parameters, index) in known.iter().take(MOST) {
        let mut cells = vec![Cell::Head(row.label(&section.results.columns))];
        cells.extend(changed.iter().map(|name| {
            let text = match parameters.get(name) {
                None => "–".to_owned(),
                Some(value) if is_default(name, value) => format!("{value} *"),
                Some(value) => value.to_string(),
            };
            Cell::Text(text)
        }));
        cells.push(Cell::Text(match &section.comparisons[*index] {
            None => "no number of the paper to differ from".to_owned(),
            Some(comparison) if comparison.differs.is_empty() => "nothing that is known".to_owned(),
            Some(comparison) if comparison.shown => {
                format!(
                    "{} ({})",
                    comparison.differs.join("; "),
                    comparison.published.name
                )
            }
            Some(comparison) => format!(
                "no number of the paper; the nearest is {}: {}",
                comparison.published.name,
                comparison.differs.join("; ")
            ),
        }));
        table.row("", cells);
    }
    if known.len() > MOST {
        table.note(&format!(
            "{} more; `gcl-sweep export --format json` has the parameters of every cell.",
            known.len() - MOST
        ));
    }
    let mut shared: BTreeMap<&str, &Value> = BTreeMap::new();
    for (_, parameters, _) in &known {
        for (name, value) in parameters.iter() {
            if !changed.contains(name) {
                shared.insert(name, value);
            }
        }
    }
    let shared: Vec<String> = shared
        .iter()
        .map(|(name, value)| {
            format!(
                "<code>{} = {}</code>",
                escape(name),
                escape(&value.to_string())
            )
        })
        .collect();
    format!(
        "{}<p class=\"note\">At their defaults wherever they mean anything: {}. <code>gcl-sweep params</code> says what each is.</p>\n",
        table.finish(),
        shared.join(", ")
    )
}
