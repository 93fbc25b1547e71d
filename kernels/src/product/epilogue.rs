//! What follows a product, while its rows are still in a cache; and how rows are divided among threads.

/// What is done to the rows of a product once they are whole: a bias, a ReLU, a gate, column sums. It owns what belongs to
/// those rows beside the output, and is split where they are.
pub trait Epilogue: Send + Sized {
    /// It can be split after multiples of so many rows.
    const ROWS: usize;

    /// What belongs to the first `rows` rows, and the rest.
    #[must_use]
    fn split(self, rows: usize) -> (Self, Self);

    /// Works on all rows that belong to it, `[any number, columns]`, on any thread.
    fn apply(self, rows: &mut [f32]);
}

/// Nothing.
impl Epilogue for () {
    const ROWS: usize = 1;

    fn split(self, _rows: usize) -> (Self, Self) {
        ((), ())
    }

    fn apply(self, _rows: &mut [f32]) {}
}

/// Calls `work(first row, rows of out, what belongs to them)` for pieces of at most `piece` rows (a multiple of the epilogue's),
/// on the threads of the pool that this is called in.
pub(super) fn in_parallel<E: Epilogue>(
    piece: usize,
    width: usize,
    row: usize,
    out: &mut [f32],
    epilogue: E,
    work: &(impl Fn(usize, &mut [f32], E) + Sync),
) {
    let rows = out.len() / width;
    if rows <= piece {
        return work(row, out, epilogue);
    }
    let first = (rows.div_ceil(piece) / 2) * piece;
    let (out, other_out) = out.split_at_mut(first * width);
    let (epilogue, other) = epilogue.split(first);
    rayon::join(
        || in_parallel(piece, width, row, out, epilogue, work),
        || in_parallel(piece, width, row + first, other_out, other, work),
    );
}

/// Calls `work` likewise, piece after piece.
pub(super) fn in_turn<E: Epilogue>(
    piece: usize,
    width: usize,
    mut row: usize,
    mut out: &mut [f32],
    mut epilogue: E,
    work: &impl Fn(usize, &mut [f32], E),
) {
    while out.len() > piece * width {
        let (here, rest) = out.split_at_mut(piece * width);
        let (mine, others) = epilogue.split(piece);
        work(row, here, mine);
        (out, epilogue, row) = (rest, others, row + piece);
    }
    work(row, out, epilogue);
}
