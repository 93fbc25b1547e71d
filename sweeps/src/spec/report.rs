//! `[report]`: what a sweep asks of its report.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use toml::Spanned;
use toml::de::DeValue;

use super::SweepSpec;
use super::table::{Entry, as_boolean, as_list, as_table, as_text, entries, unknown_key};
use crate::controls::PREFIX;
use crate::fault::{Fault, Found};
use crate::parameter::nearest_hint;

/// What a sweep asks of its report.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReportRequest {
    /// Names of figures, such as `fig10`; empty: chosen from the axes.
    pub figures: Vec<String>,
    /// Names of tables; empty: mean ± std.
    pub tables: Vec<String>,
    /// The variant that every other one is compared with; `None` compares all pairs.
    pub reference: Option<String>,
    /// Whether every data set of the sweep gets its controls: scores without any learning.
    #[serde(default)]
    pub controls: bool,
}

/// Figures that a sweep file may ask for: each is drawn where the sweep has what it shows.
pub const FIGURES: &[&str] = &[
    "convergence",
    "auc",
    "profile",
    "epochs",
    "heatmap",
    "against",
    "gain",
    "histograms",
    "roc",
    "embedding",
    "evolution",
    "videos",
    "fig4",
    "fig5",
    "fig6",
    "fig7",
    "fig8",
    "fig9",
    "fig10",
    "thresholds",
    "seeds",
    "intervals",
];
/// Tables that a sweep file may ask for.
pub const TABLES: &[&str] = &["mean-std", "table1", "table2", "paired"];

/// Reads the section; the variants of `spec` are known.
pub(super) fn read(entry: &Entry<'_>, spec: &SweepSpec, faults: &mut Found) -> ReportRequest {
    let mut request = ReportRequest::default();
    let Some(table) = as_table(entry.value, "report", faults) else {
        return request;
    };
    let names: BTreeSet<&str> = spec.variant_names().collect();
    for entry in entries(table) {
        if faults.is_full() {
            break;
        }
        let (known, wanted) = match entry.key {
            "figures" => (FIGURES, &mut request.figures),
            "tables" => (TABLES, &mut request.tables),
            "reference" => {
                request.reference = known_variant(entry.value, spec, &names, faults);
                continue;
            }
            "controls" => {
                request.controls = as_boolean(entry.value, "controls", faults).unwrap_or_default();
                if request.controls {
                    refuse_names_of_controls(&entry, &names, faults);
                }
                continue;
            }
            _ => {
                let known = ["figures", "tables", "reference", "controls"];
                faults.push(unknown_key(&entry, "[report]", &known));
                continue;
            }
        };
        for value in as_list(entry.value, entry.key, faults).unwrap_or_default() {
            if faults.is_full() {
                break;
            }
            let Some(word) = as_text(value, entry.key, faults) else {
                continue;
            };
            if known.contains(&word) {
                wanted.push(word.to_owned());
            } else {
                faults.push(Fault::new(
                    value.span(),
                    format!(
                        "the report has nothing called `{word}` among its {}",
                        entry.key
                    ),
                    format!(
                        "{}one of: {}",
                        nearest_hint(word, known.iter().copied()),
                        known.join(", ")
                    ),
                ));
            }
        }
    }
    request
}

/// Rows of controls are told from others by their names, where nothing else is left of a sweep.
fn refuse_names_of_controls(entry: &Entry<'_>, names: &BTreeSet<&str>, faults: &mut Found) {
    if let Some(name) = names.iter().find(|name| name.starts_with(PREFIX)) {
        faults.push(Fault::new(
            entry.span(),
            format!("the variant `{name}` has the name of a control's row"),
            format!("call it something that does not begin with `{PREFIX}`"),
        ));
    }
}

/// Variants that a fault lists: a file may have thousands.
const MOST_LISTED: usize = 30;

/// The name of a variant of the sweep; `names` are those that there are.
pub(super) fn known_variant(
    value: &Spanned<DeValue<'_>>,
    spec: &SweepSpec,
    names: &BTreeSet<&str>,
    faults: &mut Found,
) -> Option<String> {
    let word = as_text(value, "variant", faults)?;
    if !names.contains(word) {
        let help = if spec.variants.is_empty() {
            "this sweep has no [[variant]]".to_owned()
        } else {
            let listed: Vec<&str> = spec.variant_names().take(MOST_LISTED).collect();
            let more = match spec.variants.len() - listed.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!(
                "{}variants: {}{more}",
                nearest_hint(word, spec.variant_names()),
                listed.join(", ")
            )
        };
        faults.push(Fault::new(
            value.span(),
            format!("there is no variant `{word}`"),
            help,
        ));
    }
    Some(word.to_owned())
}
