//! The verdict box: what was asked, whether the paper's numbers came out, and what became of the jobs.

use std::fmt::Write;

use sweeps::JobStatus;

use super::Section;
use super::html::{Cell, Table, count, escape};
use crate::published::{Verdict, verdict};
use crate::results::SweepResults;
use crate::statistics::Agreement;

pub(super) fn verdict_box(section: &Section<'_>) -> String {
    let results = section.results;
    let verdict = verdict(&section.comparisons);
    let unfinished = counts(results, |status| !status.is_settled());
    let class = match verdict {
        Verdict::Reproduced => "good",
        Verdict::NotReproduced => "bad",
        Verdict::Partly | Verdict::Undecided => "open",
        Verdict::NothingToCompare => "",
    };
    let mut html = format!(
        "<div class=\"verdict {class}\" id=\"{}verdict\">\n<h2>{}</h2>\n<p>{}</p>\n",
        section.prefix,
        verdict.name(),
        escape(&reason(section, verdict))
    );
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
        let _ = write!(html, "<li><b>{number}</b>{word}</li>");
    }
    html.push_str("</ul>\n</div>\n");
    let synthetic: Vec<&str> = section
        .datasets
        .iter()
        .filter(|info| info.synthetic)
        .map(|info| info.name.as_str())
        .collect();
    if !synthetic.is_empty() {
        let _ = writeln!(
            html,
            "<p class=\"synthetic\">Synthetic data. {} made by a generator, not recorded by any camera: nothing here says how the \
             method does on real video.</p>",
            escape(&match synthetic.as_slice() {
                [one] => format!("The data set {one} was"),
                many => format!("The data sets {} were", many.join(", ")),
            })
        );
    }
    for note in &results.notes {
        let _ = writeln!(html, "<p class=\"note\">{}</p>", escape(note));
    }
    html
}

/// Several sweeps side by side.
pub(super) fn overview(sections: &[Section<'_>]) -> String {
    let columns = ["Sweep", "Verdict", "#Cells", "#Done", "#Failed", "#Missing"].map(String::from);
    let mut table = Table::new("The sweeps of this report", None, &columns);
    for section in sections {
        let results = section.results;
        let (done, failed) = (
            counts(results, |status| status == JobStatus::Done),
            counts(results, |status| {
                matches!(status, JobStatus::Failed | JobStatus::Quarantined)
            }),
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
    table.finish()
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
    let mut tallies = vec![(results.cells.len(), "asked for")];
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

fn reason(section: &Section<'_>, verdict: Verdict) -> String {
    if verdict == Verdict::NothingToCompare {
        let other = section
            .comparisons
            .iter()
            .flatten()
            .any(|comparison| !comparison.comparable);
        return if other {
            "The paper has numbers for this data set, but on other features: they are shown below and not judged.".to_owned()
        } else {
            "The paper has no number for these settings on these data, so nothing is called reproduced or not.".to_owned()
        };
    }
    let lists = |wanted: &[Agreement]| -> Vec<&str> {
        section
            .rows
            .iter()
            .zip(&section.comparisons)
            .filter(|(_, comparison)| {
                comparison
                    .and_then(|comparison| comparison.agreement)
                    .is_some_and(|agreement| wanted.contains(&agreement))
            })
            .map(|(row, _)| row.variant.as_str())
            .collect()
    };
    let mut sentences = Vec::new();
    for (wanted, words) in [
        (&[Agreement::Within][..], "within the published band"),
        (&[Agreement::Above][..], "above it"),
        (&[Agreement::Below][..], "below it"),
        (&[Agreement::Undecided][..], "not decided by these seeds"),
        (&[Agreement::TooFew][..], "too few seeds to say"),
    ] {
        let rows = lists(wanted);
        if !rows.is_empty() {
            sentences.push(format!("{words}: {}", rows.join(", ")));
        }
    }
    format!(
        "Means over seeds against the paper's numbers (its mean ± std where printed, else ± {:.1} points) — {}.",
        crate::published::SINGLE_NUMBER_MARGIN,
        sentences.join("; ")
    )
}
