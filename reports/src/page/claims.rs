//! What was decided while seeds arrived.

use looks::{ClaimState, ClaimView, Verdict};

use super::Section;
use super::html::{Cell, Table, escape};
use crate::claims::{ASSUMPTION, e_value, overview, remaining, sentence, settings, signed};

/// Claims whose sentences stand at the top of a page; the table has all.
const MOST_SENTENCES: usize = 4;

/// The table of the claims; empty without claims.
pub(super) fn table(section: &Section<'_>) -> String {
    let Some(view) = section.results.claims.as_deref() else {
        return String::new();
    };
    let columns = [
        "Claim",
        "Verdict",
        "#Decided after",
        "#Seeds looked at",
        "#Difference in points",
        "#Planning interval",
        "#E",
        "#E needed",
        "#p (Holm)",
        "Left to do",
    ]
    .map(String::from);
    let caption = format!(
        "Claims that were looked at while seeds arrived: {}",
        overview(view)
    );
    let mut table = Table::new(&caption, Some("copy"), &columns);
    for claim in &view.claims {
        let text = |text: Option<String>| Cell::Text(text.unwrap_or_default());
        table.row(
            "",
            vec![
                Cell::Head(claim.claim.to_string()),
                Cell::Text(verdict(claim)),
                text(claim.decided_after.map(|seeds| seeds.to_string())),
                Cell::Text(claim.seeds.to_string()),
                text(claim.difference.map(signed)),
                Cell::Text(match claim.interval {
                    Some(interval) => {
                        format!("{} to {}", signed(interval.low), signed(interval.high))
                    }
                    None if claim.seeds == 0 => String::new(),
                    None => "the whole line".to_owned(),
                }),
                Cell::Text(e_value(claim.log_e)),
                Cell::Text(if claim.state == ClaimState::Decided {
                    String::new()
                } else {
                    e_value(claim.log_bound)
                }),
                Cell::Text(format!("{:.4}", claim.p_adjusted)),
                text(remaining(claim)),
            ],
        );
    }
    let mut html = table.finish();
    for note in [
        settings(view),
        "E is the evidence against \u{201c}both alike\u{201d} (an e-process of symmetry over the seeds that are complete on both sides, in their order); p = 1/max E is valid however often somebody looked. \
         The planning interval covers the mean difference at all looks at once; looking at will costs a factor of about 1.7 in its width. looks.csv has every look."
            .to_owned(),
        ASSUMPTION.to_owned(),
    ] {
        html.push_str(&format!("<p class=\"note\">{}</p>\n", escape(&note)));
    }
    html
}

fn verdict(claim: &ClaimView) -> String {
    match claim.verdict {
        Verdict::Holds => "holds".to_owned(),
        Verdict::Fails => format!("fails: {} is above", claim.claim.right),
        Verdict::Equal => "equal within the margin".to_owned(),
        Verdict::Undecided => "undecided".to_owned(),
    }
}

/// The first answers of a page with claims.
pub(super) fn sentences(section: &Section<'_>) -> Option<Vec<String>> {
    let view = section.results.claims.as_deref()?;
    let mut sentences: Vec<String> = view
        .claims
        .iter()
        .take(MOST_SENTENCES)
        .map(sentence)
        .collect();
    if view.claims.len() > 1 {
        sentences.insert(0, overview(view));
    }
    sentences.push(ASSUMPTION.to_owned());
    Some(sentences)
}

/// What stands above tests of a fixed number of seeds where the results decided how many there are.
pub(super) fn of_fixed_seeds(section: &Section<'_>) -> String {
    if section.results.claims.is_none() {
        return String::new();
    }
    "<p class=\"note\"><strong>These tests are of a number of seeds that was fixed before.</strong> Here the results decided how many there are, and who stops when it looks good is wrong more often \
     than such a p says: read what follows as a description. What was decided stands under Claims.</p>\n"
        .to_owned()
}
