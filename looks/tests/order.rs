//! The same numbers give the same seeds and verdicts, whoever finishes first.

#![allow(clippy::unwrap_used)] // Helpers outside `#[test]` functions are tests too.

use looks::{Arm, Claim, ClaimText, Family, Look, Round, Seed, Settings, Verdict, verdicts};
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// What each seed of each arm gives.
type Truth = Vec<Vec<Seed>>;

fn begin(family: &Family, truth: &Truth) -> Vec<Arm> {
    let arm = |index: usize| Arm {
        seeds: vec![Seed::Waiting; family.settings.min as usize],
        work: 1 + index as u64 * 7,
    };
    (0..truth.len()).map(arm).collect()
}

/// Runs all seeds that are asked for, at most `workers` at a time, each ending when the stream of numbers says so.
fn run(family: &Family, truth: &Truth, workers: usize, stream: u64) -> (Vec<Look>, Vec<usize>) {
    let mut random = ChaCha8Rng::seed_from_u64(stream);
    let mut arms = begin(family, truth);
    let mut looks: Vec<Look> = Vec::new();
    let mut running: Vec<(usize, usize)> = Vec::new();
    loop {
        while let Some(Round { looks: new, seeds }) = family.next(&arms, &looks, true) {
            looks.extend(new);
            for (arm, seeds) in seeds {
                arms[arm as usize]
                    .seeds
                    .resize(seeds as usize, Seed::Waiting);
            }
        }
        let mut open: Vec<(usize, usize)> = Vec::new();
        for (arm, state) in arms.iter().enumerate() {
            let waiting = (0..state.seeds.len()).filter(|seed| state.seeds[*seed] == Seed::Waiting);
            open.extend(waiting.map(|seed| (arm, seed)));
        }
        open.retain(|job| !running.contains(job));
        while running.len() < workers && !open.is_empty() {
            let next = random.next_u32() as usize % open.len();
            running.push(open.swap_remove(next));
        }
        if running.is_empty() {
            return (looks, arms.iter().map(|arm| arm.seeds.len()).collect());
        }
        let (arm, seed) = running.swap_remove(random.next_u32() as usize % running.len());
        arms[arm].seeds[seed] = truth[arm][seed];
    }
}

fn worlds() -> impl Strategy<Value = (Family, Truth)> {
    let claims = prop::collection::vec((0..4_u32, 1..4_u32), 1..5);
    let shifts = prop::collection::vec(-1.5..1.5_f64, 4);
    (claims, shifts, 1..6_u32, 0..2_u32, 0..3_u32, any::<u64>()).prop_map(
        |(claims, shifts, at_once, margin, lost, stream)| {
            let mut random = ChaCha8Rng::seed_from_u64(stream);
            let mut uniform = move || f64::from(random.next_u32()) / f64::from(u32::MAX);
            let mut truth: Truth = shifts
                .iter()
                .map(|shift| (0..24).map(|_| Seed::Value(shift + uniform())).collect())
                .collect();
            for lost in 0..lost as usize {
                truth[lost][7 + 3 * lost] = Seed::Lost;
            }
            let claims = claims.into_iter().map(|(left, step)| Claim {
                left,
                right: (left + step) % 4,
            });
            let family = Family {
                settings: Settings {
                    at_once,
                    margin: f64::from(margin) * 0.3,
                    ..Settings::up_to(24)
                },
                claims: claims.collect(),
            };
            (family, truth)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_order_on_any_number_of_workers_gives_the_same_seeds_and_verdicts(
        (family, truth) in worlds(), streams in prop::collection::vec((1..11_usize, any::<u64>()), 3)
    ) {
        let (looks, seeds) = run(&family, &truth, 1, 0);
        for (workers, stream) in streams {
            prop_assert_eq!(&run(&family, &truth, workers, stream), &(looks.clone(), seeds.clone()));
        }
        // What was run is all that a report has: it finds the same looks.
        let arms: Vec<Arm> = begin(&family, &truth)
            .into_iter()
            .zip(&truth)
            .zip(&seeds)
            .map(|((arm, truth), seeds)| Arm { seeds: truth[..*seeds].to_vec(), ..arm })
            .collect();
        let replayed = family.replay(&arms);
        prop_assert_eq!((&replayed.looks, &replayed.seeds), (&looks, &seeds));
        prop_assert_eq!(family.verify(&arms, &looks), []);
        // Nothing is left open that could have gone on, and no claim is looked at twice after its verdict.
        let verdicts = verdicts(&family, &looks);
        for (index, claim) in family.claims.iter().enumerate() {
            let own: Vec<&Look> = looks.iter().filter(|look| look.claim as usize == index).collect();
            let decided = own.iter().position(|look| look.verdict.is_decided());
            prop_assert!(decided.is_none_or(|at| at + 1 == own.len()));
            let reached = seeds[claim.left as usize].min(seeds[claim.right as usize]);
            let has_lost = [claim.left, claim.right].iter().any(|arm| {
                truth[*arm as usize][..reached].contains(&Seed::Lost)
            });
            prop_assert!(verdicts[index] != Verdict::Undecided || reached == 24 || has_lost);
        }
    }
}

fn values(shift: f64, seeds: usize) -> Arm {
    let value = |seed: usize| Seed::Value(shift + 0.01 * ((seed * 7) % 5) as f64);
    Arm {
        seeds: (0..seeds).map(value).collect(),
        work: 10,
    }
}

fn two_claims(at_once: u32) -> Family {
    let claim = |left, right| Claim { left, right };
    Family {
        settings: Settings {
            at_once,
            margin: 0.001,
            ..Settings::up_to(60)
        },
        claims: vec![claim(0, 1), claim(2, 3)],
    }
}

/// Alternating differences on the left claim, a clear one on the right: the clear one is nearer to its end.
fn uneven() -> Vec<Arm> {
    let mut noise = values(0.0, 5);
    for (seed, value) in noise.seeds.iter_mut().enumerate() {
        *value = Seed::Value(if seed % 2 == 0 { 0.05 } else { -0.05 });
    }
    vec![
        noise,
        Arm {
            seeds: vec![Seed::Value(0.0); 5],
            work: 10,
        },
        values(0.2, 5),
        Arm {
            seeds: vec![Seed::Value(0.0); 5],
            work: 10,
        },
    ]
}

#[test]
fn the_seed_goes_where_the_evidence_grows_fastest_for_its_cost() {
    let mut arms = uneven();
    let round = two_claims(1).next(&arms, &[], true).unwrap();
    assert_eq!(round.looks.len(), 2);
    assert_eq!(round.seeds, [(2, 6), (3, 6)].into());
    // A thousand times as dear: the other one first.
    arms[2].work = 100_000;
    arms[0].seeds = (0..5)
        .map(|seed| Seed::Value([0.05, 0.05, 0.04, -0.02, 0.05][seed]))
        .collect();
    let round = two_claims(1).next(&arms, &[], true).unwrap();
    assert_eq!(round.seeds, [(0, 6), (1, 6)].into());
    // Each gets one before any gets a second.
    let round = two_claims(3).next(&arms, &[], true).unwrap();
    assert_eq!(round.seeds, [(0, 7), (1, 7), (2, 6), (3, 6)].into());
}

#[test]
fn a_shared_arm_counts_for_all_its_claims() {
    let claim = |left, right| Claim { left, right };
    let family = Family {
        claims: vec![claim(0, 1), claim(2, 3), claim(2, 4)],
        ..two_claims(1)
    };
    let zeros = || Arm {
        seeds: vec![Seed::Value(0.0); 5],
        work: 10,
    };
    // Arms 3 and 4 have a seed ahead: one seed of arm 2 helps both of its claims.
    let ahead = || Arm {
        seeds: vec![Seed::Value(0.0); 6],
        work: 10,
    };
    let arms = [values(0.2, 5), zeros(), values(0.1, 5), ahead(), ahead()];
    let round = family.next(&arms, &[], true).unwrap();
    assert_eq!(round.seeds, [(2, 6)].into());
}

#[test]
fn nothing_is_said_before_every_seed_of_an_undecided_claim_has_ended() {
    let mut arms = uneven();
    arms[3].seeds[1] = Seed::Waiting;
    assert_eq!(two_claims(1).next(&arms, &[], true), None);
    // One that is lost is not waited for; its claim is not looked at, and gets no seed.
    arms[3].seeds[1] = Seed::Lost;
    let round = two_claims(1).next(&arms, &[], true).unwrap();
    assert_eq!(round.looks.len(), 1);
    assert_eq!(round.seeds, [(0, 6), (1, 6)].into());
    // It was run again.
    arms[3].seeds[1] = Seed::Value(0.0);
    let round = two_claims(1).next(&arms, &round.looks, true).unwrap();
    assert_eq!((round.looks.len(), round.looks[0].claim), (1, 1));
}

#[test]
fn a_sweep_that_adds_no_seeds_is_looked_at_all_the_same() {
    let family = two_claims(1);
    let round = family.next(&uneven(), &[], false).unwrap();
    assert_eq!((round.looks.len(), round.seeds.len()), (2, 0));
    assert_eq!(family.next(&uneven(), &round.looks, false), None);
}

#[test]
fn arms_that_are_alike_are_equal_at_the_first_look() {
    let arms = [
        values(0.2, 5),
        values(0.2, 5),
        values(0.1, 5),
        values(0.1001, 5),
    ];
    let round = two_claims(1).next(&arms, &[], true).unwrap();
    let verdicts: Vec<Verdict> = round.looks.iter().map(|look| look.verdict).collect();
    assert_eq!(verdicts, [Verdict::Equal, Verdict::Equal]);
    assert!(round.seeds.is_empty());
}

#[test]
fn looks_keep_their_words_in_a_journal() {
    let look = Look {
        step: 3,
        claim: 1,
        seeds: 7,
        log_e: 0.5,
        verdict: Verdict::Undecided,
    };
    let line = r#"{"step":3,"claim":1,"seeds":7,"log_e":0.5}"#;
    assert_eq!(serde_json::to_string(&look).unwrap(), line);
    assert_eq!(serde_json::from_str::<Look>(line).unwrap(), look);
    let decided = serde_json::to_string(&Look {
        verdict: Verdict::Holds,
        ..look
    })
    .unwrap();
    assert_eq!(
        decided,
        r#"{"step":3,"claim":1,"seeds":7,"log_e":0.5,"verdict":"holds"}"#
    );
}

#[test]
fn looks_that_the_numbers_do_not_give_are_named() {
    let (family, arms) = (two_claims(1), uneven());
    let looks = family.next(&arms, &[], true).unwrap().looks;
    assert_eq!(family.verify(&arms, &looks), []);
    let mut other = arms.clone();
    other[0].seeds[2] = Seed::Value(0.2);
    let found = family.verify(&other, &looks);
    assert_eq!((found.len(), found[0].kept), (1, looks[0]));
    let text = ClaimText {
        left: "A".into(),
        right: "B".into(),
        place: vec![("dataset".into(), "d".into())],
    };
    let sentence = found[0].sentence(&text);
    assert!(
        sentence.contains("A > B where dataset = d") && sentence.contains("after 5 seeds"),
        "{sentence}"
    );
    other[0].seeds[2] = Seed::Lost;
    let found = family.verify(&other, &looks);
    assert_eq!(found[0].found, None);
    let mut decided = looks.clone();
    decided[1].verdict = Verdict::Holds;
    let found = family.verify(&arms, &decided);
    assert_eq!(found[0].found.unwrap().verdict, Verdict::Undecided);
}

#[test]
fn claims_are_a_family_by_their_words() {
    let text = |left: &str, right: &str| ClaimText {
        left: left.into(),
        right: right.into(),
        place: Vec::new(),
    };
    let texts = [text("A", "B"), text("C", "B")];
    let (family, arms) = Family::of_texts(Settings::up_to(9), &texts);
    let pairs: Vec<(u32, u32)> = family
        .claims
        .iter()
        .map(|claim| (claim.left, claim.right))
        .collect();
    assert_eq!(pairs, [(0, 1), (2, 1)]);
    let names: Vec<&str> = arms.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["A", "B", "C"]);
}
