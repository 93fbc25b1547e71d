//! What a run keeps, and how it is scored.

use super::condition::{
    BY_CONTROL, LEARNS_D, WITH_EPOCHS, WITH_G, always, by_control, choice, learns_d, smoothable,
    with_epochs, with_g,
};
use crate::cell::ScoreBy;
use crate::choice::Choice;
use crate::parameter::{Kind, Parameter, Range, Role};
use crate::training::choices::{Embedding, Switch};
use crate::value::Value;

pub(super) const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "artifacts.data_card",
        kind: Kind::Choice(Switch::WORDS),
        unit: "",
        default: || choice(Switch::Off),
        section: "not in the paper",
        doc: "Whether the job also says what kind of data its data set is, as `data inspect --regime` does; `[report] controls = true` asks one control of each data set.",
        role: Role::Training,
        condition: BY_CONTROL,
        applies: by_control,
    },
    Parameter {
        name: "artifacts.embedding",
        kind: Kind::Choice(Embedding::WORDS),
        unit: "",
        default: || choice(Embedding::Off),
        section: "§4.2, Fig. 6",
        doc: "Whether a t-SNE of the reconstructions of up to 1,500 test segments is kept.",
        role: Role::Training,
        condition: WITH_G,
        applies: with_g,
    },
    Parameter {
        name: "artifacts.epoch_scores",
        kind: Kind::Choice(Switch::WORDS),
        unit: "",
        default: || choice(Switch::Off),
        section: "§4.2, Fig. 7",
        doc: "Whether the scores of the test segments are kept after every epoch (of as many anomalous videos as fit in 4 MiB).",
        role: Role::Training,
        condition: WITH_EPOCHS,
        applies: with_epochs,
    },
    Parameter {
        name: "score_by",
        kind: Kind::Choice(ScoreBy::WORDS),
        unit: "",
        default: || choice(ScoreBy::Discriminator),
        section: "§3.4",
        doc: "The score that `auc` reports; both are always recorded. fused, of distil by a reconstruction alone: the error plus D's logit, each standardised over the training rows; it is recorded in G's place.",
        role: Role::Reporting,
        condition: LEARNS_D,
        applies: learns_d,
    },
    Parameter {
        name: "score_smoothing",
        kind: Kind::Float(Range::closed(0.0, 1000.0)),
        unit: "segments (σ of a Gaussian)",
        default: || Some(Value::Float(0.0)),
        section: "not stated",
        doc: "Smoothing of a video's scores before the metrics; 0 is off.",
        role: Role::Reporting,
        condition: "a score of features: not control = length, place or place-length",
        applies: smoothable,
    },
    Parameter {
        name: "evaluation.clip_segments",
        kind: Kind::Integer {
            min: 1,
            max: 1_000_000,
        },
        unit: "segments",
        default: || None,
        section: "not in the paper",
        doc: "Cuts every test video into clips of about so many segments before the metrics, so that the length of a video says nothing; unset: whole videos.",
        role: Role::Reporting,
        condition: "",
        applies: always,
    },
];
