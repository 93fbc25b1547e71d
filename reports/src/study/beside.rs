//! Beside the claims: what needs no learning, students of one lesson, and what kind of data it is. None of it is in the family of claims.

use std::fmt::Write;

use sweeps::Choice;

use super::StudySweep;
use crate::controls::{ControlRow, Split, ahead};
use crate::page::html::{percent, points};
use crate::results::SweepResults;
use crate::summary::{SummaryRow, summary};
use statistics::{mean, mean_interval};

/// Differences that are told beside the claims, where both rows are there.
const PAIRS: [(&str, &str, &str); 5] = [
    ("GCL_B", "AE→D", "the gain of cooperation"),
    ("AE→D", "AE_AllData", "what one lesson gives"),
    ("GCL_PT", "AE→D", ""),
    (
        "RSD hard",
        "GCL_B",
        "RSD was chosen while looking at the test AUC of the tracks",
    ),
    ("RSD soft", "GCL_B", "as above"),
];

/// The parts of a sweep's section that follow its claims.
pub(super) fn beside(sweep: &StudySweep, results: &SweepResults) -> String {
    let split = Split::of(results);
    let rows = summary(&split.rest);
    let clips = sweep.clips.as_ref().map(Split::of);
    let mut text = controls(
        &split,
        &rows,
        clips.as_ref().map_or(&[], |clips| &clips.controls),
    );
    text += &students(&split.rest, &rows);
    text += &kind(results);
    text
}

/// Whether controls were run beside its variants.
pub(super) fn has_controls(results: &SweepResults) -> bool {
    !Split::of(results).controls.is_empty()
}

/// Every control with its AUC, within videos and over equal clips.
fn controls(split: &Split<'_>, rows: &[SummaryRow], clips: &[ControlRow]) -> String {
    if split.controls.is_empty() {
        return String::new();
    }
    let mut text = "\n### What needs no learning\n\nControls train nothing and draw nothing; the first three read no feature at all.".to_owned();
    if !clips.is_empty() {
        text += " Over equal clips every test video is cut into parts of about 20 segments, whose lengths say little.";
    }
    text += "\n\n| control | AUC % | within videos |";
    text += if clips.is_empty() {
        ""
    } else {
        " AUC % over equal clips |"
    };
    text += "\n|---|---|---|";
    text += if clips.is_empty() { "\n" } else { "---|\n" };
    for control in &split.controls {
        let (auc, within) = (&control.row.auc, &control.row.within);
        let _ = write!(
            text,
            "| {} | {} | {} |",
            control.control.word(),
            percent(auc.mean),
            percent(within.mean)
        );
        if !clips.is_empty() {
            let same = clips.iter().find(|clip| clip.control == control.control);
            let _ = write!(
                text,
                " {} |",
                percent(same.and_then(|clip| clip.row.auc.mean))
            );
        }
        text.push('\n');
    }
    let ahead = ahead(&split.rest, rows, &split.controls);
    if let Some(first) = ahead.first() {
        let best = &rows[first.best];
        let names: Vec<&str> = ahead
            .iter()
            .map(|ahead| ahead.control.control.word())
            .collect();
        let _ = write!(
            text,
            "\n**{}** {} ahead of the best {} ({}, {}%): here a row says how well it was trained on these data, not that it found what no simpler score would.\n",
            names.join(", "),
            if names.len() == 1 { "is" } else { "are" },
            if first.known {
                "unsupervised row"
            } else {
                "row, of which it is not known here what it was told"
            },
            best.variant,
            percent(best.auc.mean)
        );
    }
    text
}

/// Students that learn once, against what learns in a circle.
fn students(results: &SweepResults, rows: &[SummaryRow]) -> String {
    let row = |name: &str| rows.iter().find(|row| row.variant == name && row.auc.n > 0);
    let mut text = String::new();
    for (left, right, note) in PAIRS {
        let (Some(of), Some(than)) = (row(left), row(right)) else {
            continue;
        };
        let _ = writeln!(
            text,
            "| {left} − {right} | {} | {note} |",
            difference(results, of, than)
        );
    }
    if text.is_empty() {
        return text;
    }
    format!(
        "\n### One lesson, and many\n\nAE→D is the ablation that the paper lacks: D learns once what the autoencoder says. Mean difference per seed in points of AUC, its 95% interval\n\
         (Student's, by itself and not adjusted), and in how many seeds it is above zero.\n\n| difference | points | |\n|---|---|---|\n{text}"
    )
}

/// `+0.38 [+0.12, +0.64], 15 of 20`.
pub(super) fn difference(results: &SweepResults, left: &SummaryRow, right: &SummaryRow) -> String {
    let pairs = left.pairs(right, results).into_iter();
    let differences: Vec<f64> = pairs.map(|(left, right)| left - right).collect();
    let Some(mean) = mean(&differences) else {
        return "–".to_owned();
    };
    let interval = mean_interval(&differences).map_or_else(String::new, |interval| {
        format!(" [{}, {}]", points(interval.low), points(interval.high))
    });
    let ahead = differences.iter().filter(|value| **value > 0.0).count();
    format!(
        "{}{interval}, {ahead} of {}",
        points(mean),
        differences.len()
    )
}

/// The card of the data, in its own words.
fn kind(results: &SweepResults) -> String {
    let mut text = String::new();
    // Generated sets of one family are of one kind: the first speaks for them.
    for card in results.cards.values().take(1) {
        for (label, line) in card.lines() {
            let _ = writeln!(text, "- {label}: {line}");
        }
        for warning in card.warnings() {
            let _ = writeln!(text, "- **warning**: {warning}");
        }
        let _ = writeln!(text, "- expected of GCL: {}", card.expectation());
    }
    if text.is_empty() {
        return text;
    }
    let of_several = match results.cards.len() {
        0 | 1 => String::new(),
        sets => format!(" Of the {sets} data sets of this sweep the first is shown."),
    };
    format!(
        "\n### What kind of data this is\n\nBy `gcl-sweep data inspect --regime`; its limits are rules of thumb.{of_several}\n\n{text}"
    )
}

/// What stands at the end of the page: what a lab should look at first, with these data as examples.
pub(super) fn six_numbers(found: &[(&StudySweep, &SweepResults)]) -> String {
    let mut text = "\n## What a lab with the paper's features should look at first: six numbers, one command\n\n\
         These AUCs are of other features than the paper's. Whoever has the paper's can know within minutes what kind of data they are, before any long sweep:\n\n    \
         gcl-sweep new look.toml --show first-look --data NAME=DIR\n    gcl-sweep run look.toml --data NAME=DIR --out out/look\n\n\
         1. The best control that reads no feature: what the split gives away. Where it is far above one half, a pooled AUC is no measure of detection; the AUC within videos is a better one.\n\
         2. The best control of the features: what they give without a network.\n\
         3. AE_AllData: what a network adds to that.\n\
         4. AE→D: what a discriminator adds that learns once what the autoencoder says.\n\
         5. GCL_B: minus AE→D it is the gain of cooperation.\n\
         6. GCL_B within videos: what is left where cameras, places and lengths tell nothing apart.\n\n\
         On the data of this page:\n\n| |"
        .to_owned();
    let columns: Vec<(&str, [String; 6])> = found
        .iter()
        .map(|(sweep, results)| (sweep.name.as_str(), numbers(results)))
        .collect();
    for (name, _) in &columns {
        let _ = write!(text, " {name} |");
    }
    text += "\n|---|";
    text += &"---|".repeat(columns.len());
    text.push('\n');
    let labels = [
        "best control without features",
        "best control of the features",
        "AE_AllData",
        "AE→D",
        "GCL_B",
        "GCL_B within videos",
    ];
    for (index, label) in labels.iter().enumerate() {
        let _ = write!(text, "| {} {label} |", index + 1);
        for (_, numbers) in &columns {
            let _ = write!(text, " {} |", numbers[index]);
        }
        text.push('\n');
    }
    text
}

fn numbers(results: &SweepResults) -> [String; 6] {
    let split = Split::of(results);
    let rows = summary(&split.rest);
    let best = |reads_features: bool| {
        let fitting = split
            .controls
            .iter()
            .filter(|row| reads_features == reads_features_of(row));
        let auc = |row: &&ControlRow| row.row.auc.mean;
        let best = fitting
            .filter(|row| auc(row).is_some())
            .max_by(|left, right| {
                let number = |row: &&ControlRow| auc(row).unwrap_or(f64::NEG_INFINITY);
                number(left).total_cmp(&number(right))
            });
        best.map_or_else(
            || "–".to_owned(),
            |row| format!("{}, {}", row.control.word(), percent(row.row.auc.mean)),
        )
    };
    let row = |name: &str| rows.iter().find(|row| row.variant == name);
    let auc = |name: &str| row(name).map_or_else(|| "–".to_owned(), |row| percent(row.auc.mean));
    [
        best(false),
        best(true),
        auc("AE_AllData"),
        auc("AE→D"),
        auc("GCL_B"),
        row("GCL_B").map_or_else(|| "–".to_owned(), |row| percent(row.within.mean)),
    ]
}

fn reads_features_of(row: &ControlRow) -> bool {
    !row.control.reads_no_feature()
}
