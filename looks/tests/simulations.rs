//! What watched verdicts do over thousands of simulated worlds, from fixed streams: a look after every seed from 5 to 50.

#![allow(clippy::unwrap_used)] // Helpers outside `#[test]` functions are tests too.

use looks::{
    Arm, Claim, EProcess, Family, Look, Seed, Settings, Verdict, planning_interval, verdicts,
};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

const WORLDS: usize = 2_000;

/// Distributions with mean 0 and standard deviation 1; all but one are symmetric.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Normal,
    /// Student's t with three degrees of freedom.
    HeavyTails,
    /// Two narrow peaks: seeds that succeed and seeds that collapse.
    TwoPeaks,
    Skewed,
}

struct World(ChaCha8Rng);

impl World {
    fn new(seed: u8) -> Self {
        Self(ChaCha8Rng::from_seed([seed; 32]))
    }

    fn uniform(&mut self) -> f64 {
        (f64::from(self.0.next_u32()) + 0.5) / 4_294_967_296.0
    }

    fn normal(&mut self) -> f64 {
        let angle = std::f64::consts::TAU * self.uniform();
        (-2.0 * self.uniform().ln()).sqrt() * angle.cos()
    }

    fn value(&mut self, kind: Kind) -> f64 {
        match kind {
            Kind::Normal => self.normal(),
            Kind::HeavyTails => {
                let squares: f64 = (0..3).map(|_| self.normal().powi(2)).sum();
                self.normal() / (squares / 3.0).sqrt() / 3.0_f64.sqrt()
            }
            Kind::TwoPeaks => {
                let sign = if self.uniform() < 0.5 { -1.0 } else { 1.0 };
                (sign + 0.1 * self.normal()) / 1.01_f64.sqrt()
            }
            Kind::Skewed => -self.uniform().ln() - 1.0,
        }
    }

    /// After how many seeds of 50 each world of one claim was decided, and how.
    fn decided(&mut self, kind: Kind, shift: f64) -> Vec<Option<(u32, Verdict)>> {
        let family = family(1);
        (0..WORLDS)
            .map(|_| {
                let seeds = (0..50)
                    .map(|_| Seed::Value(shift + self.value(kind)))
                    .collect();
                let arms = [arm(seeds), arm(vec![Seed::Value(0.0); 50])];
                let looks = family.replay(&arms).looks;
                decided_at(&looks)
            })
            .collect()
    }
}

fn arm(seeds: Vec<Seed>) -> Arm {
    Arm { seeds, work: 1 }
}

fn decided_at(looks: &[Look]) -> Option<(u32, Verdict)> {
    let last = looks.last().unwrap();
    last.verdict
        .is_decided()
        .then_some((last.seeds, last.verdict))
}

/// Of claims that arm 0 is above each other arm. No margin: what is asked is whether there is a difference.
fn family(claims: u32) -> Family {
    Family {
        settings: Settings {
            margin: 0.0,
            at_once: 50,
            ..Settings::up_to(50)
        },
        claims: (1..=claims).map(|right| Claim { left: 0, right }).collect(),
    }
}

fn share<T>(of: &[T], so: impl Fn(&T) -> bool) -> f64 {
    of.iter().filter(|item| so(item)).count() as f64 / of.len() as f64
}

#[test]
fn whoever_looks_after_every_seed_is_wrong_in_five_per_cent_at_most() {
    let mut world = World::new(1);
    for kind in [Kind::Normal, Kind::HeavyTails, Kind::TwoPeaks] {
        let decided = world.decided(kind, 0.0);
        let wrong = share(&decided, Option::is_some);
        assert!(wrong <= 0.05, "{kind:?}: {wrong}");
    }
    // Outside the assumption, as every report says.
    let skewed = share(&world.decided(Kind::Skewed, 0.0), Option::is_some);
    assert!((0.05..0.12).contains(&skewed), "{skewed}");
}

#[test]
fn true_differences_are_found() {
    let mut world = World::new(2);
    let large = world.decided(Kind::Normal, 1.0);
    let mut seeds: Vec<u32> = large.iter().flatten().map(|(seeds, _)| *seeds).collect();
    seeds.sort_unstable();
    let middle = seeds[seeds.len() / 2];
    assert!((12..=15).contains(&middle), "{middle}");
    assert!(share(&large, |found| matches!(found, Some((_, Verdict::Holds)))) > 0.98);
    let small = world.decided(Kind::Normal, -0.5);
    let found = share(&small, |found| matches!(found, Some((_, Verdict::Fails))));
    assert!((0.64..0.72).contains(&found), "{found}");
    assert!(share(&small, |found| matches!(found, Some((_, Verdict::Holds)))) < 0.01);
}

/// Three claims that share an arm, nothing true of any: one false verdict in the family is one too many.
#[test]
fn a_family_is_wrong_in_five_per_cent_at_most() {
    let mut world = World::new(3);
    let family = family(3);
    let wrong = (0..WORLDS)
        .filter(|_| {
            let arms: Vec<Arm> = (0..4)
                .map(|_| arm((0..50).map(|_| Seed::Value(world.normal())).collect()))
                .collect();
            let looks = family.replay(&arms).looks;
            let verdicts = verdicts(&family, &looks);
            verdicts.iter().any(|verdict| verdict.is_decided())
        })
        .count();
    assert!(wrong as f64 <= 0.05 * WORLDS as f64, "{wrong}");
}

/// Two claims, the first true: what is decided of it leaves the other one more room, and no more than that.
#[test]
fn a_null_claim_beside_a_true_one_is_judged_at_the_same_level() {
    let mut world = World::new(4);
    let family = family(2);
    let (mut wrong, mut found) = (0, 0);
    for _ in 0..WORLDS {
        let common: Vec<f64> = (0..50).map(|_| world.normal()).collect();
        let mut other = |shift: f64| {
            let seeds = common.iter().map(|value| value - shift + world.normal());
            arm(seeds.map(Seed::Value).collect())
        };
        let (behind, alike) = (other(1.0), other(0.0));
        let left = arm(common.iter().copied().map(Seed::Value).collect());
        let looks = family.replay(&[left, behind, alike]).looks;
        let verdicts = verdicts(&family, &looks);
        found += usize::from(verdicts[0] == Verdict::Holds);
        wrong += usize::from(verdicts[1].is_decided());
    }
    assert!(wrong as f64 <= 0.05 * WORLDS as f64, "{wrong}");
    assert!(found as f64 > 0.95 * WORLDS as f64, "{found}");
}

/// The planning interval leaves out the true difference at any look from 5 to 50 in five per cent of normal worlds at most, so
/// that "equal" is wrong no more often where the difference is the margin.
#[test]
fn the_planning_interval_holds_at_all_times_at_once() {
    let mut world = World::new(5);
    let missed = (0..WORLDS)
        .filter(|_| {
            let differences: Vec<f64> = (0..50).map(|_| world.normal()).collect();
            (5..=50).any(|n| {
                let found = planning_interval(&differences[..n], 0.05).unwrap();
                found.low > 0.0 || found.high < 0.0
            })
        })
        .count();
    assert!(missed as f64 <= 0.05 * WORLDS as f64, "{missed}");
}

/// The expected growth is what a seed adds on average, near enough to plan by.
#[test]
fn growth_is_foreseen() {
    let mut world = World::new(6);
    let (mut foreseen, mut grown) = (0.0, 0.0);
    for _ in 0..500 {
        let differences: Vec<f64> = (0..40).map(|_| 0.7 + world.normal()).collect();
        let before = EProcess::of(&differences[..20]).unwrap();
        let after = EProcess::of(&differences).unwrap();
        foreseen += before.expected_growth(&differences[..20]);
        grown += (after.log_e() - before.log_e()) / 20.0;
    }
    let ratio = foreseen / grown;
    assert!((0.8..1.4).contains(&ratio), "{ratio}");
}
