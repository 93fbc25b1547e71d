//! Causes of a failed connection that no later try cures: keys that do not fit, and the wrong kind of address.
//!
//! Everything else may heal by itself: a coordinator that starts later, a name that is not known yet, a busy proxy.

use std::error::Error;
use std::io;

use tokio_rustls::rustls::{self, AlertDescription, CertificateError, InvalidMessage};
use tonic::Status;

/// How HTTP/2 names an answer that is none: a TLS server answers plain text so.
const NOT_HTTP2: [&str; 3] = [
    "frame with invalid size",
    "invalid HTTP version",
    "FRAME_SIZE_ERROR",
];

/// How tonic names a TLS server that knows HTTP/1 alone.
const NO_HTTP2_IN_TLS: &str = "HTTP/2 was not negotiated";

/// What is wrong for good and what to do about it, if anything is.
pub(crate) fn incurable(status: &Status) -> Option<String> {
    let mut cause: Option<&(dyn Error + 'static)> = status.source();
    while let Some(error) = cause {
        if let Some(tls) = tls_error(error)
            && let Some(what) = of_tls(tls)
        {
            return Some(what);
        }
        let text = error.to_string();
        if let Some(what) = of_alert_in(&text) {
            return Some(what);
        }
        if NOT_HTTP2.iter().any(|sign| text.contains(sign)) {
            return Some(
                "the coordinator does not speak plain HTTP/2 there: if it has a certificate, its address begins with https://"
                    .to_owned(),
            );
        }
        if text.contains(NO_HTTP2_IN_TLS) {
            return Some(
                "what answers there speaks TLS and is no coordinator: a web page, or the port for metrics and probes (--http); a coordinator's own address is that of its --listen"
                    .to_owned(),
            );
        }
        cause = error.source();
    }
    None
}

/// The TLS error that this is, or that it holds. *Because* an IO error hides the error that it holds from `source`, the inner one is
/// asked for.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return Some(tls);
    }
    let inner = error.downcast_ref::<io::Error>()?.get_ref()?;
    inner
        .downcast_ref::<rustls::Error>()
        .or_else(|| tls_error(inner.downcast_ref::<io::Error>()?))
}

/// An alert that comes after the handshake, as those about callers' certificates do in TLS 1.3: HTTP/2 keeps its text alone.
fn of_alert_in(text: &str) -> Option<String> {
    let (_, name) = text.split_once("received fatal alert: ")?;
    let alert = [
        AlertDescription::CertificateRequired,
        AlertDescription::UnknownCA,
        AlertDescription::BadCertificate,
        AlertDescription::UnsupportedCertificate,
        AlertDescription::CertificateExpired,
        AlertDescription::CertificateRevoked,
        AlertDescription::CertificateUnknown,
        AlertDescription::DecryptError,
        AlertDescription::AccessDenied,
    ]
    .into_iter()
    .find(|alert| name.starts_with(&format!("{alert:?}")))?;
    of_tls(&rustls::Error::AlertReceived(alert))
}

/// What the system or the other side said at the root of a failed call.
pub(crate) fn root_cause(status: &Status) -> Option<String> {
    let mut root: &(dyn Error + 'static) = status.source()?;
    while let Some(cause) = root.source() {
        root = cause;
    }
    Some(root.to_string())
}

fn of_tls(error: &rustls::Error) -> Option<String> {
    let text = match error {
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "what answers there does not speak TLS: a coordinator without a certificate has an address that begins with http://".to_owned()
        }
        rustls::Error::InvalidCertificate(fault) => match fault {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "the coordinator's certificate has expired: it needs a new one".to_owned()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "the coordinator's certificate is not valid yet: compare the clocks".to_owned()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "the coordinator's certificate is for another name: use the name that it has in the address"
                    .to_owned()
            }
            // An authority of the same name with another key signs what does not fit.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                "the coordinator's certificate is signed by nobody known here: --ca FILE names the certificate of its authority"
                    .to_owned()
            }
            other => format!("the coordinator's certificate is not accepted ({other})"),
        },
        rustls::Error::AlertReceived(alert) => match alert {
            AlertDescription::CertificateRequired => {
                "the coordinator wants a certificate of its callers: give --certificate FILE and --key FILE".to_owned()
            }
            AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateUnknown
            | AlertDescription::DecryptError
            | AlertDescription::AccessDenied => {
                format!("the coordinator does not accept this program's certificate ({alert:?})")
            }
            AlertDescription::ProtocolVersion | AlertDescription::HandshakeFailure => {
                format!("the coordinator and this program have no TLS version in common ({alert:?})")
            }
            _ => return None,
        },
        _ => return None,
    };
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn status(error: impl Error + Send + Sync + 'static) -> Status {
        let mut status = Status::unavailable("tcp connect error");
        status.set_source(Arc::new(error));
        status
    }

    #[test]
    fn keys_that_do_not_fit_are_told_however_deep_they_lie() {
        let fault = || rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let deep = io::Error::other(io::Error::other(fault()));
        for status in [
            status(fault()),
            status(io::Error::other(fault())),
            status(deep),
        ] {
            assert!(incurable(&status).unwrap().contains("--ca FILE"));
        }
    }

    #[test]
    fn an_alert_is_told_by_its_text_too() {
        let sent = rustls::Error::AlertReceived(AlertDescription::CertificateRequired);
        let told = io::Error::new(io::ErrorKind::InvalidData, sent.to_string());
        assert!(incurable(&status(told)).unwrap().contains("--certificate"));
        let other = rustls::Error::AlertReceived(AlertDescription::InternalError);
        assert_eq!(
            incurable(&status(io::Error::other(other.to_string()))),
            None
        );
    }

    #[test]
    fn what_may_heal_is_not_given_up() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(incurable(&status(refused)), None);
        let other = io::Error::other("HTTP/2 was not negotiated.");
        assert!(incurable(&status(other)).unwrap().contains("--http"));
        assert_eq!(
            incurable(&status(io::Error::other("failed to lookup address"))),
            None
        );
        assert_eq!(incurable(&Status::unavailable("restarting")), None);
        let eof = rustls::Error::General("peer closed".to_owned());
        assert_eq!(incurable(&status(eof)), None);
    }
}
