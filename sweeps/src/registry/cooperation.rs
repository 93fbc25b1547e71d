//! The cooperative step: order, pseudo labels, thresholds, negative learning.

use super::condition::{WITH_D, WITH_LABELS, choice, threshold, with_d, with_labels};
use crate::choice::Choice;
use crate::parameter::{Kind, Parameter, Range, Role};
use crate::training::choices::{NegativeTargetWord, PseudoLabels, ThresholdWord, UpdateOrder};
use crate::value::Value;

pub(super) const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "update_order",
        kind: Kind::Choice(UpdateOrder::WORDS),
        unit: "",
        default: || choice(UpdateOrder::Alternating),
        section: "§3.2, Fig. 2",
        doc: "Whether D labels G's batch after its own step, or both labels are made before the step.",
        role: Role::Training,
        condition: WITH_D,
        applies: with_d,
    },
    Parameter {
        name: "pseudo_labels",
        kind: Kind::Choice(PseudoLabels::WORDS),
        unit: "",
        default: || choice(PseudoLabels::Hard),
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
        default: || Some(threshold(ThresholdWord::MeanStd, "k", 1.0)),
        section: "§3.2.2, Eq. 2; §4",
        doc: "Which reconstruction errors of a batch are labelled anomalous.",
        role: Role::Training,
        condition: "method = gcl or gcl-own-labels, pseudo_labels = hard",
        applies: |parameters| {
            with_labels(parameters)
                && parameters.choice("pseudo_labels") == Some(PseudoLabels::Hard)
        },
    },
    Parameter {
        name: "threshold.discriminator",
        kind: Kind::Threshold { k: 0.1 },
        unit: "",
        default: || Some(threshold(ThresholdWord::MeanStd, "k", 0.1)),
        section: "§3.2.4, Eq. 4; §4",
        doc: "Which probabilities of a batch are labelled anomalous.",
        role: Role::Training,
        condition: WITH_D,
        applies: with_d,
    },
    Parameter {
        name: "negative_learning.target",
        kind: Kind::Choice(NegativeTargetWord::WORDS),
        unit: "",
        default: || choice(NegativeTargetWord::Ones),
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
            with_labels(parameters)
                && parameters.choice("negative_learning.target")
                    == Some(NegativeTargetWord::Gaussian)
        },
    },
];
