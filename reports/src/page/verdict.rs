//! The verdict box: what was asked, whether the paper's numbers came out, and what became of the jobs.

use std::collections::BTreeSet;
use std::fmt::Write;

use sweeps::JobStatus;

use super::Section;
use super::html::{Cell, Table, count, escape};
use crate::generated::families;
use crate::published::{Comparison, Verdict, verdict};
use crate::results::SweepResults;
use crate::summary::SummaryRow;
use crate::versions;
use statistics::Agreement;

/// Rows, variants and reasons that one sentence names at most.
const MOST_NAMED: usize = 8;
/// Synthetic data sets that are named.
const MOST_SYNTHETIC: usize = 8;

pub(super) fn verdict_box(section: &Section<'_>) -> String {
    let results = section.whole;
    let verdict = verdict(&section.comparisons);
    let unfinished = counts(results, |status| !status.is_settled());
    let failed = counts(results, JobStatus::is_failure);
    let class = match verdict {
        _ if results.rehearsal || failed > 0 => "bad",
        Verdict::Reproduced if unfinished > 0 => "open",
        Verdict::Reproduced => "good",
        Verdict::NotReproduced => "bad",
        Verdict::Partly | Verdict::Undecided => "open",
        Verdict::NothingToCompare => "",
    };
    let heading = if results.rehearsal {
        "Rehearsal: no number here is a result".to_owned()
    } else {
        let cancelled = counts(results, |status| status == JobStatus::Cancelled);
        let judged = !matches!(verdict, Verdict::NothingToCompare | Verdict::Undecided);
        match (judged, unfinished, failed + cancelled) {
            (true, 1.., _) => format!("{} so far", verdict.name()),
            (true, 0, 1..) => format!("{} by the runs that finished", verdict.name()),
            _ => verdict.name().to_owned(),
        }
    };
    let mut html = format!(
        "<div class=\"verdict {class}\" id=\"{}verdict\">\n<h2>{heading}</h2>\n",
        section.prefix,
    );
    if failed > 0 {
        let _ = writeln!(
            html,
            "<p class=\"failed\"><strong>{} of {} failed</strong>{}.{}</p>",
            failed,
            count(results.cells.len(), "job", "jobs"),
            escape(&failures(section)),
            if failed < results.cells.len() {
                " Every mean below is of the others."
            } else {
                ""
            }
        );
    }
    for sentence in super::headline::sentences(section) {
        let _ = writeln!(html, "<p>{}</p>", escape(&sentence));
    }
    let _ = writeln!(html, "<p>{}</p>", escape(&reason(section, verdict)));
    if unfinished > 0 {
        let _ = writeln!(
            html,
            "<p><strong>This sweep is not finished:</strong> {} of {} still to come. Everything below is of what there is.</p>",
            unfinished,
            count(results.cells.len(), "cell", "cells")
        );
    }
    html.push_str("<ul class=\"counts\">");
    for (number, word) in tallies(results) {
        let class = if number > 0 && matches!(word, "failed" | "quarantined") {
            " class=\"bad-text\""
        } else {
            ""
        };
        let _ = write!(html, "<li{class}><b>{number}</b>{word}</li>");
    }
    html.push_str("</ul>\n</div>\n");
    let doubts = super::trouble::doubtful(section);
    if !doubts.is_empty() {
        let _ = writeln!(
            html,
            "<div class=\"doubts\"><p><strong>Before a mean is believed:</strong></p><ul>{doubts}</ul></div>"
        );
    }
    let synthetic = section.datasets.iter().filter(|info| info.synthetic);
    let synthetic = families(synthetic.map(|info| info.name.as_str()));
    if !synthetic.is_empty() {
        let count: usize = synthetic.iter().map(|family| family.count).sum();
        let named = synthetic.iter().take(MOST_SYNTHETIC);
        let mut named: Vec<String> = named.map(ToString::to_string).collect();
        if synthetic.len() > named.len() {
            named.push(format!("and {} more", synthetic.len() - named.len()));
        }
        let _ = writeln!(
            html,
            "<p class=\"synthetic\">Synthetic data. {} made by a generator, not recorded by any camera: nothing here says how the \
             method does on real video.</p>",
            escape(&match count {
                1 => format!("The data set {} was", named.join(", ")),
                _ => format!("The data sets {} were", named.join(", ")),
            })
        );
    }
    for note in &results.notes {
        let _ = writeln!(html, "<p class=\"note\">{}</p>", escape(note));
    }
    html
}

/// Of which variants, and how many of each: ` (3 of GCL_PT, 1 of GCL_B)`.
fn failures(section: &Section<'_>) -> String {
    let mut of: Vec<(&str, usize)> = Vec::new();
    let controls = section.controls.iter().map(|control| &control.row);
    let rows = section.rows.iter().chain(controls);
    for row in rows.filter(|row| row.failed > 0) {
        match of.iter_mut().find(|(variant, _)| *variant == row.variant) {
            Some((_, number)) => *number += row.failed,
            None => of.push((&row.variant, row.failed)),
        }
    }
    let more = of.len().saturating_sub(MOST_NAMED);
    let mut words: Vec<String> = of
        .iter()
        .take(MOST_NAMED)
        .map(|(variant, number)| format!("{number} of {variant}"))
        .collect();
    if more > 0 {
        words.push(format!("and of {more} more variants"));
    }
    format!(" ({})", words.join(", "))
}

/// Several sweeps side by side.
pub(super) fn overview(sections: &[Section<'_>]) -> String {
    let columns = ["Sweep", "Verdict", "#Cells", "#Done", "#Failed", "#Missing"].map(String::from);
    let mut table = Table::new("The sweeps of this report", None, &columns);
    for section in sections {
        let results = section.whole;
        let (done, failed) = (
            counts(results, |status| status == JobStatus::Done),
            counts(results, JobStatus::is_failure),
        );
        let number = |value: usize| Cell::Number(value.to_string(), None);
        table.row(
            "",
            [
                Cell::Html(format!(
                    "<a href=\"#{}sweep\">{}</a>",
                    section.prefix,
                    escape(&results.name)
                )),
                Cell::Text(verdict(&section.comparisons).name().to_owned()),
                number(results.cells.len()),
                number(done),
                number(failed),
                number(results.cells.len() - done - failed),
            ],
        );
    }
    let mut html = table.finish();
    let all: Vec<&SweepResults> = sections.iter().map(|section| section.whole).collect();
    for sentence in versions::sentences(&all) {
        let _ = writeln!(html, "<p class=\"note\">{}</p>", escape(&sentence));
    }
    html
}

fn counts(results: &SweepResults, wanted: impl Fn(JobStatus) -> bool) -> usize {
    results
        .cells
        .iter()
        .filter(|result| wanted(result.status))
        .count()
}

/// Cells in all, then by status; a status that nobody has is left out, but for `failed`.
fn tallies(results: &SweepResults) -> Vec<(usize, &'static str)> {
    let mut tallies = vec![(results.cells.len(), "cells asked for")];
    for status in [
        JobStatus::Done,
        JobStatus::Failed,
        JobStatus::Quarantined,
        JobStatus::Cancelled,
        JobStatus::Running,
        JobStatus::Pending,
    ] {
        let number = counts(results, |other| other == status);
        if number > 0 || matches!(status, JobStatus::Done | JobStatus::Failed) {
            tallies.push((number, status.name()));
        }
    }
    tallies
}

/// Why no row has a number of the paper to be held against.
fn nothing(section: &Section<'_>) -> &'static str {
    let unnamed = section
        .results
        .cells
        .iter()
        .any(|cell| cell.cell.job.dataset.to_string().is_empty());
    let known = section
        .datasets
        .iter()
        .any(|info| !info.synthetic && crate::published::family(&info.name).is_some());
    let untold = section
        .results
        .cells
        .iter()
        .all(|cell| !cell.cell.job.parameters.contains("method"));
    if !unnamed && known && untold {
        "These results do not say with which settings their jobs were trained, and no variant bears the name of one of the paper's numbers, so nothing is called reproduced or not."
    } else if unnamed {
        "These results do not say which data set they are of, so nothing is called reproduced or not."
    } else if known {
        "The paper prints no number for these methods on these data, so nothing is called reproduced or not."
    } else {
        "The paper prints no number on these data, so nothing is called reproduced or not."
    }
}

/// How the rows lie to the paper's numbers, or why none is judged.
fn reason(section: &Section<'_>, verdict: Verdict) -> String {
    let compared: Vec<(&SummaryRow, &Comparison)> = section
        .rows
        .iter()
        .zip(&section.comparisons)
        .filter_map(|(row, comparison)| Some((row, comparison.as_ref()?)))
        .collect();
    if verdict == Verdict::NothingToCompare {
        let mut reasons: Vec<&str> = compared
            .iter()
            .filter(|(_, comparison)| comparison.shown)
            .flat_map(|(_, comparison)| comparison.differs.iter().map(String::as_str))
            .collect();
        let mut seen = BTreeSet::new();
        reasons.retain(|reason| seen.insert(*reason));
        let more = reasons.len().saturating_sub(MOST_NAMED);
        reasons.truncate(MOST_NAMED);
        let more = if more > 0 {
            format!("; and {more} more")
        } else {
            String::new()
        };
        return if reasons.is_empty() {
            nothing(section).to_owned()
        } else {
            format!(
                "No row was run as the paper's numbers were, so nothing is called reproduced or not. What differs: {}{more}.",
                reasons.join("; ")
            )
        };
    }
    let lists = |wanted: Agreement| -> Vec<String> {
        compared
            .iter()
            .filter(|(_, comparison)| comparison.agreement == Some(wanted))
            .map(|(row, _)| row.label(&section.results.columns))
            .collect()
    };
    let mut sentences = Vec::new();
    for (wanted, words) in [
        (Agreement::Within, "equal within that margin"),
        (Agreement::Above, "above it"),
        (Agreement::Below, "below it"),
        (Agreement::Undecided, "not decided by these seeds"),
        (Agreement::TooFew, "too few seeds to say"),
    ] {
        let rows = lists(wanted);
        if !rows.is_empty() {
            let more = rows.len().saturating_sub(MOST_NAMED);
            let mut shown: Vec<String> = rows.into_iter().take(MOST_NAMED).collect();
            if more > 0 {
                shown.push(format!("and {more} more"));
            }
            sentences.push(format!("{words}: {}", shown.join(", ")));
        }
    }
    let judged = compared
        .iter()
        .filter(|(_, comparison)| comparison.is_judged());
    let (mut total, mut within, mut assumed) = (0, 0, false);
    for (_, comparison) in judged {
        total += 1;
        within += usize::from(comparison.agreement == Some(Agreement::Within));
        assumed |= !comparison.unknown.is_empty();
    }
    let assumed = if assumed {
        " These results do not say all of the settings and data; what they leave open is taken to be the paper's."
    } else {
        ""
    };
    format!(
        "{within} of {} the paper's number, within its ± std where printed, else within ± {:.1} points — {}.{assumed}",
        if total == 1 {
            "1 comparable row equals".to_owned()
        } else {
            format!("{total} comparable rows equal")
        },
        crate::published::SINGLE_NUMBER_MARGIN,
        sentences.join("; ")
    )
}
