//! Claims: what was set out to be decided, and where it stands.

use looks::{
    ClaimState, ClaimText, ClaimView, ClaimsView, Look, PlanningInterval, Settings, Verdict,
};

use super::{all, at_most, name};
use crate::limits::{CLAIMS, COLUMNS, LOOKS};
use crate::number::{finite, optional};
use crate::{WireError, wire, word};

crate::same_words!(
    "claim.verdict",
    Verdict,
    wire::ClaimVerdict,
    [Undecided, Holds, Fails, Equal]
);
crate::same_words!(
    "claim.state",
    ClaimState,
    wire::ClaimState,
    [Open, Decided, AtMax, Lost, Stopped]
);

impl From<&ClaimsView> for wire::Claims {
    fn from(view: &ClaimsView) -> Self {
        Self {
            alpha: view.settings.alpha,
            min: view.settings.min,
            max: view.settings.max,
            margin: view.settings.margin,
            at_once: view.settings.at_once,
            identity: view.identity.clone(),
            grows: view.grows,
            claims: view.claims.iter().map(Into::into).collect(),
            looks: view.looks.iter().take(LOOKS).map(Into::into).collect(),
        }
    }
}

impl TryFrom<wire::Claims> for ClaimsView {
    type Error = WireError;
    fn try_from(claims: wire::Claims) -> Result<Self, WireError> {
        Ok(Self {
            settings: Settings {
                alpha: finite("claims.alpha", claims.alpha)?,
                min: claims.min,
                max: claims.max,
                margin: finite("claims.margin", claims.margin)?,
                at_once: claims.at_once,
            },
            identity: name("claims.identity", claims.identity)?,
            grows: claims.grows,
            claims: all("claims", claims.claims, CLAIMS)?,
            looks: all("claims.looks", claims.looks, LOOKS)?,
        })
    }
}

impl From<&ClaimView> for wire::ClaimView {
    fn from(view: &ClaimView) -> Self {
        let place = view.claim.place.iter();
        Self {
            left: view.claim.left.clone(),
            right: view.claim.right.clone(),
            place: place
                .map(|(name, value)| wire::ClaimPlace {
                    name: name.clone(),
                    value: value.clone(),
                })
                .collect(),
            seeds: view.seeds,
            difference: view.difference,
            interval: view.interval.map(|interval| wire::PlanningInterval {
                low: interval.low,
                high: interval.high,
            }),
            log_e: view.log_e,
            best_log_e: view.best_log_e,
            log_bound: view.log_bound,
            p: view.p,
            p_adjusted: view.p_adjusted,
            verdict: wire::ClaimVerdict::from(view.verdict).into(),
            decided_after: view.decided_after,
            needed: view.needed,
            state: wire::ClaimState::from(view.state).into(),
            lost_seed: view.lost_seed,
        }
    }
}

impl TryFrom<wire::ClaimView> for ClaimView {
    type Error = WireError;
    fn try_from(view: wire::ClaimView) -> Result<Self, WireError> {
        at_most("claim.place", view.place.len(), COLUMNS)?;
        let place = view.place.into_iter().map(|place| {
            let value = name("claim.place.value", place.value)?;
            Ok((name("claim.place.name", place.name)?, value))
        });
        Ok(Self {
            claim: ClaimText {
                left: name("claim.left", view.left)?,
                right: name("claim.right", view.right)?,
                place: place.collect::<Result<_, WireError>>()?,
            },
            seeds: view.seeds,
            difference: optional("claim.difference", view.difference)?,
            interval: view
                .interval
                .map(|interval| -> Result<_, WireError> {
                    Ok(PlanningInterval {
                        low: finite("claim.interval.low", interval.low)?,
                        high: finite("claim.interval.high", interval.high)?,
                    })
                })
                .transpose()?,
            log_e: finite("claim.log_e", view.log_e)?,
            best_log_e: finite("claim.best_log_e", view.best_log_e)?,
            log_bound: finite("claim.log_bound", view.log_bound)?,
            p: finite("claim.p", view.p)?,
            p_adjusted: finite("claim.p_adjusted", view.p_adjusted)?,
            verdict: word::<wire::ClaimVerdict, _>("claim.verdict", view.verdict)?,
            decided_after: view.decided_after,
            needed: view.needed,
            state: word::<wire::ClaimState, _>("claim.state", view.state)?,
            lost_seed: view.lost_seed,
        })
    }
}

impl From<&Look> for wire::Look {
    fn from(look: &Look) -> Self {
        Self {
            claim: look.claim,
            seeds: look.seeds,
            log_e: look.log_e,
            verdict: wire::ClaimVerdict::from(look.verdict).into(),
            step: look.step,
        }
    }
}

impl TryFrom<wire::Look> for Look {
    type Error = WireError;
    fn try_from(look: wire::Look) -> Result<Self, WireError> {
        Ok(Self {
            step: look.step,
            claim: look.claim,
            seeds: look.seeds,
            log_e: finite("look.log_e", look.log_e)?,
            verdict: word::<wire::ClaimVerdict, _>("look.verdict", look.verdict)?,
        })
    }
}
