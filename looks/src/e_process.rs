//! The e-process of symmetry (Vovk & Wang, arXiv 2208.08925): evidence that may be looked at after every seed.
//!
//! Under "A and B alike" a difference d is symmetric about 0, and for any λ chosen from the seeds before it
//! E[exp(λd)/cosh(λd)] = 1. λ = a/q with q = sqrt(mean of the earlier d²) makes the bet one of scale; eight of them share the
//! stake equally:
//!
//! E_n = mean over a ∈ {±¼, ±½, ±1, ±2} of Π_{i ≥ 2} exp(a·d_i/q_{i−1}) / cosh(a·d_i/q_{i−1}), a factor being 1 where q = 0.
//!
//! By Ville's inequality p = min(1, 1/max E) holds at every stopping time.

use crate::error::NotFinite;

/// The bets on the left side; each is made against it too.
const BETS: [f64; 4] = [0.25, 0.5, 1.0, 2.0];
/// Beyond so many q a factor is at its limit; without the bound the logarithm of a hopeless bet would be no number that JSON
/// can hold.
const FARTHEST: f64 = 1e6;

/// Which side the evidence is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The left side is above.
    Left,
    /// The right side is above.
    Right,
    /// Neither: both halves of the mixture have earned the same.
    Neither,
}

/// The wealth of the eight bets after the differences so far.
#[derive(Debug, Clone, PartialEq)]
pub struct EProcess {
    /// Logarithms of the products, by bet: on the left side, then on the right one.
    wealth: [f64; 2 * BETS.len()],
    seen: u32,
    /// The largest |d| so far, and Σ (d/largest)²: squares neither overflow nor vanish.
    largest: f64,
    squares: f64,
    best: f64,
    best_side: Side,
}

impl Default for EProcess {
    fn default() -> Self {
        Self {
            wealth: [0.0; 2 * BETS.len()],
            seen: 0,
            largest: 0.0,
            squares: 0.0,
            best: 0.0,
            best_side: Side::Neither,
        }
    }
}

impl EProcess {
    /// The process after these differences, left − right, in the order of their seeds.
    ///
    /// # Errors
    /// A difference that is no finite number.
    pub fn of(differences: &[f64]) -> Result<Self, NotFinite> {
        let mut process = Self::default();
        for difference in differences {
            process.push(*difference)?;
        }
        Ok(process)
    }

    /// Takes in the difference of the next seed.
    ///
    /// # Errors
    /// A difference that is no finite number: nothing is changed.
    pub fn push(&mut self, difference: f64) -> Result<(), NotFinite> {
        if !difference.is_finite() {
            return Err(NotFinite);
        }
        let q = self.scale();
        if q > 0.0 {
            settle(&mut self.wealth, difference / q);
        }
        self.note(difference.abs());
        self.seen += 1;
        let log_e = self.log_e();
        if log_e > self.best {
            self.best = log_e;
            self.best_side = self.side();
        }
        Ok(())
    }

    /// ln E.
    pub fn log_e(&self) -> f64 {
        log_mean(&self.wealth)
    }

    /// The largest ln E so far; E begins at 1.
    pub fn best_log_e(&self) -> f64 {
        self.best
    }

    /// min(1, 1/max E): a p-value at every stopping time.
    pub fn p(&self) -> f64 {
        libm::exp(-self.best).min(1.0)
    }

    /// The side whose half of the mixture carried the largest E.
    pub fn best_side(&self) -> Side {
        self.best_side
    }

    /// What the next seed adds to ln E on average, if it is one of `differences`, which it has seen: a plug-in estimate, for
    /// planning alone.
    pub fn expected_growth(&self, differences: &[f64]) -> f64 {
        let q = self.scale();
        if q <= 0.0 || differences.is_empty() {
            return 0.0;
        }
        let total = log_mean(&self.wealth);
        let grown: f64 = differences
            .iter()
            .map(|difference| {
                let mut wealth = self.wealth;
                settle(&mut wealth, difference / q);
                log_mean(&wealth) - total
            })
            .sum();
        grown / differences.len() as f64
    }

    /// q: the root of the mean square of the differences so far.
    fn scale(&self) -> f64 {
        if self.seen == 0 {
            return 0.0;
        }
        self.largest * libm::sqrt(self.squares / f64::from(self.seen))
    }

    fn note(&mut self, size: f64) {
        if size > self.largest {
            let ratio = self.largest / size;
            self.squares = self.squares * ratio * ratio + 1.0;
            self.largest = size;
        } else if self.largest > 0.0 {
            let ratio = size / self.largest;
            self.squares += ratio * ratio;
        }
    }

    /// The half of the mixture that has more.
    fn side(&self) -> Side {
        let (left, right) = self.wealth.split_at(BETS.len());
        match log_mean(left).total_cmp(&log_mean(right)) {
            std::cmp::Ordering::Greater => Side::Left,
            std::cmp::Ordering::Less => Side::Right,
            std::cmp::Ordering::Equal => Side::Neither,
        }
    }
}

/// The fewest differences whose E could be as large as `bound`, whatever they are: a factor is below 2, and half of the
/// mixture loses what the other one wins.
pub fn fewest_seeds(bound: f64) -> u32 {
    // E_n < 2ⁿ⁻².
    (2..=1_100)
        .find(|seeds| libm::exp2(f64::from(*seeds) - 2.0) > bound)
        .unwrap_or(u32::MAX)
}

/// What the eight bets have after a difference of so many q.
fn settle(wealth: &mut [f64; 2 * BETS.len()], ratio: f64) {
    let ratio = ratio.clamp(-FARTHEST, FARTHEST);
    let bets = BETS.into_iter().chain(BETS.map(|bet| -bet));
    for (wealth, bet) in wealth.iter_mut().zip(bets) {
        *wealth += log_factor(bet * ratio);
    }
}

/// ln(exp(x)/cosh(x)), without an overflow on the way.
fn log_factor(x: f64) -> f64 {
    let tail = std::f64::consts::LN_2 - libm::log1p(libm::exp(-2.0 * x.abs()));
    if x >= 0.0 { tail } else { 2.0 * x + tail }
}

/// The logarithm of the mean of numbers that are given by their logarithms.
fn log_mean(logs: &[f64]) -> f64 {
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logs.iter().map(|log| libm::exp(log - largest)).sum();
    largest + libm::log(sum / logs.len() as f64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The formula as it is written, without logarithms.
    fn by_definition(differences: &[f64]) -> f64 {
        let product = |a: f64| -> f64 {
            (1..differences.len())
                .map(|i| {
                    let squares: f64 = differences[..i].iter().map(|d| d * d).sum();
                    let q = (squares / i as f64).sqrt();
                    if q == 0.0 {
                        return 1.0;
                    }
                    let x = a * differences[i] / q;
                    // exp(x)/cosh(x), which a double cannot hold for large x.
                    2.0 / (1.0 + (-2.0 * x).exp())
                })
                .product()
        };
        let all = [0.25, -0.25, 0.5, -0.5, 1.0, -1.0, 2.0, -2.0];
        all.into_iter().map(product).sum::<f64>() / 8.0
    }

    proptest! {
        #[test]
        fn it_is_its_definition(differences in prop::collection::vec(-3.0..3.0_f64, 0..40)) {
            let process = EProcess::of(&differences).unwrap();
            let expected = by_definition(&differences);
            prop_assert!((process.log_e() - expected.ln()).abs() < 1e-9 * (1.0 + expected.ln().abs()));
            let best = (0..=differences.len())
                .map(|n| by_definition(&differences[..n]))
                .fold(1.0, f64::max);
            prop_assert!((process.p() - 1.0 / best).abs() < 1e-9);
        }

        /// Other units, and the other side's point of view, change nothing.
        #[test]
        fn it_knows_no_scale_and_no_side(
            differences in prop::collection::vec(-3.0..3.0_f64, 1..30), scale in prop::sample::select(vec![1e-200, 1e-9, 1e9, 1e200])
        ) {
            let plain = EProcess::of(&differences).unwrap();
            let scaled: Vec<f64> = differences.iter().map(|d| d * scale).collect();
            let scaled = EProcess::of(&scaled).unwrap();
            prop_assert!((plain.log_e() - scaled.log_e()).abs() < 1e-9);
            let mirrored: Vec<f64> = differences.iter().map(|d| -d).collect();
            let mirrored = EProcess::of(&mirrored).unwrap();
            prop_assert!((plain.log_e() - mirrored.log_e()).abs() < 1e-9);
            let other = match plain.best_side() {
                Side::Left => Side::Right,
                Side::Right => Side::Left,
                Side::Neither => Side::Neither,
            };
            prop_assert!(plain.best_log_e() < 1e-12 || mirrored.best_side() == other);
        }

        /// Whatever comes, the logarithm is a number, and within what can be reached.
        #[test]
        fn it_stays_finite(differences in prop::collection::vec(
            prop_oneof![Just(0.0), Just(f64::MIN_POSITIVE), Just(-f64::MAX), Just(f64::MAX), -1.0..1.0_f64], 0..60
        )) {
            let process = EProcess::of(&differences).unwrap();
            let most = (differences.len() as f64 - 1.0).max(0.0) * std::f64::consts::LN_2;
            prop_assert!(process.log_e().is_finite() && process.log_e() <= most + 1e-9);
            prop_assert!((0.0..=1.0).contains(&process.p()));
            prop_assert!(process.expected_growth(&differences).is_finite());
        }
    }

    /// E[exp(λd)/cosh(λd)] = 1 for every symmetric d: of two signs the mean is exactly one.
    #[test]
    fn a_fair_coin_earns_nothing() {
        let mut total = 0.0;
        for signs in 0..1_u32 << 10 {
            let differences: Vec<f64> = (0..10)
                .map(|seed| {
                    let size = 1.0 + 0.3 * f64::from(seed);
                    if signs >> seed & 1 == 0 { size } else { -size }
                })
                .collect();
            total += EProcess::of(&differences).unwrap().log_e().exp();
        }
        assert!((total / 1024.0 - 1.0).abs() < 1e-9, "{}", total / 1024.0);
    }

    #[test]
    fn what_is_no_number_is_refused_and_changes_nothing() {
        let mut process = EProcess::of(&[0.1, 0.2]).unwrap();
        let before = process.clone();
        for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(process.push(wrong), Err(NotFinite));
        }
        assert_eq!(process, before);
    }

    #[test]
    fn zeros_are_no_evidence_and_the_first_difference_sets_the_scale() {
        assert_eq!(EProcess::of(&[0.0; 20]).unwrap().log_e(), 0.0);
        assert_eq!(EProcess::of(&[5.0]).unwrap().log_e(), 0.0);
        assert_eq!(EProcess::of(&[0.0, 5.0]).unwrap().log_e(), 0.0);
        assert!(EProcess::of(&[0.0, 5.0, 5.0]).unwrap().log_e() > 0.0);
    }

    #[test]
    fn no_data_decide_with_fewer_seeds_than_are_said() {
        for bound in [20.0, 40.0, 1_000.0] {
            let needed = fewest_seeds(bound);
            let best = |seeds: u32| {
                // Ever larger in one direction: every factor near its limit.
                let grown: Vec<f64> = (0..seeds).map(|seed| 1e4_f64.powi(seed as i32)).collect();
                EProcess::of(&grown).unwrap().log_e().exp()
            };
            assert!(best(needed) > bound, "{bound}: {needed}");
            assert!(best(needed - 1) <= bound, "{bound}: {needed}");
        }
        assert_eq!(fewest_seeds(20.0), 7);
    }
}
