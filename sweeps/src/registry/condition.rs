//! When a parameter means anything, in code and in words; and how defaults are said.

use crate::choice::Choice;
use crate::parameters::Parameters;
use crate::training::choices::{Method, PretrainingWord};
use crate::training::controls::Control;
use crate::training::distil::{LabelMaker, LabelModel};
use crate::value::Value;

#[expect(clippy::unnecessary_wraps, reason = "the shape of a `default`")]
pub(super) fn choice(choice: impl Choice) -> Option<Value> {
    Some(Value::from(choice.word()))
}
fn method(parameters: &Parameters, fits: impl Fn(Method) -> bool) -> bool {
    parameters.choice("method").is_some_and(fits)
}
pub(super) fn always(_: &Parameters) -> bool {
    true
}
pub(super) fn with_g(parameters: &Parameters) -> bool {
    method(parameters, Method::has_generator)
}
pub(super) fn by_mil(parameters: &Parameters) -> bool {
    method(parameters, |method| method == Method::MilRanking)
}
pub(super) fn by_svm(parameters: &Parameters) -> bool {
    method(parameters, |method| method == Method::OneClassSvm)
}
pub(super) fn by_adkim(parameters: &Parameters) -> bool {
    method(parameters, |method| method == Method::AdKim)
}
pub(super) fn by_pca(parameters: &Parameters) -> bool {
    method(parameters, |method| method == Method::Pca)
}
pub(super) fn by_forest(parameters: &Parameters) -> bool {
    method(parameters, |method| method == Method::IsolationForest)
}
pub(super) fn by_distil(parameters: &Parameters) -> bool {
    method(parameters, |method| method == Method::Distil)
}
fn by_maker(parameters: &Parameters, maker: LabelMaker) -> bool {
    by_distil(parameters) && parameters.choice("labels.maker") == Some(maker)
}
pub(super) fn by_reconstruction(parameters: &Parameters) -> bool {
    by_maker(parameters, LabelMaker::Reconstruction)
}
pub(super) fn by_lanp(parameters: &Parameters) -> bool {
    by_maker(parameters, LabelMaker::Lanp)
}
/// Whether there is an error beside D's score: what `score_by = fused` adds to it.
pub(crate) fn can_fuse(parameters: &Parameters) -> bool {
    by_reconstruction(parameters)
}
/// An autoencoder is trained, or G.
pub(super) fn reconstructs(parameters: &Parameters) -> bool {
    with_g(parameters)
        || by_reconstruction(parameters)
            && parameters.choice("labels.model") == Some(LabelModel::Autoencoder)
}
/// The paper's networks learn in the paper's steps.
pub(super) fn with_steps(parameters: &Parameters) -> bool {
    with_g(parameters) || by_distil(parameters)
}
pub(super) fn with_epochs(parameters: &Parameters) -> bool {
    with_steps(parameters) || by_mil(parameters)
}
/// The paper's D learns.
pub(super) fn learns_d(parameters: &Parameters) -> bool {
    method(parameters, Method::has_discriminator)
}
/// Methods that pre-training's selection of segments means something to.
pub(super) fn with_selection(parameters: &Parameters) -> bool {
    !by_mil(parameters) && !by_distil(parameters) && !by_control(parameters)
}
pub(super) fn by_control(parameters: &Parameters) -> bool {
    method(parameters, |method| method == Method::Control)
}
fn control(parameters: &Parameters, fits: impl Fn(Control) -> bool) -> bool {
    by_control(parameters) && parameters.choice("control").is_some_and(fits)
}
pub(super) fn by_control_pca(parameters: &Parameters) -> bool {
    control(parameters, |control| control == Control::Pca)
}
pub(super) fn by_control_knn(parameters: &Parameters) -> bool {
    control(parameters, |control| control == Control::Knn)
}
/// Methods whose score can be smoothed: those that score segments by what is in them.
pub(super) fn smoothable(parameters: &Parameters) -> bool {
    !control(parameters, Control::reads_no_feature)
}
pub(super) fn with_d(parameters: &Parameters) -> bool {
    method(parameters, |method| method == Method::Gcl)
}
pub(super) fn with_labels(parameters: &Parameters) -> bool {
    method(parameters, |method| {
        matches!(method, Method::Gcl | Method::GclOwnLabels)
    })
}
pub(super) fn pretrained(parameters: &Parameters) -> bool {
    parameters
        .choice("pretraining")
        .is_some_and(|word| match word {
            PretrainingWord::Off => false,
            PretrainingWord::TemporalDifference | PretrainingWord::NormalOnly => true,
        })
}
pub(super) fn by_difference(parameters: &Parameters) -> bool {
    with_selection(parameters)
        && parameters.choice("pretraining") == Some(PretrainingWord::TemporalDifference)
}
/// Methods that draw no random number: the seed changes nothing.
pub(crate) fn draws_nothing(parameters: &Parameters) -> bool {
    by_pca(parameters) || by_control(parameters)
}

pub(super) const WITH_G: &str = "method = gcl, autoencoder or gcl-own-labels";
pub(super) const WITH_STEPS: &str = "method = gcl, autoencoder, gcl-own-labels or distil";
pub(super) const WITH_EPOCHS: &str =
    "method = gcl, autoencoder, gcl-own-labels, distil or mil-ranking";
pub(super) const RECONSTRUCTS: &str =
    "method = gcl, autoencoder, gcl-own-labels, or distil by an autoencoder";
pub(super) const BY_DISTIL: &str = "method = distil";
pub(super) const BY_RECONSTRUCTION: &str = "method = distil, labels.maker = reconstruction";
pub(super) const BY_LANP: &str = "method = distil, labels.maker = lanp";
pub(super) const LEARNS_D: &str = "method = gcl or distil";
pub(super) const BY_SVM: &str = "method = one-class-svm";
pub(super) const BY_MIL: &str = "method = mil-ranking";
pub(super) const WITH_SELECTION: &str = "method is neither mil-ranking, distil nor control";
pub(super) const BY_CONTROL: &str = "method = control";
pub(super) const WITH_D: &str = "method = gcl";
pub(super) const WITH_LABELS: &str = "method = gcl or gcl-own-labels";

pub(super) fn threshold(rule: impl Choice, key: &str, number: f64) -> Value {
    Value::Table(
        [
            ("rule".to_owned(), Value::from(rule.word())),
            (key.to_owned(), Value::Float(number)),
        ]
        .into(),
    )
}
