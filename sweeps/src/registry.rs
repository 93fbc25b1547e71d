//! The table of all parameters of a job: what `gcl-sweep params` prints, what a sweep file may say.
//!
//! A new parameter is a new line here and a field of [`crate::Training`]. Where its default keeps the bits of older runs,
//! add its name to [`ADDED_LATER`], so that their ids stay; otherwise raise [`crate::TRAINER_REVISION`].

use crate::job::Parameters;
use crate::parameter::{Kind, Parameter, Range, Role};
use crate::value::Value;

/// Parameters that came after revision 1 of the encoding: at their default they are left out of a job's id.
pub const ADDED_LATER: &[&str] = &["artifacts.embedding", "artifacts.epoch_scores"];

#[expect(clippy::unnecessary_wraps, reason = "the shape of a `default`")]
fn choice(name: &str) -> Option<Value> {
    Some(Value::from(name))
}
fn is(parameters: &Parameters, name: &str, words: &[&str]) -> bool {
    parameters
        .get(name)
        .and_then(Value::as_text)
        .is_some_and(|word| words.contains(&word))
}
fn always(_: &Parameters) -> bool {
    true
}
fn with_g(parameters: &Parameters) -> bool {
    is(
        parameters,
        "method",
        &["gcl", "autoencoder", "gcl-own-labels"],
    )
}
fn by_mil(parameters: &Parameters) -> bool {
    is(parameters, "method", &["mil-ranking"])
}
fn by_svm(parameters: &Parameters) -> bool {
    is(parameters, "method", &["one-class-svm"])
}
fn with_epochs(parameters: &Parameters) -> bool {
    with_g(parameters) || by_mil(parameters)
}
fn without_labels(parameters: &Parameters) -> bool {
    !by_mil(parameters)
}
fn with_d(parameters: &Parameters) -> bool {
    is(parameters, "method", &["gcl"])
}
fn with_labels(parameters: &Parameters) -> bool {
    is(parameters, "method", &["gcl", "gcl-own-labels"])
}
fn pretrained(parameters: &Parameters) -> bool {
    is(
        parameters,
        "pretraining",
        &["temporal-difference", "normal-only"],
    )
}
fn by_difference(parameters: &Parameters) -> bool {
    without_labels(parameters) && is(parameters, "pretraining", &["temporal-difference"])
}

const WITH_G: &str = "method = gcl, autoencoder or gcl-own-labels";
const WITH_EPOCHS: &str = "method = gcl, autoencoder, gcl-own-labels or mil-ranking";
const BY_SVM: &str = "method = one-class-svm";
const BY_MIL: &str = "method = mil-ranking";
const WITHOUT_LABELS: &str = "method is not mil-ranking";
const WITH_D: &str = "method = gcl";
const WITH_LABELS: &str = "method = gcl or gcl-own-labels";

/// All parameters, in the order in which `gcl-sweep params` shows them.
pub static PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "method",
        kind: Kind::Choice(&[
            "gcl",
            "autoencoder",
            "gcl-own-labels",
            "adkim",
            "pca",
            "isolation-forest",
            "one-class-svm",
            "mil-ranking",
        ]),
        unit: "",
        default: || choice("gcl"),
        section: "§3, §4.2, Table 1",
        doc: "What is trained: the cooperative pair, G alone on its input, G on pseudo labels from its own error, or a baseline.",
        role: Role::Training,
        condition: "",
        applies: always,
    },
    Parameter {
        name: "epochs",
        // With both pre-trainings at most 100,000 points, which is what a record may hold on the wire.
        kind: Kind::Integer {
            min: 1,
            max: 60_000,
        },
        unit: "passes over the training segments",
        default: || Some(Value::Integer(15)),
        section: "§4",
        doc: "Epochs of the cooperative loop, or of the only phase of a method without one. With mil-ranking: passes over the videos of the larger class.",
        role: Role::Training,
        condition: WITH_EPOCHS,
        applies: with_epochs,
    },
    Parameter {
        name: "batch_size",
        kind: Kind::Integer {
            min: 1,
            max: 1_048_576,
        },
        unit: "segments",
        default: || Some(Value::Integer(8192)),
        section: "§4",
        doc: "Segments per step. The paper's 8192 make 95 steps an epoch on UCF-Crime, but one on ShanghaiTech.",
        role: Role::Training,
        condition: WITH_G,
        applies: with_g,
    },
    Parameter {
        name: "learning_rate",
        kind: Kind::Float(Range::above(0.0, 10.0)),
        unit: "",
        default: || Some(Value::Float(2e-5)),
        section: "§4",
        doc: "Learning rate of both networks' RMSprop; of Adagrad with mil-ranking, whose authors take 0.001.",
        role: Role::Training,
        condition: WITH_EPOCHS,
        applies: with_epochs,
    },
    Parameter {
        name: "optimizer.momentum",
        kind: Kind::Float(Range::below(0.0, 1.0)),
        unit: "",
        default: || Some(Value::Float(0.6)),
        section: "§4",
        doc: "Momentum of RMSprop.",
        role: Role::Training,
        condition: WITH_G,
        applies: with_g,
    },
    Parameter {
        name: "optimizer.alpha",
        kind: Kind::Float(Range::below(0.0, 1.0)),
        unit: "",
        default: || Some(Value::Float(0.99)),
        section: "§4",
        doc: "Decay of RMSprop's running mean of squared gradients (PyTorch's default).",
        role: Role::Training,
        condition: WITH_G,
        applies: with_g,
    },
    Parameter {
        name: "optimizer.epsilon",
        kind: Kind::Float(Range::above(0.0, 1.0)),
        unit: "",
        default: || Some(Value::Float(1e-8)),
        section: "§4",
        doc: "Added to the root in RMSprop's denominator (PyTorch's default).",
        role: Role::Training,
        condition: WITH_G,
        applies: with_g,
    },
    Parameter {
        name: "feature_scaling",
        kind: Kind::Choice(&["none", "l2", "unit-mean", "standard", "min-max"]),
        unit: "",
        default: || choice("none"),
        section: "not stated",
        doc: "Scaling of the features, fitted on the training split alone. It decides more than any other choice.",
        role: Role::Training,
        condition: "",
        applies: always,
    },
    Parameter {
        name: "reconstruction_error",
        kind: Kind::Choice(&["l2", "mse"]),
        unit: "",
        default: || choice("l2"),
        section: "§3.2.1, Eq. 1",
        doc: "Error of a row: its Euclidean norm (not squared), or the mean of its squares.",
        role: Role::Training,
        condition: WITH_G,
        applies: with_g,
    },
    Parameter {
        name: "network.generator",
        kind: Kind::Widths,
        unit: "units",
        default: || None,
        section: "§4",
        doc: "Hidden widths of G; unset: d/2, d/4, d/8, d/4, d/2 (1024-512-256-512-1024 for d = 2048).",
        role: Role::Training,
        condition: WITH_G,
        applies: with_g,
    },
    Parameter {
        name: "network.discriminator",
        kind: Kind::Widths,
        unit: "units",
        default: || None,
        section: "§4",
        doc: "Hidden widths of D; unset: d/4, 32 (512-32 for d = 2048).",
        role: Role::Training,
        condition: WITH_D,
        applies: with_d,
    },
    Parameter {
        name: "network.discriminator_dropout",
        kind: Kind::Float(Range::below(0.0, 1.0)),
        unit: "share of units",
        default: || Some(Value::Float(0.0)),
        section: "successors: 0.6",
        doc: "Dropout after D's hidden layers while it learns.",
        role: Role::Training,
        condition: WITH_D,
        applies: with_d,
    },
    Parameter {
        name: "update_order",
        kind: Kind::Choice(&["alternating", "simultaneous"]),
        unit: "",
        default: || choice("alternating"),
        section: "§3.2, Fig. 2",
        doc: "Whether D labels G's batch after its own step, or both labels are made before the step.",
        role: Role::Training,
        condition: WITH_D,
        applies: with_d,
    },
    Parameter {
        name: "pseudo_labels",
        kind: Kind::Choice(&["hard", "soft"]),
        unit: "",
        default: || choice("hard"),
        section: "§4.2",
        doc: "G's labels: thresholded, or its error scaled to [0, 1] over the batch.",
        role: Role::Training,
        condition: WITH_LABELS,
        applies: with_labels,
    },
    Parameter {
        name: "threshold.generator",
        kind: Kind::Threshold { k: 1.0 },
        unit: "",
        default: || Some(threshold("mean-std", "k", 1.0)),
        section: "§3.2.2, Eq. 2; §4",
        doc: "Which reconstruction errors of a batch are labelled anomalous.",
        role: Role::Training,
        condition: "method = gcl or gcl-own-labels, pseudo_labels = hard",
        applies: |parameters| with_labels(parameters) && is(parameters, "pseudo_labels", &["hard"]),
    },
    Parameter {
        name: "threshold.discriminator",
        kind: Kind::Threshold { k: 0.1 },
        unit: "",
        default: || Some(threshold("mean-std", "k", 0.1)),
        section: "§3.2.4, Eq. 4; §4",
        doc: "Which probabilities of a batch are labelled anomalous.",
        role: Role::Training,
        condition: WITH_D,
        applies: with_d,
    },
    Parameter {
        name: "negative_learning.target",
        kind: Kind::Choice(&["ones", "replace", "gaussian", "none"]),
        unit: "",
        default: || choice("ones"),
        section: "§3.2.5, Eq. 6",
        doc: "What G is taught to make of rows that are labelled anomalous.",
        role: Role::Training,
        condition: WITH_LABELS,
        applies: with_labels,
    },
    Parameter {
        name: "negative_learning.sigma",
        kind: Kind::Float(Range::above(0.0, 1000.0)),
        unit: "standard deviations of the noise",
        default: || Some(Value::Float(1.5)),
        section: "§4.2, Fig. 5",
        doc: "Noise added to rows that are labelled anomalous.",
        role: Role::Training,
        condition: "negative_learning.target = gaussian",
        applies: |parameters| {
            with_labels(parameters) && is(parameters, "negative_learning.target", &["gaussian"])
        },
    },
    Parameter {
        name: "pretraining",
        kind: Kind::Choice(&["off", "temporal-difference", "normal-only"]),
        unit: "",
        default: || choice("off"),
        section: "§3.3",
        doc: "Segments on which G is trained first: none (GCL_B), those that change little (GCL_PT), those of normal videos (GCL_OCC). An autoencoder and the baselines are fitted on these segments alone.",
        role: Role::Training,
        condition: WITHOUT_LABELS,
        applies: without_labels,
    },
    Parameter {
        name: "pretrain_epochs",
        kind: Kind::Integer {
            min: 1,
            max: 20_000,
        },
        unit: "passes over the selected segments",
        default: || Some(Value::Integer(15)),
        section: "§3.3",
        doc: "Epochs of G's pre-training.",
        role: Role::Training,
        condition: "pretraining is on, method = gcl or gcl-own-labels",
        applies: |parameters| pretrained(parameters) && with_labels(parameters),
    },
    Parameter {
        name: "pretrain_discriminator_epochs",
        kind: Kind::Integer {
            min: 0,
            max: 20_000,
        },
        unit: "passes over the training segments",
        default: || Some(Value::Integer(15)),
        section: "§3.3",
        doc: "Epochs of D's training with the pre-trained G frozen.",
        role: Role::Training,
        condition: "pretraining is on, method = gcl",
        applies: |parameters| pretrained(parameters) && with_d(parameters),
    },
    Parameter {
        name: "difference_threshold",
        kind: Kind::Float(Range::closed(0.0, 1e9)),
        unit: "feature distance",
        default: || Some(Value::Float(0.7)),
        section: "§3.3, §4",
        doc: "D_th: a segment is kept for pre-training if it differs from the one before it by at most this.",
        role: Role::Training,
        condition: "pretraining = temporal-difference, difference_quantile unset",
        applies: |parameters| {
            by_difference(parameters) && !parameters.contains("difference_quantile")
        },
    },
    Parameter {
        name: "difference_quantile",
        kind: Kind::Float(Range::closed(0.0, 1.0)),
        unit: "share of the segments",
        default: || None,
        section: "§3.3",
        doc: "Sets D_th from the data instead: this share of the differences is kept.",
        role: Role::Training,
        condition: "pretraining = temporal-difference",
        applies: by_difference,
    },
    Parameter {
        name: "difference_scale",
        kind: Kind::Choice(&["unit-norm", "as-is"]),
        unit: "",
        default: || choice("unit-norm"),
        section: "§3.3",
        doc: "Differences between unit-norm copies of the scaled features, or between what the networks see.",
        role: Role::Training,
        condition: "pretraining = temporal-difference",
        applies: by_difference,
    },
    Parameter {
        name: "supervision_percent",
        kind: Kind::Float(Range::closed(0.0, 100.0)),
        unit: "% of training videos",
        default: || Some(Value::Float(0.0)),
        section: "§4.2, Fig. 9",
        doc: "Share of the training videos whose video-level label is known; smaller shares are subsets of larger ones.",
        role: Role::Training,
        condition: WITH_LABELS,
        applies: with_labels,
    },
    Parameter {
        name: "weak_supervision",
        kind: Kind::Choice(&["mask", "mask-top"]),
        unit: "",
        default: || choice("mask"),
        section: "§4.2, Fig. 9",
        doc: "What a known label does: no positive in a normal video; with mask-top also at least one in an anomalous one.",
        role: Role::Training,
        condition: "supervision_percent > 0",
        applies: |parameters| {
            with_labels(parameters)
                && parameters
                    .get("supervision_percent")
                    .and_then(Value::as_float)
                    .is_some_and(|percent| percent > 0.0)
        },
    },
    Parameter {
        name: "adkim.dimensions",
        kind: Kind::Integer { min: 1, max: 1024 },
        unit: "dimensions",
        default: || Some(Value::Integer(64)),
        section: "Table 1, Kim et al.",
        doc: "Dimensions of the random subspace; at most the features' own.",
        role: Role::Training,
        condition: "method = adkim",
        applies: |parameters| is(parameters, "method", &["adkim"]),
    },
    Parameter {
        name: "adkim.ridge",
        kind: Kind::Float(Range::above(0.0, 1000.0)),
        unit: "mean variances in the subspace",
        default: || Some(Value::Float(1e-2)),
        section: "Table 1, Kim et al.",
        doc: "Added to the diagonal of the covariance.",
        role: Role::Training,
        condition: "method = adkim",
        applies: |parameters| is(parameters, "method", &["adkim"]),
    },
    Parameter {
        name: "pca.dimensions",
        kind: Kind::Integer { min: 1, max: 65536 },
        unit: "components",
        default: || None,
        section: "baseline",
        doc: "Principal components that are kept, fewer than d; unset: d/8, as wide as G at its narrowest.",
        role: Role::Training,
        condition: "method = pca",
        applies: |parameters| is(parameters, "method", &["pca"]),
    },
    Parameter {
        name: "isolation_forest.trees",
        kind: Kind::Integer { min: 1, max: 10000 },
        unit: "trees",
        default: || Some(Value::Integer(100)),
        section: "baseline",
        doc: "Trees of the forest.",
        role: Role::Training,
        condition: "method = isolation-forest",
        applies: |parameters| is(parameters, "method", &["isolation-forest"]),
    },
    Parameter {
        name: "isolation_forest.samples",
        kind: Kind::Integer { min: 2, max: 65536 },
        unit: "segments",
        default: || Some(Value::Integer(256)),
        section: "baseline",
        doc: "Segments that each tree is grown on, drawn without replacement.",
        role: Role::Training,
        condition: "method = isolation-forest",
        applies: |parameters| is(parameters, "method", &["isolation-forest"]),
    },
    Parameter {
        name: "one_class_svm.nu",
        kind: Kind::Float(Range {
            min: 0.0,
            max: 1.0,
            open_min: true,
            open_max: true,
        }),
        unit: "share of segments",
        default: || Some(Value::Float(0.1)),
        section: "baseline",
        doc: "Share of the training segments that may lie outside.",
        role: Role::Training,
        condition: BY_SVM,
        applies: by_svm,
    },
    Parameter {
        name: "one_class_svm.gamma",
        kind: Kind::Float(Range::above(0.0, 1e9)),
        unit: "1 / squared feature distance",
        default: || None,
        section: "baseline",
        doc: "The kernel is exp(-gamma·distance²); unset: 1/(d·variance of the training features).",
        role: Role::Training,
        condition: BY_SVM,
        applies: by_svm,
    },
    Parameter {
        name: "one_class_svm.features",
        kind: Kind::Integer { min: 1, max: 8192 },
        unit: "random Fourier features",
        default: || Some(Value::Integer(512)),
        section: "baseline",
        doc: "Random Fourier features that stand for the kernel.",
        role: Role::Training,
        condition: BY_SVM,
        applies: by_svm,
    },
    Parameter {
        name: "one_class_svm.samples",
        kind: Kind::Integer {
            min: 1,
            max: 1_000_000,
        },
        unit: "segments",
        default: || Some(Value::Integer(20_000)),
        section: "baseline",
        doc: "Training segments that it is fitted on, drawn without replacement; all where there are fewer.",
        role: Role::Training,
        condition: BY_SVM,
        applies: by_svm,
    },
    Parameter {
        name: "one_class_svm.passes",
        kind: Kind::Integer { min: 1, max: 10000 },
        unit: "passes over those segments",
        default: || Some(Value::Integer(20)),
        section: "baseline",
        doc: "Passes of stochastic gradient descent; the solution is the mean over the second half.",
        role: Role::Training,
        condition: BY_SVM,
        applies: by_svm,
    },
    Parameter {
        name: "mil.segments",
        kind: Kind::Integer { min: 2, max: 1024 },
        unit: "segments per bag",
        default: || Some(Value::Integer(32)),
        section: "Table 1, Sultani et al.",
        doc: "Segments that a training video is cut into, each the mean of its rows.",
        role: Role::Training,
        condition: BY_MIL,
        applies: by_mil,
    },
    Parameter {
        name: "mil.bags",
        kind: Kind::Integer { min: 1, max: 4096 },
        unit: "videos of each class",
        default: || Some(Value::Integer(30)),
        section: "Table 1, Sultani et al.",
        doc: "Normal and anomalous videos per step, that many of each.",
        role: Role::Training,
        condition: BY_MIL,
        applies: by_mil,
    },
    Parameter {
        name: "mil.sparsity",
        kind: Kind::Float(Range::closed(0.0, 1000.0)),
        unit: "",
        default: || Some(Value::Float(8e-5)),
        section: "Table 1, Sultani et al.",
        doc: "Weight of the sum of an anomalous bag's scores.",
        role: Role::Training,
        condition: BY_MIL,
        applies: by_mil,
    },
    Parameter {
        name: "mil.smoothness",
        kind: Kind::Float(Range::closed(0.0, 1000.0)),
        unit: "",
        default: || Some(Value::Float(8e-5)),
        section: "Table 1, Sultani et al.",
        doc: "Weight of the squared differences between neighbours in an anomalous bag.",
        role: Role::Training,
        condition: BY_MIL,
        applies: by_mil,
    },
    Parameter {
        name: "mil.hidden",
        kind: Kind::Widths,
        unit: "units",
        default: || Some(Value::List(vec![512.into(), 32.into()])),
        section: "Table 1, Sultani et al.",
        doc: "Hidden widths of the scoring network; ReLU after the first alone.",
        role: Role::Training,
        condition: BY_MIL,
        applies: by_mil,
    },
    Parameter {
        name: "mil.dropout",
        kind: Kind::Float(Range::below(0.0, 1.0)),
        unit: "share of units",
        default: || Some(Value::Float(0.6)),
        section: "Table 1, Sultani et al.",
        doc: "Dropout after each hidden layer while it learns.",
        role: Role::Training,
        condition: BY_MIL,
        applies: by_mil,
    },
    Parameter {
        name: "mil.weight_decay",
        kind: Kind::Float(Range::closed(0.0, 1.0)),
        unit: "",
        default: || Some(Value::Float(1e-3)),
        section: "Table 1, Sultani et al.",
        doc: "Added to a gradient: this times the weight.",
        role: Role::Training,
        condition: BY_MIL,
        applies: by_mil,
    },
    Parameter {
        name: "artifacts.embedding",
        kind: Kind::Choice(&["off", "tsne"]),
        unit: "",
        default: || choice("off"),
        section: "§4.2, Fig. 6",
        doc: "Whether a t-SNE of the reconstructions of up to 1,500 test segments is kept.",
        role: Role::Training,
        condition: WITH_G,
        applies: with_g,
    },
    Parameter {
        name: "artifacts.epoch_scores",
        kind: Kind::Choice(&["off", "on"]),
        unit: "",
        default: || choice("off"),
        section: "§4.2, Fig. 7",
        doc: "Whether the scores of the test segments are kept after every epoch (of as many anomalous videos as fit in 4 MiB).",
        role: Role::Training,
        condition: WITH_EPOCHS,
        applies: with_epochs,
    },
    Parameter {
        name: "score_by",
        kind: Kind::Choice(&["discriminator", "generator"]),
        unit: "",
        default: || choice("discriminator"),
        section: "§3.4",
        doc: "The score that `auc` reports; both are always recorded.",
        role: Role::Reporting,
        condition: WITH_D,
        applies: with_d,
    },
    Parameter {
        name: "score_smoothing",
        kind: Kind::Float(Range::closed(0.0, 1000.0)),
        unit: "segments (σ of a Gaussian)",
        default: || Some(Value::Float(0.0)),
        section: "not stated",
        doc: "Smoothing of a video's scores before the metrics; 0 is off.",
        role: Role::Reporting,
        condition: "",
        applies: always,
    },
];

fn threshold(rule: &str, key: &str, number: f64) -> Value {
    Value::Table(
        [
            ("rule".to_owned(), Value::from(rule)),
            (key.to_owned(), Value::Float(number)),
        ]
        .into(),
    )
}

/// The parameter of that dotted name.
pub fn find(name: &str) -> Option<&'static Parameter> {
    PARAMETERS.iter().find(|parameter| parameter.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Digest, TRAINER_REVISION};

    /// A default that changes gives the same id another meaning. If this fails because of that, raise
    /// `TRAINER_REVISION`; if it fails because of a new parameter, see [`ADDED_LATER`]. Then pin the new digest.
    #[test]
    fn the_defaults_of_this_revision_are_pinned() {
        let mut table = String::new();
        for parameter in PARAMETERS {
            let default = (parameter.default)();
            table.push_str(&format!("{}={default:?};", parameter.name));
        }
        assert_eq!(
            (
                TRAINER_REVISION,
                Digest::of(table.as_bytes()).short().as_str()
            ),
            (1, "3c4eb9a361f9")
        );
    }

    #[test]
    fn every_default_is_a_value_that_the_check_accepts() {
        for parameter in PARAMETERS {
            if let Some(value) = (parameter.default)() {
                assert_eq!(
                    parameter.check(&value).as_ref(),
                    Ok(&value),
                    "{}",
                    parameter.name
                );
            }
            assert!(
                parameter.doc.ends_with('.') && !parameter.section.is_empty(),
                "{}",
                parameter.name
            );
        }
    }
}
