//! Memory of a worker that trains a job, counted from widths and rows. Pure.

use sweeps::Training;
use sweeps::training::Method;

/// Rows and width of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Training rows: segments times crops.
    pub train: u64,
    /// Test rows.
    pub test: u64,
    /// Numbers of a row.
    pub dimension: usize,
}

/// Bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Memory {
    /// The features of the data set.
    pub features: u64,
    /// Networks with the batch that goes through them.
    pub networks: u64,
    /// A checkpoint on disk.
    pub checkpoint: u64,
}

impl Memory {
    /// Of a job on data of that shape.
    pub fn of(training: &Training, shape: Shape) -> Self {
        let widths = widths(training, shape.dimension);
        let parameters: u64 = widths
            .iter()
            .flat_map(|network| network.windows(2))
            .map(|pair| (pair[0] + 1) * pair[1])
            .sum();
        let rows = (training.batch_size as u64).min(shape.train);
        let units: u64 = widths.iter().flatten().sum();
        Self {
            features: 4 * shape.dimension as u64 * (shape.train + shape.test),
            // A gradient beside them, and a batch's values in every layer. On a CPU this is what a process takes.
            networks: 4 * 4 * parameters + 4 * rows * units,
            // A weight, its mean square, its momentum.
            checkpoint: 3 * 4 * parameters,
        }
    }

    /// The most of each: what a worker needs that may get either job.
    #[must_use]
    pub fn at_most(self, other: Self) -> Self {
        Self {
            features: self.features.max(other.features),
            networks: self.networks.max(other.networks),
            checkpoint: self.checkpoint.max(other.checkpoint),
        }
    }
}

/// Widths of each network's layers, from the features on.
fn widths(training: &Training, dimension: usize) -> Vec<Vec<u64>> {
    let chain = |hidden: Vec<usize>, end: usize| -> Vec<u64> {
        [dimension]
            .into_iter()
            .chain(hidden)
            .chain([end])
            .map(|width| width as u64)
            .collect()
    };
    let share = |parts: &[usize]| -> Vec<usize> {
        parts.iter().map(|part| (dimension / part).max(1)).collect()
    };
    let mut networks = Vec::new();
    let reconstructs = training.method == Method::Distil && training.distil.autoencoders() > 0;
    if training.method.has_generator() || reconstructs {
        let hidden = training
            .generator_widths
            .clone()
            .unwrap_or_else(|| share(&[2, 4, 8, 4, 2]));
        networks.push(chain(hidden, dimension));
    }
    if training.method.has_discriminator() {
        let hidden = training
            .discriminator_widths
            .clone()
            .unwrap_or_else(|| vec![share(&[4])[0], 32]);
        networks.push(chain(hidden, 1));
    }
    if training.method == Method::MilRanking {
        networks.push(chain(training.mil.hidden.clone(), 1));
    }
    networks
}

#[cfg(test)]
mod tests {
    use sweeps::{DatasetSource, JobSpec, Parameters, Value};

    use super::*;

    #[test]
    fn a_job_is_counted_from_its_widths_and_the_most_of_two_is_enough_for_both() {
        let mut parameters = Parameters::default();
        let mut set = |name: &str, value: Value| parameters.set(name, &value).unwrap();
        set("method", Value::from("autoencoder"));
        set("network.generator", Value::List(vec![Value::Integer(4)]));
        set("batch_size", Value::Integer(10));
        let job = JobSpec::resolve(DatasetSource::Named("d".into()), 0, &parameters);
        let shape = Shape {
            train: 100,
            test: 50,
            dimension: 8,
        };
        let memory = Memory::of(&Training::of(&job), shape);
        // 8 → 4 → 8 with biases.
        let weights = 9 * 4 + 5 * 8;
        assert_eq!(
            memory,
            Memory {
                features: 4 * 8 * 150,
                networks: 16 * weights + 4 * 10 * (8 + 4 + 8),
                checkpoint: 12 * weights,
            }
        );
        let larger = Memory {
            features: 1,
            networks: u64::MAX,
            checkpoint: 1,
        };
        let both = memory.at_most(larger);
        assert_eq!((both.features, both.networks), (memory.features, u64::MAX));
    }
}
