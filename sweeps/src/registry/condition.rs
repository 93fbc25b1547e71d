//! When a parameter means anything, in code and in words; and how defaults are said.

use crate::choice::Choice;
use crate::parameters::Parameters;
use crate::training::choices::{Method, PretrainingWord, ThresholdWord};
use crate::training::controls::Control;
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
pub(super) fn with_epochs(parameters: &Parameters) -> bool {
    with_g(parameters) || by_mil(parameters)
}
/// Methods that pre-training's selection of segments means something to.
pub(super) fn with_selection(parameters: &Parameters) -> bool {
    !by_mil(parameters) && !by_control(parameters)
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
pub(super) const WITH_EPOCHS: &str = "method = gcl, autoencoder, gcl-own-labels or mil-ranking";
pub(super) const BY_SVM: &str = "method = one-class-svm";
pub(super) const BY_MIL: &str = "method = mil-ranking";
pub(super) const WITH_SELECTION: &str = "method is neither mil-ranking nor control";
pub(super) const BY_CONTROL: &str = "method = control";
pub(super) const WITH_D: &str = "method = gcl";
pub(super) const WITH_LABELS: &str = "method = gcl or gcl-own-labels";

pub(super) fn threshold(rule: ThresholdWord, key: &str, number: f64) -> Value {
    Value::Table(
        [
            ("rule".to_owned(), Value::from(rule.word())),
            (key.to_owned(), Value::Float(number)),
        ]
        .into(),
    )
}
