//! Our statistics against NumPy's and SciPy's, recorded by `fixtures/statistics.py`.

#![allow(clippy::unwrap_used)] // Helpers outside `#[test]` functions are tests too.

use serde::Deserialize;
use statistics::{
    Interval, bootstrap_interval, clopper_pearson, cohens_d_paired, compare_spreads,
    equivalence_test, holm, incomplete_beta, interquartile_mean, mean, mean_interval,
    mean_interval_at, normal_quantile, performance_profile, permutation_test,
    probability_of_improvement, quantile, sample_std, student_cdf, student_quantile, student_tail,
    wilcoxon_signed_rank,
};

#[derive(Deserialize)]
struct Fixture {
    location: Vec<Location>,
    paired: Vec<Paired>,
    improvement: Vec<Improvement>,
    holm: Holm,
    normal: Vec<Normal>,
    student: Vec<Student>,
    distribution: Vec<Distribution>,
    beta: Vec<Beta>,
    counts: Vec<Count>,
    means: Vec<Mean>,
    tied: Vec<Tied>,
}
#[derive(Deserialize)]
struct Student {
    p: f64,
    degrees: f64,
    t: f64,
}
#[derive(Deserialize)]
struct Distribution {
    t: f64,
    degrees: f64,
    cdf: f64,
    tail: f64,
}
#[derive(Deserialize)]
struct Beta {
    a: f64,
    b: f64,
    x: f64,
    value: f64,
}
#[derive(Deserialize)]
struct Count {
    k: usize,
    n: usize,
    low: f64,
    high: f64,
}
#[derive(Deserialize)]
struct Mean {
    values: Vec<f64>,
    interval: [f64; 2],
    narrow: [f64; 2],
    equivalence: f64,
    left: Vec<f64>,
    right: Vec<f64>,
    spread: Option<f64>,
}
#[derive(Deserialize)]
struct Tied {
    differences: Vec<f64>,
    wilcoxon: f64,
}
#[derive(Deserialize)]
struct Location {
    values: Vec<f64>,
    mean: f64,
    std: Option<f64>,
    iqm: f64,
    quantiles: Vec<f64>,
    /// Low, high, and the Monte-Carlo error of each.
    interval: Option<[f64; 4]>,
}
#[derive(Deserialize)]
struct Paired {
    differences: Vec<f64>,
    wilcoxon: f64,
    permutation: Option<f64>,
    d: f64,
}
#[derive(Deserialize)]
struct Improvement {
    left: Vec<f64>,
    right: Vec<f64>,
    probability: f64,
}
#[derive(Deserialize)]
struct Holm {
    p: Vec<f64>,
    adjusted: Vec<f64>,
    family: usize,
    in_family: Vec<f64>,
}
#[derive(Deserialize)]
struct Normal {
    p: f64,
    z: f64,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("fixtures/statistics.json")).unwrap()
}

#[track_caller]
fn close(ours: f64, theirs: f64, tolerance: f64) {
    let scale = theirs.abs().max(1.0);
    assert!(
        (ours - theirs).abs() <= tolerance * scale,
        "{ours} instead of {theirs}"
    );
}

#[test]
fn location_and_spread_are_numpys() {
    for case in fixture().location {
        close(mean(&case.values).unwrap(), case.mean, 1e-14);
        assert_eq!(sample_std(&case.values).is_some(), case.std.is_some());
        if let Some(std) = case.std {
            close(sample_std(&case.values).unwrap(), std, 1e-14);
        }
        close(interquartile_mean(&case.values).unwrap(), case.iqm, 1e-14);
        let mut sorted = case.values.clone();
        sorted.sort_by(f64::total_cmp);
        for (share, expected) in [0.0, 0.025, 0.3, 0.5, 0.975, 1.0]
            .into_iter()
            .zip(case.quantiles)
        {
            close(quantile(&sorted, share).unwrap(), expected, 1e-14);
        }
    }
}

#[test]
fn nothing_has_no_statistics() {
    assert_eq!(mean(&[]), None);
    assert_eq!(sample_std(&[0.7]), None);
    assert_eq!(interquartile_mean(&[]), None);
    assert_eq!(quantile(&[], 0.5), None);
    assert_eq!(wilcoxon_signed_rank(&[0.0, 0.0]), None);
    assert_eq!(permutation_test(&[]), None);
    assert_eq!(probability_of_improvement(&[], &[1.0]), None);
    assert_eq!(cohens_d_paired(&[0.1, 0.1]), None);
}

/// Both ends within four Monte-Carlo errors of SciPy's BCa interval.
#[test]
fn bootstrap_intervals_are_scipys_within_monte_carlo_error() {
    let mut compared = 0;
    for case in fixture().location {
        let Some([low, high, low_error, high_error]) = case.interval else {
            continue;
        };
        let ours = of_mean(&case.values).unwrap();
        assert!(
            (ours.low - low).abs() < 4.0 * low_error,
            "{} instead of {low}, {low_error}",
            ours.low
        );
        assert!(
            (ours.high - high).abs() < 4.0 * high_error,
            "{} instead of {high}, {high_error}",
            ours.high
        );
        compared += 1;
    }
    assert!(compared >= 5);
}

fn of_mean(values: &[f64]) -> Option<Interval> {
    bootstrap_interval(&[values], |drawn| mean(&drawn[0]))
}

#[track_caller]
fn near(ours: f64, theirs: f64, relative: f64) {
    assert!(
        (ours - theirs).abs() <= relative * theirs.abs(),
        "{ours:e} instead of {theirs:e}"
    );
}

#[test]
fn students_distribution_is_scipys() {
    let fixture = fixture();
    for case in fixture.student {
        if case.p == 0.5 {
            assert_eq!(student_quantile(case.p, case.degrees), 0.0);
        } else {
            near(student_quantile(case.p, case.degrees), case.t, 1e-12);
        }
    }
    for case in fixture.distribution {
        near(student_cdf(case.t, case.degrees), case.cdf, 1e-12);
        near(student_tail(case.t, case.degrees), case.tail, 1e-12);
    }
    for case in fixture.beta {
        let ours = incomplete_beta(case.x, 1.0 - case.x, case.a, case.b);
        near(ours, case.value, 1e-11);
    }
}

#[test]
fn intervals_and_equivalence_are_scipys() {
    for case in fixture().means {
        for (ours, theirs) in [
            (mean_interval(&case.values), case.interval),
            (mean_interval_at(&case.values, 0.9), case.narrow),
        ] {
            let ours = ours.unwrap();
            close(ours.low, theirs[0], 1e-14);
            close(ours.high, theirs[1], 1e-14);
        }
        near(
            equivalence_test(&case.values, 0.01).unwrap(),
            case.equivalence,
            1e-11,
        );
        let pairs: Vec<(f64, f64)> = case.left.into_iter().zip(case.right).collect();
        let spread = compare_spreads(&pairs).unwrap().p;
        assert_eq!(spread.is_some(), case.spread.is_some());
        if let (Some(ours), Some(theirs)) = (spread, case.spread) {
            near(ours, theirs, 1e-11);
        }
    }
}

#[test]
fn exact_intervals_of_shares_are_scipys() {
    for case in fixture().counts {
        let ours = clopper_pearson(case.k, case.n).unwrap();
        close(ours.low, case.low, 1e-12);
        close(ours.high, case.high, 1e-12);
        assert!(ours.low < ours.high, "{} of {}", case.k, case.n);
    }
    assert_eq!(clopper_pearson(0, 0), None);
    assert_eq!(clopper_pearson(3, 2), None);
}

/// Differences that are equal in decimals are ties, whatever their last bits: p is that of the whole numbers behind them.
#[test]
fn differences_of_decimals_have_the_ties_of_their_decimals() {
    let thousandths: [(i32, i32); 10] = [
        (708, 700),
        (716, 708),
        (731, 723),
        (645, 653),
        (692, 677),
        (713, 698),
        (701, 693),
        (688, 680),
        (655, 655),
        (720, 704),
    ];
    let decimals: Vec<f64> = thousandths
        .iter()
        .map(|(left, right)| f64::from(*left) / 1000.0 - f64::from(*right) / 1000.0)
        .collect();
    let whole: Vec<f64> = thousandths
        .iter()
        .map(|(left, right)| f64::from(left - right))
        .collect();
    assert_eq!(
        wilcoxon_signed_rank(&decimals),
        wilcoxon_signed_rank(&whole)
    );
}

#[test]
fn wilcoxon_with_zeros_and_ties_is_the_count_of_sign_patterns() {
    for case in fixture().tied {
        near(
            wilcoxon_signed_rank(&case.differences).unwrap(),
            case.wilcoxon,
            1e-13,
        );
    }
}

#[test]
fn paired_tests_are_scipys() {
    for case in fixture().paired {
        close(
            wilcoxon_signed_rank(&case.differences).unwrap(),
            case.wilcoxon,
            1e-10,
        );
        if let Some(permutation) = case.permutation {
            close(
                permutation_test(&case.differences).unwrap(),
                permutation,
                1e-12,
            );
        }
        close(cohens_d_paired(&case.differences).unwrap(), case.d, 1e-13);
    }
}

/// Drawn sign patterns come near the normal approximation, which is good at such n.
#[test]
fn the_drawn_permutation_test_agrees_with_theory() {
    for case in fixture()
        .paired
        .into_iter()
        .filter(|case| case.permutation.is_none())
    {
        let n = case.differences.len() as f64;
        let squares: f64 = case.differences.iter().map(|value| value * value).sum();
        let z = case.differences.iter().sum::<f64>().abs() / squares.sqrt();
        let expected = 2.0 * statistics::normal_cdf(-z);
        let ours = permutation_test(&case.differences).unwrap();
        assert!(
            (ours - expected).abs() < 0.02,
            "{ours} instead of about {expected} at n = {n}"
        );
    }
}

#[test]
fn probability_of_improvement_is_mann_whitneys() {
    for case in fixture().improvement {
        close(
            probability_of_improvement(&case.left, &case.right).unwrap(),
            case.probability,
            1e-14,
        );
    }
}

#[test]
fn holms_correction_is_its_definition() {
    let case = fixture().holm;
    let mut p: Vec<Option<f64>> = case.p.iter().copied().map(Some).collect();
    p.insert(2, None);
    // Of five tests, and of nine that were set out to be made and of which five have a p.
    for (family, expected) in [(5, case.adjusted), (case.family, case.in_family)] {
        let mut adjusted = holm(&p, family);
        assert_eq!(adjusted.remove(2), None);
        for (ours, theirs) in adjusted.into_iter().zip(expected) {
            close(ours.unwrap(), theirs, 1e-15);
        }
    }
    // A family is never smaller than its tests.
    assert_eq!(holm(&p, 0), holm(&p, 5));
}

#[test]
fn normal_quantiles_are_scipys() {
    for case in fixture().normal {
        close(normal_quantile(case.p), case.z, 1e-13);
    }
    assert_eq!(normal_quantile(0.0), f64::NEG_INFINITY);
    assert_eq!(normal_quantile(1.0), f64::INFINITY);
}

#[test]
fn a_profile_falls_from_all_to_none() {
    let profile =
        performance_profile(&[0.6, 0.7, 0.7, 0.8], &[0.5, 0.6, 0.65, 0.7, 0.75, 0.9]).unwrap();
    assert_eq!(profile, [1.0, 1.0, 0.75, 0.75, 0.25, 0.0]);
}
