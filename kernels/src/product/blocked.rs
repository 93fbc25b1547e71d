//! A large product by our own tiles: the right side is packed once for all rows, a part of the inner dimension at a time (in
//! the forward pass all of it), and each block of rows is done with that part before the next one begins, so that what
//! follows the product (a bias, a ReLU) finds it in the cache.

use std::cell::Cell;

use rayon::prelude::*;

use crate::buffer::Aligned;
use crate::product::epilogue::{Epilogue, in_parallel, in_turn};
use crate::product::packing::{pack_left, pack_right};
use crate::product::tile::{Block, ROWS, TileKernel};
use crate::product::{INNER, View};

/// Rows of a block: whole panels, whole chunks of a pass, and at 512 steps of the inner dimension 768 KiB of left panels.
const BLOCK_ROWS: usize = 384;

/// Numbers of right panels that are packed at a time, 8 MiB; more only where 512 steps of all columns are.
const PACKED: usize = 2 << 20;

/// Columns that are packed together: a KiB of every row.
const COLUMNS: usize = 256;

thread_local! {
    /// Left panels of a block, kept from product to product.
    static LEFT: Cell<Aligned> = const { Cell::new(Aligned::EMPTY) };
    /// Right panels, of the thread that asked for the product.
    static RIGHT: Cell<Aligned> = const { Cell::new(Aligned::EMPTY) };
}

/// `count` numbers of the kept buffer, whatever they are.
fn with_buffer<T>(
    kept: &'static std::thread::LocalKey<Cell<Aligned>>,
    count: usize,
    work: impl FnOnce(&mut [f32]) -> T,
) -> T {
    // Taken rather than borrowed: while this thread waits for others it may run a piece of another product.
    let mut buffer = kept.take();
    if buffer.len() < count {
        // The old one goes first: both would be there at once.
        drop(std::mem::take(&mut buffer));
        buffer = Aligned::zeros(count);
    }
    let found = work(&mut buffer[..count]);
    kept.set(buffer);
    found
}

/// out ← a · b, and the epilogue for every block of rows once it is done.
pub(super) fn product<E: Epilogue>(
    kernel: TileKernel,
    out: &mut [f32],
    (a, b): (View<'_>, View<'_>),
    threads: usize,
    epilogue: E,
) {
    let padded = kernel.padded(b.columns);
    let at_a_time = (PACKED / padded / INNER).max(1) * INNER;
    let mut epilogue = Some(epilogue);
    with_buffer(&RIGHT, at_a_time.min(a.columns) * padded, |right| {
        for first in (0..a.columns).step_by(at_a_time) {
            let inner = at_a_time.min(a.columns - first);
            let right = &mut right[..inner * padded];
            pack(kernel, right, b, (first, inner), threads);
            let part = Part {
                kernel,
                a,
                columns: b.columns,
                padded,
                first,
                inner,
                right,
            };
            match epilogue.take_if(|_| first + inner == a.columns) {
                Some(epilogue) => part.multiply(out, threads, epilogue),
                None => part.multiply(out, threads, ()),
            }
        }
    });
}

/// Packs `inner` rows of `b` from `first` on, [`INNER`] at a time.
fn pack(
    kernel: TileKernel,
    right: &mut [f32],
    b: View<'_>,
    (first, inner): (usize, usize),
    threads: usize,
) {
    let padded = kernel.padded(b.columns);
    for begin in (0..inner).step_by(INNER) {
        let inner = INNER.min(inner - begin);
        let panels = &mut right[begin * padded..][..inner * padded];
        let work = |(index, panels): (usize, &mut [f32])| {
            let columns = (index * COLUMNS, COLUMNS.min(b.columns - index * COLUMNS));
            let steps = (first + begin, inner);
            match kernel {
                TileKernel::Avx2 => pack_right::<16>(panels, b, columns, steps),
                TileKernel::Avx512 => pack_right::<64>(panels, b, columns, steps),
            }
        };
        if threads > 1 {
            panels
                .par_chunks_mut(COLUMNS * inner)
                .enumerate()
                .for_each(work);
        } else {
            panels
                .chunks_mut(COLUMNS * inner)
                .enumerate()
                .for_each(work);
        }
    }
}

/// A part of the inner dimension, its right side packed.
struct Part<'a> {
    kernel: TileKernel,
    a: View<'a>,
    columns: usize,
    /// Columns with those that fill up the last panel.
    padded: usize,
    first: usize,
    inner: usize,
    right: &'a [f32],
}

impl Part<'_> {
    /// Adds this part to `out` (the first one sets it).
    fn multiply<E: Epilogue>(&self, out: &mut [f32], threads: usize, epilogue: E) {
        const { assert!(BLOCK_ROWS.is_multiple_of(E::ROWS) && BLOCK_ROWS.is_multiple_of(ROWS)) };
        let whole = if E::ROWS == 1 { ROWS } else { E::ROWS };
        let blocks = |row: usize, out: &mut [f32], epilogue: E| {
            in_turn(
                BLOCK_ROWS,
                self.columns,
                row,
                out,
                epilogue,
                &|row, out, epilogue| {
                    self.block(row, out);
                    epilogue.apply(out);
                },
            );
        };
        if threads > 1 {
            // Four pieces a thread, or a block each: one that was held up leaves work to the others.
            let piece = self.a.rows.div_ceil(4 * threads).next_multiple_of(whole);
            let piece = piece.min(BLOCK_ROWS);
            in_parallel(piece, self.columns, 0, out, epilogue, &blocks);
        } else {
            blocks(0, out, epilogue);
        }
    }

    fn block(&self, row: usize, out: &mut [f32]) {
        let rows = out.len() / self.columns;
        with_buffer(
            &LEFT,
            BLOCK_ROWS.min(rows.next_multiple_of(ROWS)) * INNER,
            |left| {
                for begin in (0..self.inner).step_by(INNER) {
                    let (first, inner) = (self.first + begin, INNER.min(self.inner - begin));
                    pack_left(left, self.a, (row, rows), (first, inner));
                    let right = &self.right[begin * self.padded..];
                    for column in (0..self.columns).step_by(self.kernel.slice()) {
                        let block = Block {
                            left,
                            right: &right[column * inner..],
                            rows,
                            columns: self.kernel.slice().min(self.columns - column),
                            inner,
                            out: &mut out[column..],
                            stride: self.columns,
                            add: first > 0,
                        };
                        block.multiply(self.kernel);
                    }
                }
            },
        );
    }
}
