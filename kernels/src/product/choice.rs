//! Which kernel multiplies fastest on this processor. All give the same bits, so the clock may decide.

#![cfg_attr(
    not(target_arch = "x86_64"),
    allow(dead_code, reason = "there is nothing to choose from")
)]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a measurement that no result depends on"
)]

use std::sync::OnceLock;
use std::time::Instant;

#[cfg(target_arch = "x86_64")]
use crate::product::blocked;
#[cfg(target_arch = "x86_64")]
use crate::product::tile::TileKernel;
use crate::product::{INNER, View, multiply};

/// Who multiplies a large product.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GemmKernel {
    /// The crate `gemm`.
    Gemm,
    /// Our tiles.
    #[cfg(target_arch = "x86_64")]
    Tiles(TileKernel),
}

impl GemmKernel {
    /// Those that this processor has.
    pub fn available() -> impl Iterator<Item = Self> {
        Self::tiles().chain([Self::Gemm])
    }

    /// out ← a · b on one thread, whether or not that is the kernel for products like this one.
    ///
    /// # Panics
    /// If the shapes do not fit or the processor does not have the instructions.
    pub fn multiply(self, out: &mut [f32], a: View<'_>, b: View<'_>) {
        assert_eq!(a.columns, b.rows, "inner dimensions");
        let out = &mut out[..a.rows.saturating_mul(b.columns)];
        match self {
            Self::Gemm => multiply(out, a, b, 1),
            #[cfg(target_arch = "x86_64")]
            Self::Tiles(kernel) => blocked::product(kernel, out, (a, b), 1, ()),
        }
    }

    /// Our tiles that this processor has instructions for, the widest last.
    fn tiles() -> impl DoubleEndedIterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        return TileKernel::available().map(Self::Tiles);
        #[cfg(not(target_arch = "x86_64"))]
        std::iter::empty()
    }

    /// Whether so many columns leave little of what is multiplied at a time unused.
    fn fits(self, columns: usize) -> bool {
        match self {
            Self::Gemm => true,
            #[cfg(target_arch = "x86_64")]
            Self::Tiles(kernel) => kernel.fill(columns),
        }
    }
}

/// Below this many multiply-adds packing is not paid back by our tiles, nor where either side is narrower than
/// [`WIDE`].
const LARGE: usize = 8 << 20;
const WIDE: usize = 64;

/// Rows and columns of the sample that is measured: what is packed once for all rows must count as little as in a whole
/// product.
const SAMPLE_ROWS: usize = 1536;
const SAMPLE_COLUMNS: usize = 1024;

/// How often every kernel is measured; the best time counts.
const REPEATS: usize = 3;

/// Multiply-adds from which a product counts as huge: measured on its own, since caches matter more.
const HUGE: usize = 1 << 30;

/// Who makes a product; `out` may be written to. Pieces of one or two steps of the inner dimension are `gemm`'s,
/// which rounds them otherwise.
pub(super) fn choose(out: &mut [f32], a: View<'_>, b: View<'_>) -> GemmKernel {
    let large = a.rows * a.columns * b.columns >= LARGE && a.rows.min(b.columns) >= WIDE;
    if !large || matches!(a.columns % INNER, 1 | 2) {
        return GemmKernel::Gemm;
    }
    let kernel = fastest(out, a, b);
    if kernel.fits(b.columns) {
        kernel
    } else {
        GemmKernel::Gemm
    }
}

/// The fastest kernel for products like this one. The first of its kind in the process is sampled by every kernel, at most 1.6
/// GFLOP each time; `out` serves as the sample's place.
fn fastest(out: &mut [f32], a: View<'_>, b: View<'_>) -> GemmKernel {
    /// Huge or not; left sides whose rows are contiguous (forward, and back to a layer's input) or whose columns are
    /// (gradients of weights).
    static KNOWN: [[OnceLock<GemmKernel>; 2]; 2] = [const { [const { OnceLock::new() }; 2] }; 2];
    let huge = a.rows * a.columns * b.columns >= HUGE;
    let known = &KNOWN[usize::from(huge)][usize::from(a.column_stride == 1)];
    *known.get_or_init(|| {
        if tiles_only() {
            // Tests are about our tiles, whatever the clock says of a build with debug assertions.
            return GemmKernel::tiles().last().unwrap_or(GemmKernel::Gemm);
        }
        let (rows, columns) = (a.rows.min(SAMPLE_ROWS), b.columns.min(SAMPLE_COLUMNS));
        let inner = a.columns.min(INNER);
        best(&time_kernels(
            out,
            a.submatrix(rows, inner),
            b.submatrix(inner, columns),
        ))
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

/// The kernel with the least time.
fn best(timed: &[(GemmKernel, f64)]) -> GemmKernel {
    timed
        .iter()
        .min_by(|left, right| left.1.total_cmp(&right.1))
        .map_or(GemmKernel::Gemm, |(kernel, _)| *kernel)
}

/// Every kernel that this processor has, and the seconds that it takes for a · b on one thread.
pub fn time_kernels(out: &mut [f32], a: View<'_>, b: View<'_>) -> Vec<(GemmKernel, f64)> {
    let out = &mut out[..a.rows * b.columns];
    let mut timed: Vec<(GemmKernel, f64)> = GemmKernel::available()
        .map(|kernel| (kernel, f64::INFINITY))
        .collect();
    for _ in 0..REPEATS {
        for (kernel, best) in &mut timed {
            let start = Instant::now();
            kernel.multiply(out, a, b);
            *best = best.min(start.elapsed().as_secs_f64());
        }
    }
    timed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn the_kernel_with_the_least_time_is_taken() {
        let tiles = GemmKernel::Tiles(TileKernel::Avx2);
        assert_eq!(
            best(&[(tiles, 0.2), (GemmKernel::Gemm, 0.1)]),
            GemmKernel::Gemm
        );
        assert_eq!(best(&[(tiles, 0.1), (GemmKernel::Gemm, 0.2)]), tiles);
        assert_eq!(best(&[]), GemmKernel::Gemm);
    }

    #[test]
    fn every_kernel_is_measured() {
        let (x, y) = (vec![1.0; 96 * 80], vec![1.0; 80 * 70]);
        let mut out = vec![0.0; 96 * 70];
        let timed = time_kernels(&mut out, View::new(&x, 96, 80), View::new(&y, 80, 70));
        assert_eq!(timed.len(), GemmKernel::available().count());
        assert!(timed.iter().all(|(_, seconds)| seconds.is_finite()));
    }
}
