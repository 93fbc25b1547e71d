//! Which way to multiply is the fastest on this processor. All give the same bits, so the clock may decide.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a measurement that no result depends on"
)]

use std::sync::OnceLock;
use std::time::Instant;

use crate::product::tile::Instructions;
use crate::product::{INNER, View, blocked, multiply};

/// A way to make a large product.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// By the crate `gemm`.
    Gemm,
    /// By our tiles with these instructions.
    Tiles(Instructions),
}

/// Below this many multiply-adds packing is not paid back by our tiles, nor where either side is narrower than
/// [`WIDE`].
const LARGE: usize = 8 << 20;
const WIDE: usize = 64;

/// Rows and columns of the sample that is measured: what is packed once for all rows must count as little as in a whole
/// product.
const SAMPLE_ROWS: usize = 1536;
const SAMPLE_COLUMNS: usize = 1024;

/// How often every way is measured; the best time counts.
const REPEATS: usize = 3;

/// Multiply-adds from which a product counts as huge: measured on its own, since caches matter more.
const HUGE: usize = 1 << 30;

/// How a product is to be made; `out` may be written to. Pieces of one or two steps of the inner dimension are `gemm`'s,
/// which rounds them otherwise.
pub(super) fn way(out: &mut [f32], a: View<'_>, b: View<'_>) -> Way {
    let large = a.rows * a.columns * b.columns >= LARGE && a.rows.min(b.columns) >= WIDE;
    if !large || matches!(a.columns % INNER, 1 | 2) {
        return Way::Gemm;
    }
    match fastest(out, a, b) {
        Way::Tiles(instructions) if instructions.fill(b.columns) => Way::Tiles(instructions),
        _ => Way::Gemm,
    }
}

/// The fastest way for products like this one. The first of its kind in the process is sampled by every way, at most 1.6
/// GFLOP each time; `out` serves as the sample's place.
fn fastest(out: &mut [f32], a: View<'_>, b: View<'_>) -> Way {
    /// Huge or not; left sides whose rows are contiguous (forward, and back to a layer's input) or whose columns are
    /// (gradients of weights).
    static KNOWN: [[OnceLock<Way>; 2]; 2] = [const { [const { OnceLock::new() }; 2] }; 2];
    let huge = a.rows * a.columns * b.columns >= HUGE;
    let known = &KNOWN[usize::from(huge)][usize::from(a.column_stride == 1)];
    *known.get_or_init(|| {
        if tiles_only() {
            // Tests are about our tiles, whatever the clock says of a build with debug assertions.
            let widest = Instructions::available().last();
            return widest.map_or(Way::Gemm, Way::Tiles);
        }
        let (rows, columns) = (a.rows.min(SAMPLE_ROWS), b.columns.min(SAMPLE_COLUMNS));
        let inner = a.columns.min(INNER);
        best(&times(out, a.part(rows, inner), b.part(inner, columns)))
    })
}

/// Whether the clock is not asked.
fn tiles_only() -> bool {
    #[cfg(feature = "testing")]
    if crate::testing::tiles_only() {
        return true;
    }
    cfg!(test)
}

/// The way with the least time.
fn best(timed: &[(Way, f64)]) -> Way {
    timed
        .iter()
        .min_by(|left, right| left.1.total_cmp(&right.1))
        .map_or(Way::Gemm, |(way, _)| *way)
}

/// Every way that this processor has, and the seconds that it takes for a · b on one thread.
pub fn times(out: &mut [f32], a: View<'_>, b: View<'_>) -> Vec<(Way, f64)> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_with_the_least_time_is_taken() {
        let tiles = Way::Tiles(Instructions::Avx2);
        assert_eq!(best(&[(tiles, 0.2), (Way::Gemm, 0.1)]), Way::Gemm);
        assert_eq!(best(&[(tiles, 0.1), (Way::Gemm, 0.2)]), tiles);
        assert_eq!(best(&[]), Way::Gemm);
    }

    #[test]
    fn every_way_is_measured() {
        let (x, y) = (vec![1.0; 96 * 80], vec![1.0; 80 * 70]);
        let mut out = vec![0.0; 96 * 70];
        let timed = times(&mut out, View::new(&x, 96, 80), View::new(&y, 80, 70));
        assert_eq!(timed.len(), 1 + Instructions::available().count());
        assert!(timed.iter().all(|(_, seconds)| seconds.is_finite()));
    }
}
