//! Panels: parts of a matrix laid out in the order in which tiles read them.

use crate::product::View;
use crate::product::tile::ROWS;

/// Steps of the inner dimension that are copied for all panels before the next ones: a line of a row is then read once, and
/// the panels are written in runs.
const STEPS: usize = 8;

/// Numbers in a line of the cache.
const LINE: usize = 16;

/// Packs `inner` columns from `first` of `rows` rows from `row` into panels `[inner, ROWS]`; rows that fill no panel leave the
/// rest of theirs as it is, which no tile reads.
pub(super) fn pack_left(
    panels: &mut [f32],
    a: View<'_>,
    (row, rows): (usize, usize),
    (first, inner): (usize, usize),
) {
    let panels = &mut panels[..rows.div_ceil(ROWS) * ROWS * inner];
    if a.column_stride == 1 {
        for (index, panel) in panels.chunks_exact_mut(ROWS * inner).enumerate() {
            let row = row + index * ROWS;
            let count = ROWS.min(a.rows - row);
            let source =
                |offset: usize| &a.values[(row + offset) * a.row_stride + first..][..inner];
            if count == ROWS {
                interleave_six(panel, std::array::from_fn(source), ROWS * a.row_stride);
            } else {
                for offset in 0..count {
                    for (step, value) in panel.chunks_exact_mut(ROWS).zip(source(offset)) {
                        step[offset] = *value;
                    }
                }
            }
        }
        return;
    }
    for group in (0..inner).step_by(STEPS) {
        let steps = STEPS.min(inner - group);
        for (index, panel) in panels.chunks_exact_mut(ROWS * inner).enumerate() {
            let row = row + index * ROWS;
            let count = ROWS.min(a.rows - row);
            let (panel, _) = panel.as_chunks_mut::<ROWS>();
            for (step, panel) in panel[group..group + steps].iter_mut().enumerate() {
                let source =
                    &a.values[(first + group + step) * a.column_stride + row * a.row_stride..];
                ask_for(source, STEPS * a.column_stride);
                match source.first_chunk::<ROWS>() {
                    Some(six) if count == ROWS && a.row_stride == 1 => *panel = *six,
                    _ => {
                        for (offset, value) in panel[..count].iter_mut().enumerate() {
                            *value = source[offset * a.row_stride];
                        }
                    }
                }
            }
        }
    }
}

/// Six rows, number by number; `ahead` numbers further on lie those that come next.
fn interleave_six(panel: &mut [f32], rows: [&[f32]; ROWS], ahead: usize) {
    let steps = rows[0].len();
    let (lines, _) = panel.as_chunks_mut::<{ LINE * ROWS }>();
    let [a, b, c, d, e, f] = rows.map(|row| row.as_chunks::<LINE>().0);
    let left = a.iter().zip(b).zip(c.iter().zip(d));
    for ((panel, ((a, b), (c, d))), (e, f)) in lines.iter_mut().zip(left).zip(e.iter().zip(f)) {
        for row in [a, b, c, d, e, f] {
            ask_for(row, ahead);
        }
        for (group, panel) in panel
            .as_chunks_mut::<{ 4 * ROWS }>()
            .0
            .iter_mut()
            .enumerate()
        {
            let four = [a, b, c, d].map(|row| &row.as_chunks::<4>().0[group]);
            for (step, left) in transpose(four).iter().enumerate() {
                let place = step * ROWS;
                panel[place..place + 4].copy_from_slice(left);
                panel[place + 4] = e[4 * group + step];
                panel[place + 5] = f[4 * group + step];
            }
        }
    }
    for step in steps / LINE * LINE..steps {
        for (offset, row) in rows.iter().enumerate() {
            panel[step * ROWS + offset] = row[step];
        }
    }
}

/// Asks for the line that lies `ahead` numbers behind the first one, wherever that is.
#[inline(always)]
#[allow(unsafe_code)]
fn ask_for(values: &[f32], ahead: usize) {
    use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
    // SAFETY: asking for an address reads nothing that the program could see; every x86-64 has SSE.
    unsafe { _mm_prefetch::<_MM_HINT_T1>(values.as_ptr().wrapping_add(ahead).cast()) }
}

/// The transpose of 4 × 4 numbers.
#[inline(always)]
#[allow(unsafe_code)]
fn transpose(rows: [&[f32; 4]; 4]) -> [[f32; 4]; 4] {
    use std::arch::x86_64::{
        _mm_loadu_ps, _mm_movehl_ps, _mm_movelh_ps, _mm_storeu_ps, _mm_unpackhi_ps, _mm_unpacklo_ps,
    };
    let mut out = [[0.0; 4]; 4];
    // SAFETY: every pointer reaches four numbers; every x86-64 has SSE.
    unsafe {
        let [a, b, c, d] = rows.map(|row| _mm_loadu_ps(row.as_ptr()));
        let (ab, cd) = (_mm_unpacklo_ps(a, b), _mm_unpacklo_ps(c, d));
        _mm_storeu_ps(out[0].as_mut_ptr(), _mm_movelh_ps(ab, cd));
        _mm_storeu_ps(out[1].as_mut_ptr(), _mm_movehl_ps(cd, ab));
        let (ab, cd) = (_mm_unpackhi_ps(a, b), _mm_unpackhi_ps(c, d));
        _mm_storeu_ps(out[2].as_mut_ptr(), _mm_movelh_ps(ab, cd));
        _mm_storeu_ps(out[3].as_mut_ptr(), _mm_movehl_ps(cd, ab));
    }
    out
}

/// Packs `inner` rows from `first` of `columns` columns from `column` into panels `[inner, N]`; columns that fill no panel
/// leave zeros in theirs.
pub(super) fn pack_right<const N: usize>(
    panels: &mut [f32],
    b: View<'_>,
    (column, columns): (usize, usize),
    (first, inner): (usize, usize),
) {
    let panels = &mut panels[..columns.div_ceil(N) * N * inner];
    let width = |index: usize| N.min(columns - index * N);
    if b.row_stride == 1 {
        for (index, panel) in panels.chunks_exact_mut(N * inner).enumerate() {
            let column = column + index * N;
            let source =
                |offset: usize| &b.values[(column + offset) * b.column_stride + first..][..inner];
            let (panel, _) = panel.as_chunks_mut::<N>();
            if width(index) < N {
                panel.fill([0.0; N]);
            }
            let whole = width(index) / 4 * 4;
            for offset in (0..whole).step_by(4) {
                let four: [&[f32]; 4] = std::array::from_fn(|row| source(offset + row));
                interleave_four(panel, offset, four);
            }
            for offset in whole..width(index) {
                for (step, value) in panel.iter_mut().zip(source(offset)) {
                    step[offset] = *value;
                }
            }
        }
        return;
    }
    for group in (0..inner).step_by(STEPS) {
        let steps = STEPS.min(inner - group);
        for (index, panel) in panels.chunks_exact_mut(N * inner).enumerate() {
            let column = column + index * N;
            let (panel, _) = panel.as_chunks_mut::<N>();
            for (step, panel) in panel[group..group + steps].iter_mut().enumerate() {
                let source =
                    &b.values[(first + group + step) * b.row_stride + column * b.column_stride..];
                ask_for(source, STEPS * b.row_stride);
                match source.first_chunk::<N>() {
                    Some(all) if width(index) == N && b.column_stride == 1 => *panel = *all,
                    _ => {
                        panel.fill(0.0);
                        for (offset, value) in panel[..width(index)].iter_mut().enumerate() {
                            *value = source[offset * b.column_stride];
                        }
                    }
                }
            }
        }
    }
}

/// Four rows, number by number, into places `offset` to `offset + 4` of every step.
fn interleave_four<const N: usize>(panel: &mut [[f32; N]], offset: usize, rows: [&[f32]; 4]) {
    let steps = rows[0].len();
    let [a, b, c, d] = rows.map(|row| row.as_chunks::<4>().0);
    let (groups, _) = panel.as_chunks_mut::<4>();
    for (group, ((a, b), (c, d))) in groups.iter_mut().zip(a.iter().zip(b).zip(c.iter().zip(d))) {
        for (panel, step) in group.iter_mut().zip(transpose([a, b, c, d])) {
            panel[offset..offset + 4].copy_from_slice(&step);
        }
    }
    for step in steps / 4 * 4..steps {
        for (place, row) in rows.iter().enumerate() {
            panel[step][offset + place] = row[step];
        }
    }
}
