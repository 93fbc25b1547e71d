//! Numbers as people write them: decimals, exact. `0.1 + 2 × 0.1` is `0.3` here, as it is on paper, and then the double that
//! the literal `0.3` means; sums of doubles would give 0.30000000000000004, which nobody wrote and which is another job.

/// `mantissa` × 10^`exponent`, exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decimal {
    mantissa: i128,
    exponent: i32,
}

impl Decimal {
    /// Reads the text of a number as TOML, JSON or Rust write it. `None` where it is none, or has more digits than 128 bits hold.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (number, exponent) = match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, digits) = match number.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, number.strip_prefix('+').unwrap_or(number)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        // Zeros at the end say nothing, and would fill the mantissa.
        let fraction = fraction.trim_end_matches('0');
        let mut mantissa: i128 = 0;
        for digit in whole.chars().chain(fraction.chars()) {
            mantissa = mantissa
                .checked_mul(10)?
                .checked_add(digit.to_digit(10)?.into())?;
        }
        Some(Self {
            mantissa: if negative { -mantissa } else { mantissa },
            exponent: exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?,
        })
    }

    /// The shortest decimal that reads back as `number`, which is finite: at most 17 digits.
    pub(crate) fn shortest(number: f64) -> Option<Self> {
        Self::parse(&format!("{number:e}"))
    }

    /// `self + index × step`, exact. `None` where 128 bits do not hold it.
    pub(crate) fn plus(self, index: u64, step: Self) -> Option<Self> {
        let offset = Self {
            mantissa: step.mantissa.checked_mul(index.into())?,
            ..step
        };
        if offset.mantissa == 0 {
            return Some(self);
        }
        if self.mantissa == 0 {
            return Some(offset);
        }
        let exponent = self.exponent.min(offset.exponent);
        Some(Self {
            mantissa: self
                .mantissa_at(exponent)?
                .checked_add(offset.mantissa_at(exponent)?)?,
            exponent,
        })
    }

    /// The mantissa with that exponent, which is not above its own.
    fn mantissa_at(self, exponent: i32) -> Option<i128> {
        let zeros = u32::try_from(self.exponent.checked_sub(exponent)?).ok()?;
        self.mantissa.checked_mul(10i128.checked_pow(zeros)?)
    }

    /// The nearest double, as a reader of the written-out number would take it; `None` beyond the largest.
    pub(crate) fn as_float(self) -> Option<f64> {
        let text = format!("{}e{}", self.mantissa, self.exponent);
        text.parse().ok().filter(|number: &f64| number.is_finite())
    }
}

impl From<i64> for Decimal {
    fn from(number: i64) -> Self {
        Self {
            mantissa: number.into(),
            exponent: 0,
        }
    }
}

/// `number` with `digits` significant decimal digits: what a table can show and a person can type.
pub(crate) fn rounded(number: f64, digits: usize) -> f64 {
    let rounded = format!("{number:.*e}", digits.saturating_sub(1)).parse();
    // Rounding up the largest double leaves the range; that one stays as it is.
    rounded
        .ok()
        .filter(|rounded: &f64| rounded.is_finite())
        .unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(from: &str, step: &str, index: u64) -> Option<f64> {
        Decimal::parse(from)?
            .plus(index, Decimal::parse(step)?)?
            .as_float()
    }

    #[test]
    fn sums_are_the_numbers_that_a_person_would_write() {
        for (from, step, index, expected) in [
            ("0.1", "0.1", 2, 0.3f64),
            ("0.1", "0.1", 7, 0.8),
            ("1", "0.1", 1, 1.1),
            ("1e-5", "1e-5", 2, 3e-5),
            ("1e-5", "2.5E-6", 3, 1.75e-5),
            ("0.3", "-0.1", 3, 0.0),
            ("-0.3", "+0.1", 1, -0.2),
            ("1e3", "0.001", 7, 1000.007),
            ("0.0", "1e-300", 3, 3e-300),
            ("0.10000000000000000000", "0.1", 2, 0.3),
            ("1e0", "0e5", 9, 1.0),
            (".5", "5.", 1, 5.5),
        ] {
            assert_eq!(
                value(from, step, index).map(f64::to_bits),
                Some(expected.to_bits()),
                "{from} + {index} × {step}"
            );
        }
    }

    #[test]
    fn what_is_no_number_or_too_long_is_refused() {
        for text in [
            "",
            ".",
            "-",
            "e5",
            "1e",
            "0x10",
            "1_0",
            "nan",
            "inf",
            "1e99999999999",
        ] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
        assert_eq!(Decimal::parse(&"1".repeat(40)), None);
        assert_eq!(value("1e30", "1e-30", 1), None, "60 digits");
        assert_eq!(
            value("1e308", "1e308", 9),
            None,
            "beyond the largest double"
        );
        assert_eq!(
            Decimal::parse(&format!("1e{}", i32::MIN)).and_then(Decimal::as_float),
            Some(0.0)
        );
    }

    #[test]
    fn rounding_keeps_the_range_of_doubles() {
        assert_eq!(rounded(0.123_456_789, 6).to_bits(), 0.123_457_f64.to_bits());
        assert_eq!(rounded(f64::MAX, 3).to_bits(), f64::MAX.to_bits());
        assert_eq!(rounded(-2.0, 6).to_bits(), (-2.0f64).to_bits());
    }

    /// `number`, an integer, with a point before its last `places` digits.
    fn written(number: i128, places: usize) -> String {
        let digits = format!("{:0width$}", number.unsigned_abs(), width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        let sign = if number < 0 { "-" } else { "" };
        format!("{sign}{whole}.{fraction}")
    }

    proptest! {
        #[test]
        fn value_i_is_what_the_written_out_sum_reads_as(
            from in -1_000_000_000_000_000_000i128..1_000_000_000_000_000_000,
            step in -1_000_000_000_000i128..1_000_000_000_000,
            places in 0usize..18,
            index in 0u64..1_000_000,
        ) {
            let sum = written(from + step * i128::from(index), places);
            let expected: f64 = sum.parse().unwrap();
            let got = value(&written(from, places), &written(step, places), index).unwrap();
            // −0.0 and 0.0 are one setting.
            prop_assert_eq!(got, expected, "{}", sum);
            // The same in scientific notation.
            let scientific = value(&format!("{from}e-{places}"), &format!("{step}E-{places}"), index);
            prop_assert_eq!(scientific.unwrap(), expected);
        }

        #[test]
        fn every_double_has_a_shortest_decimal_that_reads_back(bits in any::<u64>()) {
            let number = f64::from_bits(bits);
            prop_assume!(number.is_finite());
            prop_assert_eq!(Decimal::shortest(number).unwrap().as_float(), Some(number));
        }

        #[test]
        fn no_text_panics(text in ".{0,60}") {
            if let Some(decimal) = Decimal::parse(&text) {
                let _ = decimal.plus(u64::MAX, decimal).map(Decimal::as_float);
            }
        }
    }
}
