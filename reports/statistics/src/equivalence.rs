//! Whether a mean is the same as another number within a margin δ: two one-sided tests (Schuirmann 1987).

use looks::statistics::{Interval, mean, standard_error, student_interval, student_tail};

/// A published value: a mean with its spread over seeds, or a single number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reference {
    /// The value.
    pub value: f64,
    /// δ: differences smaller than it count as the same. The published standard deviation, or a stated margin.
    pub margin: f64,
}

/// How our mean lies to a published value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreement {
    /// Our mean is within ± δ: both one-sided tests at 5% say so, which is to say that our 90% interval lies inside.
    Within,
    /// Our 95% interval lies above the band.
    Above,
    /// It lies below the band.
    Below,
    /// None of these: more seeds would decide.
    Undecided,
    /// There are too few runs for an interval.
    TooFew,
}

/// The two intervals of a mean that [`agreement`] looks at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanIntervals {
    /// 90%: inside the band, the mean is the same.
    pub narrow: Interval,
    /// 95%: outside the band, it is not.
    pub wide: Interval,
}

/// The intervals of a mean of n values with this sample standard deviation; `None` below three values.
pub fn mean_intervals(n: usize, mean: f64, std: f64) -> Option<MeanIntervals> {
    let error = std / (n as f64).sqrt();
    Some(MeanIntervals {
        narrow: student_interval(n, mean, error, 0.9)?,
        wide: student_interval(n, mean, error, 0.95)?,
    })
}

/// Compares our mean with a published value. A false `Within` has a probability of at most 5%, a false `Above` or `Below`
/// of at most 2.5% each.
pub fn agreement(ours: Option<MeanIntervals>, published: Reference) -> Agreement {
    let Some(ours) = ours else {
        return Agreement::TooFew;
    };
    let (low, high) = (
        published.value - published.margin,
        published.value + published.margin,
    );
    if ours.wide.low > high {
        Agreement::Above
    } else if ours.wide.high < low {
        Agreement::Below
    } else if ours.narrow.low >= low && ours.narrow.high <= high {
        Agreement::Within
    } else {
        Agreement::Undecided
    }
}

/// The larger p of the two one-sided t tests that the mean of `differences` lies within ± `margin`: small where it does.
/// `None` below three values.
pub fn equivalence_test(differences: &[f64], margin: f64) -> Option<f64> {
    distance_test(differences, margin, -1.0)
}

/// The two-sided p of the t test that the mean of `differences` lies further than `margin` from zero: small where it does.
/// `None` below three values.
pub fn beyond_margin_test(differences: &[f64], margin: f64) -> Option<f64> {
    distance_test(differences, margin, 1.0).map(|p| (2.0 * p).min(1.0))
}

/// P(T > sign · (|mean| − margin) / error).
fn distance_test(differences: &[f64], margin: f64, sign: f64) -> Option<f64> {
    if differences.len() < 3 {
        return None;
    }
    let distance = sign * (mean(differences)?.abs() - margin);
    let error = standard_error(differences)?;
    let t = if error > 0.0 {
        distance / error
    } else if distance > 0.0 {
        f64::INFINITY
    } else {
        f64::NEG_INFINITY
    };
    Some(student_tail(t, (differences.len() - 1) as f64))
}

impl Agreement {
    /// The word in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Within => "within",
            Self::Above => "above",
            Self::Below => "below",
            Self::Undecided => "undecided",
            Self::TooFew => "n too small to say",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use looks::statistics::sample_std;

    #[test]
    fn every_position_has_its_word() {
        let published = Reference {
            value: 0.70,
            margin: 0.01,
        };
        let judge = |low, high| {
            let narrow = Interval { low, high };
            // The 95% interval is wider on both sides.
            let wide = Interval {
                low: low - 0.001,
                high: high + 0.001,
            };
            agreement(Some(MeanIntervals { narrow, wide }), published)
        };
        assert_eq!(judge(0.695, 0.705), Agreement::Within);
        assert_eq!(judge(0.69, 0.71), Agreement::Within);
        assert_eq!(judge(0.712, 0.72), Agreement::Above);
        // The 90% interval lies above, the 95% one does not.
        assert_eq!(judge(0.7105, 0.72), Agreement::Undecided);
        assert_eq!(judge(0.60, 0.688), Agreement::Below);
        assert_eq!(judge(0.60, 0.70), Agreement::Undecided);
        assert_eq!(judge(0.60, 0.80), Agreement::Undecided);
        assert_eq!(agreement(None, published), Agreement::TooFew);
    }

    /// p < 0.05 and "the 90% interval lies inside" are the same sentence.
    #[test]
    fn the_tests_are_the_intervals() {
        let values = [0.004, -0.001, 0.003, 0.006, 0.0, 0.002, 0.001];
        let (mean, std) = (mean(&values).unwrap(), sample_std(&values).unwrap());
        let narrow = mean_intervals(values.len(), mean, std).unwrap().narrow;
        for step in 1..200 {
            let margin = f64::from(step) * 1e-4;
            let inside = narrow.low >= -margin && narrow.high <= margin;
            let p = equivalence_test(&values, margin).unwrap();
            assert_eq!(inside, p <= 0.05, "margin {margin}: p = {p}");
        }
        assert_eq!(equivalence_test(&[0.0; 4], 0.01), Some(0.0));
        assert_eq!(equivalence_test(&[0.02; 4], 0.01), Some(1.0));
        assert_eq!(beyond_margin_test(&[0.02; 4], 0.01), Some(0.0));
        assert_eq!(beyond_margin_test(&[0.0; 4], 0.01), Some(1.0));
    }
}
