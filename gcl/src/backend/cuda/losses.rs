//! Errors of rows, losses and their gradients (Eqs. 1, 3, 5 and 6).

use sweeps::training::ReconstructionError;

use crate::backend::Target;
use crate::backend::cuda::kernels::{
    DiscriminatorLoss, GeneratorLoss, MeanLoss, NO_NOISE, RowErrors, target,
};
use crate::backend::cuda::memory::{Labels, Loss, Matrix, Scores, number};
use crate::backend::cuda::queue::Queue;
use crate::backend::cuda::{Cuda, demand, mean_square};
use crate::error::TrainError;

impl<Q: Queue> Cuda<Q> {
    pub(super) fn errors_of_rows(
        &mut self,
        f: &Matrix<Q>,
        f_hat: &Matrix<Q>,
        error: ReconstructionError,
        Scores(out): &mut Scores<Q>,
    ) -> Result<(), TrainError> {
        demand(
            f.rows == f_hat.rows && f.columns == f_hat.columns,
            "features and their reconstruction",
        )?;
        out.hold(f.rows)?;
        self.launch(
            &RowErrors {
                errors: out.at,
                y: f_hat.at,
                x: f.at,
                width: f.width()?,
                mean_square: mean_square(error),
            },
            (f.rows, 1),
        )
    }

    pub(super) fn loss_of_discriminator(
        &mut self,
        logits: &mut Matrix<Q>,
        labels: &Labels<Q>,
        bias_gradient: &mut Matrix<Q>,
    ) -> Result<Loss, TrainError> {
        demand(
            logits.len() == labels.values.len() && bias_gradient.columns == 1,
            "logits and labels",
        )?;
        bias_gradient.hold(1)?;
        let loss = self.loss();
        self.launch(
            &DiscriminatorLoss {
                logits: logits.at,
                labels: labels.values.at,
                bias_gradient: bias_gradient.at,
                loss: loss.0,
                count: number(logits.len())?,
            },
            (1, 1),
        )?;
        Ok(loss)
    }

    pub(super) fn loss_of_generator(
        &mut self,
        f_hat: &mut Matrix<Q>,
        f: &Matrix<Q>,
        target: &Target<'_, Self>,
        error: ReconstructionError,
        bias_gradient: &mut Matrix<Q>,
    ) -> Result<Loss, TrainError> {
        let rows = f.rows;
        demand(
            f_hat.rows == rows && f_hat.columns == f.columns,
            "features and their reconstruction",
        )?;
        let mut arguments = GeneratorLoss {
            y: f_hat.at,
            losses: self
                .row_losses
                .reserve(&self.queue, rows * size_of::<f32>())?,
            x: f.at,
            labels: 0,
            sources: 0,
            noise: 0,
            width: f.width()?,
            target: target::INPUT,
            mean_square: mean_square(error),
            sigma: 0.0,
            weight: 0.0,
        };
        let mut kept = rows;
        match target {
            Target::Input => {}
            Target::Ones { labels } => {
                demand(labels.values.rows == rows, "labels and a batch")?;
                arguments.target = target::ONES;
                arguments.labels = labels.values.at;
            }
            Target::Without {
                labels,
                kept: of_labels,
            } => {
                demand(labels.values.rows == rows, "labels and a batch")?;
                kept = *of_labels;
                arguments.target = target::WITHOUT;
                arguments.labels = labels.values.at;
            }
            Target::Replace { sources } => {
                demand(
                    sources.len() == rows && sources.iter().all(|row| (*row as usize) < rows),
                    "replacements and a batch",
                )?;
                arguments.target = target::REPLACE;
                arguments.sources = self.sources.put(&self.queue, sources)?;
            }
            Target::Gaussian {
                positive,
                noise,
                sigma,
            } => {
                demand(
                    noise.len() == positive.len() * f.columns
                        && positive.iter().all(|row| (*row as usize) < rows),
                    "noise and a batch",
                )?;
                let mut places = vec![NO_NOISE; rows];
                for (place, row) in positive.iter().enumerate() {
                    places[*row as usize] = place as u32;
                }
                arguments.target = target::NOISE;
                arguments.sources = self.sources.put(&self.queue, &places)?;
                arguments.noise = self.noise.put(&self.queue, noise)?;
                arguments.sigma = *sigma as f32;
            }
        }
        arguments.weight = 1.0 / kept as f32;
        let loss = self.loss();
        self.launch(&arguments, (rows, 1))?;
        self.launch(
            &MeanLoss {
                out: loss.0,
                losses: arguments.losses,
                count: number(rows)?,
                kept: number(kept)?,
            },
            (1, 1),
        )?;
        self.sum_columns(f_hat, bias_gradient)?;
        Ok(loss)
    }
}
