//! The page, in Markdown.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::StudySweep;
use super::beside::{beside, has_controls, six_numbers};
use super::claim::{Relation, paper_claims};
use super::curve::curve;
use super::evidence::{Evidence, gather};
use super::judgement::{Judged, judge};
use super::reason::reason;
use crate::page::html::{count, p_value, percent, points};
use statistics::{Verdict, mean, sample_std, smallest_p};

/// A sweep of the study that was run, with what came of it.
struct Found<'a> {
    sweep: &'a StudySweep,
    evidence: BTreeMap<String, Evidence>,
    judged: Vec<Judged<'a>>,
}

/// The page of a study. The same CSV files give the same bytes.
pub fn study_page(sweeps: &[StudySweep]) -> String {
    let claims = paper_claims();
    let found: Vec<Found<'_>> = sweeps
        .iter()
        .filter(|sweep| sweep.swept.is_none())
        .filter_map(|sweep| {
            let evidence = gather(sweep.results.as_ref()?, &sweep.variants);
            let judged = judge(claims, &evidence);
            Some(Found {
                sweep,
                evidence,
                judged,
            })
        })
        .collect();
    let mut page = introduction(&found);
    page += &overview(&found);
    for found in &found {
        page += &section(found);
    }
    for sweep in sweeps {
        if let (Some(swept), Some(results)) = (&sweep.swept, &sweep.results) {
            page += &curve(sweep, swept, results);
        }
    }
    let with_controls: Vec<_> = sweeps
        .iter()
        .filter(|sweep| sweep.swept.is_none())
        .filter_map(|sweep| Some((sweep, sweep.results.as_ref()?)))
        .filter(|(_, results)| has_controls(results))
        .collect();
    if !with_controls.is_empty() {
        page += &six_numbers(&with_controls);
    }
    for sweep in sweeps.iter().filter(|sweep| sweep.results.is_none()) {
        let why = if sweep.synthetic {
            "Not run yet.".to_owned()
        } else {
            format!("Not run: the data set `{}` was not there.", sweep.dataset)
        };
        let _ = write!(
            page,
            "\n## {}\n\n{why} `sweeps/study/{}.toml`\n",
            sweep.name, sweep.name
        );
    }
    page
}

impl Found<'_> {
    /// Runs that finished and runs that were asked for.
    fn runs(&self) -> (usize, usize) {
        let expected = self.evidence.values().map(|variant| variant.expected);
        let finished = self.evidence.values().map(|variant| variant.reported.len());
        (finished.sum(), expected.sum())
    }

    /// `76 of 140 runs: half run`; empty where all finished.
    fn half_run(&self) -> Option<String> {
        let (finished, expected) = self.runs();
        (finished < expected).then(|| format!("{finished} of {expected} runs: half run"))
    }

    fn count(&self, verdicts: &[Verdict]) -> usize {
        self.judged
            .iter()
            .filter(|judged| verdicts.contains(&judged.decision.verdict))
            .count()
    }
}

fn introduction(found: &[Found<'_>]) -> String {
    let claims = paper_claims();
    let rule = claims.rule();
    let (family, level, margin) = (rule.family, rule.level, rule.margin * 100.0);
    let (synthetic, real): (Vec<&Found<'_>>, Vec<&Found<'_>>) =
        found.iter().partition(|found| found.sweep.synthetic);
    let names = |list: &[&Found<'_>]| {
        list.iter()
            .map(|found| found.sweep.name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let mut data = String::new();
    if !real.is_empty() {
        let _ = write!(data, " Recorded video: {}.", names(&real));
    }
    if !synthetic.is_empty() {
        let _ = write!(
            data,
            " Synthetic, made by a generator and not by any camera: {}; its line says how its kind was chosen.",
            names(&synthetic)
        );
    }
    format!(
        "# Does the paper hold?\n\n\
         <!-- Written by `sweeps/study/run` from the CSV files of its sweeps. Do not edit: run it again. -->\n\n\
         Generative Cooperative Learning (GCL) finds anomalous events in surveillance video without any labels: a generator G and a discriminator D label the\n\
         data for one another. Its paper (CVPR 2022) claims that each part of the method helps: that GCL_B beats a plain autoencoder, that pre-training (GCL_PT)\n\
         beats GCL_B, and so on. This page asks {family} such claims of {}, by training every method anew with several random seeds. A claim **holds** where\n\
         the seeds show it, **does not hold** where they show the opposite, and is **undecided** where they show neither. The table has the answers.{data}\n\n\
         The features are not the paper's (ResNeXt on UCF-Crime), so the AUCs themselves are no yardstick; the orderings are the question. Nothing was tuned on\n\
         test truth: settings are scaled to each data set for the reason that its sweep file gives, and the result is that of the last epoch.\n\n\
         - A difference is left − right **per seed**, in points of AUC (pooled over all frames of the test videos), then mean ± sample std over the seeds.\n\
         - The 95% interval is Student's, of the mean difference. p is that of Wilcoxon's signed ranks (two-sided).\n\
         - The family is the {family} claims of `reports/published/claims.toml`, and stays so whatever comes out. Holm's adjustment on a data set is over all {family}, whatever has finished:\n  \
           the probability of any false \"holds\" or \"does not hold\" on a data set is at most {}%.\n\
         - **holds**: p after the adjustment is below {level} and the interval lies above zero. **does not hold**: p is below {level} and the interval lies below zero,\n  \
           so the opposite is so. **equal within {margin} point**: two one-sided t tests at {level} ÷ {family} show that the two means lie so near. **undecided**: none of these.\n  \
           **too few runs**: so few that no result could have decided. With ten seeds the smallest p is {:.4}, after the adjustment {:.3}.\n\
         - \"≈\" is decided by two one-sided t tests that the means lie within ± {margin} point. \"Varies less\" is decided by the distances of the runs from their medians (Brown and\n  \
           Forsythe), as a paired t test. Both count in the family.\n\
         - An interval says how far other seeds would move the mean, not other videos. A certain difference may still be a small one.\n",
        count(found.len(), "data set", "data sets"),
        level * 100.0,
        smallest_p(10),
        smallest_p(10) * family as f64,
    )
}

fn overview(found: &[Found<'_>]) -> String {
    let mut text = "\n## At a glance\n\n| claim | paper |".to_owned();
    for found in found {
        let mut marks = Vec::new();
        if found.sweep.synthetic {
            marks.push("synthetic".to_owned());
        }
        marks.extend(found.half_run());
        let marks = if marks.is_empty() {
            String::new()
        } else {
            format!(" ({})", marks.join("; "))
        };
        let _ = write!(text, " {}{marks} |", found.sweep.name);
    }
    text += "\n|---|---|";
    text += &"---|".repeat(found.len());
    text.push('\n');
    for (index, claim) in paper_claims().claims.iter().enumerate() {
        let published = claim
            .published
            .map_or_else(String::new, |value| format!(", {}", points(value / 100.0)));
        let _ = write!(text, "| {} | {}{published} |", claim.words(), claim.place);
        for judged in found.iter().filter_map(|found| found.judged.get(index)) {
            let _ = write!(text, " {} |", short(judged));
        }
        text.push('\n');
    }
    if !found.is_empty() {
        text += "| **holds / does not hold / equal / not decided** | |";
        for found in found {
            let _ = write!(
                text,
                " **{} / {} / {} / {}** |",
                found.count(&[Verdict::Holds]),
                found.count(&[Verdict::Fails]),
                found.count(&[Verdict::Equal]),
                found.count(&[Verdict::Undecided, Verdict::TooFew])
            );
        }
        text.push('\n');
    }
    text
}

/// A verdict with its number: `holds, +0.53`.
fn short(judged: &Judged<'_>) -> String {
    let decision = &judged.decision;
    let number = match (judged.claim.relation, decision.spreads, decision.mean) {
        (Relation::Steadier, Some((left, right)), _) => {
            format!(", {} ↔ {}", percent(Some(left)), percent(Some(right)))
        }
        (Relation::Steadier, None, _) | (_, _, None) => String::new(),
        (_, _, Some(mean)) => format!(", {}", points(mean)),
    };
    let words = decision.verdict_words();
    if decision.verdict == Verdict::Holds {
        format!("**{words}**{number}")
    } else {
        format!("{words}{number}")
    }
}

fn section(found: &Found<'_>) -> String {
    let sweep = found.sweep;
    let mut text = format!("\n## {}\n\n{}\n\n", sweep.name, sweep.description);
    let kind = if sweep.synthetic {
        "**synthetic**: made by a generator, not recorded by any camera"
    } else {
        "recorded video"
    };
    let digest = match sweep.digest {
        Some(digest) => format!("digest `{digest}`"),
        None if sweep.synthetic => "each seed has data of its own".to_owned(),
        None => "digest not known".to_owned(),
    };
    let _ = writeln!(
        text,
        "- Sweep: `sweeps/study/{}.toml`, {} seeds; shared settings: `{}`",
        sweep.name, sweep.seeds, sweep.settings
    );
    let _ = writeln!(text, "- Data: `{}` ({kind}), {digest}", sweep.dataset);
    let (finished, expected) = found.runs();
    let _ = match found.half_run() {
        Some(half) => writeln!(
            text,
            "- Runs: **{half}**. Every comparison is over the seeds that finished on both sides; what is missing might change it."
        ),
        None => writeln!(text, "- Runs: {finished} of {expected} finished"),
    };
    text += &claims(found);
    text += &variants(sweep, &found.evidence);
    if let Some(results) = &sweep.results {
        text += &beside(sweep, results);
    }
    text
}

fn claims(found: &Found<'_>) -> String {
    let mut text = "\n| claim | verdict | difference | 95% interval | n | ahead | p | p, Holm | what the runs show |\n|---|---|---|---|---|---|---|---|---|\n".to_owned();
    for judged in &found.judged {
        let decision = &judged.decision;
        let relation = judged.claim.relation;
        let (difference, interval) = match (relation, decision.spreads, decision.mean) {
            (Relation::Steadier, Some((left, right)), _) => (
                format!("std {} ↔ {}", percent(Some(left)), percent(Some(right))),
                None,
            ),
            (Relation::Steadier, None, _) | (_, _, None) => ("–".to_owned(), None),
            (_, _, Some(mean)) => {
                let std = decision
                    .std
                    .map_or_else(String::new, |std| format!(" ± {}", percent(Some(std))));
                (format!("{}{std}", points(mean)), decision.interval)
            }
        };
        let interval = interval.map_or_else(
            || "–".to_owned(),
            |interval| format!("{} to {}", points(interval.low), points(interval.high)),
        );
        let ahead = if relation == Relation::Above && decision.pairs > 0 {
            format!("{} of {}", decision.ahead, decision.pairs)
        } else {
            "–".to_owned()
        };
        let _ = writeln!(
            text,
            "| {} | {} | {difference} | {interval} | {} | {ahead} | {} | {} | {} |",
            judged.claim.words(),
            decision.verdict_words(),
            decision.pairs,
            p_value(decision.p),
            p_value(decision.p_adjusted),
            reason(judged, &found.evidence)
        );
    }
    text
}

fn variants(sweep: &StudySweep, evidence: &BTreeMap<String, Evidence>) -> String {
    let mut text = "\nAUC in percent, mean ± std over seeds (within videos: of the reported score, the mean AUC of the videos that have both classes); labels of the last epoch in percent of the segments.\n\n\
         | variant | n | AUC of D | AUC of G | within videos | after epoch 1 | positives of G | of D | G and D agree |\n|---|---|---|---|---|---|---|---|---|\n"
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
            spread(&variant.within),
            percent(variant.first_epoch),
            percent(variant.positives_g),
            percent(variant.positives_d),
            percent(variant.agreement)
        );
    }
    text
}
