//! The claims of a sweep that were decided while seeds arrived: looked at again from the numbers, and said in words.

use looks::{
    Arm, ClaimState, ClaimText, ClaimView, ClaimsView, Family, Place, Seed, Verdict, views,
};
use sweeps::{CellResult, JobStatus};

use crate::results::SweepResults;

/// What every table of claims says of its assumption.
pub const ASSUMPTION: &str = "Verdicts hold at every look for differences that are symmetric where two sides are alike; a skewed null (exponential) was falsely decided in 8.7% of simulated worlds instead of 5%.";

/// Takes the looks of a sweep again from its numbers: where each claim stands by them, and a sentence for each look that they do
/// not give.
pub fn taken_again(kept: &ClaimsView, results: &SweepResults) -> (ClaimsView, Vec<String>) {
    let (texts, family, arms) = family_of(kept, results);
    let mut view = kept.clone();
    view.claims = views(&family, &texts, &arms, &kept.looks, kept.grows);
    let mismatches = family.verify(&arms, &kept.looks);
    let sentences = mismatches.iter().filter_map(|mismatch| {
        let text = texts.get(mismatch.kept.claim as usize)?;
        Some(mismatch.sentence(text))
    });
    (view, sentences.collect())
}

/// Of each claim the differences over the seeds that are complete on both sides.
pub(crate) fn differences(view: &ClaimsView, results: &SweepResults) -> Vec<Vec<f64>> {
    let (_, family, arms) = family_of(view, results);
    let of = family.claims.iter();
    of.map(|claim| arms[claim.left as usize].minus(&arms[claim.right as usize]))
        .collect()
}

/// What was claimed, and the numbers of every side of it.
fn family_of(view: &ClaimsView, results: &SweepResults) -> (Vec<ClaimText>, Family, Vec<Arm>) {
    let texts: Vec<ClaimText> = view.claims.iter().map(|view| view.claim.clone()).collect();
    let (family, places) = Family::of_texts(view.settings, &texts);
    let arms = places.iter().map(|place| arm(place, results)).collect();
    (texts, family, arms)
}

/// The seeds of one side of a claim, from its first on.
fn arm((variant, place): &Place<'_>, results: &SweepResults) -> Arm {
    let is_there = |result: &&CellResult| {
        result.cell.variant == *variant
            && place.iter().all(|(name, value)| {
                let column = results.columns.iter().position(|column| column == name);
                let shown = column.and_then(|column| result.cell.point.get(column)?.as_ref());
                shown.is_some_and(|shown| shown.to_string() == *value)
            })
    };
    let mut cells: Vec<&CellResult> = results.cells.iter().filter(is_there).collect();
    cells.sort_by_key(|result| result.cell.job.seed);
    let first = cells.first().map_or(0, |result| result.cell.job.seed);
    let mut seeds = Vec::new();
    for result in cells {
        let at = result.cell.job.seed - first;
        // A table of which lines are gone: what is behind a gap does not count.
        if at != seeds.len() as u64 {
            seeds.push(Seed::Lost);
            break;
        }
        seeds.push(match (result.status, result.auc()) {
            (JobStatus::Done, Some(auc)) => Seed::Value(auc),
            (status, _) if !status.is_settled() => Seed::Waiting,
            _ => Seed::Lost,
        });
    }
    Arm { seeds, work: 0 }
}

/// `GCL_PT > GCL_B holds after 14 seeds: 1.90 points (planning interval 0.31 to 3.49).`
pub fn sentence(view: &ClaimView) -> String {
    let claim = &view.claim;
    let seeds = count(view.decided_after.unwrap_or(view.seeds));
    let verdict = match view.verdict {
        Verdict::Holds => format!("\u{201c}{claim}\u{201d} holds after {seeds}"),
        Verdict::Fails => format!(
            "\u{201c}{claim}\u{201d} fails after {seeds}: {} is above",
            claim.right
        ),
        Verdict::Equal => format!("\u{201c}{claim}\u{201d}: equal within the margin after {seeds}"),
        Verdict::Undecided if view.seeds == 0 => {
            format!("\u{201c}{claim}\u{201d} was not looked at yet")
        }
        Verdict::Undecided => format!("\u{201c}{claim}\u{201d} is undecided after {seeds}"),
    };
    let mut text = verdict;
    if let Some(difference) = view.difference {
        text.push_str(&format!("; difference {} points", signed(difference)));
        if let Some(interval) = view.interval {
            text.push_str(&format!(
                " (planning interval {} to {})",
                signed(interval.low),
                signed(interval.high)
            ));
        }
        let is_against = match view.verdict {
            Verdict::Holds => difference < 0.0,
            Verdict::Fails => difference > 0.0,
            Verdict::Equal | Verdict::Undecided => false,
        };
        if is_against {
            text.push_str(
                "; its mean is on the other side, so that a few seeds weigh more than the others",
            );
        }
    }
    match remaining(view) {
        Some(remaining) => text + "; " + &remaining + ".",
        None => text + ".",
    }
}

/// What is left to do for an undecided claim.
pub fn remaining(view: &ClaimView) -> Option<String> {
    let needed = match view.needed {
        Some(needed) => format!("about {needed} more may decide it"),
        None => "the seeds so far do not say how many more would decide it".to_owned(),
    };
    match view.state {
        ClaimState::Decided => None,
        ClaimState::Open => Some(format!("more seeds are to come ({needed})")),
        ClaimState::AtMax => Some("it has the most seeds that it may have".to_owned()),
        ClaimState::Stopped => Some(format!("no seeds are added ({needed})")),
        ClaimState::Lost => Some(format!(
            "seed number {} has no result, and without it none behind it counts: `retry` it",
            view.lost_seed.map_or(0, |seed| seed + 1)
        )),
    }
}

/// What the claims are held to, in a sentence.
pub fn settings(view: &ClaimsView) -> String {
    let settings = &view.settings;
    let family = view.claims.len();
    format!(
        "Held to α = {} over the family of {family} (Holm), a margin of ± {} points, {} to {} seeds, {} at a time, all fixed before the first seed (settings {}).",
        settings.alpha,
        points(settings.margin),
        settings.min,
        settings.max,
        settings.at_once,
        view.identity
    )
}

/// How many claims are decided, in a sentence.
pub fn overview(view: &ClaimsView) -> String {
    let (decided, all) = (view.decided(), view.claims.len());
    match (decided, all) {
        (1, 1) => "The one claim is decided.".to_owned(),
        (0, 1) => "The one claim is undecided.".to_owned(),
        _ => format!("{decided} of {all} claims are decided."),
    }
}

/// E, or how large it is at least: `31.4`, `2.1e5`.
pub fn e_value(log_e: f64) -> String {
    let e = libm::exp(log_e);
    if e < 1e-3 {
        "<0.001".to_owned()
    } else if e < 1000.0 {
        format!("{e:.2}")
    } else {
        format!("10^{:.1}", log_e / std::f64::consts::LN_10)
    }
}

fn count(seeds: u32) -> String {
    let plural = if seeds == 1 { "" } else { "s" };
    format!("{seeds} seed{plural}")
}

/// A difference of AUC in points, with its sign.
pub fn signed(difference: f64) -> String {
    let text = format!("{:+.2}", difference * 100.0);
    if text == "-0.00" {
        "+0.00".into()
    } else {
        text
    }
}

fn points(difference: f64) -> String {
    format!("{}", (difference * 1e8).round() / 1e6)
}
