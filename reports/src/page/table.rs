//! The main table: the paper's number, ours, the difference and the verdict; and what others published.

use super::Section;
use super::html::{Cell, Table, escape, interval, percent, points};
use crate::published::{Comparison, family, paper};
use crate::summary::{Estimate, SummaryRow};
use crate::supervision::Supervision;

/// Lines of the main table at most; `summary.csv` has them all.
const MOST_ROWS: usize = 500;
/// Lines from which the figures come before the table: nobody reads twenty lines to see who is ahead.
pub(super) const LONG: usize = 20;

/// The columns of the main table that not every sweep has.
#[derive(Clone, Copy)]
struct Shape {
    /// A published number belongs beside one of the rows at least.
    compared: bool,
    /// Rows of more than one kind of supervision.
    supervised: bool,
    /// A row has an AUC within videos.
    within: bool,
}

pub(super) fn main_table(section: &Section<'_>) -> String {
    let shape = Shape {
        compared: section.comparisons.iter().any(Option::is_some),
        supervised: section.supervisions().len() > 1,
        within: section.rows.iter().any(|row| row.within.n > 0),
    };
    let mut columns: Vec<String> = vec!["Variant".into()];
    if shape.supervised {
        columns.push("Supervision".into());
    }
    columns.extend(section.results.columns.iter().cloned());
    columns.push("#AUC % (mean ± std)".into());
    if shape.within {
        columns.push("#Within videos".into());
    }
    columns.extend(["#n", "#95% interval"].map(String::from));
    if shape.compared {
        columns.extend(["#Paper, AUC %", "#Difference", "Against the paper"].map(String::from));
    }
    let caption = "Frame-level AUC in percent after the last epoch: mean ± sample standard deviation over seeds";
    let mut table = Table::new(caption, Some("copy"), &columns);
    let order = section.order();
    let best = section.best_of_groups();
    let mut notes = Notes::default();
    for index in order.iter().take(MOST_ROWS) {
        let row = &section.rows[*index];
        let comparison = section.comparisons[*index].as_ref();
        table.row(
            shade(row),
            line(
                section,
                row,
                comparison,
                shape,
                best.contains(index),
                &mut notes,
            ),
        );
    }
    if section.rows.len() > MOST_ROWS {
        table.note(&format!(
            "The first {MOST_ROWS} of {} lines; summary.csv has all.",
            section.rows.len()
        ));
    }
    let mut html = table.finish();
    html.push_str(
        "<p class=\"note\">n: seeds that finished with an AUC, of those asked for. A mean is over the n finished seeds and says nothing about the others.",
    );
    if !best.is_empty() {
        html.push_str(" Bold: the highest mean of its group, which need not be a difference that other seeds would show: the paired comparisons say that.");
    }
    if shape.within {
        html.push_str(" Within videos: the mean of the AUCs of the videos that have both kinds of frames, by the same score: what is left when no video is compared with another.");
    }
    if shape.compared {
        html.push_str(
            " Paper: its number for these settings. Where it prints two, a mean over seeds and a single number, the row is held against both and the nearer stands first. † marks a number of other settings or data, which judges nothing.",
        );
    }
    html.push_str("</p>\n");
    html.push_str(&notes.html());
    html.push_str(&standing(section));
    html.push_str(&further(section));
    html.push_str(&super::latex::details(section));
    html
}

/// Why rows are not held against the paper: each reason once below the table, by a letter.
#[derive(Default)]
struct Notes(Vec<String>);

impl Notes {
    fn letter(&mut self, comparison: &Comparison, columns: &[String]) -> String {
        // The value of a swept parameter stands in the row: a note for each of a hundred would say no more.
        let differs: Vec<String> = comparison
            .differs
            .iter()
            .map(|words| {
                let swept = columns
                    .iter()
                    .find(|column| words.starts_with(&format!("{column} = ")));
                swept.map_or_else(
                    || words.clone(),
                    |column| {
                        let paper = words.split_once(" (").map_or("", |(_, paper)| paper);
                        format!("another {column} ({paper}")
                    },
                )
            })
            .collect();
        let text = if comparison.shown {
            differs.join("; ")
        } else {
            format!(
                "the paper prints no number for this; the nearest is {}, and this has {}",
                comparison.published.name,
                differs.join("; ")
            )
        };
        let known = self.0.iter().position(|other| *other == text);
        let index = known.unwrap_or_else(|| {
            self.0.push(text);
            self.0.len() - 1
        });
        letters(index)
    }

    fn html(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let items: Vec<String> = self
            .0
            .iter()
            .enumerate()
            .map(|(index, text)| format!("({}) {}", letters(index), escape(text)))
            .collect();
        format!("<p class=\"note\">{}.</p>\n", items.join(". "))
    }
}

/// a, b, …, z, aa, ab, …
fn letters(mut index: usize) -> String {
    let mut text = String::new();
    loop {
        text.insert(0, char::from(b'a' + (index % 26) as u8));
        if index < 26 {
            return text;
        }
        index = index / 26 - 1;
    }
}

/// What the comparisons with the paper rest on: stand-ins for printed settings, and what these results do not say.
fn standing(section: &Section<'_>) -> String {
    let judged = || {
        section
            .comparisons
            .iter()
            .flatten()
            .filter(|comparison| comparison.is_judged())
    };
    let gather = |pick: fn(&Comparison) -> &Vec<String>| -> Vec<String> {
        let mut all: Vec<String> = judged().flat_map(|found| pick(found).clone()).collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let mut html = String::new();
    let tolerated = gather(|comparison| &comparison.tolerated);
    if !tolerated.is_empty() {
        html.push_str(&format!(
            "<p class=\"note\">Judged beside the paper although not as printed: {}.</p>\n",
            escape(&tolerated.join("; "))
        ));
    }
    let unknown = gather(|comparison| &comparison.unknown);
    if !unknown.is_empty() {
        html.push_str(&format!(
            "<p class=\"note\"><strong>These results do not say: {}.</strong> The comparison takes them to be the paper's.</p>\n",
            escape(&unknown.join(", "))
        ));
    }
    if judged().next().is_some() {
        let families: Vec<String> = paper()
            .splits
            .iter()
            .filter(|split| judged().any(|found| found.published.dataset == split.dataset))
            .map(|split| {
                format!(
                    "{} in {} ({} training and {} test videos)",
                    split.dataset, split.name, split.train, split.test
                )
            })
            .collect();
        html.push_str(&format!(
            "<p class=\"note\">The paper's numbers: {}; {}.</p>\n",
            escape(&families.join(", ")),
            escape(&paper().epoch_rule)
        ));
    }
    html
}

/// Picks an estimate of a row.
type Picked = fn(&SummaryRow) -> &Estimate;

/// The metrics beside the AUC of `score_by`.
fn further(section: &Section<'_>) -> String {
    let wanted: [(&str, Picked); 11] = [
        ("AUC of D", |row| &row.d[0]),
        ("AUC of G", |row| &row.g[0]),
        ("AP of D", |row| &row.d[1]),
        ("AP of G", |row| &row.g[1]),
        ("AUC, anomalous videos alone, D", |row| &row.d[2]),
        ("AUC, anomalous videos alone, G", |row| &row.g[2]),
        ("Mean AUC per video, D", |row| &row.d[3]),
        ("Mean AUC per video, G", |row| &row.g[3]),
        ("FAR of D", |row| &row.d[4]),
        ("FAR of G †", |row| &row.g[4]),
        ("Best over test epochs *", |row| &row.best_epoch_auc),
    ];
    let shown: Vec<_> = wanted
        .into_iter()
        .filter(|(_, estimate)| section.rows.iter().any(|row| estimate(row).n > 0))
        .collect();
    if shown.is_empty() {
        return String::new();
    }
    let mut columns: Vec<String> = vec!["Variant".into()];
    columns.extend(section.results.columns.iter().cloned());
    columns.extend(shown.iter().map(|(name, _)| format!("#{name}")));
    columns.push("#n".into());
    let mut table = Table::new(
        "Further metrics in percent: mean ± sample standard deviation over seeds",
        Some("copy"),
        &columns,
    );
    for row in section.rows.iter().take(MOST_ROWS) {
        let mut cells = head(section, row);
        cells.extend(
            shown
                .iter()
                .map(|(_, estimate)| mean_and_std(estimate(row))),
        );
        cells.push(finished(row));
        table.row(shade(row), cells);
    }
    format!(
        "<details><summary>Both scores and further metrics</summary>\n{}<p class=\"note\">* Picks each run's epoch, and the better score, with the \
         test truth: optimistic, and not a result. † At a threshold that is set by a recall on the test truth.</p></details>\n",
        table.finish()
    )
}

/// Rows in which not every seed finished are shaded.
fn shade(row: &SummaryRow) -> &'static str {
    if row.n < row.expected { "short" } else { "" }
}

/// The cells that name a row.
fn head(section: &Section<'_>, row: &SummaryRow) -> Vec<Cell> {
    let mut cells = vec![Cell::Head(row.variant.clone())];
    cells.extend(super::raw::value_cells(section, &row.point));
    cells
}

/// `8 of 10 (1 failed, 1 missing)`.
fn finished(row: &SummaryRow) -> Cell {
    if row.deterministic {
        let state = if row.n > 0 {
            "one run (deterministic)".to_owned()
        } else {
            format!("no run ({})", row.shortfall())
        };
        return Cell::Wrapped(state);
    }
    let mut shortfall = row.shortfall();
    if row.auc.n < row.n {
        let without = format!("{} without an AUC", row.n - row.auc.n);
        shortfall = if shortfall.is_empty() {
            without
        } else {
            format!("{shortfall}, {without}")
        };
    }
    let rest = if shortfall.is_empty() {
        String::new()
    } else {
        format!(" ({shortfall})")
    };
    Cell::Wrapped(format!("{} of {}{rest}", row.auc.n, row.expected))
}

fn line(
    section: &Section<'_>,
    row: &SummaryRow,
    comparison: Option<&Comparison>,
    shape: Shape,
    best: bool,
    notes: &mut Notes,
) -> Vec<Cell> {
    let mut cells = vec![Cell::Head(row.variant.clone())];
    if shape.supervised {
        let supervision = section.supervision(row);
        cells.push(Cell::Text(
            supervision.map_or("–", Supervision::name).to_owned(),
        ));
    }
    cells.extend(super::raw::value_cells(section, &row.point));
    cells.push(match mean_and_std(&row.auc) {
        Cell::Number(text, _) if best => Cell::Best(text),
        other => other,
    });
    if shape.within {
        cells.push(mean_and_std(&row.within));
    }
    cells.push(finished(row));
    cells.push(Cell::Number(interval(row.auc.interval), None));
    if shape.compared {
        cells.push(comparison.filter(|found| found.shown).map_or(
            Cell::Number("–".into(), None),
            |comparison| {
                let published = comparison.published;
                let std = published
                    .std
                    .map_or_else(String::new, |std| format!(" ± {std:.2}"));
                let mark = if comparison.is_judged() { "" } else { " †" };
                let name = if published.name == row.variant {
                    String::new()
                } else {
                    format!("{}, ", published.name)
                };
                Cell::Wrapped(format!(
                    "{:.2}{std}{mark} ({name}{}{})",
                    published.auc,
                    published.place,
                    comparison.also.map_or_else(String::new, |also| {
                        let std = also
                            .std
                            .map_or_else(String::new, |std| format!(" ± {std:.2}"));
                        format!("; also {:.2}{std}, {}", also.auc, also.place)
                    })
                ))
            },
        ));
        let difference = comparison
            .filter(|comparison| comparison.is_judged())
            .and_then(|comparison| Some(row.auc.mean? - comparison.published.auc / 100.0));
        cells.push(Cell::Number(
            difference.map_or_else(|| "–".into(), points),
            None,
        ));
        cells.push(Cell::Text(match comparison {
            None => "no published number".to_owned(),
            Some(comparison) => match comparison.agreement {
                Some(agreement) => agreement.name().to_owned(),
                None if comparison.shown => {
                    format!(
                        "not comparable ({})",
                        notes.letter(comparison, &section.results.columns)
                    )
                }
                None => format!(
                    "no published number ({})",
                    notes.letter(comparison, &section.results.columns)
                ),
            },
        }));
    }
    cells
}

/// `73.26 ± 0.26`; the value that is sorted and copied by is the mean in percent.
pub(super) fn mean_and_std(estimate: &Estimate) -> Cell {
    let text = match (estimate.mean, estimate.std) {
        (Some(mean), Some(std)) => format!("{:.2} ± {:.2}", mean * 100.0, std * 100.0),
        (mean, _) => percent(mean),
    };
    Cell::Number(text, None)
}

/// What the paper prints on the same data set, its own methods and those of others.
pub(super) fn published_only(section: &Section<'_>) -> String {
    let mut families: Vec<&str> = section
        .datasets
        .iter()
        .filter(|info| !info.synthetic)
        .filter_map(|info| family(&info.name))
        .collect();
    families.sort_unstable();
    families.dedup();
    let mut html = String::new();
    for family in families {
        let columns = [
            "Method",
            "Supervision",
            "Features",
            "#AUC %",
            "Where",
            "Remark",
        ]
        .map(String::from);
        let caption = format!("All numbers that the paper prints on {family}");
        let mut table = Table::new(&caption, Some("copy"), &columns);
        for number in paper()
            .numbers
            .iter()
            .filter(|number| number.dataset == family)
        {
            let std = number
                .std
                .map_or_else(String::new, |std| format!(" ± {std:.2}"));
            table.row(
                "",
                [
                    Cell::Head(number.name.clone()),
                    Cell::Text(number.supervision.clone()),
                    Cell::Text(if number.features.is_empty() {
                        "–".into()
                    } else {
                        number.features.clone()
                    }),
                    Cell::Number(format!("{:.2}{std}", number.auc), Some(number.auc)),
                    Cell::Text(number.place.clone()),
                    Cell::Text(number.protocol.clone()),
                ],
            );
        }
        html.push_str(&format!(
            "<details><summary>All numbers that the paper prints on {family}</summary>\n<p class=\"note\">As printed in: {}. Split: {}. Epoch: {}.</p>\n{}</details>\n",
            escape(&paper().source),
            escape(&paper().split(family).map_or_else(
                || "not stated".to_owned(),
                |split| format!(
                    "{}, {} training and {} test videos",
                    split.name, split.train, split.test
                )
            )),
            escape(&paper().epoch_rule),
            table.finish()
        ));
    }
    html
}
