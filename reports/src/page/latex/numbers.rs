//! A macro for every cell of the main table, in percent as the page has it.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::super::Section;
use super::names::{letters, unlike};
use super::table::plain;
use crate::summary::{Estimate, SummaryRow};

/// What is told of a row: the part of the name, what it is, and the number.
type Column = (&'static str, &'static str, fn(&SummaryRow) -> Estimate);

const COLUMNS: [Column; 4] = [
    ("Auc", "AUC", |row| row.auc),
    ("AucWithin", "AUC within videos", |row| row.within),
    ("AucD", "AUC of D", |row| row.d[0]),
    ("AucG", "AUC of G", |row| row.g[0]),
];

/// A macro, what it is for people, and the number.
struct Macro {
    name: String,
    label: String,
    estimate: Estimate,
    deterministic: bool,
}

fn macros(sections: &[Section<'_>]) -> Vec<Macro> {
    let mut taken = BTreeSet::new();
    let mut macros = Vec::new();
    for section in sections {
        // Several sweeps are told apart by their names.
        let sweep = if sections.len() > 1 {
            letters(&section.results.name)
        } else {
            String::new()
        };
        for index in section.order() {
            let row = &section.rows[index];
            let settings = letters(&row.settings_label(&section.results.columns));
            let label = row.label(&section.results.columns);
            for (part, what, estimate) in COLUMNS {
                let estimate = estimate(row);
                if estimate.mean.is_none() && part != "Auc" {
                    continue;
                }
                let name = format!("gcl{part}{sweep}{}{settings}", letters(&row.variant));
                macros.push(Macro {
                    name: unlike(&name, &mut taken),
                    label: format!("{what} of {label}"),
                    estimate,
                    deterministic: row.deterministic,
                });
            }
        }
    }
    macros
}

/// The names of the macros, and what each is.
pub(super) fn names(sections: &[Section<'_>]) -> Vec<(String, String)> {
    macros(sections)
        .into_iter()
        .map(|found| (found.name, found.label))
        .collect()
}

/// The file.
pub(super) fn numbers(sections: &[Section<'_>]) -> String {
    let mut text = "% Made by gcl-sweep from the results: do not edit, make the report again. \\input{numbers} in the preamble.\n\
         % Frame-level AUC in percent, mean and sample standard deviation over n seeds. \\gclAuc...{} has all of it; with Mean, Std or N at its\n\
         % end a macro has one part. A row that draws nothing is one run, without spread; what has no result is two dashes.\n"
        .to_owned();
    for found in macros(sections) {
        let Macro {
            name,
            label,
            estimate,
            deterministic,
        } = found;
        let (mean, std) = (estimate.mean.map(percent), estimate.std.map(percent));
        let whole = match (&mean, &std) {
            (None, _) => "--".to_owned(),
            (Some(mean), _) if deterministic => mean.clone(),
            (Some(mean), None) => format!("{mean} ($n = {}$)", estimate.n),
            (Some(mean), Some(std)) => {
                format!("{mean} \\ensuremath{{\\pm}} {std} ($n = {}$)", estimate.n)
            }
        };
        let _ = writeln!(text, "% {}", plain(&label).replace('\n', " "));
        let dashes = || "--".to_owned();
        for (part, value) in [
            ("", whole),
            ("Mean", mean.unwrap_or_else(dashes)),
            ("Std", std.unwrap_or_else(dashes)),
            (
                "N",
                if deterministic {
                    "1".to_owned()
                } else {
                    estimate.n.to_string()
                },
            ),
        ] {
            let _ = writeln!(text, "\\newcommand{{\\{name}{part}}}{{{value}}}");
        }
    }
    text
}

fn percent(fraction: f64) -> String {
    format!("{:.2}", fraction * 100.0)
}
