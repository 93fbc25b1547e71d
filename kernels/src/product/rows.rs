//! Rows of an output, and what belongs to them, divided among threads.

/// What is written beside the rows of a product, row by row or chunk by chunk.
pub trait Companion: Send + Sized {
    /// It can be split after multiples of so many rows.
    const ROWS: usize;

    /// What belongs to the first `rows` rows, and the rest.
    fn split(self, rows: usize) -> (Self, Self);
}

impl Companion for () {
    const ROWS: usize = 1;

    fn split(self, _rows: usize) -> (Self, Self) {
        ((), ())
    }
}

/// Calls `work(first row, rows of out, what belongs to them)` for pieces of at most `piece` rows (a multiple of the companion's),
/// on the threads of the pool that this is called in.
pub(super) fn in_parallel<C: Companion>(
    piece: usize,
    width: usize,
    row: usize,
    out: &mut [f32],
    companion: C,
    work: &(impl Fn(usize, &mut [f32], C) + Sync),
) {
    let rows = out.len() / width;
    if rows <= piece {
        return work(row, out, companion);
    }
    let first = (rows.div_ceil(piece) / 2) * piece;
    let (out, other_out) = out.split_at_mut(first * width);
    let (companion, other) = companion.split(first);
    rayon::join(
        || in_parallel(piece, width, row, out, companion, work),
        || in_parallel(piece, width, row + first, other_out, other, work),
    );
}

/// Calls `work` likewise, piece after piece.
pub(super) fn in_turn<C: Companion>(
    piece: usize,
    width: usize,
    mut row: usize,
    mut out: &mut [f32],
    mut companion: C,
    work: &impl Fn(usize, &mut [f32], C),
) {
    while out.len() > piece * width {
        let (here, rest) = out.split_at_mut(piece * width);
        let (mine, others) = companion.split(piece);
        work(row, here, mine);
        (out, companion, row) = (rest, others, row + piece);
    }
    work(row, out, companion);
}
