//! Answers of the live page, and the headers that each has.

use std::convert::Infallible;

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};

use proto::nouns::Refusal;

/// What the side port sends.
pub(in crate::service) type Body = BoxBody<Bytes, Infallible>;

/// What the side port answers.
pub(in crate::service) type Answer = Response<Body>;

/// Everything comes from this port; no script or style but the files of it, no frame, no form elsewhere, no text that becomes
/// markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// What is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Html,
    Json,
    Script,
    Style,
    Events,
}

impl Kind {
    fn text(self) -> &'static str {
        match self {
            Self::Html => "text/html; charset=utf-8",
            Self::Json => "application/json",
            Self::Script => "text/javascript; charset=utf-8",
            Self::Style => "text/css; charset=utf-8",
            Self::Events => "text/event-stream",
        }
    }
}

pub(in crate::service) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).boxed()
}

/// An answer with all headers that the page's answers have.
pub(super) fn answer(code: StatusCode, kind: Kind, body: Body) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = code;
    let headers = answer.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, kind.text()),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, POLICY),
        // Not `no-referrer`: a browser would then send a form of this page with `Origin: null`.
        (REFERRER_POLICY, "same-origin"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

pub(super) fn html(code: StatusCode, text: String) -> Answer {
    answer(code, Kind::Html, full(text))
}

/// A value as JSON.
pub(super) fn json(value: &impl serde::Serialize) -> Answer {
    match serde_json::to_vec(value) {
        Ok(bytes) => answer(StatusCode::OK, Kind::Json, full(bytes)),
        Err(error) => told(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

/// Why not, as JSON.
pub(super) fn told(code: StatusCode, why: &str) -> Answer {
    let text = serde_json::json!({ "error": why }).to_string();
    answer(code, Kind::Json, full(text))
}

/// What the engine refused.
pub(super) fn refused(refusal: &Refusal) -> Answer {
    let code = match refusal {
        Refusal::UnknownSweep(_) | Refusal::UnknownJob(_) | Refusal::NoSuchWorker(_) => {
            StatusCode::NOT_FOUND
        }
        Refusal::Storage(_) | Refusal::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::CONFLICT,
    };
    told(code, &refusal.to_string())
}

/// What a status refuses, by its code.
pub(in crate::service) fn code_of(status: &tonic::Status) -> StatusCode {
    match status.code() {
        tonic::Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        tonic::Code::PermissionDenied => StatusCode::FORBIDDEN,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}
