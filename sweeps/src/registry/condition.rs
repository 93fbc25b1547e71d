//! When a parameter means anything, in code and in words; and how defaults are said.

use crate::job::Parameters;
use crate::value::Value;

#[expect(clippy::unnecessary_wraps, reason = "the shape of a `default`")]
pub(super) fn choice(name: &str) -> Option<Value> {
    Some(Value::from(name))
}
pub(super) fn is(parameters: &Parameters, name: &str, words: &[&str]) -> bool {
    parameters
        .get(name)
        .and_then(Value::as_text)
        .is_some_and(|word| words.contains(&word))
}
pub(super) fn always(_: &Parameters) -> bool {
    true
}
pub(super) fn with_g(parameters: &Parameters) -> bool {
    is(
        parameters,
        "method",
        &["gcl", "autoencoder", "gcl-own-labels"],
    )
}
pub(super) fn by_mil(parameters: &Parameters) -> bool {
    is(parameters, "method", &["mil-ranking"])
}
pub(super) fn by_svm(parameters: &Parameters) -> bool {
    is(parameters, "method", &["one-class-svm"])
}
pub(super) fn with_epochs(parameters: &Parameters) -> bool {
    with_g(parameters) || by_mil(parameters)
}
pub(super) fn without_labels(parameters: &Parameters) -> bool {
    !by_mil(parameters)
}
pub(super) fn with_d(parameters: &Parameters) -> bool {
    is(parameters, "method", &["gcl"])
}
pub(super) fn with_labels(parameters: &Parameters) -> bool {
    is(parameters, "method", &["gcl", "gcl-own-labels"])
}
pub(super) fn pretrained(parameters: &Parameters) -> bool {
    is(
        parameters,
        "pretraining",
        &["temporal-difference", "normal-only"],
    )
}
pub(super) fn by_difference(parameters: &Parameters) -> bool {
    without_labels(parameters) && is(parameters, "pretraining", &["temporal-difference"])
}
/// Methods that draw no random number: the seed changes nothing.
pub(crate) fn draws_nothing(parameters: &Parameters) -> bool {
    is(parameters, "method", &["pca"])
}

pub(super) const WITH_G: &str = "method = gcl, autoencoder or gcl-own-labels";
pub(super) const WITH_EPOCHS: &str = "method = gcl, autoencoder, gcl-own-labels or mil-ranking";
pub(super) const BY_SVM: &str = "method = one-class-svm";
pub(super) const BY_MIL: &str = "method = mil-ranking";
pub(super) const WITHOUT_LABELS: &str = "method is not mil-ranking";
pub(super) const WITH_D: &str = "method = gcl";
pub(super) const WITH_LABELS: &str = "method = gcl or gcl-own-labels";

pub(super) fn threshold(rule: &str, key: &str, number: f64) -> Value {
    Value::Table(
        [
            ("rule".to_owned(), Value::from(rule)),
            (key.to_owned(), Value::Float(number)),
        ]
        .into(),
    )
}
