//! TF32 on a processor: the numbers that a GPU's tensor cores take in place of f32.

use rayon::prelude::*;

use crate::passes::WORTH_A_THREAD;

/// Bits of f32's mantissa that TF32 does not have.
const DROPPED: u32 = 13;
/// All exponent bits set: infinite, or not a number.
const NOT_FINITE: u32 = 0x7f80_0000;

/// `value` with 10 bits of mantissa: the nearest, of two equally near ones the larger in magnitude (`cvt.rna.tf32.f32`). What is
/// infinite or NaN stays so.
pub fn round(value: f32) -> f32 {
    let bits = value.to_bits();
    if bits & NOT_FINITE == NOT_FINITE {
        return value;
    }
    let half = 1 << (DROPPED - 1);
    f32::from_bits((bits + half) & !((1 << DROPPED) - 1))
}

/// Rounds all of `values` into `out`, which is of the same length.
pub fn round_all(threads: usize, values: &[f32], out: &mut [f32]) {
    let work = |(out, values): (&mut [f32], &[f32])| {
        for (out, value) in out.iter_mut().zip(values) {
            *out = round(*value);
        }
    };
    if threads > 1 && values.len() >= WORTH_A_THREAD {
        out.par_chunks_mut(WORTH_A_THREAD)
            .zip(values.par_chunks(WORTH_A_THREAD))
            .for_each(work);
    } else {
        work((out, values));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_bits_of_mantissa_are_kept_and_the_rest_rounded() {
        // One unit in the last of TF32's places, at 1.
        let unit = 2f32.powi(-10);
        assert_eq!(round(1.0), 1.0);
        assert_eq!(round(1.0 + unit), 1.0 + unit);
        assert_eq!(round(1.0 + 0.49 * unit), 1.0);
        assert_eq!(
            round(1.0 + 0.5 * unit),
            1.0 + unit,
            "a tie goes away from zero"
        );
        assert_eq!(round(-1.0 - 0.5 * unit), -1.0 - unit);
        assert_eq!(round(2.0 - 2f32.powi(-23)), 2.0, "into the next exponent");
        assert_eq!(round(0.0).to_bits(), 0);
        assert_eq!(round(-0.0).to_bits(), (-0.0f32).to_bits());
        assert_eq!(round(f32::INFINITY), f32::INFINITY);
        assert!(round(f32::NAN).is_nan());
        assert!(
            round(f32::from_bits(0x7f80_0001)).is_nan(),
            "of any payload"
        );
    }

    #[test]
    fn every_rounded_number_is_its_own_and_within_half_a_unit() {
        for seed in 0..100_000u32 {
            let value = f32::from_bits(seed.wrapping_mul(2_654_435_761) & 0x7f7f_dfff);
            let rounded = round(value);
            assert_eq!(round(rounded), rounded);
            assert_eq!(rounded.to_bits() & 0x1fff, 0);
            if value.is_normal() {
                assert!(
                    ((rounded - value) / value).abs() <= 2f32.powi(-11),
                    "{value}"
                );
            }
        }
    }

    #[test]
    fn threads_change_nothing() {
        let values: Vec<f32> = (0..2 * WORTH_A_THREAD + 5)
            .map(|n| n as f32 * 0.1)
            .collect();
        let (mut one, mut two) = (vec![0.0; values.len()], vec![0.0; values.len()]);
        round_all(1, &values, &mut one);
        round_all(2, &values, &mut two);
        assert_eq!(one, two);
        assert_eq!(one[12_345], round(values[12_345]));
    }
}
