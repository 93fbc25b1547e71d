//! What the paper claims, as orderings that runs can hold or break. The claims are data: `reports/published/claims.toml`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;
use sweeps::Value;

use statistics::{Question, Rule};

/// The paper's claims, and the size of their family.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Who claims it.
    pub source: String,
    /// How many tests Holm's adjustment is over, whatever has finished.
    pub family: usize,
    /// The sides of the claims.
    #[serde(rename = "arm")]
    pub arms: Vec<Arm>,
    /// The claims, in the paper's order.
    #[serde(rename = "claim")]
    pub claims: Vec<Claim>,
}

/// One side of a claim: a variant, under each of its names.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arm {
    /// Its name here, and of the variant in a study.
    pub name: String,
    /// Other variants that are this arm.
    #[serde(default)]
    pub also: Vec<Alias>,
}

/// A variant that is an arm at certain settings.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alias {
    /// The variant.
    pub variant: String,
    /// What its jobs must be set to.
    pub settings: BTreeMap<String, toml::Value>,
    /// Whether settings that are not known are taken to be so.
    #[serde(default)]
    pub assumed: bool,
}

/// Which score of a run is meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Score {
    /// The one that the method is judged by: D's where there is a D.
    #[default]
    Reported,
    /// D's probability.
    Discriminator,
    /// G's reconstruction error.
    Generator,
}

/// What is said of the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// The left AUC is above the right one.
    Above,
    /// The two AUCs are the same, to a point.
    Same,
    /// The left AUC varies less over seeds.
    Steadier,
}

/// One claim.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Arm of the left side.
    pub left: String,
    /// Its score.
    #[serde(default)]
    pub left_score: Score,
    /// What it is said to be.
    pub relation: Relation,
    /// Arm of the right side.
    pub right: String,
    /// Its score.
    #[serde(default)]
    pub right_score: Score,
    /// Where the paper says so.
    pub place: String,
    /// The paper's difference in points, where it prints one.
    pub published: Option<f64>,
}

/// The paper's claims.
pub fn paper_claims() -> &'static Claims {
    static CLAIMS: OnceLock<Claims> = OnceLock::new();
    CLAIMS.get_or_init(|| {
        // A test reads the same text: it cannot fail here.
        toml::from_str(TEXT).unwrap_or(Claims {
            source: String::new(),
            family: 0,
            arms: Vec::new(),
            claims: Vec::new(),
        })
    })
}

const TEXT: &str = include_str!("../../published/claims.toml");

impl Claims {
    /// What the claims are held to on one data set.
    pub fn rule(&self) -> Rule {
        Rule::of(self.family)
    }

    /// The arm of that name.
    pub fn arm(&self, name: &str) -> Option<&Arm> {
        self.arms.iter().find(|arm| arm.name == name)
    }
}

impl Claim {
    /// The claim in words: `GCL_B > AE_AllData`.
    pub fn words(&self) -> String {
        let (left, right) = self.sides();
        match self.relation {
            Relation::Above => format!("{left} > {right}"),
            Relation::Same => format!("{left} ≈ {right}"),
            Relation::Steadier => format!("{left} varies less than {right}"),
        }
    }

    /// Both sides in words: `D of GCL_B`, `G of GCL_B`.
    pub fn sides(&self) -> (String, String) {
        let side = |arm: &str, score: Score| match score {
            Score::Reported => arm.to_owned(),
            Score::Discriminator => format!("D of {arm}"),
            Score::Generator => format!("G of {arm}"),
        };
        (
            side(&self.left, self.left_score),
            side(&self.right, self.right_score),
        )
    }
}

impl Relation {
    /// What is asked of runs.
    pub fn question(self) -> Question {
        match self {
            Self::Above => Question::Above,
            Self::Same => Question::Same,
            Self::Steadier => Question::Steadier,
        }
    }
}

impl Alias {
    /// Whether a setting has the value that this arm has; `None` where the value is not known.
    pub fn fits(&self, name: &str, value: Option<&Value>) -> bool {
        match (self.settings.get(name), value) {
            (Some(wanted), Some(value)) => equal(wanted, value),
            (Some(_), None) => self.assumed,
            (None, _) => true,
        }
    }
}

/// Equal as numbers where both are numbers, as texts elsewhere.
fn equal(wanted: &toml::Value, value: &Value) -> bool {
    let number = match wanted {
        toml::Value::Integer(number) => Some(*number as f64),
        toml::Value::Float(number) => Some(*number),
        _ => None,
    };
    match (number, value.as_float()) {
        (Some(wanted), Some(value)) => wanted == value,
        _ => wanted.as_str() == value.as_text() && wanted.as_str().is_some(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_family_is_its_claims() {
        let claims: Claims = toml::from_str(TEXT).unwrap();
        assert_eq!(claims.family, claims.claims.len());
        let words: BTreeSet<String> = claims.claims.iter().map(Claim::words).collect();
        assert_eq!(words.len(), claims.family, "every claim once");
        let arms: BTreeSet<&str> = claims.arms.iter().map(|arm| arm.name.as_str()).collect();
        assert_eq!(arms.len(), claims.arms.len(), "every arm once");
        let named: BTreeSet<&str> = claims
            .claims
            .iter()
            .flat_map(|claim| [claim.left.as_str(), claim.right.as_str()])
            .collect();
        assert_eq!(named, arms, "every side is an arm, and every arm a side");
        assert_eq!(paper_claims(), &claims);
    }

    /// Ten seeds, the study's, are enough for a claim on which all agree.
    #[test]
    fn ten_seeds_can_decide() {
        let claims = paper_claims();
        let smallest = statistics::smallest_p(10);
        assert!(smallest * (claims.family as f64) < claims.rule().level);
    }

    #[test]
    fn aliases_look_at_settings() {
        let claims = paper_claims();
        let alias = |arm: &str| &claims.arm(arm).unwrap().also[0];
        let percent = |value| Some(Value::Float(value));
        let name = "supervision_percent";
        assert!(alias("GCL_WS 33%").fits(name, percent(33.0).as_ref()));
        assert!(!alias("GCL_WS 33%").fits(name, percent(66.0).as_ref()));
        assert!(!alias("GCL_WS 33%").fits(name, None));
        assert!(alias("GCL_WS 100%").fits(name, None));
        let target = |text: &str| Some(Value::Text(text.to_owned()));
        let name = "negative_learning.target";
        assert!(alias("GCL_B").fits(name, target("ones").as_ref()));
        assert!(!alias("GCL_B").fits(name, target("none").as_ref()));
    }
}
