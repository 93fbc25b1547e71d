//! The paper's step with plain networks in f64: what [`gcl::paper`] says, computed row by row.

use std::convert::Infallible;

use gcl::paper::{self, Pair};

use super::naive::Network;

/// G and D before their first step, with the defaults of §4 but for the learning rate.
#[derive(Clone)]
pub(crate) struct Reference {
    pub(crate) generator: Network,
    pub(crate) discriminator: Network,
    pub(crate) rate: f64,
}

fn labels(values: &[f64], k: f64) -> Vec<f32> {
    let threshold = paper::threshold(paper::mean_and_std(values), k);
    values.iter().map(|v| paper::label(*v, threshold)).collect()
}

impl Pair for Reference {
    type Batch = Vec<Vec<f64>>;
    type Reconstruction = Vec<Vec<f64>>;
    type Scores = Vec<f64>;
    type Labels = Vec<f32>;
    type Target<'l> = Vec<Vec<f64>>;
    type Loss = f64;
    type Error = Infallible;

    fn reconstruct(&mut self, f: &Vec<Vec<f64>>) -> Result<Vec<Vec<f64>>, Infallible> {
        Ok(f.iter().map(|row| self.generator.output(row)).collect())
    }

    fn reconstruction_errors(
        &mut self,
        f: &Vec<Vec<f64>>,
        f_hat: &Vec<Vec<f64>>,
    ) -> Result<Vec<f64>, Infallible> {
        let rows = f.iter().zip(f_hat);
        Ok(rows
            .map(|(f, f_hat)| paper::reconstruction_error(f, f_hat))
            .collect())
    }

    fn labels_by_g(&mut self, _: &Vec<Vec<f64>>, e: Vec<f64>) -> Result<Vec<f32>, Infallible> {
        Ok(labels(&e, 1.0))
    }

    fn fit_discriminator(&mut self, f: &Vec<Vec<f64>>, l_g: &Vec<f32>) -> Result<f64, Infallible> {
        let b = f.len() as f64;
        let (mut loss, mut gradients) = (0.0, Vec::new());
        for (row, label) in f.iter().zip(l_g) {
            let (z, l) = (self.discriminator.output(row)[0], f64::from(*label));
            loss += paper::cross_entropy(z, l) / b;
            gradients.push(vec![(paper::sigmoid(z) - l) / b]);
        }
        self.discriminator.first_step(f, &gradients, self.rate);
        Ok(loss)
    }

    fn probabilities(&mut self, f: &Vec<Vec<f64>>) -> Result<Vec<f64>, Infallible> {
        let logits = f.iter().map(|row| self.discriminator.output(row)[0]);
        Ok(logits.map(paper::sigmoid).collect())
    }

    fn labels_by_d(&mut self, _: &Vec<Vec<f64>>, p: Vec<f64>) -> Result<Vec<f32>, Infallible> {
        Ok(labels(&p, 0.1))
    }

    fn targets(&mut self, f: &Vec<Vec<f64>>, l_d: &Vec<f32>) -> Result<Vec<Vec<f64>>, Infallible> {
        let rows = f.iter().zip(l_d);
        Ok(rows
            .map(|(row, label)| paper::target(row, *label))
            .collect())
    }

    fn fit_generator(
        &mut self,
        f: &Vec<Vec<f64>>,
        f_hat: Vec<Vec<f64>>,
        t: Vec<Vec<f64>>,
    ) -> Result<f64, Infallible> {
        let rows = t.iter().zip(&f_hat);
        let gradients: Vec<Vec<f64>> = rows
            .map(|(t, f_hat)| paper::generator_gradient(t, f_hat, f.len()))
            .collect();
        self.generator.first_step(f, &gradients, self.rate);
        Ok(paper::generator_loss(&t, &f_hat))
    }
}
