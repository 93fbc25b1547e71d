//! `method = "distil"`: who makes the labels from which D learns.

use super::condition::{
    BY_DISTIL, BY_LANP, BY_RECONSTRUCTION, by_distil, by_lanp, by_reconstruction, choice, threshold,
};
use crate::choice::Choice;
use crate::parameter::{Kind, Parameter, Range, Role};
use crate::training::distil::{Affinity, LabelMaker, LabelModel, LabelRuleWord};
use crate::value::Value;

pub(super) const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "labels.maker",
        kind: Kind::Choice(LabelMaker::WORDS),
        unit: "",
        default: || choice(LabelMaker::Reconstruction),
        section: "ablation; successors",
        doc: "Who makes the labels, once, from the whole training split: the error of a reconstruction, or the first step of C2FPL, CLAP or LANP.",
        role: Role::Training,
        condition: BY_DISTIL,
        applies: by_distil,
    },
    Parameter {
        name: "labels.model",
        kind: Kind::Choice(LabelModel::WORDS),
        unit: "",
        default: || choice(LabelModel::Autoencoder),
        section: "ablation",
        doc: "What reconstructs: G, trained as method = autoencoder trains it, or the principal components that explain 90% of the variance.",
        role: Role::Training,
        condition: BY_RECONSTRUCTION,
        applies: by_reconstruction,
    },
    Parameter {
        name: "labels.folds",
        kind: Kind::Integer { min: 0, max: 20 },
        unit: "parts of the training videos",
        default: || Some(Value::Integer(0)),
        section: "ablation",
        doc: "Each part is labelled by a model of the others; 0: one model labels the rows that it was fitted on.",
        role: Role::Training,
        condition: BY_RECONSTRUCTION,
        applies: by_reconstruction,
    },
    Parameter {
        name: "labels.smoothing",
        kind: Kind::Float(Range::closed(0.0, 1000.0)),
        unit: "segments (σ of a Gaussian)",
        default: || Some(Value::Float(0.0)),
        section: "ablation",
        doc: "Smoothing of a training video's errors before they become labels; 0 is off.",
        role: Role::Training,
        condition: BY_RECONSTRUCTION,
        applies: by_reconstruction,
    },
    Parameter {
        name: "labels.rule",
        kind: Kind::LabelRule,
        unit: "",
        default: || Some(threshold(LabelRuleWord::MeanStd, "k", 1.0)),
        section: "ablation",
        doc: "How the errors of all training rows become labels: 1 from mean + k·std on, 1 for the largest, or ((rank − ½)/N)^exponent for each.",
        role: Role::Training,
        condition: BY_RECONSTRUCTION,
        applies: by_reconstruction,
    },
    Parameter {
        name: "labels.share",
        kind: Kind::Float(Range::above(0.0, 1.0)),
        unit: "share of the training videos",
        default: || None,
        section: "successors: LANP",
        doc: "The share of the videos that LANP takes for anomalous. It must be given: its authors take the true one (0.27 on ShanghaiTech, 0.5 on UCF-Crime).",
        role: Role::Training,
        condition: BY_LANP,
        applies: by_lanp,
    },
    Parameter {
        name: "labels.affinity",
        kind: Kind::Choice(Affinity::WORDS),
        unit: "",
        default: || choice(Affinity::Cosine),
        section: "successors: LANP",
        doc: "How alike two segments of a video are: the cosine of their features, or exp(−rms/2) of their difference.",
        role: Role::Training,
        condition: BY_LANP,
        applies: by_lanp,
    },
];
