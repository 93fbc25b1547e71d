//! The typed view of a job that a trainer works from: every choice of GCL.md as an enum or a number, checked before.

use crate::job::{JobSpec, Parameters};
use crate::value::Value;

/// Every training parameter, typed. Parameters that do not apply hold their defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct Training {
    /// What is trained.
    pub method: Method,
    /// Epochs of the main phase.
    pub epochs: u32,
    /// Segments per step.
    pub batch_size: usize,
    /// Learning rate of both networks.
    pub learning_rate: f64,
    /// Numbers of RMSprop.
    pub optimizer: RmsProp,
    /// Scaling of the features.
    pub feature_scaling: FeatureScaling,
    /// Error of a row.
    pub reconstruction_error: ReconstructionError,
    /// Hidden widths of G; `None`: from the dimension.
    pub generator_widths: Option<Vec<usize>>,
    /// Hidden widths of D; `None`: from the dimension.
    pub discriminator_widths: Option<Vec<usize>>,
    /// Dropout of D, `[0, 1)`.
    pub discriminator_dropout: f64,
    /// When D labels.
    pub update_order: UpdateOrder,
    /// G's labels.
    pub pseudo_labels: PseudoLabels,
    /// Threshold of G's errors.
    pub threshold_generator: Threshold,
    /// Threshold of D's probabilities.
    pub threshold_discriminator: Threshold,
    /// Negative learning's target.
    pub target: NegativeTarget,
    /// Pre-training's selection.
    pub pretraining: Pretraining,
    /// Epochs of G's pre-training.
    pub pretrain_epochs: u32,
    /// Epochs of D's pre-training.
    pub pretrain_discriminator_epochs: u32,
    /// Share of the training videos whose label is known, in percent.
    pub supervision_percent: f64,
    /// What a known label does.
    pub weak_supervision: WeakSupervision,
    /// Numbers of ADKim.
    pub adkim: AdKim,
    /// Principal components that are kept; `None`: an eighth of the dimension.
    pub pca_dimensions: Option<usize>,
    /// Numbers of the isolation forest.
    pub isolation_forest: IsolationForest,
    /// Numbers of the one-class SVM.
    pub one_class_svm: OneClassSvm,
    /// Numbers of MIL ranking.
    pub mil: Mil,
    /// Whether the artifact `embedding` is made.
    pub embedding: bool,
    /// Whether the artifact `epoch-scores` is made.
    pub epoch_scores: bool,
}

/// What is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// G and D together.
    Gcl,
    /// G alone on its input.
    Autoencoder,
    /// G on pseudo labels from its own error (§4.2).
    GclOwnLabels,
    /// Baseline: Mahalanobis distance in a random subspace (Kim et al., as the paper has it in Table 1).
    AdKim,
    /// Baseline: reconstruction error of principal components.
    Pca,
    /// Baseline: isolation forest.
    IsolationForest,
    /// Baseline: one-class SVM over random Fourier features.
    OneClassSvm,
    /// Baseline, weakly supervised: multiple-instance ranking (Sultani et al.).
    MilRanking,
}

impl Method {
    /// Whether it is trained by this paper's networks and steps.
    pub fn has_generator(self) -> bool {
        matches!(self, Self::Gcl | Self::Autoencoder | Self::GclOwnLabels)
    }
}

/// Numbers of ADKim.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdKim {
    /// Dimensions of the random subspace.
    pub dimensions: usize,
    /// Added to the covariance's diagonal, in mean variances.
    pub ridge: f64,
}

/// Numbers of the isolation forest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IsolationForest {
    /// Trees.
    pub trees: usize,
    /// Segments that each tree is grown on.
    pub samples: usize,
}

/// Numbers of the one-class SVM.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OneClassSvm {
    /// Share of the training segments that may lie outside.
    pub nu: f64,
    /// Of the kernel exp(−γ·distance²); `None`: 1/(d·variance).
    pub gamma: Option<f64>,
    /// Random Fourier features.
    pub features: usize,
    /// Segments that it is fitted on.
    pub samples: usize,
    /// Passes over them.
    pub passes: usize,
}

/// Numbers of MIL ranking.
#[derive(Debug, Clone, PartialEq)]
pub struct Mil {
    /// Segments of a bag.
    pub segments: usize,
    /// Bags of each class in a step.
    pub bags: usize,
    /// Weight of the sparsity term.
    pub sparsity: f64,
    /// Weight of the smoothness term.
    pub smoothness: f64,
    /// Hidden widths.
    pub hidden: Vec<usize>,
    /// Dropout after each hidden layer, `[0, 1)`.
    pub dropout: f64,
    /// Times the weight, added to its gradient.
    pub weight_decay: f64,
}

/// Numbers of RMSprop: s ← αs + (1−α)g²; m ← μm + g/(√s + ε); w ← w − ηm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RmsProp {
    /// α.
    pub alpha: f64,
    /// μ.
    pub momentum: f64,
    /// ε.
    pub epsilon: f64,
}

/// Scaling of the features, fitted on the training split alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeatureScaling {
    /// As they are.
    None,
    /// Each row to unit norm.
    L2,
    /// Divided so that the mean norm of the training rows is one.
    UnitMean,
    /// Each dimension to mean 0 and population std 1 (not below 1e-6).
    Standard,
    /// Each dimension to `[0, 1]`.
    MinMax,
}

/// Error of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReconstructionError {
    /// ‖f − f̂‖₂ (Eq. 1).
    L2,
    /// Mean of the squares.
    Mse,
}

/// When D labels G's batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateOrder {
    /// After its own step.
    Alternating,
    /// Before it.
    Simultaneous,
}

/// G's labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PseudoLabels {
    /// Thresholded.
    Hard,
    /// (e − min)/(max − min) over the batch.
    Soft,
}

/// Which values of a batch are labelled positive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Threshold {
    /// Mean + k·population std.
    MeanStd {
        /// k.
        k: f64,
    },
    /// The largest round(percent/100·b) values, at least one.
    TopPercent {
        /// Percent of the batch.
        percent: f64,
    },
    /// A constant.
    Fixed {
        /// The constant.
        value: f64,
    },
    /// Otsu's cut of the batch's histogram.
    Otsu,
    /// The emptiest bin between the histogram's two peaks (§3.2.2).
    Valley,
}

/// What G is taught for rows labelled anomalous (§3.2.5).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NegativeTarget {
    /// All ones.
    Ones,
    /// The features of a row of the batch labelled normal.
    Replace,
    /// f + σ·N(0, 1).
    Gaussian {
        /// σ.
        sigma: f64,
    },
    /// Left out of the loss.
    None,
}

/// Which segments pre-train G (§3.3).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pretraining {
    /// No pre-training.
    Off,
    /// Those that differ little from the segment before.
    TemporalDifference {
        /// Where "little" ends.
        bound: DifferenceBound,
        /// What is compared.
        scale: DifferenceScale,
    },
    /// Those of videos labelled normal.
    NormalOnly,
}

/// Where "differs little" ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum DifferenceBound {
    /// D_th itself.
    Threshold(f64),
    /// The share of differences that is kept.
    Quantile(f64),
}

/// What temporal differences are taken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DifferenceScale {
    /// Unit-norm copies of the scaled features.
    UnitNorm,
    /// What the networks see.
    AsIs,
}

/// What a known video-level label does to pseudo labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeakSupervision {
    /// No positive in a normal video.
    Mask,
    /// That, and the best-scored segment of the batch of each anomalous video stays positive.
    MaskTop,
}

impl Training {
    /// The typed view of `job`.
    pub fn of(job: &JobSpec) -> Self {
        let view = View(&job.parameters);
        Self {
            method: match view.word("method") {
                "autoencoder" => Method::Autoencoder,
                "gcl-own-labels" => Method::GclOwnLabels,
                "adkim" => Method::AdKim,
                "pca" => Method::Pca,
                "isolation-forest" => Method::IsolationForest,
                "one-class-svm" => Method::OneClassSvm,
                "mil-ranking" => Method::MilRanking,
                _ => Method::Gcl,
            },
            epochs: view.integer("epochs") as u32,
            batch_size: view.integer("batch_size") as usize,
            learning_rate: view.float("learning_rate"),
            optimizer: RmsProp {
                alpha: view.float("optimizer.alpha"),
                momentum: view.float("optimizer.momentum"),
                epsilon: view.float("optimizer.epsilon"),
            },
            feature_scaling: match view.word("feature_scaling") {
                "l2" => FeatureScaling::L2,
                "unit-mean" => FeatureScaling::UnitMean,
                "standard" => FeatureScaling::Standard,
                "min-max" => FeatureScaling::MinMax,
                _ => FeatureScaling::None,
            },
            reconstruction_error: if view.word("reconstruction_error") == "mse" {
                ReconstructionError::Mse
            } else {
                ReconstructionError::L2
            },
            generator_widths: view.widths("network.generator"),
            discriminator_widths: view.widths("network.discriminator"),
            discriminator_dropout: view.float("network.discriminator_dropout"),
            update_order: if view.word("update_order") == "simultaneous" {
                UpdateOrder::Simultaneous
            } else {
                UpdateOrder::Alternating
            },
            pseudo_labels: if view.word("pseudo_labels") == "soft" {
                PseudoLabels::Soft
            } else {
                PseudoLabels::Hard
            },
            threshold_generator: view.threshold("threshold.generator"),
            threshold_discriminator: view.threshold("threshold.discriminator"),
            target: match view.word("negative_learning.target") {
                "replace" => NegativeTarget::Replace,
                "gaussian" => NegativeTarget::Gaussian {
                    sigma: view.float("negative_learning.sigma"),
                },
                "none" => NegativeTarget::None,
                _ => NegativeTarget::Ones,
            },
            pretraining: match view.word("pretraining") {
                "temporal-difference" => Pretraining::TemporalDifference {
                    bound: match view
                        .value("difference_quantile")
                        .as_ref()
                        .and_then(Value::as_float)
                    {
                        Some(share) => DifferenceBound::Quantile(share),
                        None => DifferenceBound::Threshold(view.float("difference_threshold")),
                    },
                    scale: if view.word("difference_scale") == "as-is" {
                        DifferenceScale::AsIs
                    } else {
                        DifferenceScale::UnitNorm
                    },
                },
                "normal-only" => Pretraining::NormalOnly,
                _ => Pretraining::Off,
            },
            pretrain_epochs: view.integer("pretrain_epochs") as u32,
            pretrain_discriminator_epochs: view.integer("pretrain_discriminator_epochs") as u32,
            supervision_percent: view.float("supervision_percent"),
            weak_supervision: if view.word("weak_supervision") == "mask-top" {
                WeakSupervision::MaskTop
            } else {
                WeakSupervision::Mask
            },
            adkim: AdKim {
                dimensions: view.count("adkim.dimensions"),
                ridge: view.float("adkim.ridge"),
            },
            pca_dimensions: view
                .value("pca.dimensions")
                .and_then(|value| value.as_integer())
                .map(|dimensions| dimensions as usize),
            isolation_forest: IsolationForest {
                trees: view.count("isolation_forest.trees"),
                samples: view.count("isolation_forest.samples"),
            },
            one_class_svm: OneClassSvm {
                nu: view.float("one_class_svm.nu"),
                gamma: view
                    .value("one_class_svm.gamma")
                    .and_then(|value| value.as_float()),
                features: view.count("one_class_svm.features"),
                samples: view.count("one_class_svm.samples"),
                passes: view.count("one_class_svm.passes"),
            },
            mil: Mil {
                segments: view.count("mil.segments"),
                bags: view.count("mil.bags"),
                sparsity: view.float("mil.sparsity"),
                smoothness: view.float("mil.smoothness"),
                hidden: view.widths("mil.hidden").unwrap_or_default(),
                dropout: view.float("mil.dropout"),
                weight_decay: view.float("mil.weight_decay"),
            },
            embedding: view.word("artifacts.embedding") == "tsne",
            epoch_scores: view.word("artifacts.epoch_scores") == "on",
        }
    }
}

/// Values by name, with the registry's default where the job has none (parameters that do not apply).
struct View<'a>(&'a Parameters);

impl View<'_> {
    fn value(&self, name: &str) -> Option<Value> {
        self.0
            .get(name)
            .cloned()
            .or_else(|| crate::registry::find(name).and_then(|parameter| (parameter.default)()))
    }
    /// The word, or an empty one: each match on it falls through to the default.
    fn word(&self, name: &str) -> &str {
        self.0
            .get(name)
            .and_then(Value::as_text)
            .unwrap_or_default()
    }
    fn integer(&self, name: &str) -> i64 {
        self.value(name)
            .and_then(|value| value.as_integer())
            .unwrap_or_default()
    }
    fn count(&self, name: &str) -> usize {
        self.integer(name) as usize
    }
    fn float(&self, name: &str) -> f64 {
        self.value(name)
            .and_then(|value| value.as_float())
            .unwrap_or_default()
    }
    fn widths(&self, name: &str) -> Option<Vec<usize>> {
        match self.value(name)? {
            Value::List(widths) => Some(
                widths
                    .iter()
                    .filter_map(Value::as_integer)
                    .map(|width| width as usize)
                    .collect(),
            ),
            _ => None,
        }
    }
    fn threshold(&self, name: &str) -> Threshold {
        let Some(Value::Table(entries)) = self.value(name) else {
            return Threshold::Otsu;
        };
        let number = |key: &str| {
            entries
                .get(key)
                .and_then(Value::as_float)
                .unwrap_or_default()
        };
        match entries
            .get("rule")
            .and_then(Value::as_text)
            .unwrap_or_default()
        {
            "mean-std" => Threshold::MeanStd { k: number("k") },
            "top-percent" => Threshold::TopPercent {
                percent: number("percent"),
            },
            "fixed" => Threshold::Fixed {
                value: number("value"),
            },
            "valley" => Threshold::Valley,
            _ => Threshold::Otsu,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset_source::DatasetSource;

    #[test]
    fn an_empty_job_is_the_papers_gcl_b() {
        let job = JobSpec::resolve(
            DatasetSource::Named("any".into()),
            0,
            &Parameters::default(),
        );
        let training = Training::of(&job);
        assert_eq!(training.method, Method::Gcl);
        assert_eq!(
            (training.epochs, training.batch_size, training.learning_rate),
            (15, 8192, 2e-5)
        );
        assert_eq!(
            training.optimizer,
            RmsProp {
                alpha: 0.99,
                momentum: 0.6,
                epsilon: 1e-8
            }
        );
        assert_eq!(training.threshold_generator, Threshold::MeanStd { k: 1.0 });
        assert_eq!(
            training.threshold_discriminator,
            Threshold::MeanStd { k: 0.1 }
        );
        assert_eq!(training.target, NegativeTarget::Ones);
        assert_eq!(training.pretraining, Pretraining::Off);
        assert_eq!(training.pseudo_labels, PseudoLabels::Hard);
    }

    #[test]
    fn what_a_file_says_arrives_typed() {
        let mut given = Parameters::default();
        for (name, value) in [
            ("negative_learning.target", Value::from("gaussian")),
            ("negative_learning.sigma", Value::Integer(6)),
            (
                "threshold.generator",
                Value::Table(
                    [
                        ("rule".into(), "top-percent".into()),
                        ("percent".into(), 20.0.into()),
                    ]
                    .into(),
                ),
            ),
            ("pretraining", "temporal-difference".into()),
            ("difference_quantile", 0.8.into()),
            (
                "network.discriminator",
                Value::List(vec![64.into(), 8.into()]),
            ),
        ] {
            given.set(name, &value).unwrap();
        }
        let training = Training::of(&JobSpec::resolve(
            DatasetSource::Named("any".into()),
            0,
            &given,
        ));
        assert_eq!(training.target, NegativeTarget::Gaussian { sigma: 6.0 });
        assert_eq!(
            training.threshold_generator,
            Threshold::TopPercent { percent: 20.0 }
        );
        assert_eq!(
            training.pretraining,
            Pretraining::TemporalDifference {
                bound: DifferenceBound::Quantile(0.8),
                scale: DifferenceScale::UnitNorm
            }
        );
        assert_eq!(training.discriminator_widths, Some(vec![64, 8]));
    }
}
