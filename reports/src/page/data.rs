//! What kind of data the data sets are: their cards, with what may be expected on them.

use std::fmt::Write;

use metrics::data_card::{DataCard, Expectation};
use sweeps::training::Method;

use super::Section;
use super::html::{escape, points};
use crate::generated;
use statistics::Verdict;

/// Data sets that are shown one by one at most.
const MOST: usize = 20;

/// The cards; of a data set without one the command that makes it. Empty where nothing is known of any data set, and of a rehearsal, whose data
/// are stand-ins.
pub(super) fn data(section: &Section<'_>) -> String {
    if section.results.rehearsal || section.datasets.is_empty() {
        return String::new();
    }
    let mut html = String::new();
    for info in section.datasets.iter().take(MOST) {
        let name = escape(&info.name);
        match section.whole.cards.get(&info.name) {
            Some(card) => html.push_str(&shown(&name, card, here(section, &info.name, card))),
            None => {
                let _ = writeln!(
                    html,
                    "<h3>{name}</h3>\n<p>What kind of data this is, these results do not say. <code>{}</code> does; a sweep with <code>[report] controls = true</code> \
                     has its workers say it.</p>",
                    escape(&format!("gcl-sweep data inspect --regime {}", place(info)))
                );
            }
        }
    }
    let more = section.datasets.len().saturating_sub(MOST);
    if more > 0 {
        let _ = writeln!(html, "<p>and {more} more data sets</p>");
    }
    html
}

/// What `data inspect` is given: a folder, or the sweep file that makes the data.
fn place(info: &crate::results::DatasetInfo) -> &'static str {
    if info.synthetic && info.own_name.is_none() {
        "SWEEP.toml"
    } else {
        "DIR"
    }
}

/// What these results say to the card's expectation: the paper's first claim that a cooperative method is ahead of an autoencoder on that data set.
fn here(section: &Section<'_>, dataset: &str, card: &DataCard) -> Option<String> {
    let expects_gain = match card.expectation() {
        Expectation::NoTruth | Expectation::FewEvents => return None,
        Expectation::NoDirection(_) | Expectation::Cameras(_) | Expectation::LikeFalseAlarms(_) => {
            false
        }
        Expectation::Little(_) | Expectation::Gain(_) => true,
    };
    let method = |row: usize| -> Option<Method> {
        let cell = &section.rows.get(row)?.first(section.results)?.cell;
        cell.job.parameters.choice("method")
    };
    let ordering = section.decided.orderings.iter().find(|ordering| {
        method(ordering.left) == Some(Method::Gcl)
            && method(ordering.right) == Some(Method::Autoencoder)
            && generated::of_row(section.results, &section.rows[ordering.left]) == dataset
    })?;
    let decision = &ordering.decision;
    let so = match (decision.verdict, expects_gain) {
        (Verdict::Holds, true) => "more than chance, as expected",
        (Verdict::Holds, false) => "more than chance, against the expectation",
        (Verdict::Fails, true) => "the other way round, against the expectation",
        (Verdict::Fails, false) => "no gain, as expected",
        (Verdict::Equal, true) => "equal within a point, against the expectation",
        (Verdict::Equal, false) => "equal within a point, as expected",
        (Verdict::Undecided, true) => {
            "it may be chance, so that these seeds do not show what was expected"
        }
        (Verdict::Undecided, false) => "it may be chance, which does not speak against it",
        (Verdict::TooFew, _) => "too few seeds to tell it from chance",
    };
    Some(format!(
        "{} against {}: {} points over {} seeds; {so}",
        section.rows[ordering.left].variant,
        section.rows[ordering.right].variant,
        points(decision.mean?),
        decision.pairs
    ))
}

fn shown(name: &str, card: &DataCard, here: Option<String>) -> String {
    let mut html = format!("<h3>{name}</h3>\n<dl>\n");
    for (label, text) in card.lines() {
        let _ = writeln!(html, "<dt>{}</dt><dd>{}</dd>", escape(label), escape(&text));
    }
    for warning in card.warnings() {
        let warning = escape(&warning.to_string());
        let _ = writeln!(html, "<dt>warning</dt><dd><strong>{warning}</strong></dd>");
    }
    let expected = escape(&card.expectation().to_string());
    let _ = writeln!(html, "<dt>expected of GCL</dt><dd>{expected}</dd>");
    if let Some(here) = here {
        let _ = writeln!(html, "<dt>here</dt><dd>{}</dd>", escape(&here));
    }
    html.push_str("</dl>\n");
    html
}

/// What makes results on these data say less than they seem to, as items of a list.
pub(super) fn warnings(section: &Section<'_>) -> Vec<String> {
    if section.results.rehearsal {
        return Vec::new();
    }
    let several = section.datasets.len() > 1;
    let mut items = Vec::new();
    for info in section.datasets.iter().take(MOST) {
        let Some(card) = section.whole.cards.get(&info.name) else {
            continue;
        };
        for warning in card.warnings() {
            let start = if several {
                format!("On {}: ", info.name)
            } else {
                String::new()
            };
            items.push(format!(
                "<li>{}.</li>",
                escape(&format!("{start}{warning}"))
            ));
        }
    }
    items
}
