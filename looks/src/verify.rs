//! Looks of a journal against the numbers that they were taken of.

use crate::arm::Arm;
use crate::look::Look;
use crate::settings::{Claim, Family, Settings};
use crate::standing::{adjusted, judge, standings};
use crate::view::ClaimText;

/// Of a logarithm that was written as decimals.
const TOLERANCE: f64 = 1e-9;

/// A look that does not follow from the numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mismatch {
    /// As it was kept.
    pub kept: Look,
    /// What the numbers say; `None`: they do not reach so far.
    pub found: Option<Look>,
}

impl Family {
    /// The family of claims that are known by their words, and the side and place of each arm.
    pub fn of_texts(settings: Settings, texts: &[ClaimText]) -> (Self, Vec<Place<'_>>) {
        let mut arms: Vec<Place<'_>> = Vec::new();
        let mut claims = Vec::new();
        for text in texts {
            let mut side = |variant| {
                let side: Place<'_> = (variant, &text.place);
                let known = arms.iter().position(|arm| *arm == side);
                known.unwrap_or_else(|| {
                    arms.push(side);
                    arms.len() - 1
                }) as u32
            };
            let left = side(text.left.as_str());
            let right = side(text.right.as_str());
            claims.push(Claim { left, right });
        }
        (Self { settings, claims }, arms)
    }

    /// Takes every look again, in the steps in which they were taken, and names those that the numbers do not give.
    pub fn verify(&self, arms: &[Arm], looks: &[Look]) -> Vec<Mismatch> {
        let mut mismatches = Vec::new();
        let mut all = standings(self, arms, &[]);
        for step in looks.chunk_by(|left, right| left.step == right.step) {
            for look in step {
                if let Some(standing) = all.get_mut(look.claim as usize) {
                    standing.look_up_to(look.seeds as usize);
                }
            }
            let p_values = adjusted(self, &all);
            for look in step {
                let standing = all.get(look.claim as usize);
                let standing = standing.filter(|standing| standing.looked == look.seeds as usize);
                let found = standing.map(|standing| Look {
                    log_e: standing.process.log_e(),
                    verdict: judge(self, standing, p_values[look.claim as usize]),
                    ..*look
                });
                if !found.is_some_and(|found| is_same(&found, look)) {
                    mismatches.push(Mismatch { kept: *look, found });
                }
            }
        }
        mismatches
    }
}

/// A variant and where it is looked at.
pub type Place<'a> = (&'a str, &'a Vec<(String, String)>);

fn is_same(found: &Look, kept: &Look) -> bool {
    let near = (found.log_e - kept.log_e).abs() <= TOLERANCE * (1.0 + kept.log_e.abs());
    near && found.verdict == kept.verdict
}

impl Mismatch {
    /// In words: what was kept, and what is found.
    pub fn sentence(&self, text: &ClaimText) -> String {
        let Look { seeds, verdict, .. } = self.kept;
        match self.found {
            None => format!(
                "The look at \u{201c}{text}\u{201d} after {seeds} seeds cannot be taken again: results are missing."
            ),
            Some(found) if found.verdict == verdict => format!(
                "The look at \u{201c}{text}\u{201d} after {seeds} seeds was taken of other results: ln E = {:.3} then, {:.3} now.",
                self.kept.log_e, found.log_e
            ),
            Some(found) => format!(
                "The look at \u{201c}{text}\u{201d} after {seeds} seeds was taken of other results: {} then, {} now.",
                verdict, found.verdict
            ),
        }
    }
}
