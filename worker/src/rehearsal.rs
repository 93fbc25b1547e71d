//! Rehearsals: a trainer around the trainer, which makes every job small.
//!
//! A job of a rehearsal is the one of the sweep file: its grid, its method, its targets and thresholds. Trained is a copy
//! of two epochs, narrow networks and little data, so that the whole road from the file to the report is walked in
//! milliseconds a job. Its [`Trainer::revision`] is [`REHEARSAL_REVISION`], which is part of every job's id: a record of
//! it is never that of a real job, and a coordinator that takes the one kind refuses the other.

use std::collections::BTreeMap;

use async_trait::async_trait;
use proto::telemetry::Telemetry;
use sweeps::{
    DatasetSource, DeviceInfo, Digest, JobId, JobSpec, Parameters, REHEARSAL_REVISION, Synthetic,
    Value,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::trainer::{Ended, Event, Task, Trainer};

/// Epochs of each phase at most.
const EPOCHS: i64 = 2;
/// Segments per step at most: the smallest stand-ins make some steps of it.
const BATCH: i64 = 64;
/// Widths of hidden layers at most.
const WIDTH: i64 = 8;
/// A rate that a narrow network bears, however it was chosen for a wide one.
const RATE: f64 = 1e-3;
/// Differences between segments are of the features' scale, which a stand-in does not have: so much is kept of it.
const KEPT: f64 = 0.5;
/// Videos, mean length and dimensions of synthetic data at most.
const SYNTHETIC: [u32; 3] = [120, 8, 16];

/// A trainer that makes every job small.
#[derive(Debug)]
pub struct Rehearsing<T>(pub T);

#[async_trait]
impl<T: Trainer> Trainer for Rehearsing<T> {
    fn device(&self) -> DeviceInfo {
        self.0.device()
    }

    fn device_for(&self, job: &JobSpec) -> DeviceInfo {
        self.0.device_for(job)
    }

    fn revision(&self) -> u32 {
        REHEARSAL_REVISION
    }

    fn memory_bytes(&self) -> Option<u64> {
        self.0.memory_bytes()
    }

    fn driver(&self) -> Option<String> {
        self.0.driver()
    }

    fn telemetry(&self) -> Option<Telemetry> {
        self.0.telemetry()
    }

    fn broken(&self) -> Option<String> {
        self.0.broken()
    }

    fn datasets(&self) -> BTreeMap<String, Digest> {
        self.0.datasets()
    }

    fn warm(&self) -> Vec<Digest> {
        self.0.warm()
    }

    async fn train(
        &self,
        task: Task,
        events: mpsc::Sender<Event>,
        stop: CancellationToken,
    ) -> Ended {
        let job = small(&task.job);
        let dataset = match &job.dataset {
            DatasetSource::Synthetic(synthetic) => synthetic.digest(),
            // The worker has a stand-in under that name.
            DatasetSource::Named(_) | DatasetSource::Video(_) => task.dataset,
        };
        let task = Task {
            job,
            dataset,
            ..task
        };
        match self.0.train(task, events, stop).await {
            Ended::Finished(mut finished) => {
                // What is odd about a narrow network on a stand-in is not odd about the sweep.
                finished.outcome.warnings.clear();
                Ended::Finished(finished)
            }
            ended => ended,
        }
    }

    fn forget(&self, job: JobId) {
        self.0.forget(job);
    }
}

/// The small copy of a job.
pub fn small(job: &JobSpec) -> JobSpec {
    let mut parameters = Parameters::default();
    for (name, value) in job.parameters.iter() {
        let (name, value) = match name {
            // A stand-in has no scale that this could be of.
            "difference_threshold" => ("difference_quantile", Value::Float(KEPT)),
            _ => (name, smaller(name, value)),
        };
        // Smaller values of the same kinds stay within their ranges; one that did not would leave the default.
        let _ = parameters.set(name, &value);
    }
    JobSpec {
        dataset: match &job.dataset {
            DatasetSource::Synthetic(synthetic) => {
                DatasetSource::Synthetic(smaller_data(synthetic))
            }
            other => other.clone(),
        },
        seed: job.seed,
        parameters,
    }
}

fn smaller(name: &str, value: &Value) -> Value {
    let most = match name {
        "epochs" | "pretrain_epochs" | "pretrain_discriminator_epochs" | "one_class_svm.passes" => {
            EPOCHS
        }
        "batch_size" => BATCH,
        "network.generator" | "network.discriminator" | "mil.hidden" => WIDTH,
        "adkim.dimensions" => 8,
        "pca.dimensions" | "mil.segments" => 4,
        "isolation_forest.trees" => 10,
        "isolation_forest.samples" => 64,
        "one_class_svm.features" => 32,
        "one_class_svm.samples" => 500,
        "learning_rate" => {
            let rate = value.as_float().unwrap_or(RATE);
            return Value::Float(rate.min(RATE));
        }
        "difference_quantile" => {
            let share = value.as_float().unwrap_or(KEPT);
            return Value::Float(share.max(0.1));
        }
        _ => return value.clone(),
    };
    match value {
        Value::Integer(number) => Value::Integer((*number).min(most)),
        Value::List(widths) => Value::List(
            widths
                .iter()
                .map(|width| Value::Integer(width.as_integer().unwrap_or(most).min(most)))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// A synthetic data set of the same regime and seed that is made at once.
pub fn smaller_data(synthetic: &Synthetic) -> Synthetic {
    let [videos, mean_length, dimension] = SYNTHETIC;
    Synthetic {
        videos: synthetic.videos.min(videos),
        mean_length: synthetic.mean_length.min(mean_length),
        dimension: synthetic.dimension.min(dimension),
        ..synthetic.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweeps::Training;
    use sweeps::training::{DifferenceBound, Method, Pretraining, Threshold};

    fn job(settings: &[(&str, Value)]) -> JobSpec {
        let mut parameters = Parameters::default();
        for (name, value) in settings {
            parameters.set(name, value).unwrap();
        }
        JobSpec::resolve(DatasetSource::Named("any".into()), 3, &parameters)
    }

    #[test]
    fn a_small_job_is_the_same_method_with_less_of_everything() {
        let given = job(&[
            ("epochs", 60_000.into()),
            ("pretraining", "temporal-difference".into()),
            ("pretrain_epochs", 1.into()),
            ("pretrain_discriminator_epochs", 0.into()),
            (
                "network.generator",
                Value::List(vec![1024.into(), 4.into(), 1024.into()]),
            ),
            ("learning_rate", 10.0.into()),
            (
                "threshold.generator",
                Value::Table([("rule".into(), "otsu".into())].into()),
            ),
        ]);
        let small = small(&given);
        assert_eq!((&small.dataset, small.seed), (&given.dataset, 3));
        let training = Training::of(&small);
        assert_eq!(training.epochs, 2);
        assert_eq!(training.pretrain_epochs, 1);
        assert_eq!(training.pretrain_discriminator_epochs, 0);
        assert_eq!(training.batch_size, 64);
        assert_eq!(training.generator_widths, Some(vec![8, 4, 8]));
        assert!(training.learning_rate < 0.01);
        assert_eq!(training.threshold_generator, Threshold::Otsu);
        assert!(matches!(
            training.pretraining,
            Pretraining::TemporalDifference {
                bound: DifferenceBound::Quantile(_),
                ..
            }
        ));
    }

    /// Whatever a registry's parameter is called: its small value is one that the registry takes.
    #[test]
    fn every_method_stays_the_method_that_it_is() {
        for (word, method) in [
            ("gcl", Method::Gcl),
            ("autoencoder", Method::Autoencoder),
            ("gcl-own-labels", Method::GclOwnLabels),
            ("adkim", Method::AdKim),
            ("pca", Method::Pca),
            ("isolation-forest", Method::IsolationForest),
            ("one-class-svm", Method::OneClassSvm),
            ("mil-ranking", Method::MilRanking),
            ("distil", Method::Distil),
            ("control", Method::Control),
        ] {
            let given = job(&[("method", word.into())]);
            let small = small(&given);
            assert_eq!(Training::of(&small).method, method);
            let names = |job: &JobSpec| -> Vec<&str> {
                job.parameters.iter().map(|(name, _)| name).collect()
            };
            assert_eq!(names(&small), names(&given), "{word}");
        }
    }
}
