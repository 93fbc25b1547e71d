//! Tiles: a packed left panel times a packed right panel, in registers.

use crate::isa::Isa;
use crate::product::lanes::{Avx2, Avx512, Lanes};

/// Rows of a tile, and of a packed left panel.
pub(super) const ROWS: usize = 6;

/// Tiles, by the instructions that they are made with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TileKernel {
    /// 6 × 16 tiles.
    Avx2,
    /// 6 × 64 tiles.
    Avx512,
}

impl TileKernel {
    /// Those that the processor has, the widest last.
    pub(super) fn available() -> impl DoubleEndedIterator<Item = Self> {
        [Self::Avx2, Self::Avx512]
            .into_iter()
            .filter(|kernel| kernel.is_available())
    }

    fn is_available(self) -> bool {
        match self {
            Self::Avx2 => Isa::Avx2.is_available(),
            Self::Avx512 => Isa::Avx512.is_available(),
        }
    }

    /// Columns of a tile, and of a packed right panel.
    pub(super) fn columns(self) -> usize {
        match self {
            Self::Avx2 => 2 * Avx2::COUNT,
            Self::Avx512 => 4 * Avx512::COUNT,
        }
    }

    /// So many columns with those that fill up the last tile.
    pub(super) fn padded(self, columns: usize) -> usize {
        columns.next_multiple_of(self.columns())
    }

    /// Whether so many columns leave at most an eighth of the tiles' columns unused.
    pub(super) fn fill(self, columns: usize) -> bool {
        self.padded(columns) * 7 <= columns * 8
    }

    /// Columns whose right panels stay in the second-level cache while all left panels of a block pass by.
    pub(super) fn slice(self) -> usize {
        match self {
            Self::Avx2 => 64,
            Self::Avx512 => 256,
        }
    }
}

/// Packed panels of both sides and where their product goes.
pub(super) struct Block<'a> {
    /// Left panels, each `[inner, ROWS]`.
    pub(super) left: &'a [f32],
    /// Right panels, each `[inner, columns of a tile]`.
    pub(super) right: &'a [f32],
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) inner: usize,
    /// From the product's first value on; rows are `stride` apart.
    pub(super) out: &'a mut [f32],
    pub(super) stride: usize,
    /// Whether the product is added to what `out` holds.
    pub(super) add: bool,
}

impl Block<'_> {
    /// Multiplies all tiles, a left panel at a time.
    ///
    /// # Panics
    /// If a buffer is too short.
    pub(super) fn multiply(self, kernel: TileKernel) {
        assert!(
            self.rows > 0 && self.columns > 0 && self.columns <= self.stride,
            "an empty block"
        );
        assert!(self.left.len() >= self.rows.div_ceil(ROWS) * ROWS * self.inner);
        assert!(self.right.len() >= kernel.padded(self.columns) * self.inner);
        assert!(self.out.len() >= (self.rows - 1) * self.stride + self.columns);
        assert!(kernel.is_available(), "the processor has {kernel:?}");
        // SAFETY: the processor has the instructions; the buffers are as long as the tiles reach, as asserted.
        unsafe {
            match kernel {
                TileKernel::Avx2 => block_avx2(self),
                TileKernel::Avx512 => block_avx512(self),
            }
        }
    }
}

/// # Safety
/// As [`tiles`].
#[target_feature(enable = "avx2,fma")]
unsafe fn block_avx2(block: Block<'_>) {
    // SAFETY: the caller's.
    unsafe { tiles::<Avx2, 2>(block) }
}

/// # Safety
/// As [`tiles`].
#[target_feature(enable = "avx512f")]
unsafe fn block_avx512(block: Block<'_>) {
    // SAFETY: the caller's.
    unsafe { tiles::<Avx512, 4>(block) }
}

/// All tiles of a block, V registers wide.
///
/// # Safety
/// The processor has L's instructions; the buffers have the lengths that [`Block::multiply`] asserts.
#[inline(always)]
unsafe fn tiles<L: Lanes, const V: usize>(block: Block<'_>) {
    let Block {
        left,
        right,
        inner,
        out,
        stride,
        add,
        ..
    } = block;
    let width = V * L::COUNT;
    let mut edge = [0.0_f32; ROWS * 64];
    for row in (0..block.rows).step_by(ROWS) {
        let rows = ROWS.min(block.rows - row);
        let left = left[row * inner..].as_ptr();
        for column in (0..block.columns).step_by(width) {
            let columns = width.min(block.columns - column);
            let right = right[column * inner..].as_ptr();
            let place = row * stride + column;
            // SAFETY: both panels hold `inner` steps; a tile of the full width lies inside `out`, one at the edge is made
            // beside it.
            unsafe {
                if columns == width {
                    let out = out[place..].as_mut_ptr();
                    rows_of_tile::<L, V>(rows, inner, left, right, out, stride, add);
                    continue;
                }
                rows_of_tile::<L, V>(rows, inner, left, right, edge.as_mut_ptr(), width, false);
            }
            for (row, edge) in edge.chunks_exact(width).take(rows).enumerate() {
                let out = &mut out[place + row * stride..][..columns];
                for (out, edge) in out.iter_mut().zip(edge) {
                    *out = if add { *out + *edge } else { *edge };
                }
            }
        }
    }
}

/// The first `rows` rows of a tile.
///
/// # Safety
/// As [`tile`].
#[inline(always)]
unsafe fn rows_of_tile<L: Lanes, const V: usize>(
    rows: usize,
    inner: usize,
    left: *const f32,
    right: *const f32,
    out: *mut f32,
    stride: usize,
    add: bool,
) {
    // SAFETY: the caller's.
    unsafe {
        match rows {
            1 => tile::<L, V, 1>(inner, left, right, out, stride, add),
            2 => tile::<L, V, 2>(inner, left, right, out, stride, add),
            3 => tile::<L, V, 3>(inner, left, right, out, stride, add),
            4 => tile::<L, V, 4>(inner, left, right, out, stride, add),
            5 => tile::<L, V, 5>(inner, left, right, out, stride, add),
            _ => tile::<L, V, ROWS>(inner, left, right, out, stride, add),
        }
    }
}

/// out ← (out +) left · right: every number is one sum in the order of the inner dimension, each step rounded once, and
/// added to the output last. That order is `gemm`'s, so the bits are.
///
/// # Safety
/// `left` reaches `inner` steps of [`ROWS`] numbers, `right` as many of V registers, `out` M rows of V registers, `stride`
/// apart.
#[inline(always)]
unsafe fn tile<L: Lanes, const V: usize, const M: usize>(
    inner: usize,
    mut left: *const f32,
    mut right: *const f32,
    out: *mut f32,
    stride: usize,
    add: bool,
) {
    // SAFETY: the caller's; a prefetched address may lie anywhere.
    unsafe {
        let mut sums = [[L::zero(); V]; M];
        if add {
            for row in 0..M {
                for vector in (0..V * L::COUNT).step_by(16) {
                    L::prefetch_output(out.add(row * stride + vector));
                }
            }
        }
        macro_rules! step {
            ($at:expr) => {
                let mut vectors = [L::zero(); V];
                for (vector, values) in vectors.iter_mut().enumerate() {
                    *values = L::load(right.add(($at * V + vector) * L::COUNT));
                }
                for (row, sums) in sums.iter_mut().enumerate() {
                    let factor = L::splat(left.add($at * ROWS + row));
                    for (sum, values) in sums.iter_mut().zip(vectors) {
                        *sum = L::multiply_add(factor, values, *sum);
                    }
                }
                if L::AHEAD > 0 {
                    let ahead = right.wrapping_add(($at + L::AHEAD) * V * L::COUNT);
                    std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(
                        ahead.cast(),
                    );
                }
            };
        }
        for _ in 0..inner / 2 {
            step!(0);
            step!(1);
            left = left.add(2 * ROWS);
            right = right.add(2 * V * L::COUNT);
        }
        if inner % 2 == 1 {
            step!(0);
        }
        for (row, sums) in sums.iter().enumerate() {
            for (vector, sum) in sums.iter().enumerate() {
                let out = out.add(row * stride + vector * L::COUNT);
                L::store(
                    out,
                    if add {
                        L::add(L::load(out), *sum)
                    } else {
                        *sum
                    },
                );
            }
        }
    }
}
