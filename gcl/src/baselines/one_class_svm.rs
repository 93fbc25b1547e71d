//! One-class SVM (Schölkopf et al.) with a Gaussian kernel, in the form that scales: random Fourier features (Rahimi and
//! Recht) and stochastic gradient descent on the primal, ν/2‖w‖² − νρ + mean max(0, ρ − w·φ(x)).
//!
//! The steps fall as 1/(1 + νt), and the mean over the second half of them is the solution. The score is ρ − w·φ(x).

use sweeps::training::OneClassSvm;

use crate::baselines::fit::{Fault, FitContext};
use crate::baselines::numbers::{each, mean};
use crate::data::features::Features;
use crate::method::random_streams::{normal_pair, sample, shuffle, stream, unit};

/// √(2/D)·cos(Wx + b) with W ~ N(0, 2γ).
pub(crate) struct Fourier {
    /// `[d, D]`.
    weights: Vec<f64>,
    /// `[D]`.
    shifts: Vec<f64>,
}

impl Fourier {
    pub(crate) fn draw(seed: u64, dimension: usize, features: usize, gamma: f64) -> Self {
        let mut stream = stream(seed, "fourier");
        let scale = (2.0 * gamma).sqrt();
        let shifts = (0..features)
            .map(|_| unit(&mut stream) * std::f64::consts::TAU)
            .collect();
        let count = dimension * features;
        let mut weights = Vec::with_capacity(count + 1);
        while weights.len() < count {
            let (first, second) = normal_pair(&mut stream);
            weights.extend([first * scale, second * scale]);
        }
        weights.truncate(count);
        Self { weights, shifts }
    }

    pub(crate) fn of(&self, row: &[f32]) -> Vec<f64> {
        let features = self.shifts.len();
        let mut phases = self.shifts.clone();
        for (x, weights) in row.iter().zip(self.weights.chunks_exact(features)) {
            let x = f64::from(*x);
            for (phase, weight) in phases.iter_mut().zip(weights) {
                *phase += x * weight;
            }
        }
        let scale = (2.0 / features as f64).sqrt();
        for phase in &mut phases {
            *phase = scale * libm::cos(*phase);
        }
        phases
    }
}

/// ρ − w·φ of every test row: above zero is outside.
pub(crate) fn score(context: &FitContext<'_>, settings: OneClassSvm) -> Result<Vec<f32>, Fault> {
    let gamma = match settings.gamma {
        Some(gamma) => gamma,
        None => scale_of(context)?,
    };
    if !gamma.is_finite() {
        return Err(Fault::NotFinite("gamma"));
    }
    let fourier = Fourier::draw(
        context.seed,
        context.train.columns(),
        settings.features,
        gamma,
    );
    let mut stream = stream(context.seed, "sample");
    let chosen = sample(&mut stream, context.rows.len() as u32, settings.samples);
    let map = |features: &Features, rows: &(dyn Fn(usize) -> usize + Sync), count: usize| {
        each(context.threads, count, |index| {
            context.go_on()?;
            let mut scratch = Vec::new();
            Ok(fourier.of(features.row(rows(index), &mut scratch)))
        })
        .into_iter()
        .collect::<Result<Vec<_>, _>>()
    };
    let row_of = |index: usize| context.rows[chosen[index] as usize] as usize;
    let points = map(context.train, &row_of, chosen.len())?;
    let (weights, rho) = descend(context, &points, settings, |order| {
        shuffle(&mut stream, order);
    })?;
    each(context.threads, context.test.rows(), |row| {
        context.go_on()?;
        let point = fourier.of(context.test.row(row, &mut Vec::new()));
        Ok((rho - dot(&weights, &point)) as f32)
    })
    .into_iter()
    .collect()
}

/// w and ρ.
pub(crate) fn descend(
    context: &FitContext<'_>,
    points: &[Vec<f64>],
    settings: OneClassSvm,
    mut shuffle: impl FnMut(&mut [u32]),
) -> Result<(Vec<f64>, f64), Fault> {
    let nu = settings.nu;
    let mut weights = vec![0.0; settings.features];
    let mut mean = weights.clone();
    let (mut rho, mut mean_rho) = (0.0, 0.0);
    let mut order: Vec<u32> = (0..points.len() as u32).collect();
    let steps = points.len() * settings.passes;
    let mut step = 0;
    for _ in 0..settings.passes {
        shuffle(&mut order);
        for index in &order {
            if step % 1024 == 0 {
                context.go_on()?;
            }
            let point = &points[*index as usize];
            let rate = 1.0 / (1.0 + nu * step as f64);
            let outside = dot(&weights, point) < rho;
            let shrink = 1.0 - rate * nu;
            let push = if outside { rate } else { 0.0 };
            for (weight, value) in weights.iter_mut().zip(point) {
                *weight = *weight * shrink + push * value;
            }
            rho += rate * nu - push;
            step += 1;
            let late = step as f64 - (steps / 2) as f64;
            if late > 0.0 {
                for (mean, weight) in mean.iter_mut().zip(&weights) {
                    *mean += (weight - *mean) / late;
                }
                mean_rho += (rho - mean_rho) / late;
            }
        }
    }
    Ok((mean, mean_rho))
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

/// 1/(d·variance) over all values of the fitted rows.
fn scale_of(context: &FitContext<'_>) -> Result<f64, Fault> {
    let columns = context.train.columns() as f64;
    let mean = mean(context)?.iter().sum::<f64>() / columns;
    let mut total = 0.0;
    let mut scratch = Vec::new();
    for row in context.rows {
        for value in context.train.row(*row as usize, &mut scratch) {
            let difference = f64::from(*value) - mean;
            total += difference * difference;
        }
    }
    let variance = total / (columns * context.rows.len() as f64);
    Ok(1.0 / (columns * if variance == 0.0 { 1.0 } else { variance }))
}
