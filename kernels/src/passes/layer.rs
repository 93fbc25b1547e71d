//! What belongs to a fully connected layer beside its product.

use crate::passes::ROWS;
use crate::product::Epilogue;

/// z ← z + b, and where `relu` is set max(z, 0).
///
/// # Shapes
/// `bias`: `[width]`; the rows: `[any number, width]`.
#[derive(Debug, Clone, Copy)]
pub struct BiasRelu<'a> {
    /// b.
    pub bias: &'a [f32],
    /// Whether a ReLU follows.
    pub relu: bool,
}

impl Epilogue for BiasRelu<'_> {
    const ROWS: usize = 1;

    fn split(self, _rows: usize) -> (Self, Self) {
        (self, self)
    }

    fn apply(self, rows: &mut [f32]) {
        for row in rows.chunks_exact_mut(self.bias.len()) {
            if self.relu {
                for (value, bias) in row.iter_mut().zip(self.bias) {
                    // A NaN must survive: `f32::max` would turn it into 0.
                    let sum = *value + *bias;
                    *value = if sum <= 0.0 { 0.0 } else { sum };
                }
            } else {
                for (value, bias) in row.iter_mut().zip(self.bias) {
                    *value += *bias;
                }
            }
        }
    }
}

/// z ← z · mask, value by value.
pub fn multiply(z: &mut [f32], mask: &[f32]) {
    for (value, mask) in z.iter_mut().zip(mask) {
        *value *= *mask;
    }
}

/// Backward through a ReLU (and a dropout that scaled by `scale`). The rows that it is applied to are the gradient with
/// respect to the activations; the activations' place takes the gradient with respect to the layer's output before the
/// ReLU, and `sums` its column sums per chunk of [`ROWS`] rows.
///
/// # Shapes
/// `activation` and the rows: `[b, width]`; `sums`: `[chunks(b), width]`.
#[derive(Debug)]
pub struct ReluGradient<'a> {
    /// What the layer gave.
    pub activation: &'a mut [f32],
    /// Column sums per chunk.
    pub sums: &'a mut [f32],
    /// Columns.
    pub width: usize,
    /// The factor of the kept units, 1 without dropout.
    pub scale: f32,
}

impl Epilogue for ReluGradient<'_> {
    const ROWS: usize = ROWS;

    fn split(self, rows: usize) -> (Self, Self) {
        assert!(rows.is_multiple_of(ROWS), "chunks are not cut");
        let Self { width, scale, .. } = self;
        let (activation, other_activation) = self.activation.split_at_mut(rows * width);
        let (sums, other_sums) = self.sums.split_at_mut(rows / ROWS * width);
        (
            Self {
                activation,
                sums,
                width,
                scale,
            },
            Self {
                activation: other_activation,
                sums: other_sums,
                width,
                scale,
            },
        )
    }

    fn apply(self, gradient: &mut [f32]) {
        let Self { width, scale, .. } = self;
        for ((activation, gradient), sums) in self
            .activation
            .chunks_mut(ROWS * width)
            .zip(gradient.chunks(ROWS * width))
            .zip(self.sums.chunks_exact_mut(width))
        {
            sums.fill(0.0);
            for (activation, gradient) in activation
                .chunks_exact_mut(width)
                .zip(gradient.chunks_exact(width))
            {
                // Two short loops: the compiler makes vectors of each, and of neither when they are one.
                for (value, gradient) in activation.iter_mut().zip(gradient) {
                    let gradient = *gradient * scale;
                    *value = if *value > 0.0 { gradient } else { 0.0 };
                }
                for (sum, value) in sums.iter_mut().zip(&*activation) {
                    *sum += *value;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passes::{add_chunks, chunks};

    #[test]
    fn a_nan_survives_the_relu() {
        let mut z = [f32::NAN, -1.0, 2.0];
        BiasRelu {
            bias: &[0.0; 3],
            relu: true,
        }
        .apply(&mut z);
        assert!(z[0].is_nan() && z[1..] == [0.0, 2.0]);
    }

    #[test]
    fn sums_over_many_rows_do_not_depend_on_how_the_rows_are_split() {
        let width = 37;
        let rows = 3000;
        let start: Vec<f32> = (0..rows * width)
            .map(|i| ((i * 31 % 17) as f32) - 8.0)
            .collect();
        let mut gradient: Vec<f32> = (0..rows * width)
            .map(|i| ((i * 13 % 101) as f32) / 7.0)
            .collect();
        let mut run = |first: usize| {
            let mut activation = start.clone();
            let mut sums = vec![0.0; chunks(rows) * width];
            let mut out = vec![0.0; width];
            let whole = ReluGradient {
                activation: &mut activation,
                sums: &mut sums,
                width,
                scale: 1.0,
            };
            let (left, right) = whole.split(first);
            right.apply(&mut gradient[first * width..]);
            left.apply(&mut gradient[..first * width]);
            add_chunks(&sums, &mut out);
            (activation, out)
        };
        let one = run(0);
        assert!(one == run(ROWS) && one == run(10 * ROWS));
        let expected: f64 = (0..rows)
            .map(|row| row * width)
            .filter(|i| start[*i] > 0.0)
            .map(|i| f64::from(gradient[i]))
            .sum();
        assert!((f64::from(one.1[0]) - expected).abs() < 1e-3);
    }
}
