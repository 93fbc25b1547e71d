//! One training run, fully resolved, and its identity.

use serde::{Deserialize, Serialize};

use crate::dataset_source::DatasetSource;
use crate::extraction::Extraction;
use crate::id::{Digest, JobId, TRAINER_REVISION};
use crate::parameter::Role;
use crate::parameters::Parameters;
use crate::registry::{self, ADDED_LATER};
use crate::value::encode_text;

/// One training run: data set, every hyper-parameter that applies, one seed. Immutable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobSpec {
    /// Where the data come from.
    pub dataset: DatasetSource,
    /// The job's seed, from which every random stream is derived.
    pub seed: u64,
    /// Every training parameter that applies, defaults included.
    pub parameters: Parameters,
}

impl JobSpec {
    /// The run that `given` means: its values over the defaults, those that do not apply left out.
    pub fn resolve(dataset: DatasetSource, seed: u64, given: &Parameters) -> Self {
        Self {
            dataset,
            seed,
            parameters: Self::resolved(given),
        }
    }

    /// The parameters of the run that `given` means.
    pub(crate) fn resolved(given: &Parameters) -> Parameters {
        given.resolved(Role::Training)
    }

    /// What is extracted, where the job is no training.
    pub fn extraction(&self) -> Option<&Extraction> {
        match &self.dataset {
            DatasetSource::Video(extraction) => Some(extraction),
            DatasetSource::Named(_) | DatasetSource::Synthetic(_) => None,
        }
    }

    /// Whether the method draws no random number (`pca`): every seed gives the same bits, and all seeds are one job.
    pub fn is_deterministic(&self) -> bool {
        self.extraction().is_none() && registry::draws_nothing(&self.parameters)
    }

    /// The job's identity on the data set of that digest. The data set's name is not part of it: its bytes are.
    /// An extraction has an identity of another kind: see [`crate::extraction`].
    pub fn id(&self, dataset: Digest) -> JobId {
        self.id_of_revision(dataset, TRAINER_REVISION)
    }

    /// The same for a trainer of that revision.
    pub fn id_of_revision(&self, dataset: Digest, trainer_revision: u32) -> JobId {
        if let Some(extraction) = self.extraction() {
            return extraction.id(dataset);
        }
        let mut bytes = Vec::with_capacity(1024);
        encode_text("gcl-sweep job 1", &mut bytes);
        bytes.extend(trainer_revision.to_le_bytes());
        bytes.extend(dataset.0);
        let seed = if self.is_deterministic() {
            0
        } else {
            self.seed
        };
        bytes.extend(seed.to_le_bytes());
        for (name, value) in self.parameters.iter() {
            if ADDED_LATER.contains(&name)
                && registry::find(name)
                    .and_then(|parameter| (parameter.default)())
                    .as_ref()
                    == Some(value)
            {
                continue;
            }
            encode_text(name, &mut bytes);
            value.encode(&mut bytes);
        }
        JobId(*blake3::hash(&bytes).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    fn job(settings: &[(&str, Value)]) -> JobSpec {
        let mut parameters = Parameters::default();
        for (name, value) in settings {
            parameters.set(name, value).unwrap();
        }
        JobSpec::resolve(DatasetSource::Named("any".into()), 3, &parameters)
    }
    fn id(settings: &[(&str, Value)]) -> JobId {
        job(settings).id(Digest([7; 32]))
    }

    #[test]
    fn what_does_not_apply_is_not_part_of_the_id() {
        assert_eq!(id(&[]), id(&[("negative_learning.sigma", 6.0.into())]));
        assert_eq!(id(&[]), id(&[("negative_learning.target", "ones".into())]));
        assert_eq!(
            id(&[]),
            id(&[
                ("score_by", "generator".into()),
                ("score_smoothing", 3.0.into())
            ])
        );
        assert_eq!(
            id(&[("method", "autoencoder".into())]),
            id(&[
                ("method", "autoencoder".into()),
                ("supervision_percent", 66.0.into())
            ])
        );
    }

    #[test]
    fn what_applies_is() {
        let base = id(&[]);
        for (name, value) in [
            ("epochs", Value::Integer(16)),
            ("learning_rate", 1e-4.into()),
            (
                "threshold.generator",
                Value::Table([("rule".into(), "otsu".into())].into()),
            ),
            ("negative_learning.target", "none".into()),
            ("method", "autoencoder".into()),
            (
                "network.generator",
                Value::List(vec![4.into(), 2.into(), 4.into()]),
            ),
        ] {
            assert_ne!(base, id(&[(name, value)]), "{name}");
        }
        assert_ne!(
            base,
            JobSpec {
                seed: 4,
                ..job(&[])
            }
            .id(Digest([7; 32]))
        );
        assert_ne!(base, job(&[]).id(Digest([8; 32])));
    }

    #[test]
    fn a_whole_number_and_the_same_float_are_one_setting() {
        assert_eq!(
            id(&[("supervision_percent", 33.into())]),
            id(&[("supervision_percent", 33.0.into())])
        );
    }

    /// Every id ever given to a user hangs on this: a change here reruns every job of every lab.
    #[test]
    fn the_encoding_is_pinned() {
        assert_eq!(id(&[]).short(), "9b5d0f5cd9a7");
        // Jobs from before there were baselines and artifacts to choose.
        let pretraining = ("pretraining", "temporal-difference".into());
        assert_eq!(
            id(&[("method", "autoencoder".into()), pretraining.clone()]).short(),
            "6bd8be428291"
        );
        assert_eq!(
            id(&[("method", "gcl-own-labels".into()), pretraining]).short(),
            "ddb6b2d8ab76"
        );
    }

    #[test]
    fn a_baseline_has_no_parameters_of_networks() {
        let mil = job(&[
            ("method", "mil-ranking".into()),
            ("pretraining", "temporal-difference".into()),
        ]);
        let names: Vec<_> = mil.parameters.iter().map(|(name, _)| name).collect();
        assert!(names.contains(&"mil.bags") && names.contains(&"learning_rate"));
        assert!(
            !names
                .iter()
                .any(|name| name.starts_with("difference") || name.starts_with("threshold")),
            "{names:?}"
        );
        let pca = job(&[("method", "pca".into()), ("epochs", 3.into())]);
        let names: Vec<_> = pca.parameters.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["feature_scaling", "method", "pretraining"]);
    }

    #[test]
    fn a_control_has_what_it_reads_and_no_more() {
        for (control, own) in [
            ("length", &["control", "feature_scaling", "method"][..]),
            ("norm", &["control", "feature_scaling", "method"]),
            (
                "pca",
                &["control", "feature_scaling", "method", "pca.variance_share"],
            ),
            (
                "knn",
                &["control", "feature_scaling", "knn.neighbours", "method"],
            ),
        ] {
            let job = job(&[("method", "control".into()), ("control", control.into())]);
            let mut names = job.parameters.iter().map(|(name, _)| name);
            assert_eq!(names.next(), Some("artifacts.data_card"), "{control}");
            assert_eq!(names.collect::<Vec<_>>(), own, "{control}");
        }
        let of = |control: &str| id(&[("method", "control".into()), ("control", control.into())]);
        assert_ne!(of("place"), of("place-length"));
        let card = |word: &str| {
            let card = ("artifacts.data_card", word.into());
            id(&[("method", "control".into()), card])
        };
        assert_eq!(of("length"), card("off"), "ids of older runs stay");
        assert_ne!(of("length"), card("on"));
    }

    #[test]
    fn a_method_that_draws_nothing_is_one_job_for_all_seeds() {
        for (method, one) in [
            ("gcl", false),
            ("autoencoder", false),
            ("gcl-own-labels", false),
            ("adkim", false),
            ("pca", true),
            ("isolation-forest", false),
            ("one-class-svm", false),
            ("mil-ranking", false),
            ("distil", false),
            ("control", true),
        ] {
            let first = job(&[("method", method.into())]);
            let second = JobSpec {
                seed: 4,
                ..first.clone()
            };
            let dataset = Digest([7; 32]);
            assert_eq!(first.is_deterministic(), one, "{method}");
            assert_eq!(first.id(dataset) == second.id(dataset), one, "{method}");
        }
    }

    #[test]
    fn an_artifact_that_is_off_leaves_the_id_as_it_was() {
        assert_eq!(id(&[]), id(&[("artifacts.embedding", "off".into())]));
        assert_ne!(id(&[]), id(&[("artifacts.embedding", "tsne".into())]));
        assert_ne!(id(&[]), id(&[("artifacts.epoch_scores", "on".into())]));
    }

    #[test]
    fn a_job_survives_json() {
        let job = job(&[
            ("negative_learning.target", "gaussian".into()),
            ("supervision_percent", 33.into()),
        ]);
        let text = serde_json::to_string(&job).unwrap();
        assert_eq!(serde_json::from_str::<JobSpec>(&text).unwrap(), job);
        assert!(serde_json::from_str::<JobSpec>(&text.replace("epochs", "epoch")).is_err());
    }
}
