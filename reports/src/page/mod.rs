//! The page: one HTML file that opens offline, asks the network for nothing and works without script.
//!
//! It is written for a reader who does not trust it yet: what was asked and whether it held comes first, every number
//! stands beside its n, its spread and what is missing, and the way to make it again comes with it.

mod ablations;
mod across;
mod alone;
mod claims;
mod comparisons;
mod controls;
mod data;
mod figures;
mod headline;
pub(crate) mod html;
mod latex;
mod methods;
mod orderings;
mod origin;
mod raw;
mod settings;
mod table;
mod trouble;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use sha2::{Digest as _, Sha256};

use crate::controls::{ControlRow, Split};
use crate::figures::Figure;
use crate::order::compare_points;
use crate::pairing::{Decided, decided};
use crate::published::{Comparison, compare};
use crate::results::{DatasetInfo, SweepResults};
use crate::summary::{SummaryRow, summary};
use crate::supervision::Supervision;
pub use alone::shell_word;
pub use headline::headline;
use html::escape;
pub(crate) use latex::files as latex_files;

const STYLE: &str = include_str!("style.css");
/// Stays in sight on every screen; the style prints the same in the margin of every sheet.
const REHEARSAL: &str = "<p class=\"rehearsal\" role=\"note\"><strong>Rehearsal</strong> on stand-ins: no number of this page is a result.</p>\n";
const SCRIPT: &str = include_str!("script.js");

/// One sweep with everything that was computed from it.
pub(crate) struct Section<'a> {
    /// Without its controls.
    pub(crate) results: &'a SweepResults,
    /// With them.
    pub(crate) whole: &'a SweepResults,
    pub(crate) controls: Vec<ControlRow>,
    pub(crate) rows: Vec<SummaryRow>,
    pub(crate) datasets: Vec<DatasetInfo>,
    pub(crate) comparisons: Vec<Option<Comparison>>,
    pub(crate) decided: Decided,
    pub(crate) figures: Vec<Figure>,
    /// Keeps the identifiers of several sweeps apart; empty when there is one.
    pub(crate) prefix: String,
}

impl<'a> Section<'a> {
    /// Aggregates one sweep; `figures` are added by the caller.
    pub(crate) fn new(split: &'a Split<'a>, prefix: String) -> Self {
        let results = &*split.rest;
        let rows = summary(results);
        let datasets = results.datasets_in_use();
        let comparisons = rows
            .iter()
            .map(|row| compare(results, &datasets, row))
            .collect();
        let decided = decided(results, &rows);
        Self {
            results,
            whole: split.whole,
            controls: split.controls.clone(),
            rows,
            datasets,
            comparisons,
            decided,
            figures: Vec::new(),
            prefix,
        }
    }

    /// What the jobs of a row are told about the training split; `None` where their settings are not known.
    pub(crate) fn supervision(&self, row: &SummaryRow) -> Option<Supervision> {
        Supervision::of_row(self.results, row)
    }

    /// The kinds of supervision of its rows.
    fn supervisions(&self) -> BTreeSet<Supervision> {
        self.rows
            .iter()
            .filter_map(|row| self.supervision(row))
            .collect()
    }

    /// The rows as the tables list them: in the order of the file, or by supervision and AUC as in Table 1 of the paper where
    /// the sweep asks for one of its tables.
    fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        let asked = |table: &str| self.results.report.tables.iter().any(|name| name == table);
        if asked("table1") || asked("table2") {
            // One class, weak, unsupervised: the groups of the paper. Within each the data sets, then the AUC.
            let group = |index: usize| match self.supervision(&self.rows[index]) {
                Some(Supervision::OneClass) => 0,
                Some(Supervision::Weak) => 1,
                Some(Supervision::Unsupervised) => 2,
                None => 3,
            };
            order.sort_by(|left, right| {
                let (one, other) = (&self.rows[*left], &self.rows[*right]);
                group(*left)
                    .cmp(&group(*right))
                    .then_with(|| compare_points(&one.point, &other.point))
                    .then_with(|| {
                        let auc = |row: &SummaryRow| row.auc.mean.unwrap_or(f64::NEG_INFINITY);
                        auc(one).total_cmp(&auc(other))
                    })
            });
        }
        order
    }

    /// The rows with the highest mean of their group, where a group has two rows with a result at least: rows of one kind of
    /// supervision at one point of the grid.
    fn best_of_groups(&self) -> BTreeSet<usize> {
        let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, row) in self.rows.iter().enumerate() {
            if row.auc.mean.is_some() {
                let key = format!("{:?} {:?}", self.supervision(row), row.point);
                groups.entry(key).or_default().push(index);
            }
        }
        groups
            .into_values()
            .filter(|rows| rows.len() > 1)
            .filter_map(|rows| {
                let mean = |index: &usize| self.rows[*index].auc.mean.unwrap_or(f64::NEG_INFINITY);
                rows.into_iter()
                    .max_by(|left, right| mean(left).total_cmp(&mean(right)))
            })
            .collect()
    }
}

/// The parts of a sweep, in the order of the page: identifier, heading, and the HTML, which may be empty.
fn parts(section: &Section<'_>) -> Vec<(&'static str, &'static str, String)> {
    let results = (
        "results",
        "Results",
        [
            table::main_table(section),
            controls::table(section),
            across::across(section),
            table::published_only(section),
        ]
        .concat(),
    );
    let figures = ("figures", "Figures", figures::figures(section));
    let (first, second) = if section.rows.len() > table::LONG {
        (figures, results)
    } else {
        (results, figures)
    };
    vec![
        ("claims", "Claims", claims::table(section)),
        first,
        second,
        (
            "comparisons",
            "Paired comparisons",
            prefaced(
                claims::of_fixed_seeds(section),
                comparisons::paired(section),
            ),
        ),
        (
            "orderings",
            "Orderings of the paper",
            prefaced(claims::of_fixed_seeds(section), orderings::table(section)),
        ),
        ("ablations", "Ablations", ablations::ablations(section)),
        ("data", "Data", data::data(section)),
        ("settings", "Settings", settings::settings(section)),
        (
            "trouble",
            "Failures, retries and warnings",
            trouble::trouble(section),
        ),
        ("compute", "Compute", origin::compute(section)),
        ("reproduce", "How to reproduce", origin::reproduce(section)),
        ("raw", "All jobs", raw::raw(section)),
    ]
}

/// A part with what is to be read before it; nothing where there is no part.
fn prefaced(preface: String, part: String) -> String {
    if part.is_empty() {
        part
    } else {
        preface + &part
    }
}

/// What several sweeps show together: one table, one set of figures, the comparisons that no sweep alone can make.
fn together(section: &Section<'_>) -> String {
    let prefix = &section.prefix;
    let mut html = format!(
        "<section aria-labelledby=\"{prefix}sweep\">\n<h2 id=\"{prefix}sweep\">All sweeps together</h2>\n"
    );
    for (id, heading, part) in parts(section) {
        if matches!(id, "results" | "figures" | "comparisons") && !part.is_empty() {
            let _ = writeln!(html, "<h3 id=\"{prefix}{id}\">{heading}</h3>\n{part}");
        }
    }
    html.push_str("</section>\n");
    html
}

/// The whole page. `together` is the section of all sweeps as one, where there are several.
pub(crate) fn page(sections: &[Section<'_>], together_section: Option<&Section<'_>>) -> String {
    let title = match sections {
        [one] if one.results.rehearsal => format!("{}: rehearsal: report", one.results.name),
        [one] => format!("{}: report", one.results.name),
        many => format!(
            "{}: report",
            many.iter()
                .map(|section| section.results.name.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        ),
    };
    let mut body = String::new();
    body.push_str("<a class=\"skip\" href=\"#main\">Skip to the results</a>\n<header>\n");
    let _ = writeln!(
        body,
        "<h1>{}</h1>",
        escape(title.trim_end_matches(": report"))
    );
    if let [one] = sections
        && !one.results.description.is_empty()
    {
        let _ = writeln!(
            body,
            "<p class=\"lead\">{}</p>",
            escape(&one.results.description)
        );
    }
    body.push_str("</header>\n");
    if sections.iter().any(|section| section.results.rehearsal) {
        body.push_str(REHEARSAL);
        body.push_str("<main id=\"main\" class=\"rehearsed\">\n");
    } else {
        body.push_str("<main id=\"main\">\n");
    }
    if sections.len() > 1 {
        body.push_str(&verdict::overview(sections));
    }
    if let Some(section) = together_section {
        body.push_str(&together(section));
    }
    for section in sections {
        let prefix = &section.prefix;
        if sections.len() > 1 {
            let _ = writeln!(
                body,
                "<section aria-labelledby=\"{prefix}sweep\">\n<h2 id=\"{prefix}sweep\">Sweep {}</h2>",
                escape(&section.results.name)
            );
            if !section.results.description.is_empty() {
                let _ = writeln!(
                    body,
                    "<p class=\"lead\">{}</p>",
                    escape(&section.results.description)
                );
            }
        }
        body.push_str(&verdict::verdict_box(section));
        let parts: Vec<_> = parts(section)
            .into_iter()
            .filter(|(_, _, html)| !html.is_empty())
            .collect();
        let _ = write!(
            body,
            "<nav aria-label=\"Parts of {}\"><ul>",
            escape(&section.results.name)
        );
        for (id, heading, _) in &parts {
            let _ = write!(body, "<li><a href=\"#{prefix}{id}\">{heading}</a></li>");
        }
        body.push_str("</ul></nav>\n");
        for (id, heading, html) in parts {
            let _ = writeln!(
                body,
                "<section aria-labelledby=\"{prefix}{id}\">\n<h2 id=\"{prefix}{id}\">{heading}</h2>\n{html}</section>"
            );
        }
        if sections.len() > 1 {
            body.push_str("</section>\n");
        }
    }
    body.push_str(&methods::methods());
    body.push_str("</main>\n");
    let version = sections
        .first()
        .map_or("", |section| section.results.version.as_str());
    let _ = writeln!(
        body,
        "<footer><p>Made from recorded results alone by {}. This page loads nothing: no font, no script, no image from elsewhere. \
         Figures are set in DejaVu Sans.</p></footer>",
        escape(if version.is_empty() {
            "gcl-sweep"
        } else {
            version
        })
    );
    document(&title, &body)
}

/// The page around its body, with a policy that lets nothing in but our own style and script.
fn document(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '{}'; script-src '{}'; img-src data:; \
         base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{}</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>{STYLE}</style>\n</head>\n<body>\n{body}<script>{SCRIPT}</script>\n</body>\n</html>\n",
        hash_source(STYLE),
        hash_source(SCRIPT),
        escape(title)
    )
}

/// A text's hash as a content security policy names it.
fn hash_source(text: &str) -> String {
    format!("sha256-{}", base64(&Sha256::digest(text.as_bytes())))
}

/// Base64 with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits = chunk
            .iter()
            .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            if place <= chunk.len() {
                text.push(char::from(DIGITS[(bits >> (18 - 6 * place) & 63) as usize]));
            } else {
                text.push('=');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_pads() {
        for (text, expected) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(text.as_bytes()), expected);
        }
    }

    #[test]
    fn a_hash_is_the_standards() {
        // The example of the Content Security Policy specification.
        assert_eq!(
            hash_source("alert('Hello, world.');"),
            "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng="
        );
    }
}
