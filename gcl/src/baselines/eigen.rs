//! The strongest eigenvectors of a symmetric matrix: Householder's reduction to three diagonals, then implicit QL, as in
//! EISPACK's `tred2` and `tql2`. Serial, so the same bits anywhere. Vectors are kept as rows, so that every inner loop
//! runs along memory: at d = 2048 that is most of the time.

use crate::baselines::Fault;

/// Rounds of QL for one eigenvalue before it is given up; EISPACK allows 30.
const ROUNDS: usize = 60;

/// Eigenvalues and eigenvectors, strongest first.
pub(crate) struct Eigenpairs {
    pub(crate) values: Vec<f64>,
    /// `[size, size]` row by row, one eigenvector a row.
    pub(crate) vectors: Vec<f64>,
}

/// All of the symmetric `a`, `[size, size]`.
pub(crate) fn eigenpairs(
    a: Vec<f64>,
    size: usize,
    go_on: &dyn Fn() -> Result<(), Fault>,
) -> Result<Eigenpairs, Fault> {
    let mut vectors = a;
    let (mut values, mut off) = reduce(&mut vectors, size, go_on)?;
    diagonalise(&mut vectors, &mut values, &mut off, size, go_on)?;
    let mut order: Vec<usize> = (0..size).collect();
    order.sort_by(|i, j| values[*j].total_cmp(&values[*i]));
    let rows = order.iter().flat_map(|i| &vectors[i * size..][..size]);
    Ok(Eigenpairs {
        vectors: rows.copied().collect(),
        values: order.iter().map(|i| values[*i]).collect(),
    })
}

/// The `wanted` eigenvectors of the symmetric `a`, `[size, size]`, with the largest eigenvalues, strongest first,
/// `[wanted, size]` row by row.
pub(crate) fn eigenvectors(
    a: Vec<f64>,
    size: usize,
    wanted: usize,
    go_on: &dyn Fn() -> Result<(), Fault>,
) -> Result<Vec<f64>, Fault> {
    let mut vectors = eigenpairs(a, size, go_on)?.vectors;
    vectors.truncate(wanted.min(size) * size);
    Ok(vectors)
}

/// A = Q T Qᵀ: gives T's diagonal and the one beside it, and leaves Qᵀ in `a`.
fn reduce(
    a: &mut [f64],
    size: usize,
    go_on: &dyn Fn() -> Result<(), Fault>,
) -> Result<(Vec<f64>, Vec<f64>), Fault> {
    // Reflections H = 1 − βuuᵀ, from the last row upwards; u has i entries.
    let mut reflections: Vec<(Vec<f64>, f64)> = Vec::with_capacity(size);
    let (mut diagonal, mut off) = (vec![0.0; size], vec![0.0; size]);
    for i in (1..size).rev() {
        go_on()?;
        let row = &a[i * size..][..i];
        let norm = row.iter().map(|value| value * value).sum::<f64>().sqrt();
        let rest = row[..i - 1].iter().map(|value| value * value).sum::<f64>();
        if rest == 0.0 {
            off[i] = row[i - 1];
            reflections.push((Vec::new(), 0.0));
            continue;
        }
        let mut u = row.to_vec();
        off[i] = if u[i - 1] > 0.0 { -norm } else { norm };
        u[i - 1] -= off[i];
        let beta = 2.0 / u.iter().map(|value| value * value).sum::<f64>();
        // p = βAu; q = p − (β/2 · uᵀp)u; A ← A − uqᵀ − quᵀ on the upper left i × i.
        let mut p: Vec<f64> = (0..i)
            .map(|j| {
                let row = &a[j * size..][..i];
                beta * row.iter().zip(&u).map(|(x, y)| x * y).sum::<f64>()
            })
            .collect();
        let share = 0.5 * beta * u.iter().zip(&p).map(|(x, y)| x * y).sum::<f64>();
        for (p, u) in p.iter_mut().zip(&u) {
            *p -= share * u;
        }
        for j in 0..i {
            let (x, y) = (u[j], p[j]);
            for ((value, q), u) in a[j * size..][..i].iter_mut().zip(&p).zip(&u) {
                *value -= x * q + y * u;
            }
        }
        reflections.push((u, beta));
    }
    for i in 0..size {
        diagonal[i] = a[i * size + i];
    }
    // A = H₁…H_m T H_m…H₁ with H₁ the first that was made: Qᵀ = H_m…H₁, made by multiplying 1 from the right by the
    // last reflection first.
    a.fill(0.0);
    for i in 0..size {
        a[i * size + i] = 1.0;
    }
    for (u, beta) in reflections.iter().rev().filter(|(u, _)| !u.is_empty()) {
        go_on()?;
        // Qᵀ ← Qᵀ H: only rows and columns below u's length have been touched so far, and by u.
        for row in a.chunks_exact_mut(size).take(u.len()) {
            let row = &mut row[..u.len()];
            let share = beta * row.iter().zip(u).map(|(x, y)| x * y).sum::<f64>();
            for (value, u) in row.iter_mut().zip(u) {
                *value -= share * u;
            }
        }
    }
    Ok((diagonal, off))
}

/// Implicit QL on the three diagonals; rotates the rows of `vectors` along.
fn diagonalise(
    vectors: &mut [f64],
    values: &mut [f64],
    off: &mut [f64],
    size: usize,
    go_on: &dyn Fn() -> Result<(), Fault>,
) -> Result<(), Fault> {
    off.rotate_left(1);
    let scale = values
        .iter()
        .zip(off.iter())
        .map(|(value, off)| value.abs() + off.abs())
        .fold(0.0, f64::max);
    for low in 0..size {
        for round in 0.. {
            go_on()?;
            let high = (low..size - 1)
                .find(|k| {
                    let near = values[*k].abs() + values[k + 1].abs();
                    off[*k].abs() <= f64::EPSILON * near.max(scale * f64::EPSILON)
                })
                .unwrap_or(size - 1);
            if high == low {
                break;
            }
            if round == ROUNDS {
                return Err(Fault::NotFinite("an eigenvalue"));
            }
            let shift = (values[low + 1] - values[low]) / (2.0 * off[low]);
            let root = (shift * shift + 1.0).sqrt();
            let mut g = values[high] - values[low]
                + off[low] / (shift + if shift < 0.0 { -root } else { root });
            let (mut sine, mut cosine, mut carried) = (1.0, 1.0, 0.0);
            let mut vanished = false;
            for i in (low..high).rev() {
                let (f, b) = (sine * off[i], cosine * off[i]);
                let r = (f * f + g * g).sqrt();
                off[i + 1] = r;
                if r == 0.0 {
                    values[i + 1] -= carried;
                    off[high] = 0.0;
                    vanished = true;
                    break;
                }
                sine = f / r;
                cosine = g / r;
                g = values[i + 1] - carried;
                let turn = (values[i] - g) * sine + 2.0 * cosine * b;
                carried = sine * turn;
                values[i + 1] = g + carried;
                g = cosine * turn - b;
                let (front, back) = vectors.split_at_mut((i + 1) * size);
                let (x, y) = (&mut front[i * size..], &mut back[..size]);
                for (x, y) in x.iter_mut().zip(y) {
                    let before = *y;
                    *y = sine * *x + cosine * before;
                    *x = cosine * *x - sine * before;
                }
            }
            if vanished {
                continue;
            }
            values[low] -= carried;
            off[low] = g;
            off[high] = 0.0;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// A·v = λ·v with falling λ, and the vectors are orthonormal: for any symmetric matrix, repeated values and all.
        #[test]
        fn they_are_eigenvectors(size in 1_usize..12, numbers in prop::collection::vec(-3_i8..4, 144)) {
            let a: Vec<f64> = (0..size * size)
                .map(|place| {
                    let (i, j) = (place / size, place % size);
                    f64::from(numbers[i.min(j) * 12 + i.max(j)])
                })
                .collect();
            let vectors = eigenvectors(a.clone(), size, size, &|| Ok(())).unwrap();
            let mut last = f64::INFINITY;
            for (index, v) in vectors.chunks_exact(size).enumerate() {
                let image: Vec<f64> = (0..size)
                    .map(|i| (0..size).map(|j| a[i * size + j] * v[j]).sum())
                    .collect();
                let value: f64 = image.iter().zip(v).map(|(x, y)| x * y).sum();
                prop_assert!(value <= last + 1e-9);
                last = value;
                for (image, v) in image.iter().zip(v) {
                    prop_assert!((image - value * v).abs() < 1e-9, "{image} {value} {v}");
                }
                for (other, w) in vectors.chunks_exact(size).enumerate() {
                    let product: f64 = v.iter().zip(w).map(|(x, y)| x * y).sum();
                    let expected = f64::from(u8::from(index == other));
                    prop_assert!((product - expected).abs() < 1e-9);
                }
            }
        }
    }
}
