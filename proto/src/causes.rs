//! An error with its causes, as text.

use std::error::Error;

/// An error and its causes in one line, each fact once.
pub fn error_chain(error: &dyn Error) -> String {
    with_causes(error.to_string(), error.source())
}

/// A text and the causes behind it in one line, each fact once.
pub fn with_causes(mut text: String, mut cause: Option<&(dyn Error + 'static)>) -> String {
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Layer(&'static str, #[source] Option<Box<Layer>>);

    fn layer(text: &'static str, cause: Option<Layer>) -> Layer {
        Layer(text, cause.map(Box::new))
    }

    #[test]
    fn every_fact_is_told_once() {
        let error = layer(
            "cannot open x",
            Some(layer("open x", Some(layer("no such file", None)))),
        );
        assert_eq!(error_chain(&error), "cannot open x: no such file");
        assert_eq!(error_chain(&layer("alone", None)), "alone");
    }
}
