//! The paper on one page: Eqs. 1 to 6 and the cooperative step (Fig. 2) of *Generative Cooperative Learning for Unsupervised
//! Video Anomaly Detection* (Zaheer et al., CVPR 2022), in its symbols: G and D, a batch of b feature vectors f of d numbers,
//! reconstructions f̂ = G(f), probabilities p = σ(D(f)), pseudo labels l, targets t.
//!
//! [`cooperative_step`] is the step of training, of replayed traces and of the tests' reference. Eqs. 2 to 4 are computed by the
//! functions below on the host; a GPU's kernels, and the passes into which Eqs. 1, 5 and 6 are fused everywhere, are held against
//! them by tests (`backend/equations.rs`). Beyond the paper: a batch whose values are all but equal labels nobody
//! ([`crate::threshold`]). What the paper leaves open is a parameter of a job, [`sweeps::Training`], whose table of defaults is
//! `sweeps/src/registry`, after §4: thresholds mean + std for G and mean + 0.1·std for D, RMSprop at 2e-5 with momentum 0.6, 15
//! epochs in batches of 8192 rows, layers 2048-1024-512-256-512-1024-2048 (G) and 2048-512-32-1 (D), no pre-training (GCL_B);
//! where there is one, D_th = 0.70 on copies of the features at unit norm.

/// Eq. 1 (§3.2.1) of one row: ‖f − f̂‖₂, not squared.
pub fn reconstruction_error<T: Copy + Into<f64>>(f: &[T], f_hat: &[T]) -> f64 {
    let squares = f.iter().zip(f_hat).map(|(f, f_hat)| {
        let difference = (*f).into() - (*f_hat).into();
        difference * difference
    });
    squares.sum::<f64>().sqrt()
}

/// Eqs. 2 and 4 (§3.2.2, §3.2.4): 1 (anomalous) where a row's error or probability is at or above the threshold, else 0.
pub fn label(value: f64, threshold: f64) -> f32 {
    if value >= threshold { 1.0 } else { 0.0 }
}

/// The threshold of a batch (§4). Other rules are in [`crate::threshold`].
pub fn threshold((mean, std): (f64, f64), k: f64) -> f64 {
    mean + k * std
}

/// Mean and population standard deviation of the errors or probabilities of a batch, in two passes.
pub fn mean_and_std<T: Copy + Into<f64>>(values: &[T]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().map(|value| (*value).into()).sum::<f64>() / count;
    let squares = values.iter().map(|value| {
        let difference = (*value).into() - mean;
        difference * difference
    });
    (mean, (squares.sum::<f64>() / count).sqrt())
}

/// D's output layer: σ(z) = 1/(1 + e⁻ᶻ).
pub fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-z))
}

/// Eq. 3 (§3.2.3) of one row, −l·ln p − (1 − l)·ln(1 − p) with p = σ(z), in a form that is finite for every finite logit z.
pub fn cross_entropy(z: f64, l: f64) -> f64 {
    let positive = if z > 0.0 { z } else { 0.0 };
    positive - z * l + libm::log1p(libm::exp(-z.abs()))
}

/// Eq. 3 of a batch, the mean over its rows. The logits become its gradient with respect to them: (p − l)/b.
pub fn discriminator_loss(logits: &mut [f32], labels: &[f32]) -> f64 {
    let b = logits.len() as f64;
    let mut total = 0.0;
    for (logit, label) in logits.iter_mut().zip(labels) {
        let (z, l) = (f64::from(*logit), f64::from(*label));
        total += cross_entropy(z, l);
        *logit = ((sigmoid(z) - l) / b) as f32;
    }
    total / b
}

/// Eq. 6 (§3.2.5): what G is to reconstruct, f itself or, where D says anomalous, all ones (negative learning).
pub fn target<T: Copy + From<u8>>(f: &[T], l_d: f32) -> Vec<T> {
    if l_d > 0.5 {
        vec![T::from(1); f.len()]
    } else {
        f.to_vec()
    }
}

/// Eq. 5 (§3.2.5) of a batch: the mean of ‖t − f̂‖₂ over its rows.
pub fn generator_loss<T: Copy + Into<f64>>(t: &[Vec<T>], f_hat: &[Vec<T>]) -> f64 {
    (t.iter().zip(f_hat))
        .map(|(t, f_hat)| reconstruction_error(t, f_hat))
        .sum::<f64>()
        / t.len() as f64
}

/// The gradient of Eq. 5 with respect to one row of f̂, in a batch of b: (f̂ − t)/(b·‖t − f̂‖₂), and 0 where f̂ = t.
pub fn generator_gradient<T: Copy + Into<f64>>(t: &[T], f_hat: &[T], b: usize) -> Vec<f64> {
    let factor = match reconstruction_error(t, f_hat) {
        0.0 => 0.0,
        error => 1.0 / (b as f64 * error),
    };
    let values = f_hat.iter().zip(t);
    values
        .map(|(f_hat, t)| ((*f_hat).into() - (*t).into()) * factor)
        .collect()
}

/// G, D and their optimizers, whatever they compute with.
#[rustfmt::skip]
pub trait Pair {
    /// f, `[b, d]`.
    type Batch;
    /// f̂ = G(f), `[b, d]`, and what the backward pass of G needs of it.
    type Reconstruction;
    /// Errors or probabilities, `[b]`.
    type Scores;
    /// Pseudo labels l, `[b]`.
    type Labels;
    /// t, `[b, d]`, or what it is made of.
    type Target<'l> where Self: 'l;
    /// L_D or L_G.
    type Loss;
    /// What may go wrong.
    type Error;

    /// f̂ = G(f).
    fn reconstruct(&mut self, f: &Self::Batch) -> Result<Self::Reconstruction, Self::Error>;
    /// Eq. 1.
    fn reconstruction_errors(&mut self, f: &Self::Batch, f_hat: &Self::Reconstruction) -> Result<Self::Scores, Self::Error>;
    /// Eq. 2.
    fn labels_by_g(&mut self, f: &Self::Batch, e: Self::Scores) -> Result<Self::Labels, Self::Error>;
    /// One step of D on Eq. 3. Gives the loss before it.
    fn fit_discriminator(&mut self, f: &Self::Batch, l_g: &Self::Labels) -> Result<Self::Loss, Self::Error>;
    /// p = σ(D(f)).
    fn probabilities(&mut self, f: &Self::Batch) -> Result<Self::Scores, Self::Error>;
    /// Eq. 4.
    fn labels_by_d(&mut self, f: &Self::Batch, p: Self::Scores) -> Result<Self::Labels, Self::Error>;
    /// Eq. 6.
    fn targets<'l>(&mut self, f: &Self::Batch, l_d: &'l Self::Labels) -> Result<Self::Target<'l>, Self::Error>;
    /// One step of G on Eq. 5, which uses the reconstruction up. Gives the loss before it.
    fn fit_generator(&mut self, f: &Self::Batch, f_hat: Self::Reconstruction, t: Self::Target<'_>) -> Result<Self::Loss, Self::Error>;
}

/// What a step found: the labels by G and the loss of D, the labels by D and the loss of G.
#[derive(Debug, Clone, Copy, PartialEq)]
#[rustfmt::skip]
#[allow(missing_docs, reason = "the names are the paper's")]
pub struct Step<Labels, Loss> { pub l_g: Labels, pub loss_d: Loss, pub l_d: Labels, pub loss_g: Loss }

/// One cooperative step (§3.2, Fig. 2): G's errors teach D, then D's probabilities teach G. G does not change in between, so
/// that the reconstruction that labels is the one that G learns from.
#[rustfmt::skip]
pub fn cooperative_step<P: Pair>(pair: &mut P, f: &P::Batch) -> Result<Step<P::Labels, P::Loss>, P::Error> {
    let f_hat = pair.reconstruct(f)?;
    let e = pair.reconstruction_errors(f, &f_hat)?; // Eq. 1
    let l_g = pair.labels_by_g(f, e)?;              // Eq. 2
    let loss_d = pair.fit_discriminator(f, &l_g)?;  // Eq. 3
    let p = pair.probabilities(f)?;                 // of the updated D
    let l_d = pair.labels_by_d(f, p)?;              // Eq. 4
    let t = pair.targets(f, &l_d)?;                 // Eq. 6
    let loss_g = pair.fit_generator(f, f_hat, t)?;  // Eq. 5
    Ok(Step { l_g, loss_d, l_d, loss_g })
}
