//! A decision in words. Every sentence quotes fields of the decision, and nothing else.

use crate::decision::{Decision, Direction, Question, Rule, Verdict};
use crate::spread::visible_ratio;

impl Decision {
    /// The verdict for a reader who sees the names of both sides: `GCL_PT is better`.
    pub fn outcome(&self, left: &str, right: &str) -> String {
        match (self.question, self.verdict) {
            (Question::Above, Verdict::Holds) => format!("{left} is better"),
            (Question::Above, Verdict::Fails) => format!("{right} is better"),
            (Question::Steadier, Verdict::Holds) => format!("{left} varies less"),
            (Question::Steadier, Verdict::Fails) => format!("{right} varies less"),
            (Question::Above, Verdict::Equal) if self.identical() => {
                "equal on every seed".to_owned()
            }
            (_, Verdict::Equal) | (Question::Same, Verdict::Holds) => {
                format!("equal within ± {}", self.margin())
            }
            (Question::Same, Verdict::Fails) => {
                format!("differ by more than {}", self.margin())
            }
            (_, Verdict::Undecided) => "undecided".to_owned(),
            (_, Verdict::TooFew) => "too few runs".to_owned(),
        }
    }

    /// The verdict on a claim whose words stand beside it: `holds`.
    pub fn verdict_words(&self) -> String {
        match self.verdict {
            Verdict::Holds => "holds".to_owned(),
            Verdict::Fails => "does not hold".to_owned(),
            Verdict::Equal => format!("equal within {}", self.margin()),
            Verdict::Undecided => "undecided".to_owned(),
            Verdict::TooFew => "too few runs".to_owned(),
        }
    }

    /// What the verdict rests on, or what is missing for one; empty where counts, interval and p beside it say all.
    pub fn why(&self, left: &str, right: &str) -> String {
        match self.verdict {
            Verdict::TooFew => self.too_few(),
            Verdict::Equal if self.identical() => {
                format!("Equal on every seed (n = {}).", self.pairs)
            }
            Verdict::Equal => format!("The two means lie within {} of each other.", self.margin()),
            Verdict::Holds | Verdict::Fails if self.question == Question::Above && self.equal() => {
                format!(
                    "The difference is significant over seeds and below {}.",
                    self.margin()
                )
            }
            Verdict::Holds | Verdict::Fails => String::new(),
            Verdict::Undecided if self.mean_disagrees() => self.disagreement(left, right),
            Verdict::Undecided => self.undecided(),
        }
    }

    fn too_few(&self) -> String {
        if self.pairs == 0 {
            return "No seed finished on both sides.".to_owned();
        }
        let same = if self.identical() {
            "Equal on every seed so far. "
        } else {
            ""
        };
        let needed = self.needed.map_or_else(String::new, |needed| {
            format!(" It takes {needed} pairs at least.")
        });
        let verb = if self.question == Question::Above {
            "show a difference"
        } else {
            "decide"
        };
        if self.pairs == 1 {
            return format!("{same}One seed cannot {verb} {}.{needed}", self.family());
        }
        format!(
            "{same}Even if all {} agreed, they could not {verb} {}.{needed}",
            seeds(self.pairs),
            self.family()
        )
    }

    /// The ranks are sure and the mean does not follow.
    fn disagreement(&self, left: &str, right: &str) -> String {
        let (name, ahead, others) = match self.direction {
            Direction::Left | Direction::Neither => (left, self.ahead, self.behind),
            Direction::Right => (right, self.behind, self.ahead),
        };
        let mean = self.mean.unwrap_or(0.0);
        let opposite = match self.direction {
            Direction::Left => mean < 0.0,
            Direction::Right => mean > 0.0,
            Direction::Neither => false,
        };
        let mean = if opposite {
            "its mean is not"
        } else {
            "its mean is not surely so"
        };
        let rest = match self.against {
            Some(against) => format!(
                ": it is behind in {others}, by up to {} points",
                hundredths(against)
            ),
            None => String::new(),
        };
        format!(
            "{name} is ahead in {ahead} of {}, {mean}{rest}.",
            seeds(self.pairs)
        )
    }

    fn undecided(&self) -> String {
        match self.question {
            Question::Above | Question::Same => match (self.p, self.p_adjusted) {
                (Some(p), Some(adjusted)) if p < self.rule.level => format!(
                    "p = {} alone, {} {}.",
                    probability(p),
                    probability(adjusted),
                    self.family()
                ),
                (Some(p), _) => format!("p = {} before any adjustment.", probability(p)),
                _ => String::new(),
            },
            Question::Steadier => {
                let level = self.rule.level / self.rule.family.max(1) as f64;
                let at = self.rule.level_words();
                let n = self.pairs;
                match visible_ratio(n, level) {
                    Some(ratio) => format!(
                        "At α = {at}, n = {n} shows it in 80% of all cases (normal values) where one std is {ratio:.2} of the other, and less often where they are nearer."
                    ),
                    None => format!(
                        "At α = {at}, n = {n} shows no difference of std in 80% of all cases (normal values), however large."
                    ),
                }
            }
        }
    }

    /// `among 20 comparisons at α = 0.05`.
    fn family(&self) -> String {
        match self.rule.family {
            0 | 1 => format!("at α = {}", self.rule.level),
            many => format!("among {many} comparisons at α = {}", self.rule.level),
        }
    }

    fn margin(&self) -> String {
        self.rule.margin_words()
    }
}

impl Rule {
    /// The level that the smallest p of the family is held to: `0.05 ÷ 20`.
    pub fn level_words(&self) -> String {
        match self.family {
            0 | 1 => self.level.to_string(),
            many => format!("{} ÷ {many}", self.level),
        }
    }

    /// δ in points: `1 point`.
    pub fn margin_words(&self) -> String {
        let points = self.margin * 100.0;
        let unit = if points == 1.0 { "point" } else { "points" };
        format!("{points} {unit}")
    }
}

fn seeds(count: usize) -> String {
    format!("{count} {}", if count == 1 { "seed" } else { "seeds" })
}

/// A fraction in points, without a sign.
fn hundredths(value: f64) -> String {
    format!("{:.2}", value.abs() * 100.0)
}

fn probability(p: f64) -> String {
    if p < 0.0001 {
        "< 0.0001".to_owned()
    } else {
        format!("{p:.4}")
    }
}
