//! A section of the page: what variants gain over a reference, against a setting of generated data.

use std::fmt::Write;

use super::beside::difference;
use super::{StudySweep, Swept};
use crate::controls::Split;
use crate::order::compare_values;
use crate::page::html::percent;
use crate::results::SweepResults;
use crate::summary::{SummaryRow, summary};

/// The section of a curve that was run.
pub(super) fn curve(sweep: &StudySweep, swept: &Swept, results: &SweepResults) -> String {
    let split = Split::of(results);
    let rest: &SweepResults = &split.rest;
    let rows = summary(rest);
    let finished: usize = rows.iter().map(|row| row.auc.n).sum();
    let expected: usize = rows.iter().map(|row| row.expected).sum();
    let name = swept.column.rsplit('.').next().unwrap_or(&swept.column);
    let reference = &swept.reference;
    let mut text = format!("\n## {}\n\n{}\n\n", sweep.name, sweep.description);
    let _ = write!(
        text,
        "- Sweep: `sweeps/study/{}.toml`, {} seeds; shared settings: `{}`\n\
         - Data: {} (**synthetic**: made by a generator, not recorded by any camera)\n",
        sweep.name, sweep.seeds, sweep.settings, sweep.dataset
    );
    let _ = if finished < expected {
        writeln!(
            text,
            "- Runs: **{finished} of {expected} runs: half run**. Every difference is over the seeds that finished on both sides."
        )
    } else {
        writeln!(text, "- Runs: {finished} of {expected} finished")
    };
    let others: Vec<&str> = sweep
        .variants
        .iter()
        .map(String::as_str)
        .filter(|variant| variant != reference && rows.iter().any(|row| row.variant == *variant))
        .collect();
    let _ = write!(
        text,
        "\nMean difference from {reference} per seed in points of AUC, its 95% interval (Student's), and in how many seeds it is above zero. Each interval is by \
         itself: none is adjusted for the others, and none is a verdict.\n\n| {name} | {reference}, AUC % |"
    );
    for other in &others {
        let _ = write!(text, " {other} − {reference} |");
    }
    let _ = write!(text, " best control, AUC % |\n|---|---|");
    text += &"---|".repeat(others.len() + 1);
    text.push('\n');
    for bases in rows.iter().filter(|row| row.variant == *reference) {
        let value = value_of(rest, bases, swept);
        let _ = write!(text, "| {value} | {} |", spread(bases));
        for other in &others {
            let row = rows
                .iter()
                .find(|row| row.variant == *other && row.point == bases.point);
            let cell = row.map_or_else(|| "–".to_owned(), |row| difference(rest, row, bases));
            let _ = write!(text, " {cell} |");
        }
        let at = |row: &SummaryRow| {
            let same = row.point.iter().zip(&bases.point);
            same.into_iter().all(|(left, right)| match (left, right) {
                (Some(left), Some(right)) => compare_values(left, right).is_eq(),
                (left, right) => left.is_none() && right.is_none(),
            })
        };
        let best = split
            .controls
            .iter()
            .filter(|control| at(&control.row))
            .max_by(|left, right| {
                let auc = |row: &SummaryRow| row.auc.mean.unwrap_or(f64::NEG_INFINITY);
                auc(&left.row).total_cmp(&auc(&right.row))
            });
        let best = best.map_or_else(
            || "–".to_owned(),
            |control| {
                let name = sweeps::Choice::word(control.control);
                format!("{name}, {}", spread(&control.row))
            },
        );
        let _ = writeln!(text, " {best} |");
    }
    text
}

fn value_of(results: &SweepResults, row: &SummaryRow, swept: &Swept) -> String {
    let column = results
        .columns
        .iter()
        .position(|name| *name == swept.column);
    column
        .and_then(|column| row.point.get(column)?.as_ref())
        .map_or_else(|| "–".to_owned(), ToString::to_string)
}

/// `64.04 ± 2.51`.
fn spread(row: &SummaryRow) -> String {
    match (row.auc.mean, row.auc.std) {
        (Some(mean), Some(std)) => format!("{} ± {}", percent(Some(mean)), percent(Some(std))),
        (mean, _) => percent(mean),
    }
}
