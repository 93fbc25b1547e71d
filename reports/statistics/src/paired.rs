//! Comparisons of two methods over the same seeds.
//!
//! The seed pairs two runs. Where the methods draw alike (the same networks, the same order of the data) the pair shares
//! what was drawn, and differences per seed say more than the two means; elsewhere pairing costs little.
//! p-values are exact wherever the number of sign patterns allows it.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use looks::statistics::{Interval, mean, mean_interval, normal_cdf, sample_std};

/// Below this many pairs no two-sided test can reach p < 0.05, whatever the differences (2/2⁵ = 0.0625).
pub const SMALLEST_PAIRS: usize = 6;
/// Up to this many pairs all sign patterns are enumerated (2²⁰ of them at most).
const EXACT_PAIRS: usize = 20;
/// Sign patterns drawn where they cannot be enumerated: at most and at least so many, and in between as many as make so many
/// flips. Two thousand tell 0.05 from 0.03; with so many pairs the means have decided long before.
const DRAWN_PATTERNS: (usize, usize) = (2_000, 100_000);
const DRAWN_FLIPS: usize = 4_000_000;

/// Two methods over the same seeds: `left − right`.
#[derive(Debug, Clone, PartialEq)]
pub struct PairedComparison {
    /// Pairs: seeds that finished on both sides.
    pub pairs: usize,
    /// Mean difference.
    pub mean: f64,
    /// Sample standard deviation of the differences.
    pub std: Option<f64>,
    /// Student's 95% interval of the mean difference.
    pub interval: Option<Interval>,
    /// Pairs in which left is ahead.
    pub wins: usize,
    /// Pairs that are equal.
    pub ties: usize,
    /// Cohen's d of paired data: mean over std of the differences.
    pub effect: Option<f64>,
    /// Two-sided p of the Wilcoxon signed-rank test; `None` below [`SMALLEST_PAIRS`].
    pub wilcoxon: Option<f64>,
    /// Two-sided p of the sign-flip permutation test of the mean; `None` below [`SMALLEST_PAIRS`].
    pub permutation: Option<f64>,
}

/// Compares two methods by the differences of their pairs; `None` without pairs.
pub fn compare_paired(differences: &[f64]) -> Option<PairedComparison> {
    let enough = differences.len() >= SMALLEST_PAIRS;
    Some(PairedComparison {
        pairs: differences.len(),
        mean: mean(differences)?,
        std: sample_std(differences),
        interval: mean_interval(differences),
        wins: differences
            .iter()
            .filter(|difference| **difference > 0.0)
            .count(),
        ties: differences
            .iter()
            .filter(|difference| **difference == 0.0)
            .count(),
        effect: cohens_d_paired(differences),
        wilcoxon: enough.then(|| wilcoxon_signed_rank(differences)).flatten(),
        permutation: enough.then(|| permutation_test(differences)).flatten(),
    })
}

/// Mean over sample standard deviation of the differences; `None` where there is no spread.
pub fn cohens_d_paired(differences: &[f64]) -> Option<f64> {
    let std = sample_std(differences)?;
    (std > 0.0)
        .then(|| mean(differences).map(|mean| mean / std))
        .flatten()
}

/// Wilcoxon's signed ranks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SignedRanks {
    /// Sum of the ranks of positive differences.
    pub positive: f64,
    /// Sum of the ranks of negative ones.
    pub negative: f64,
    /// Two-sided p.
    pub p: f64,
}

/// Two-sided p of the Wilcoxon signed-rank test; see [`signed_ranks`].
pub fn wilcoxon_signed_rank(differences: &[f64]) -> Option<f64> {
    signed_ranks(differences).map(|ranks| ranks.p)
}

/// The Wilcoxon signed-rank test: zeros left out (Wilcoxon's way), ties get middle ranks. The distribution of the rank sum
/// is exact for up to 50 pairs, with ties too (of doubled ranks, which are whole); beyond that the normal approximation
/// with the tie correction. `None` when all differences are zero.
pub fn signed_ranks(differences: &[f64]) -> Option<SignedRanks> {
    // Differences of decimals that are equal differ in their last bits: without rounding they would be no ties.
    let mut kept: Vec<f64> = differences
        .iter()
        .map(|difference| (difference * 1e12).round() / 1e12)
        .filter(|difference| *difference != 0.0)
        .collect();
    if kept.is_empty() {
        return None;
    }
    kept.sort_by(|left, right| left.abs().total_cmp(&right.abs()));
    let n = kept.len();
    // Doubled middle ranks.
    let mut ranks = vec![0_usize; n];
    let mut ties = 0.0;
    let mut start = 0;
    while start < n {
        let end = start + kept[start..].partition_point(|value| value.abs() <= kept[start].abs());
        ranks[start..end].fill(start + 1 + end);
        let size = (end - start) as f64;
        ties += size.powi(3) - size;
        start = end;
    }
    let total: usize = ranks.iter().sum();
    let positive: usize = kept
        .iter()
        .zip(&ranks)
        .filter(|(value, _)| **value > 0.0)
        .map(|(_, rank)| rank)
        .sum();
    let smaller = positive.min(total - positive);
    let found = |p: f64| SignedRanks {
        positive: positive as f64 / 2.0,
        negative: (total - positive) as f64 / 2.0,
        p: p.min(1.0),
    };
    if n <= 50 {
        // counts[s]: share of the 2ⁿ sign patterns whose doubled rank sum is s.
        let mut shares = vec![0.0_f64; total + 1];
        shares[0] = 1.0;
        let mut reached = 0;
        for rank in &ranks {
            reached += rank;
            for sum in (0..=reached).rev() {
                let with = if sum >= *rank {
                    shares[sum - rank]
                } else {
                    0.0
                };
                shares[sum] = 0.5 * (shares[sum] + with);
            }
        }
        return Some(found(2.0 * shares[..=smaller].iter().sum::<f64>()));
    }
    let count = n as f64;
    let expected = count * (count + 1.0) / 4.0;
    let variance = count * (count + 1.0) * (2.0 * count + 1.0) / 24.0 - ties / 48.0;
    let z = (smaller as f64 / 2.0 - expected) / variance.sqrt();
    Some(found(2.0 * normal_cdf(z)))
}

/// Two-sided p of the sign-flip test of the mean difference: the share of sign patterns whose sum is at least as far from
/// zero. Exact up to 20 pairs, from drawn patterns (with the observed one counted) beyond. `None` without pairs.
pub fn permutation_test(differences: &[f64]) -> Option<f64> {
    let n = differences.len();
    if n == 0 {
        return None;
    }
    let observed = differences.iter().sum::<f64>().abs();
    // Sums of the same numbers in another order differ in the last bits; SciPy allows for that too.
    let bound = observed - 1e-12 * differences.iter().map(|value| value.abs()).sum::<f64>();
    if n <= EXACT_PAIRS {
        // The pattern of all signs flipped is as far from zero: half of the patterns are enough.
        let patterns = 1_u32 << (n - 1);
        let mut sum: f64 = differences.iter().sum();
        let mut signs = vec![1.0; n];
        let mut far = u32::from(sum.abs() >= bound);
        for step in 1..patterns {
            // Gray code: one sign changes at a time.
            let index = step.trailing_zeros() as usize;
            signs[index] = -signs[index];
            sum += 2.0 * signs[index] * differences[index];
            far += u32::from(sum.abs() >= bound);
        }
        return Some(f64::from(far) / f64::from(patterns));
    }
    let mut random = ChaCha8Rng::from_seed(*blake3::hash(b"gcl-sweep permutation 1").as_bytes());
    let mut far = 1_usize;
    let patterns = (DRAWN_FLIPS / n).clamp(DRAWN_PATTERNS.0, DRAWN_PATTERNS.1);
    for _ in 0..patterns {
        let mut sum = 0.0;
        for chunk in differences.chunks(32) {
            let mut bits = random.next_u32();
            for difference in chunk {
                sum += if bits & 1 == 0 {
                    *difference
                } else {
                    -*difference
                };
                bits >>= 1;
            }
        }
        far += usize::from(sum.abs() >= bound);
    }
    Some(far as f64 / (patterns + 1) as f64)
}

/// The smallest two-sided p that [`signed_ranks`] can give for n pairs, whatever the differences.
pub fn smallest_p(n: usize) -> f64 {
    // 2 / 2ⁿ; without pairs there is no p below one.
    if n == 0 {
        1.0
    } else {
        libm::exp2(1.0 - n as f64)
    }
}
