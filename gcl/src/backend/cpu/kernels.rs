//! The passes between the products: each reads and writes its buffers once.
//!
//! Work is cut into chunks whose size does not depend on the number of threads, and sums over rows are made chunk by
//! chunk and then over the chunks in order: same bits at any number of threads.

use rayon::prelude::*;
use sweeps::training::{ReconstructionError, RmsProp};

use crate::backend::cpu::product::Companion;

/// Rows in a chunk. At the paper's batch of 8192 rows 64 chunks, enough for the threads of any machine that trains on its
/// CPU; at 2048 features a chunk's row block fits the second-level cache.
pub(crate) const ROWS: usize = 128;

/// Values in a chunk of a parameter.
const VALUES: usize = 16_384;

/// Below this many values a pass is shorter than waking a thread.
pub(crate) const WORTH_A_THREAD: usize = 65_536;

/// Number of chunks of `rows` rows.
pub(crate) fn chunks(rows: usize) -> usize {
    rows.div_ceil(ROWS)
}

/// z ← z + b, and where `relu` is set max(z, 0).
///
/// # Shapes
/// `z`: `[any rows, width]`; `bias`: `[width]`.
pub(crate) fn bias_relu(z: &mut [f32], bias: &[f32], relu: bool) {
    for row in z.chunks_exact_mut(bias.len()) {
        if relu {
            for (value, bias) in row.iter_mut().zip(bias) {
                // A NaN must survive: `f32::max` would turn it into 0.
                let sum = *value + *bias;
                *value = if sum <= 0.0 { 0.0 } else { sum };
            }
        } else {
            for (value, bias) in row.iter_mut().zip(bias) {
                *value += *bias;
            }
        }
    }
}

/// z ← z · mask, value by value.
pub(crate) fn multiply(z: &mut [f32], mask: &[f32]) {
    for (value, mask) in z.iter_mut().zip(mask) {
        *value *= *mask;
    }
}

/// Lanes of a sum of squares: enough to keep the widest registers busy, and a fixed number, so that the order of summation
/// is the same on every machine.
const LANES: usize = 16;

/// Σ (y − x)².
fn squared_distance(y: &[f32], x: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let (y_whole, y_rest) = y.as_chunks::<LANES>();
    let (x_whole, x_rest) = x.as_chunks::<LANES>();
    for (y, x) in y_whole.iter().zip(x_whole) {
        for lane in 0..LANES {
            let difference = y[lane] - x[lane];
            lanes[lane] += difference * difference;
        }
    }
    for (lane, (y, x)) in y_rest.iter().zip(x_rest).enumerate() {
        lanes[lane] += (y - x) * (y - x);
    }
    lanes.iter().sum()
}

/// The error of a row from the sum of its squares (Eq. 1): ‖f − f̂‖₂, or the mean of the squares.
fn error_of(sum: f32, width: usize, kind: ReconstructionError) -> f32 {
    match kind {
        ReconstructionError::L2 => sum.sqrt(),
        ReconstructionError::Mse => sum / width as f32,
    }
}

/// The error of every row (Eq. 1).
///
/// # Shapes
/// `x`, `y`: `[b, d]`; `errors`: `[b]`.
pub(crate) fn row_errors(
    threads: usize,
    errors: &mut [f32],
    y: &[f32],
    x: &[f32],
    width: usize,
    kind: ReconstructionError,
) {
    let work = |errors: &mut [f32], y: &[f32], x: &[f32]| {
        for ((error, y), x) in errors
            .iter_mut()
            .zip(y.chunks_exact(width))
            .zip(x.chunks_exact(width))
        {
            *error = error_of(squared_distance(y, x), width, kind);
        }
    };
    if threads > 1 && y.len() >= WORTH_A_THREAD {
        errors
            .par_chunks_mut(ROWS)
            .zip(y.par_chunks(ROWS * width))
            .zip(x.par_chunks(ROWS * width))
            .for_each(|((errors, y), x)| work(errors, y, x));
    } else {
        work(errors, y, x);
    }
}

/// What a row of G's output is compared with (Eq. 6).
pub(crate) enum TargetRow<'a> {
    /// These features.
    Features(&'a [f32]),
    /// All ones.
    Ones,
    /// Features + σ · noise.
    Noisy(&'a [f32], f32, &'a [f32]),
    /// Nothing: the row is left out of the loss.
    Nothing,
}

/// Sums over the columns, chunk by chunk, of the gradient that a pass writes.
pub(crate) struct ColumnSums<'a>(pub(crate) &'a mut [f32]);

impl ColumnSums<'_> {
    /// The sums over all chunks, in order.
    pub(crate) fn finish(self, rows: usize, out: &mut [f32]) {
        let width = out.len();
        out.fill(0.0);
        for partial in self.0[..chunks(rows) * width].chunks_exact(width) {
            for (sum, partial) in out.iter_mut().zip(partial) {
                *sum += *partial;
            }
        }
    }
}

/// Turns G's output into the gradient of the loss (Eq. 5) with respect to it, in place, and gives the sum of the kept
/// rows' errors. `weight` is 1/(number of kept rows). The gradient of the norm at zero is zero.
///
/// # Shapes
/// `y`: `[b, d]`; `losses`: `[b]`; `sums`: at least `[chunks(b), d]`.
pub(crate) fn residual<'a>(
    threads: usize,
    y: &mut [f32],
    losses: &mut [f32],
    sums: &mut ColumnSums<'_>,
    kind: ReconstructionError,
    (width, weight): (usize, f32),
    target: impl Fn(usize) -> TargetRow<'a> + Sync + Send,
) -> f64 {
    let rows = losses.len();
    let work = |chunk: usize, y: &mut [f32], sums: &mut [f32], losses: &mut [f32]| {
        sums.fill(0.0);
        for (offset, (y, loss)) in y.chunks_exact_mut(width).zip(losses).enumerate() {
            *loss = residual_row(y, &target(chunk * ROWS + offset), weight, kind);
            for (sum, gradient) in sums.iter_mut().zip(&*y) {
                *sum += *gradient;
            }
        }
    };
    let sums = &mut sums.0[..chunks(rows) * width];
    if threads > 1 && y.len() >= WORTH_A_THREAD {
        y.par_chunks_mut(ROWS * width)
            .zip(sums.par_chunks_mut(width))
            .zip(losses.par_chunks_mut(ROWS))
            .enumerate()
            .for_each(|(chunk, ((y, sums), losses))| work(chunk, y, sums, losses));
    } else {
        y.chunks_mut(ROWS * width)
            .zip(sums.chunks_mut(width))
            .zip(losses.chunks_mut(ROWS))
            .enumerate()
            .for_each(|(chunk, ((y, sums), losses))| work(chunk, y, sums, losses));
    }
    losses.iter().map(|loss| f64::from(*loss)).sum()
}

fn residual_row(
    y: &mut [f32],
    target: &TargetRow<'_>,
    weight: f32,
    kind: ReconstructionError,
) -> f32 {
    match target {
        TargetRow::Nothing => {
            y.fill(0.0);
            return 0.0;
        }
        TargetRow::Ones => y.iter_mut().for_each(|value| *value -= 1.0),
        TargetRow::Features(features) => {
            for (value, feature) in y.iter_mut().zip(*features) {
                *value -= *feature;
            }
        }
        TargetRow::Noisy(features, sigma, noise) => {
            for ((value, feature), noise) in y.iter_mut().zip(*features).zip(*noise) {
                *value -= *feature + *sigma * *noise;
            }
        }
    }
    let sum = sum_of_squares(y);
    let error = error_of(sum, y.len(), kind);
    let factor = match kind {
        ReconstructionError::L2 if error == 0.0 => 0.0,
        ReconstructionError::L2 => weight / error,
        ReconstructionError::Mse => 2.0 * weight / y.len() as f32,
    };
    for value in y {
        *value *= factor;
    }
    error
}

fn sum_of_squares(y: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let (whole, rest) = y.as_chunks::<LANES>();
    for y in whole {
        for lane in 0..LANES {
            lanes[lane] += y[lane] * y[lane];
        }
    }
    for (lane, y) in rest.iter().enumerate() {
        lanes[lane] += y * y;
    }
    lanes.iter().sum()
}

/// The rows that a gradient goes back to: activations, which take its place, and column sums per chunk of them.
///
/// # Shapes
/// `activation`: `[b, width]`; `sums`: `[chunks(b), width]`.
pub(crate) struct Gate<'a> {
    pub(crate) activation: &'a mut [f32],
    pub(crate) sums: &'a mut [f32],
    pub(crate) width: usize,
}

impl Companion for Gate<'_> {
    const ROWS: usize = ROWS;

    fn split(self, rows: usize) -> (Self, Self) {
        assert!(rows.is_multiple_of(ROWS), "chunks are not cut");
        let width = self.width;
        let (activation, other_activation) = self.activation.split_at_mut(rows * width);
        let (sums, other_sums) = self.sums.split_at_mut(rows / ROWS * width);
        (
            Self {
                activation,
                sums,
                width,
            },
            Self {
                activation: other_activation,
                sums: other_sums,
                width,
            },
        )
    }
}

impl Gate<'_> {
    /// Backward through a ReLU (and a dropout that scaled by `scale`): the activations' place takes the gradient with
    /// respect to the layer's output before the ReLU, and `sums` its column sums per chunk.
    ///
    /// # Shapes
    /// `gradient`: that of `activation`.
    pub(crate) fn pass(self, gradient: &[f32], scale: f32) {
        let width = self.width;
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

/// One step of RMSprop as PyTorch makes it: s ← αs + (1−α)g²; m ← μm + g/(√s + ε); w ← w − ηm.
pub(crate) fn rms_prop(
    threads: usize,
    value: &mut [f32],
    square: &mut [f32],
    momentum: &mut [f32],
    gradient: &[f32],
    settings: &RmsProp,
    learning_rate: f64,
) {
    let alpha = settings.alpha as f32;
    let rest = (1.0 - settings.alpha) as f32;
    let (mu, epsilon, rate) = (
        settings.momentum as f32,
        settings.epsilon as f32,
        learning_rate as f32,
    );
    let work = |w: &mut [f32], s: &mut [f32], m: &mut [f32], g: &[f32]| {
        for (((w, s), m), g) in w.iter_mut().zip(s).zip(m).zip(g) {
            *s = alpha * *s + rest * (*g * *g);
            *m = mu * *m + *g / (s.sqrt() + epsilon);
            *w -= rate * *m;
        }
    };
    if threads > 1 && value.len() >= WORTH_A_THREAD {
        value
            .par_chunks_mut(VALUES)
            .zip(square.par_chunks_mut(VALUES))
            .zip(momentum.par_chunks_mut(VALUES))
            .zip(gradient.par_chunks(VALUES))
            .for_each(|(((w, s), m), g)| work(w, s, m, g));
    } else {
        work(value, square, momentum, gradient);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gradient_of_the_norm_at_zero_is_zero() {
        let mut y = [3.0, 5.0, 1.0, 1.0];
        let features = [0.0, 1.0, 1.0, 1.0];
        let (mut losses, mut sums) = ([0.0; 2], [9.0; 2]);
        let total = residual(
            1,
            &mut y,
            &mut losses,
            &mut ColumnSums(&mut sums),
            ReconstructionError::L2,
            (2, 0.5),
            |row| TargetRow::Features(&features[row * 2..][..2]),
        );
        assert_eq!((total, losses), (5.0, [5.0, 0.0]));
        assert_eq!(y, [0.3, 0.4, 0.0, 0.0]);
        assert_eq!(sums, [0.3, 0.4]);
    }

    #[test]
    fn rows_left_out_have_no_gradient() {
        let mut y = [3.0, 4.0, 7.0, 7.0];
        let (mut losses, mut sums) = ([0.0; 2], [9.0; 2]);
        let total = residual(
            1,
            &mut y,
            &mut losses,
            &mut ColumnSums(&mut sums),
            ReconstructionError::Mse,
            (2, 1.0),
            |row| {
                if row == 0 {
                    TargetRow::Features(&[0.0, 0.0])
                } else {
                    TargetRow::Nothing
                }
            },
        );
        assert_eq!((total, y), (12.5, [3.0, 4.0, 0.0, 0.0]));
    }

    /// PyTorch 2.15: `torch.optim.RMSprop([w], lr=0.1, alpha=0.9, eps=1e-8, momentum=0.5)`, w = 1, gradients 2, −1, 0.5.
    #[test]
    fn rms_prop_steps_as_pytorch_does() {
        let settings = RmsProp {
            alpha: 0.9,
            momentum: 0.5,
            epsilon: 1e-8,
        };
        let (mut w, mut s, mut m) = ([1.0_f32], [0.0], [0.0]);
        let mut path = Vec::new();
        for gradient in [2.0, -1.0, 0.5] {
            rms_prop(1, &mut w, &mut s, &mut m, &[gradient], &settings, 0.1);
            path.push(w[0]);
        }
        for (found, expected) in path.iter().zip(PYTORCH) {
            assert!((found - expected).abs() < 1e-6, "{path:?}");
        }
    }
    const PYTORCH: [f32; 3] = [0.683_772_2, 0.673_100_3, 0.592_300_7];

    #[test]
    fn a_nan_survives_the_relu() {
        let mut z = [f32::NAN, -1.0, 2.0];
        bias_relu(&mut z, &[0.0; 3], true);
        assert!(z[0].is_nan() && z[1..] == [0.0, 2.0]);
    }

    #[test]
    fn sums_over_many_rows_do_not_depend_on_how_the_rows_are_split() {
        let width = 37;
        let rows = 3000;
        let start: Vec<f32> = (0..rows * width)
            .map(|i| ((i * 31 % 17) as f32) - 8.0)
            .collect();
        let gradient: Vec<f32> = (0..rows * width)
            .map(|i| ((i * 13 % 101) as f32) / 7.0)
            .collect();
        let run = |first: usize| {
            let mut activation = start.clone();
            let mut sums = vec![0.0; chunks(rows) * width];
            let mut out = vec![0.0; width];
            let gate = Gate {
                activation: &mut activation,
                sums: &mut sums,
                width,
            };
            let (left, right) = gate.split(first);
            right.pass(&gradient[first * width..], 1.0);
            left.pass(&gradient[..first * width], 1.0);
            ColumnSums(&mut sums).finish(rows, &mut out);
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
