//! Which way to multiply is the fastest on this processor. All give the same bits, so the clock may decide.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a measurement that no result depends on"
)]

use std::sync::OnceLock;
use std::time::Instant;

use crate::cpu::product::tile::Instructions;
use crate::cpu::product::{INNER, View, blocked, multiply};

/// A way to make a large product.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    /// By the crate `gemm`.
    Gemm,
    /// By our tiles with these instructions.
    Tiles(Instructions),
}

/// Rows of the sample that is measured: what is packed once for all rows must count as little as in a whole product.
const SAMPLE_ROWS: usize = 1536;

/// How often every way is measured; the best time counts.
const REPEATS: usize = 3;

/// Multiply-adds from which a product counts as huge: measured on its own, since caches matter more.
const HUGE: usize = 1 << 30;

/// The fastest way for products like this one. The first of its kind in the process is sampled by every way, at most some 10
/// GFLOP in all; `out` serves as the sample's place.
pub(super) fn fastest(out: &mut [f32], a: View<'_>, b: View<'_>) -> Way {
    /// Huge or not; left sides whose rows are contiguous (forward, and back to a layer's input) or whose columns are
    /// (gradients of weights).
    static KNOWN: [[OnceLock<Way>; 2]; 2] = [const { [const { OnceLock::new() }; 2] }; 2];
    let huge = a.rows * a.columns * b.columns >= HUGE;
    let known = &KNOWN[usize::from(huge)][usize::from(a.column_stride == 1)];
    // The library's tests are about our tiles, whatever the clock says of a build with debug assertions.
    #[cfg(test)]
    let measured = || {
        let _ = (out, b);
        let widest = Instructions::available().last();
        widest.map_or(Way::Gemm, Way::Tiles)
    };
    #[cfg(not(test))]
    let measured = || {
        let (rows, inner) = (a.rows.min(SAMPLE_ROWS), a.columns.min(INNER));
        let timed = times(out, a.part(rows, inner), b.part(inner, b.columns));
        timed
            .into_iter()
            .min_by(|left, right| left.1.total_cmp(&right.1))
            .map_or(Way::Gemm, |(way, _)| way)
    };
    *known.get_or_init(measured)
}

/// Every way that this processor has, and the seconds that it takes for a · b on one thread.
pub(crate) fn times(out: &mut [f32], a: View<'_>, b: View<'_>) -> Vec<(Way, f64)> {
    let out = &mut out[..a.rows * b.columns];
    let mut timed: Vec<(Way, f64)> = Instructions::available()
        .map(Way::Tiles)
        .chain([Way::Gemm])
        .map(|way| (way, f64::INFINITY))
        .collect();
    for _ in 0..REPEATS {
        for (way, best) in &mut timed {
            let start = Instant::now();
            match way {
                Way::Gemm => multiply(out, a, b, 1),
                Way::Tiles(instructions) => {
                    blocked::product(*instructions, out, (a, b), 1, (), &|_, _, ()| ());
                }
            }
            *best = best.min(start.elapsed().as_secs_f64());
        }
    }
    timed
}
