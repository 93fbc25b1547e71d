//! The page, in Markdown.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::StudySweep;
use super::claim::{CLAIMS, Relation};
use super::evidence::{Evidence, gather};
use super::judgement::{Judged, LEVEL, SAME, Verdict, judge};
use super::reason::reason;
use crate::page::html::{p_value, percent, points};
use crate::statistics::{mean, sample_std};

/// The page of a study. The same CSV files give the same bytes.
pub fn study_page(sweeps: &[StudySweep]) -> String {
    let mut page = introduction();
    let found: Vec<(&StudySweep, BTreeMap<String, Evidence>)> = sweeps
        .iter()
        .filter_map(|sweep| {
            let results = sweep.results.as_ref()?;
            Some((sweep, gather(results, &sweep.variants)))
        })
        .collect();
    let judged: Vec<Vec<Judged<'_>>> = found
        .iter()
        .map(|(_, evidence)| judge(CLAIMS, evidence))
        .collect();
    page += &overview(&found, &judged);
    for ((sweep, evidence), judged) in found.iter().zip(&judged) {
        page += &section(sweep, evidence, judged);
    }
    for sweep in sweeps.iter().filter(|sweep| sweep.results.is_none()) {
        let _ = write!(
            page,
            "\n## {}\n\nNot run: the data set `{}` was not there. `sweeps/study/{}.toml`\n",
            sweep.name, sweep.dataset, sweep.name
        );
    }
    page
}

fn introduction() -> String {
    format!(
        "# Does the paper hold?\n\n\
         <!-- Written by `sweeps/study/run` from the CSV files of its sweeps. Do not edit: run it again. -->\n\n\
         Which orderings that the paper claims appear in our runs, and which do not. The features are not the paper's (ResNeXt on UCF-Crime), so the AUCs\n\
         themselves are no yardstick; the orderings are the question. Nothing was tuned on test truth: settings are scaled to each data set for the reason that its\n\
         sweep file gives, and the result is that of the last epoch.\n\n\
         - A difference is left − right **per seed**, in points of AUC (pooled over all frames of the test videos), then mean ± sample std over the seeds.\n\
         - The 95% interval is the bootstrap's, of the mean difference. p is Wilcoxon's signed-rank test after Holm's adjustment over the orderings of the data set.\n\
         - **holds**: the interval lies above zero and p < {LEVEL}. **does not hold**: it lies below zero and p < {LEVEL}, so the opposite is so. **undecided**: neither.\n\
         - \"≈\" holds where the interval lies within ± {} point. \"Varies less\" is decided by the bootstrap interval of the difference of the two std.\n\
         - One data set, ten seeds: an interval says how far other seeds would move the mean, not other videos. A certain difference may still be a small one.\n",
        SAME * 100.0
    )
}

fn overview(
    found: &[(&StudySweep, BTreeMap<String, Evidence>)],
    judged: &[Vec<Judged<'_>>],
) -> String {
    let mut text = "\n## At a glance\n\n| claim | paper |".to_owned();
    for (sweep, _) in found {
        let _ = write!(text, " {} |", sweep.name);
    }
    text += "\n|---|---|";
    text += &"---|".repeat(found.len());
    text.push('\n');
    for (index, claim) in CLAIMS.iter().enumerate() {
        let published = claim
            .published
            .map_or_else(String::new, |value| format!(", {}", points(value / 100.0)));
        let _ = write!(text, "| {} | {}{published} |", claim.words(), claim.source);
        for judged in judged.iter().filter_map(|claims| claims.get(index)) {
            let _ = write!(text, " {} |", short(judged));
        }
        text.push('\n');
    }
    if !judged.is_empty() {
        text += "| **holds / does not hold / not decided** | |";
        for judged in judged {
            let count = |verdicts: &[Verdict]| {
                judged
                    .iter()
                    .filter(|judged| verdicts.contains(&judged.verdict))
                    .count()
            };
            let _ = write!(
                text,
                " **{} / {} / {}** |",
                count(&[Verdict::Holds]),
                count(&[Verdict::Fails]),
                count(&[Verdict::Undecided, Verdict::TooFew])
            );
        }
        text.push('\n');
    }
    text
}

/// A verdict with its number: `holds, +0.53`.
fn short(judged: &Judged<'_>) -> String {
    let number = match (judged.claim.relation, &judged.comparison, &judged.spread) {
        (Relation::Steadier, _, Some((left, right, _))) => {
            format!(", {} ↔ {}", percent(Some(*left)), percent(Some(*right)))
        }
        (_, Some(comparison), _) => format!(", {}", points(comparison.mean)),
        _ => String::new(),
    };
    let words = judged.verdict.words();
    if judged.verdict == Verdict::Holds {
        format!("**{words}**{number}")
    } else {
        format!("{words}{number}")
    }
}

fn section(
    sweep: &StudySweep,
    evidence: &BTreeMap<String, Evidence>,
    judged: &[Judged<'_>],
) -> String {
    let mut text = format!("\n## {}\n\n{}\n\n", sweep.name, sweep.description);
    let kind = if sweep.synthetic { "synthetic" } else { "real" };
    let digest = sweep
        .digest
        .map_or_else(|| "not known".to_owned(), |digest| format!("`{digest}`"));
    let _ = writeln!(
        text,
        "- Sweep: `sweeps/study/{}.toml`, {} seeds; shared settings: `{}`",
        sweep.name, sweep.seeds, sweep.settings
    );
    let _ = writeln!(
        text,
        "- Data: `{}` ({kind}), digest {digest}",
        sweep.dataset
    );
    let expected: usize = evidence.values().map(|variant| variant.expected).sum();
    let finished: usize = evidence
        .values()
        .map(|variant| variant.reported.len())
        .sum();
    let _ = writeln!(text, "- Runs: {finished} of {expected} finished");
    text += &claims(evidence, judged);
    text += &variants(sweep, evidence);
    text
}

fn claims(evidence: &BTreeMap<String, Evidence>, judged: &[Judged<'_>]) -> String {
    let mut text = "\n| claim | verdict | difference | 95% interval | n | ahead | p, Holm | what the runs show |\n|---|---|---|---|---|---|---|---|\n".to_owned();
    for judged in judged {
        let Some(comparison) = &judged.comparison else {
            let _ = writeln!(
                text,
                "| {} | {} | – | – | 0 | – | – | |",
                judged.claim.words(),
                judged.verdict.words()
            );
            continue;
        };
        let (difference, interval) = match judged.spread {
            Some((left, right, interval)) => (
                format!("std {} − {}", percent(Some(left)), percent(Some(right))),
                interval,
            ),
            None => (
                format!("{} ± {}", points(comparison.mean), percent(comparison.std)),
                comparison.interval,
            ),
        };
        let interval = interval.map_or_else(
            || "–".to_owned(),
            |interval| format!("{} to {}", points(interval.low), points(interval.high)),
        );
        let ahead = if judged.claim.relation == Relation::Above {
            format!("{} of {}", comparison.wins, comparison.pairs)
        } else {
            "–".to_owned()
        };
        let _ = writeln!(
            text,
            "| {} | {} | {difference} | {interval} | {} | {ahead} | {} | {} |",
            judged.claim.words(),
            judged.verdict.words(),
            comparison.pairs,
            p_value(judged.p),
            reason(judged, evidence)
        );
    }
    text
}

fn variants(sweep: &StudySweep, evidence: &BTreeMap<String, Evidence>) -> String {
    let mut text = "\nAUC in percent, mean ± std over seeds; labels of the last epoch in percent of the segments (agreement with the training truth is a diagnostic that no run reads).\n\n\
         | variant | n | AUC of D | AUC of G | after epoch 1 | positives of G | of D | G and D agree | agree with truth |\n|---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for name in &sweep.variants {
        let Some(variant) = evidence.get(name) else {
            continue;
        };
        let spread = |values: &BTreeMap<u64, f64>| {
            let values: Vec<f64> = values.values().copied().collect();
            match (mean(&values), sample_std(&values)) {
                (Some(mean), Some(std)) => {
                    format!("{} ± {}", percent(Some(mean)), percent(Some(std)))
                }
                (mean, _) => percent(mean),
            }
        };
        let d = if variant.has_d() {
            spread(&variant.discriminator)
        } else {
            "–".to_owned()
        };
        let _ = writeln!(
            text,
            "| {name} | {} | {d} | {} | {} | {} | {} | {} | {} |",
            variant.reported.len(),
            spread(&variant.generator),
            percent(variant.first_epoch),
            percent(variant.positives_g),
            percent(variant.positives_d),
            percent(variant.agreement),
            percent(variant.truth)
        );
    }
    text
}
