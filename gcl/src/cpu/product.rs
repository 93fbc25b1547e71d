//! Matrix products on the CPU, by the crate `gemm`.
//!
//! Same bits at any number of threads and whatever the caches: `gemm` never splits the inner dimension over threads, but
//! it does cut it into pieces whose length it takes from the size of the machine's caches. Pieces of up to [`BLOCK`] it
//! leaves whole, so the cut is made here.

use gemm::{Parallelism, gemm};

/// The longest inner dimension that `gemm` 0.19 never cuts (`kernel_params`: at least 512).
const BLOCK: usize = 512;

/// Below this many multiply-adds a product is over before other threads are awake: 8 Mi are some 100 µs on one.
const WORTH_A_THREAD: usize = 8 << 20;

/// A matrix in somebody's buffer, possibly transposed.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> View<'a> {
    /// The first `rows × columns` values, row by row.
    pub(crate) fn new(values: &'a [f32], rows: usize, columns: usize) -> Self {
        Self {
            values: &values[..rows * columns],
            rows,
            columns,
            row_stride: columns,
            column_stride: 1,
        }
    }

    /// The transpose.
    pub(crate) fn t(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// out ← a · b, `[a.rows, b.columns]` row by row.
///
/// # Panics
/// If the shapes do not fit.
pub(crate) fn product(out: &mut [f32], a: View<'_>, b: View<'_>, threads: usize) {
    assert_eq!(a.columns, b.rows, "inner dimensions");
    let out = &mut out[..a.rows * b.columns];
    if a.columns == 0 {
        out.fill(0.0);
    }
    let work = a.rows * a.columns * b.columns;
    let parallelism = if threads > 1 && work >= WORTH_A_THREAD {
        Parallelism::Rayon(threads)
    } else {
        Parallelism::None
    };
    for first in (0..a.columns).step_by(BLOCK) {
        let inner = BLOCK.min(a.columns - first);
        let mut part = || multiply_add(out, a, b, first, inner, parallelism);
        #[cfg(test)]
        crate::cpu::allocations::uncounted(&mut part);
        #[cfg(not(test))]
        part();
    }
}

/// out ← (first = 0 ? 0 : out) + a[.., first..first + inner] · b[first..first + inner, ..].
#[allow(unsafe_code)]
fn multiply_add(
    out: &mut [f32],
    a: View<'_>,
    b: View<'_>,
    first: usize,
    inner: usize,
    parallelism: Parallelism,
) {
    let (left, right) = (
        &a.values[first * a.column_stride..],
        &b.values[first * b.row_stride..],
    );
    // SAFETY: a `View` covers exactly rows × columns values that its strides reach (both constructors keep that), `first
    // + inner` is at most the inner dimension, so every address that `gemm` reads lies in `left` or `right`; `out` is
    // borrowed mutably, so it overlaps neither, and has a.rows × b.columns values, row by row.
    unsafe {
        gemm(
            a.rows,
            b.columns,
            inner,
            out.as_mut_ptr(),
            1,
            b.columns as isize,
            first > 0,
            left.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            right.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, salt: usize) -> Vec<f32> {
        (0..count)
            .map(|i| (((i * 7919 + salt * 104_729) % 2003) as f32 / 1001.5) - 1.0)
            .collect()
    }

    /// Every layout that the networks use, in sizes that fill no tile, against sums in f64.
    #[test]
    fn products_are_right_in_every_layout() {
        for (m, n, k) in [
            (1, 1, 1),
            (5, 1, 32),
            (1, 32, 700),
            (3, 2, 1),
            (64, 33, 2),
            (17, 19, 513),
            (130, 71, 40),
            (70, 300, 1100),
        ] {
            let (x, y) = (numbers(m * k, 1), numbers(k * n, 2));
            for (flip_a, flip_b) in [(false, false), (false, true), (true, false), (true, true)] {
                let a = if flip_a {
                    View::new(&x, k, m).t()
                } else {
                    View::new(&x, m, k)
                };
                let b = if flip_b {
                    View::new(&y, n, k).t()
                } else {
                    View::new(&y, k, n)
                };
                let mut out = vec![f32::NAN; m * n];
                product(&mut out, a, b, 1);
                for i in 0..m {
                    for j in 0..n {
                        let expected: f64 = (0..k)
                            .map(|l| {
                                f64::from(x[if flip_a { l * m + i } else { i * k + l }])
                                    * f64::from(y[if flip_b { j * k + l } else { l * n + j }])
                            })
                            .sum();
                        let found = f64::from(out[i * n + j]);
                        assert!(
                            (found - expected).abs() < 1e-4 * (k as f64).sqrt(),
                            "{m}×{n}×{k} {flip_a} {flip_b}: {found} {expected}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn bits_are_the_same_at_any_number_of_threads() {
        for (m, n, k) in [
            (511, 257, 1031),
            (8192, 32, 129),
            (73, 147, 5000),
            (1000, 1, 3000),
            (37, 513, 64),
        ] {
            let (x, y) = (numbers(m * k, 3), numbers(k * n, 4));
            let run = |threads: usize| {
                let mut out = vec![0.0; m * n];
                let pool = rayon::ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .build()
                    .unwrap();
                pool.install(|| {
                    product(
                        &mut out,
                        View::new(&x, m, k),
                        View::new(&y, n, k).t(),
                        threads,
                    );
                });
                let mut other = vec![0.0; m * n];
                pool.install(|| {
                    product(
                        &mut other,
                        View::new(&x, k, m).t(),
                        View::new(&y, k, n),
                        threads,
                    );
                });
                (out, other)
            };
            let one = run(1);
            for threads in [2, 3] {
                assert!(one == run(threads), "{m}×{n}×{k} at {threads} threads");
            }
        }
    }
}
