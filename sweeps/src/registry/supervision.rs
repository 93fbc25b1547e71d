//! What training starts from and what it may know: pre-training, weak labels.

use super::condition::{
    WITH_LABELS, WITH_SELECTION, by_difference, choice, pretrained, with_d, with_labels,
    with_selection,
};
use crate::choice::Choice;
use crate::parameter::{Kind, Parameter, Range, Role};
use crate::training::choices::{DifferenceScale, PretrainingWord, WeakSupervision};
use crate::value::Value;

pub(super) const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "pretraining",
        kind: Kind::Choice(PretrainingWord::WORDS),
        unit: "",
        default: || choice(PretrainingWord::Off),
        section: "§3.3",
        doc: "Segments on which G is trained first: none (GCL_B), those that change little (GCL_PT), those of normal videos (GCL_OCC). An autoencoder and the baselines are fitted on these segments alone.",
        role: Role::Training,
        condition: WITH_SELECTION,
        applies: with_selection,
    },
    Parameter {
        name: "pretrain_epochs",
        kind: Kind::Integer {
            min: 1,
            max: 20_000,
        },
        unit: "passes over the selected segments",
        default: || Some(Value::Integer(15)),
        section: "not stated",
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
        section: "not stated",
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
        kind: Kind::Choice(DifferenceScale::WORDS),
        unit: "",
        default: || choice(DifferenceScale::UnitNorm),
        section: "not stated",
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
        kind: Kind::Choice(WeakSupervision::WORDS),
        unit: "",
        default: || choice(WeakSupervision::Mask),
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
];
