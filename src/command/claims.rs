//! Claims on the terminal: what is new of them, a table, the same for programs.

use std::collections::BTreeSet;

use looks::{ClaimState, ClaimsView};
use reports::claims::{e_value, overview, sentence, signed};

use crate::output;

/// The claims of a sweep, for people.
pub fn table(view: &ClaimsView) -> String {
    let mut table = output::table(&[
        "claim",
        "verdict",
        "decided after",
        "seeds",
        "difference (points)",
        "planning interval",
        "E",
        "E needed",
        "more seeds",
    ]);
    for claim in &view.claims {
        let is_open = matches!(claim.state, ClaimState::Open | ClaimState::Stopped);
        table.add_row([
            claim.claim.to_string(),
            claim.verdict.to_string(),
            claim
                .decided_after
                .map(|seeds| seeds.to_string())
                .unwrap_or_default(),
            claim.seeds.to_string(),
            claim.difference.map(signed).unwrap_or_default(),
            claim
                .interval
                .map(|interval| format!("{} to {}", signed(interval.low), signed(interval.high)))
                .unwrap_or_default(),
            e_value(claim.log_e),
            if is_open {
                e_value(claim.log_bound)
            } else {
                String::new()
            },
            match claim.needed.filter(|_| is_open) {
                Some(needed) => format!("about {needed}"),
                None => String::new(),
            },
        ]);
    }
    table.to_string()
}

/// The same for programs.
pub fn as_json(view: &ClaimsView) -> serde_json::Value {
    serde_json::to_value(view).unwrap_or_default()
}

/// What was said of the claims of a sweep so far.
#[derive(Default)]
pub struct Told {
    decided: BTreeSet<usize>,
    looks: Option<usize>,
}

impl Told {
    /// Lines on the claims that were decided since; at first how many there are.
    pub fn news(&mut self, view: &ClaimsView) -> Vec<String> {
        let mut lines = Vec::new();
        if self.looks.is_none() {
            lines.push(format!("claims: {}", overview(view)));
        }
        for (index, claim) in view.claims.iter().enumerate() {
            let is_new = claim.verdict.is_decided() && self.decided.insert(index);
            if is_new && self.looks.is_some() {
                lines.push(format!("decided {}", sentence(claim)));
            }
        }
        self.looks = Some(view.looks.len());
        lines
    }

    /// Whether there are looks that were not told.
    pub fn has_news(&self, view: &ClaimsView) -> bool {
        self.looks != Some(view.looks.len())
    }
}

/// What keeps a run without `--until-decided` from deciding more.
#[cfg(feature = "coordinator")]
pub fn stopped(view: &ClaimsView, path: &str) -> Option<String> {
    let stopped = |state: &ClaimState| *state == ClaimState::Stopped;
    let open = view.claims.iter().filter(|claim| stopped(&claim.state));
    let open = open.count();
    let path = reports::shell_word(path);
    (open > 0 && !view.grows).then(|| {
        format!(
            "{open} of {} claims are undecided after the first seeds: `gcl-sweep run {path} --until-decided` adds others, up to {}",
            view.claims.len(),
            view.settings.max
        )
    })
}
