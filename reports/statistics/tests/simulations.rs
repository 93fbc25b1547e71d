//! What intervals and verdicts do over thousands of simulated worlds, from fixed streams.

#![allow(clippy::unwrap_used)] // Helpers outside `#[test]` functions are tests too.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use statistics::{
    Agreement, Direction, Hypothesis, Question, Reference, Rule, Verdict, agreement,
    bootstrap_interval, clopper_pearson, compare_spreads, decide, decide_family,
    interquartile_mean, mean, mean_interval, mean_intervals, normal_quantile, sample_std,
    visible_ratio,
};

const WORLDS: usize = 4_000;

/// Distributions with mean 0; all are symmetric.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Normal,
    /// Student's t with three degrees of freedom: heavy tails.
    HeavyTails,
    /// Two normal peaks, three of their standard deviations apart.
    TwoPeaks,
    /// Two narrow peaks, far apart: seeds that succeed and seeds that collapse.
    FarPeaks,
}
use Kind::{FarPeaks, HeavyTails, Normal, TwoPeaks};

struct World(ChaCha8Rng);

impl World {
    fn new(seed: u8) -> Self {
        Self(ChaCha8Rng::from_seed([seed; 32]))
    }

    fn uniform(&mut self) -> f64 {
        (f64::from(self.0.next_u32()) + 0.5) / 4_294_967_296.0
    }

    fn value(&mut self, kind: Kind) -> f64 {
        let uniform = self.uniform();
        match kind {
            Normal => normal_quantile(uniform),
            HeavyTails => {
                let squares: f64 = (0..3).map(|_| self.value(Normal).powi(2)).sum();
                normal_quantile(uniform) / (squares / 3.0).sqrt()
            }
            TwoPeaks | FarPeaks => {
                let sign = if self.uniform() < 0.5 { -1.0 } else { 1.0 };
                let (peak, width) = if kind == TwoPeaks {
                    (1.5, 1.0)
                } else {
                    (1.0, 0.1)
                };
                sign * peak + width * normal_quantile(uniform)
            }
        }
    }

    fn values(&mut self, kind: Kind, n: usize) -> Vec<f64> {
        (0..n).map(|_| self.value(kind)).collect()
    }

    /// The share of worlds in which something is so.
    fn share(&mut self, mut so: impl FnMut(&mut Self) -> bool) -> f64 {
        (0..WORLDS).filter(|_| so(self)).count() as f64 / WORLDS as f64
    }
}

/// The bootstrap interval of an interquartile mean covers somewhat less than 95% of normal worlds from six runs on, as the
/// page says of it, and not far less.
#[test]
fn intervals_of_interquartile_means_cover_nearly_what_they_say() {
    let mut world = World::new(11);
    for n in [6, 10, 20] {
        let worlds = 400;
        let covered = (0..worlds)
            .filter(|_| {
                let values = world.values(Normal, n);
                let found = bootstrap_interval(&[&values], |drawn| interquartile_mean(&drawn[0]));
                let found = found.unwrap();
                found.low <= 0.0 && found.high >= 0.0
            })
            .count();
        let share = covered as f64 / f64::from(worlds);
        assert!(share >= 0.88, "{share} at n = {n}");
    }
}

/// The 95% interval of a mean covers it in 93% of normal worlds at least, and in 90% of others.
#[test]
fn intervals_cover_the_mean() {
    let mut world = World::new(1);
    for (kind, sizes, least) in [
        (Normal, &[3, 5, 6, 10, 20, 40][..], 0.935),
        (HeavyTails, &[3, 5, 6, 10, 20, 40], 0.90),
        (TwoPeaks, &[3, 5, 6, 10, 20, 40], 0.90),
        // At n = 3 all values lie on one peak in a quarter of the worlds.
        (FarPeaks, &[5, 6, 10, 20, 40], 0.90),
    ] {
        for n in sizes {
            let covered = world.share(|world| {
                let interval = mean_interval(&world.values(kind, *n)).unwrap();
                interval.low <= 0.0 && interval.high >= 0.0
            });
            assert!(covered >= least, "{kind:?}, n = {n}: {covered}");
        }
    }
}

/// "Better" between methods that are alike: at most α, whatever the distribution, alone and in a family.
#[test]
fn nobody_is_better_where_both_are_alike() {
    let mut world = World::new(2);
    let better = |verdict| matches!(verdict, Verdict::Holds | Verdict::Fails);
    for kind in [Normal, HeavyTails, TwoPeaks, FarPeaks] {
        for n in [5, 6, 8, 10, 20] {
            let wrong = world.share(|world| {
                // Differences of a tenth of a point, or of ten points: the margin does not matter.
                let differences = world.values(kind, n);
                better(decide(&differences, Rule::of(1)).verdict)
            });
            assert!(wrong <= 0.055, "{kind:?}, n = {n}: {wrong}");
        }
        let wrong = world.share(|world| {
            let arms: Vec<Vec<f64>> = (0..5).map(|_| world.values(kind, 12)).collect();
            let pairs: Vec<Vec<(f64, f64)>> = (0..5)
                .flat_map(|left| (0..left).map(move |right| (left, right)))
                .map(|(left, right)| {
                    arms[left]
                        .iter()
                        .zip(&arms[right])
                        .map(|(left, right)| (*left, *right))
                        .collect()
                })
                .collect();
            let hypotheses: Vec<Hypothesis<'_>> = pairs
                .iter()
                .map(|pairs| Hypothesis {
                    question: Question::Above,
                    pairs,
                })
                .collect();
            decide_family(&hypotheses, Rule::of(10))
                .iter()
                .any(|decision| better(decision.verdict))
        });
        assert!(wrong <= 0.055, "{kind:?}, all pairs of five: {wrong}");
    }
}

/// A difference that is there is seen, and on the right side.
#[test]
fn the_better_one_is_called_better() {
    let mut world = World::new(3);
    for kind in [Normal, HeavyTails] {
        let (mut right, mut wrong) = (0.0, 0.0);
        for side in [1.0, -1.0] {
            let mut count = |verdict| {
                world.share(|world| {
                    let differences: Vec<f64> = world
                        .values(kind, 15)
                        .into_iter()
                        .map(|value| 0.02 * value + side * 0.03)
                        .collect();
                    decide(&differences, Rule::of(1)).verdict == verdict
                })
            };
            let (holds, fails) = (count(Verdict::Holds), count(Verdict::Fails));
            right += if side > 0.0 { holds } else { fails } / 2.0;
            wrong += if side > 0.0 { fails } else { holds } / 2.0;
        }
        assert!(right > 0.7 && wrong < 0.001, "{kind:?}: {right}, {wrong}");
    }
}

/// Most seeds a little ahead and a few that collapse: where a verdict is given its mean and its ranks are on one side, and
/// the direction is always the ranks'.
#[test]
fn no_verdict_goes_against_mean_or_ranks() {
    let mut world = World::new(4);
    let mut disagreements = 0;
    for _ in 0..WORLDS {
        let differences: Vec<f64> = (0..20)
            .map(|_| {
                let noise = 0.003 * world.value(Normal);
                if world.uniform() < 0.1 {
                    -0.4 + noise
                } else {
                    0.01 + noise
                }
            })
            .collect();
        let decision = decide(&differences, Rule::of(1));
        let center = mean(&differences).unwrap();
        match decision.verdict {
            Verdict::Holds => assert!(center > 0.0 && decision.direction == Direction::Left),
            Verdict::Fails => assert!(center < 0.0 && decision.direction == Direction::Right),
            _ => {}
        }
        if decision.mean_disagrees() && center < 0.0 {
            disagreements += 1;
            assert_eq!(decision.direction, Direction::Left);
            assert_eq!(decision.verdict, Verdict::Undecided);
            let words = decision.why("ours", "theirs");
            let expected = format!(
                "ours is ahead in {} of 20 seeds, its mean is not",
                decision.ahead
            );
            assert!(words.starts_with(&expected), "{words}");
        }
    }
    assert!(disagreements > WORLDS / 4, "{disagreements}");
}

/// "Varies less" between methods that vary alike: at most 5.5%, with heavy tails too, and whether the seeds share anything
/// or nothing.
#[test]
fn nobody_varies_less_where_both_vary_alike() {
    let mut world = World::new(5);
    for kind in [Normal, HeavyTails, TwoPeaks] {
        for n in [6, 10, 20] {
            for shared in [0.0, 1.0] {
                let wrong = world.share(|world| {
                    let pairs: Vec<(f64, f64)> = (0..n)
                        .map(|_| {
                            let both = shared * world.value(kind);
                            (both + world.value(kind), both + world.value(kind))
                        })
                        .collect();
                    compare_spreads(&pairs).unwrap().p.unwrap() < 0.05
                });
                assert!(
                    wrong <= 0.058,
                    "{kind:?}, n = {n}, shared {shared}: {wrong}"
                );
            }
        }
    }
}

/// The power that the page names is the power that there is.
#[test]
fn the_visible_ratio_is_seen_in_four_of_five_worlds() {
    let mut world = World::new(6);
    for (n, level) in [(10, 0.05), (20, 0.05), (30, 0.0025)] {
        let ratio = visible_ratio(n, level).unwrap();
        let seen = world.share(|world| {
            let pairs: Vec<(f64, f64)> = (0..n)
                .map(|_| (ratio * world.value(Normal), world.value(Normal)))
                .collect();
            let found = compare_spreads(&pairs).unwrap();
            found.difference < 0.0 && found.p.unwrap() < level
        });
        assert!(
            (0.77..0.83).contains(&seen),
            "n = {n}: {ratio} is seen in {seen}"
        );
    }
}

/// "The same", where the difference is exactly the margin: at most 5%. So is "within" a published band at its edge, and
/// "above" or "below" at most 2.5%.
#[test]
fn nothing_is_the_same_at_the_margin() {
    let mut world = World::new(7);
    for kind in [Normal, HeavyTails, TwoPeaks] {
        for n in [5, 6, 10, 20] {
            for scale in [0.002, 0.005, 0.02] {
                let mut equal = [0, 0, 0, 0];
                for _ in 0..WORLDS {
                    let differences: Vec<f64> = world
                        .values(kind, n)
                        .into_iter()
                        .map(|value| 0.01 + scale * value)
                        .collect();
                    let pairs: Vec<(f64, f64)> =
                        differences.iter().map(|value| (0.5 + value, 0.5)).collect();
                    let claim = Hypothesis {
                        question: Question::Same,
                        pairs: &pairs,
                    };
                    let claim = &decide_family(&[claim], Rule::of(1))[0];
                    let published = Reference {
                        value: 0.0,
                        margin: 0.01,
                    };
                    let (center, std) = (mean(&differences), sample_std(&differences));
                    let ours = mean_intervals(n, center.unwrap(), std.unwrap());
                    let judged = agreement(ours, published);
                    equal[0] += usize::from(decide(&differences, Rule::of(1)).equal());
                    equal[1] += usize::from(claim.verdict == Verdict::Holds);
                    equal[2] += usize::from(judged == Agreement::Within);
                    equal[3] += usize::from(judged == Agreement::Above);
                }
                let share = equal.map(|count| count as f64 / WORLDS as f64);
                // Two peaks are not what Student's test is made for: a point more.
                let most = if kind == TwoPeaks { 0.065 } else { 0.058 };
                assert!(
                    share[..3].iter().all(|share| *share <= most) && share[3] <= most - 0.02,
                    "{kind:?}, n = {n}, scale {scale}: {share:?}"
                );
            }
        }
    }
}

/// Clopper and Pearson's interval covers every probability.
#[test]
fn shares_are_covered() {
    let mut world = World::new(8);
    for n in [5, 10, 30] {
        let intervals: Vec<_> = (0..=n).map(|k| clopper_pearson(k, n).unwrap()).collect();
        for probability in [0.01, 0.1, 0.3, 0.5, 0.8, 0.97] {
            let covered = world.share(|world| {
                let k = (0..n).filter(|_| world.uniform() < probability).count();
                intervals[k].low <= probability && probability <= intervals[k].high
            });
            assert!(covered >= 0.943, "{probability} of {n}: {covered}");
        }
    }
}
