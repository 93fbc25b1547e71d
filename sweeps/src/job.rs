//! One training run, fully resolved, and its identity.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::dataset_source::DatasetSource;
use crate::extraction::Extraction;
use crate::id::{Digest, JobId, TRAINER_REVISION};
use crate::parameter::{Parameter, Role};
use crate::registry::{self, ADDED_LATER, PARAMETERS};
use crate::value::{Value, encode_text};

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

/// Values by parameter name, in the order of names. Only names of the registry can be in it.
///
/// A clone costs a pointer: the cells of a large grid, most of which differ in their seed alone, share one map.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parameters(Arc<BTreeMap<&'static str, Value>>);

/// A name or value that the registry refuses: what a job from another version, or a hostile one, runs into.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParameterError(pub String);

impl Parameters {
    /// Checks `value` and sets it.
    pub fn set(&mut self, name: &str, value: &Value) -> Result<(), ParameterError> {
        let parameter = registry::find(name).ok_or_else(|| {
            ParameterError(format!(
                "there is no parameter `{}`",
                name.chars().take(80).collect::<String>()
            ))
        })?;
        let value = parameter.check(value).map_err(|faults| {
            ParameterError(
                faults
                    .into_iter()
                    .map(|fault| format!("{} ({})", fault.message, fault.help))
                    .collect::<Vec<_>>()
                    .join("; "),
            )
        })?;
        Arc::make_mut(&mut self.0).insert(parameter.name, value);
        Ok(())
    }

    /// Sets a value that was checked before.
    pub(crate) fn set_checked(&mut self, parameter: &'static Parameter, value: Value) {
        Arc::make_mut(&mut self.0).insert(parameter.name, value);
    }

    /// Whether the other one is this very map: equal without a look. Equal maps may also lie apart.
    pub fn shares(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The value of that name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Whether the name is set.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Names and values in the order of names.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }

    /// These values over the registry's defaults, without any that do not apply.
    fn resolved(&self, role: Role) -> Self {
        let all = self.with_defaults();
        Self(Arc::new(
            PARAMETERS
                .iter()
                .filter(|parameter| parameter.role == role && (parameter.applies)(&all))
                .filter_map(|parameter| {
                    all.0
                        .get(parameter.name)
                        .map(|value| (parameter.name, value.clone()))
                })
                .collect(),
        ))
    }

    /// The parameters set here that mean nothing beside the others.
    pub fn inapplicable(&self) -> Vec<&'static Parameter> {
        let all = self.with_defaults();
        PARAMETERS
            .iter()
            .filter(|parameter| self.0.contains_key(parameter.name) && !(parameter.applies)(&all))
            .collect()
    }

    fn with_defaults(&self) -> Self {
        let mut all = BTreeMap::clone(&self.0);
        for parameter in PARAMETERS {
            if !all.contains_key(parameter.name)
                && let Some(value) = (parameter.default)()
            {
                all.insert(parameter.name, value);
            }
        }
        Self(Arc::new(all))
    }
}

impl Serialize for Parameters {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Parameters {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut parameters = Self::default();
        for (name, value) in BTreeMap::<String, Value>::deserialize(deserializer)? {
            parameters
                .set(&name, &value)
                .map_err(serde::de::Error::custom)?;
        }
        Ok(parameters)
    }
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

    /// The reporting parameters of `given`, over the defaults.
    pub fn reporting(given: &Parameters) -> crate::cell::Reporting {
        use crate::cell::{Reporting, ScoreBy};
        let resolved = given.resolved(Role::Reporting);
        let generator = resolved.get("score_by").and_then(Value::as_text) == Some("generator");
        Reporting {
            score_by: if generator {
                ScoreBy::Generator
            } else {
                ScoreBy::Discriminator
            },
            score_smoothing: resolved
                .get("score_smoothing")
                .and_then(Value::as_float)
                .unwrap_or(0.0),
        }
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
