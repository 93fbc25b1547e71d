//! Matrix products on the CPU: the large ones by our own tiles, the others by the crate `gemm`'s kernels for f32.
//!
//! Same bits at any number of threads, and those of a large product whoever multiplies: a number is a sum in the order of the
//! inner dimension, cut into pieces of `INNER`. `gemm` would cut by the size of the machine's caches, but leaves pieces of
//! up to that length whole, so the cut is made here.

#[cfg(target_arch = "x86_64")]
mod blocked;
mod choice;
mod epilogue;
#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    clippy::inline_always,
    reason = "wrappers of intrinsics, which must vanish in the functions that have the instructions"
)]
mod lanes;
#[cfg(target_arch = "x86_64")]
mod packing;
#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    clippy::inline_always,
    reason = "intrinsics, and what must be inlined around them"
)]
mod tile;

use gemm_common::Parallelism;
use gemm_f32::gemm::f32::get_gemm_fn;

use crate::passes;
pub use choice::{GemmKernel, time_kernels};
pub use epilogue::Epilogue;
#[cfg(target_arch = "x86_64")]
pub use tile::TileKernel;

/// The longest inner dimension that `gemm` 0.19 never cuts (`kernel_params`: at least 512).
const INNER: usize = 512;

/// Below this many multiply-adds a product is over before other threads are awake: 8 Mi are some 100 µs on one.
const WORTH_A_THREAD: usize = 8 << 20;

/// A matrix in somebody's buffer, possibly transposed.
#[derive(Clone, Copy)]
pub struct View<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> View<'a> {
    /// The first `rows × columns` values, row by row.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn new(values: &'a [f32], rows: usize, columns: usize) -> Self {
        Self {
            values: &values[..rows.saturating_mul(columns)],
            rows,
            columns,
            row_stride: columns,
            column_stride: 1,
        }
    }

    /// The first rows and columns.
    fn submatrix(self, rows: usize, columns: usize) -> Self {
        assert!(
            rows <= self.rows && columns <= self.columns,
            "a part of a matrix"
        );
        Self {
            rows,
            columns,
            ..self
        }
    }

    /// The transpose.
    #[must_use]
    pub fn t(self) -> Self {
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
pub fn product(out: &mut [f32], a: View<'_>, b: View<'_>, threads: usize) {
    product_then(out, a, b, threads, ());
}

/// The product, then its epilogue for all rows: as soon as those rows are done, so that they are still in a cache.
///
/// # Panics
/// If the shapes do not fit.
pub fn product_then<E: Epilogue>(
    out: &mut [f32],
    a: View<'_>,
    b: View<'_>,
    threads: usize,
    epilogue: E,
) {
    const { assert!(passes::ROWS.is_multiple_of(E::ROWS)) };
    assert_eq!(a.columns, b.rows, "inner dimensions");
    let out = &mut out[..a.rows.saturating_mul(b.columns)];
    if a.columns == 0 {
        out.fill(0.0);
    }
    if out.is_empty() {
        return epilogue.apply(out);
    }
    #[cfg(target_arch = "x86_64")]
    if let GemmKernel::Tiles(kernel) = choice::choose(out, a, b) {
        return blocked::product(kernel, out, (a, b), threads, epilogue);
    }
    let work = a.rows * a.columns * b.columns;
    let apply = |_: usize, rows: &mut [f32], epilogue: E| epilogue.apply(rows);
    multiply(out, a, b, if work < WORTH_A_THREAD { 1 } else { threads });
    if threads > 1 && out.len() >= passes::WORTH_A_THREAD {
        epilogue::in_parallel(passes::ROWS, b.columns, 0, out, epilogue, &apply);
    } else {
        epilogue::in_turn(passes::ROWS, b.columns, 0, out, epilogue, &apply);
    }
}

/// out ← a · b by `gemm`.
///
/// # Panics
/// If the shapes do not fit.
fn multiply(out: &mut [f32], a: View<'_>, b: View<'_>, threads: usize) {
    assert_eq!(a.columns, b.rows, "inner dimensions");
    assert_eq!(out.len(), a.rows * b.columns, "the output");
    let parallelism = if threads > 1 {
        Parallelism::Rayon(threads)
    } else {
        Parallelism::None
    };
    for first in (0..a.columns).step_by(INNER) {
        let inner = INNER.min(a.columns - first);
        let mut part = || multiply_add(out, a, b, first, inner, parallelism);
        #[cfg(feature = "testing")]
        crate::testing::uncounted(&mut part);
        #[cfg(not(feature = "testing"))]
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
    let (rows, columns, stride) = (a.rows, b.columns, b.columns as isize);
    let left = Operand::of(&a.values[first * a.column_stride..], a);
    let right = Operand::of(&b.values[first * b.row_stride..], b);
    // `gemm`'s kernels write columns: of outᵀ ← bᵀ · aᵀ those are the rows of `out`. A single column is one already.
    let (m, n, (column, row), left, right) = if columns > 1 {
        (columns, rows, (stride, 1), right.t(), left.t())
    } else {
        (rows, columns, (1, stride), left, right)
    };
    // SAFETY: the strides of a `View` reach nothing outside its values (every constructor keeps that), `first + inner` is at
    // most the inner dimension, so every address that `gemm` reads lies in the operands' values; `out` is borrowed mutably, so
    // it overlaps neither, and has a.rows × b.columns values, row by row, as `multiply` asserts.
    unsafe {
        get_gemm_fn()(
            m,
            n,
            inner,
            out.as_mut_ptr(),
            column,
            row,
            first > 0,
            left.values.as_ptr(),
            left.column_stride,
            left.row_stride,
            right.values.as_ptr(),
            right.column_stride,
            right.row_stride,
            1.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}

/// A factor as `gemm` takes it: values from the first on, and the distances between them.
#[derive(Clone, Copy)]
struct Operand<'a> {
    values: &'a [f32],
    row_stride: isize,
    column_stride: isize,
}

impl<'a> Operand<'a> {
    /// `values` with the strides of that view.
    fn of(values: &'a [f32], view: View<'_>) -> Self {
        Self {
            values,
            row_stride: view.row_stride as isize,
            column_stride: view.column_stride as isize,
        }
    }

    /// The transpose.
    fn t(self) -> Self {
        Self {
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_values::numbers;

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

    /// What is seen if it comes once, and otherwise too.
    struct Triple;

    impl Epilogue for Triple {
        const ROWS: usize = 1;

        fn split(self, _rows: usize) -> (Self, Self) {
            (Self, Self)
        }

        fn apply(self, rows: &mut [f32]) {
            for value in rows {
                *value *= 3.0;
            }
        }
    }

    /// Both tiles and `gemm`, in sizes that leave edges on every side and that need more than one part.
    #[test]
    #[cfg(target_arch = "x86_64")]
    fn our_tiles_make_the_bits_of_gemm() {
        for kernel in tile::TileKernel::available() {
            for (m, n, k) in [
                (20, 17, 33),
                (66, 64, 512),
                (17, 19, 513),
                (130, 71, 40),
                (391, 147, 1100),
                (70, 300, 1101),
                (64, 64, 2048),
                (64, 2050, 64),
                (2048, 65, 66),
                (147, 260, 8300),
            ] {
                let (x, y) = (numbers(m * k, 1), numbers(k * n, 2));
                for a in [View::new(&x, m, k), View::new(&x, k, m).t()] {
                    for b in [View::new(&y, k, n), View::new(&y, n, k).t()] {
                        let (mut ours, mut theirs) = (vec![f32::NAN; m * n], vec![f32::NAN; m * n]);
                        blocked::product(kernel, &mut ours, (a, b), 1, Triple);
                        multiply(&mut theirs, a, b, 1);
                        Triple.apply(&mut theirs);
                        let bits = |values: &[f32]| -> Vec<u32> {
                            values.iter().map(|value| value.to_bits()).collect()
                        };
                        let (ours, theirs) = (bits(&ours), bits(&theirs));
                        assert!(
                            ours == theirs,
                            "{kernel:?}, {m}×{n}×{k}, {}, {}: {:?}",
                            a.row_stride,
                            b.row_stride,
                            ours.iter()
                                .zip(&theirs)
                                .enumerate()
                                .find(|(_, (a, b))| a != b)
                        );
                    }
                }
            }
        }
    }

    /// What `gemm` does otherwise, it is left to do: with one or two steps in a piece it rounds twice.
    #[test]
    #[cfg(target_arch = "x86_64")]
    fn products_that_gemm_rounds_otherwise_are_left_to_it() {
        for k in [2, 511, 512, 513, 514, 515, 1026] {
            let (m, n) = (if k == 2 { 40_000 } else { 256 }, 128);
            let (x, y) = (numbers(m * k, 1), numbers(k * n, 2));
            let (a, b) = (View::new(&x, m, k), View::new(&y, k, n));
            let (mut found, mut expected) = (vec![0.0; m * n], vec![0.0; m * n]);
            let kernel = choice::choose(&mut found, a, b);
            let other = matches!(k % INNER, 1 | 2);
            let ours = GemmKernel::Gemm != kernel;
            assert_eq!(
                ours,
                !other && tile::TileKernel::available().count() > 0,
                "{k}"
            );
            product(&mut found, a, b, 1);
            multiply(&mut expected, a, b, 1);
            assert!(found == expected, "{k}");
        }
    }

    #[test]
    fn products_without_rows_or_columns_are_empty() {
        for (m, n, k) in [(0, 64, 2048), (64, 0, 2048), (3, 2, 0)] {
            let (x, y) = (numbers(m * k, 1), numbers(k * n, 2));
            let mut out = vec![1.0; m * n];
            product(&mut out, View::new(&x, m, k), View::new(&y, n, k).t(), 2);
            assert!(out.iter().all(|value| *value == 0.0));
        }
    }

    #[test]
    fn bits_are_the_same_at_any_number_of_threads() {
        for (m, n, k) in [
            (511, 257, 1031),
            (1501, 256, 515),
            (320, 512, 8300),
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
