//! What a score must be held against: controls, which learn nothing.

use super::condition::{BY_CONTROL, by_control, by_control_knn, by_control_pca, choice};
use crate::choice::Choice;
use crate::parameter::{Kind, Parameter, Range, Role};
use crate::training::controls::Control;
use crate::value::Value;

pub(super) const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "control",
        kind: Kind::Choice(Control::WORDS),
        unit: "",
        default: || choice(Control::Length),
        section: "not in the paper",
        doc: "Which score without any learning: of the length of the video and the place in it (no feature is read), or of the features.",
        role: Role::Training,
        condition: BY_CONTROL,
        applies: by_control,
    },
    Parameter {
        name: "pca.variance_share",
        kind: Kind::Float(Range {
            min: 0.0,
            max: 1.0,
            open_min: true,
            open_max: true,
        }),
        unit: "share of the variance",
        default: || Some(Value::Float(0.9)),
        section: "not in the paper",
        doc: "So many principal components are kept that their share of the variance exceeds this.",
        role: Role::Training,
        condition: "method = control, control = pca",
        applies: by_control_pca,
    },
    Parameter {
        name: "knn.neighbours",
        kind: Kind::Integer { min: 1, max: 1000 },
        unit: "training segments",
        default: || Some(Value::Integer(5)),
        section: "not in the paper",
        doc: "The score is the mean distance to so many nearest training segments.",
        role: Role::Training,
        condition: "method = control, control = knn",
        applies: by_control_knn,
    },
];
