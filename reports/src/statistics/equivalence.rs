//! Whether our runs agree with a published number.

use super::bootstrap::Interval;

/// A published value: a mean with its spread over seeds, or a single number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reference {
    /// The value.
    pub value: f64,
    /// Half the width of the band that counts as the same: the published standard deviation, or a stated margin.
    pub margin: f64,
}

/// How our interval lies to the published band `[value − margin, value + margin]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreement {
    /// Our 95% interval lies inside the band.
    Within,
    /// It lies above the band.
    Above,
    /// It lies below the band.
    Below,
    /// It crosses an edge of the band: more seeds would decide.
    Undecided,
    /// There are too few runs for an interval.
    TooFew,
}

/// Compares our interval with a published band.
pub fn agreement(ours: Option<Interval>, published: Reference) -> Agreement {
    let Some(ours) = ours else {
        return Agreement::TooFew;
    };
    let (low, high) = (
        published.value - published.margin,
        published.value + published.margin,
    );
    if ours.low > high {
        Agreement::Above
    } else if ours.high < low {
        Agreement::Below
    } else if ours.low >= low && ours.high <= high {
        Agreement::Within
    } else {
        Agreement::Undecided
    }
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

    #[test]
    fn every_position_has_its_word() {
        let published = Reference {
            value: 0.70,
            margin: 0.01,
        };
        let judge = |low, high| agreement(Some(Interval { low, high }), published);
        assert_eq!(judge(0.695, 0.705), Agreement::Within);
        assert_eq!(judge(0.69, 0.71), Agreement::Within);
        assert_eq!(judge(0.711, 0.72), Agreement::Above);
        assert_eq!(judge(0.60, 0.689), Agreement::Below);
        assert_eq!(judge(0.60, 0.70), Agreement::Undecided);
        assert_eq!(judge(0.60, 0.80), Agreement::Undecided);
        assert_eq!(agreement(None, published), Agreement::TooFew);
    }
}
