//! The typed view of a job that a trainer works from: every choice of GCL.md as an enum or a number, checked before.

pub(crate) mod choices;
pub(crate) mod controls;
pub(crate) mod distil;
mod view;

pub use choices::{
    AdKim, DifferenceBound, DifferenceScale, Embedding, FeatureScaling, IsolationForest,
    MatmulPrecision, Method, Mil, NegativeTarget, NegativeTargetWord, OneClassSvm, Pretraining,
    PretrainingWord, PseudoLabels, ReconstructionError, RmsProp, Switch, Threshold, ThresholdWord,
    UpdateOrder, WeakSupervision,
};
pub use controls::{Control, Controls};
pub use distil::{Affinity, Distil, LabelMaker, LabelModel, LabelRule, LabelRuleWord};

use crate::job::JobSpec;
use crate::value::Value;
use view::View;

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
    /// How the networks' products are made.
    pub matmul_precision: MatmulPrecision,
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
    /// Labels that are made once.
    pub distil: Distil,
    /// Numbers of the controls.
    pub controls: Controls,
    /// Whether the artifact `data-card` is made.
    pub data_card: bool,
    /// Whether the artifact `embedding` is made.
    pub embedding: bool,
    /// Whether the artifact `epoch-scores` is made.
    pub epoch_scores: bool,
}

impl Training {
    /// The typed view of `job`.
    pub fn of(job: &JobSpec) -> Self {
        let view = View(&job.parameters);
        Self {
            method: view.choice("method"),
            epochs: view.integer("epochs") as u32,
            batch_size: view.integer("batch_size") as usize,
            learning_rate: view.float("learning_rate"),
            optimizer: RmsProp {
                alpha: view.float("optimizer.alpha"),
                momentum: view.float("optimizer.momentum"),
                epsilon: view.float("optimizer.epsilon"),
            },
            feature_scaling: view.choice("feature_scaling"),
            reconstruction_error: view.choice("reconstruction_error"),
            matmul_precision: view.choice("matmul_precision"),
            generator_widths: view.widths("network.generator"),
            discriminator_widths: view.widths("network.discriminator"),
            discriminator_dropout: view.float("network.discriminator_dropout"),
            update_order: view.choice("update_order"),
            pseudo_labels: view.choice("pseudo_labels"),
            threshold_generator: view.threshold("threshold.generator"),
            threshold_discriminator: view.threshold("threshold.discriminator"),
            target: match view.choice("negative_learning.target") {
                NegativeTargetWord::Ones => NegativeTarget::Ones,
                NegativeTargetWord::Replace => NegativeTarget::Replace,
                NegativeTargetWord::Gaussian => NegativeTarget::Gaussian {
                    sigma: view.float("negative_learning.sigma"),
                },
                NegativeTargetWord::None => NegativeTarget::None,
            },
            pretraining: match view.choice("pretraining") {
                PretrainingWord::Off => Pretraining::Off,
                PretrainingWord::NormalOnly => Pretraining::NormalOnly,
                PretrainingWord::TemporalDifference => Pretraining::TemporalDifference {
                    bound: match view
                        .value("difference_quantile")
                        .as_ref()
                        .and_then(Value::as_float)
                    {
                        Some(share) => DifferenceBound::Quantile(share),
                        None => DifferenceBound::Threshold(view.float("difference_threshold")),
                    },
                    scale: view.choice("difference_scale"),
                },
            },
            pretrain_epochs: view.integer("pretrain_epochs") as u32,
            pretrain_discriminator_epochs: view.integer("pretrain_discriminator_epochs") as u32,
            supervision_percent: view.float("supervision_percent"),
            weak_supervision: view.choice("weak_supervision"),
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
            distil: Distil {
                maker: view.choice("labels.maker"),
                model: view.choice("labels.model"),
                folds: view.count("labels.folds"),
                smoothing: view.float("labels.smoothing"),
                rule: view.label_rule("labels.rule"),
                share: view
                    .value("labels.share")
                    .and_then(|value| value.as_float()),
                affinity: view.choice("labels.affinity"),
            },
            controls: Controls {
                control: view.choice("control"),
                variance_share: view.float("pca.variance_share"),
                neighbours: view.count("knn.neighbours"),
            },
            data_card: match view.choice("artifacts.data_card") {
                Switch::On => true,
                Switch::Off => false,
            },
            embedding: match view.choice("artifacts.embedding") {
                Embedding::Tsne => true,
                Embedding::Off => false,
            },
            epoch_scores: match view.choice("artifacts.epoch_scores") {
                Switch::On => true,
                Switch::Off => false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset_source::DatasetSource;
    use crate::parameters::Parameters;

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
