//! From data to pixels, and where the ticks go.

/// An axis: data between `low` and `high` on pixels between `start` and `end`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Axis {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) start: f64,
    pub(super) end: f64,
    pub(super) logarithmic: bool,
}

impl Axis {
    /// A linear axis over `low..high`.
    pub(super) fn linear(low: f64, high: f64, start: f64, end: f64) -> Self {
        Self {
            low,
            high,
            start,
            end,
            logarithmic: false,
        }
    }

    /// Where `value` lies, in pixels.
    pub(super) fn place(&self, value: f64) -> f64 {
        let (low, high, value) = if self.logarithmic {
            (
                libm::log10(self.low),
                libm::log10(self.high),
                libm::log10(value),
            )
        } else {
            (self.low, self.high, value)
        };
        let share = if high > low {
            (value - low) / (high - low)
        } else {
            0.5
        };
        self.start + share * (self.end - self.start)
    }

    /// Round values inside the axis, about `wanted` of them.
    pub(super) fn ticks(&self, wanted: usize) -> Vec<f64> {
        if self.logarithmic {
            let (first, last) = (
                libm::log10(self.low).ceil() as i32,
                libm::log10(self.high).floor() as i32,
            );
            let decades: Vec<f64> = (first..=last).map(power_of_ten).collect();
            if decades.len() >= 2 {
                let step = decades.len().div_ceil(wanted.max(2));
                return decades.into_iter().step_by(step).collect();
            }
            return (first - 1..=last)
                .flat_map(|decade| [1.0, 2.0, 5.0].map(|digit| digit * power_of_ten(decade)))
                .filter(|tick| *tick >= self.low && *tick <= self.high)
                .collect();
        }
        let step = round_step((self.high - self.low) / wanted.max(1) as f64);
        let first = (self.low / step - 1e-9).ceil();
        let last = (self.high / step + 1e-9).floor();
        (0..=(last - first).max(0.0) as usize)
            .map(|index| (first + index as f64) * step)
            .collect()
    }

    /// Whole values inside the axis, about `wanted` of them: epochs.
    pub(super) fn whole_ticks(&self, wanted: usize) -> Vec<f64> {
        let step = round_step(((self.high - self.low) / wanted.max(1) as f64).max(1.0))
            .round()
            .max(1.0);
        let mut ticks: Vec<f64> = Vec::new();
        let mut tick = (self.low / step).ceil() * step;
        while tick <= self.high + 1e-9 {
            ticks.push(tick);
            tick += step;
        }
        ticks
    }
}

/// The range of `values` with a little air, at least `smallest` wide; `None` of nothing finite.
pub(super) fn range(values: impl Iterator<Item = f64>, smallest: f64) -> Option<(f64, f64)> {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in values.filter(|value| value.is_finite()) {
        low = low.min(value);
        high = high.max(value);
    }
    if low > high {
        return None;
    }
    let air = 0.06 * (high - low);
    let missing = (smallest - (high - low) - 2.0 * air).max(0.0) / 2.0;
    Some((low - air - missing, high + air + missing))
}

/// The range of AUCs in percent: with a little air, never beyond 0 and 100.
pub(super) fn percent_range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = range(values, 2.0).unwrap_or((50.0, 100.0));
    (low.max(0.0), high.min(100.0))
}

/// 1, 2 or 5 times a power of ten, not below `rough`.
fn round_step(rough: f64) -> f64 {
    if !rough.is_finite() || rough <= 0.0 {
        return 1.0;
    }
    let power = power_of_ten(libm::log10(rough).floor() as i32);
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|digit| digit * power)
        .find(|step| *step >= rough * (1.0 - 1e-9))
        .unwrap_or(10.0 * power)
}

/// 10ⁿ, rounded as the decimal text is.
fn power_of_ten(exponent: i32) -> f64 {
    format!("1e{exponent}").parse().unwrap_or(1.0)
}

/// A tick's label: no more digits than ticks that far apart need.
pub(super) fn tick_label(value: f64, step: f64) -> String {
    if value != 0.0 && (value.abs() < 1e-3 || value.abs() >= 1e6) {
        return sweeps::Value::Float(value).to_string();
    }
    let digits = (-libm::log10(step.abs().max(1e-9)).floor()).clamp(0.0, 6.0) as usize;
    let text = format!("{value:.digits$}");
    if text
        .trim_start_matches('-')
        .chars()
        .all(|digit| matches!(digit, '0' | '.'))
    {
        "0".into()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let axis = Axis::linear(61.3, 75.9, 0.0, 100.0);
        assert_eq!(axis.ticks(5), [65.0, 70.0, 75.0]);
        assert_eq!(
            Axis::linear(0.0, 1.0, 0.0, 1.0).ticks(5),
            [0.0, 0.2, 0.4, 0.600_000_000_000_000_1, 0.8, 1.0]
        );
        assert_eq!(tick_label(0.600_000_000_000_000_1, 0.2), "0.6");
        assert_eq!(
            Axis::linear(1.0, 15.0, 0.0, 1.0).whole_ticks(5),
            [5.0, 10.0, 15.0]
        );
        let axis = Axis {
            logarithmic: true,
            ..Axis::linear(1e-6, 1e-2, 0.0, 4.0)
        };
        assert_eq!(axis.ticks(6).len(), 5);
        assert!((axis.place(1e-5) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_single_value_has_a_range_around_it() {
        assert_eq!(range([3.0].into_iter(), 2.0), Some((2.0, 4.0)));
        assert_eq!(range([f64::NAN].into_iter(), 2.0), None);
    }
}
