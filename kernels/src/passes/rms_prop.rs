//! The optimizer's pass over a parameter.

use rayon::prelude::*;

use crate::passes::WORTH_A_THREAD;

/// Values in a chunk of a parameter.
const VALUES: usize = 16_384;

/// The settings of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RmsProp {
    /// α, the part of the mean square that stays.
    pub alpha: f64,
    /// μ.
    pub momentum: f64,
    /// ε, added to the root.
    pub epsilon: f64,
    /// η.
    pub learning_rate: f64,
}

/// One step of RMSprop as PyTorch makes it: s ← αs + (1−α)g²; m ← μm + g/(√s + ε); w ← w − ηm.
///
/// # Shapes
/// All slices are of one length.
pub fn rms_prop(
    threads: usize,
    value: &mut [f32],
    square: &mut [f32],
    momentum: &mut [f32],
    gradient: &[f32],
    settings: RmsProp,
) {
    let alpha = settings.alpha as f32;
    let rest = (1.0 - settings.alpha) as f32;
    let (mu, epsilon, rate) = (
        settings.momentum as f32,
        settings.epsilon as f32,
        settings.learning_rate as f32,
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

    /// PyTorch 2.15: `torch.optim.RMSprop([w], lr=0.1, alpha=0.9, eps=1e-8, momentum=0.5)`, w = 1, gradients 2, −1, 0.5.
    #[test]
    fn rms_prop_steps_as_pytorch_does() {
        let settings = RmsProp {
            alpha: 0.9,
            momentum: 0.5,
            epsilon: 1e-8,
            learning_rate: 0.1,
        };
        let (mut w, mut s, mut m) = ([1.0_f32], [0.0], [0.0]);
        let mut path = Vec::new();
        for gradient in [2.0, -1.0, 0.5] {
            rms_prop(1, &mut w, &mut s, &mut m, &[gradient], settings);
            path.push(w[0]);
        }
        for (found, expected) in path.iter().zip(PYTORCH) {
            assert!((found - expected).abs() < 1e-6, "{path:?}");
        }
    }
    const PYTORCH: [f32; 3] = [0.683_772_2, 0.673_100_3, 0.592_300_7];
}
