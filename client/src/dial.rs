//! How programs reach a coordinator: one place for its address, keys and the life signs of the connection.

use std::time::Duration;

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Request, Status};

use crate::address;

/// How long a connection may take to come up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A dead peer (a pulled cable, a stopped host) is noticed after this and [`KEEPALIVE_TIMEOUT`].
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// What proves the other side, and us to it.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    /// The authority that signed the coordinator's certificate, PEM. Needed for `https`.
    pub authority: Option<Vec<u8>>,
    /// Our own certificate and key, PEM, where the coordinator asks for one.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
}

/// An address that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("`{url}` cannot be used as a coordinator's address: {why}")]
pub struct DialError {
    url: String,
    why: String,
    #[source]
    cause: Option<tonic::transport::Error>,
}

/// A connection to the coordinator at `url`. It comes up with the first call, and again whenever it was lost.
pub fn dial(url: &str, keys: &Keys) -> Result<Channel, DialError> {
    let url = url.trim();
    let fault = |cause| DialError {
        url: url.chars().take(200).collect(),
        why: "http://HOST:PORT or https://HOST:PORT is expected".to_owned(),
        cause: Some(cause),
    };
    if let Some(why) = address::fault(url, keys.authority.is_some()) {
        return Err(DialError {
            url: url.chars().take(200).collect(),
            why,
            cause: None,
        });
    }
    let mut endpoint = live(Endpoint::from_shared(url.to_owned()).map_err(fault)?);
    if endpoint.uri().scheme_str() == Some("https") {
        let mut tls = ClientTlsConfig::new();
        if let Some(authority) = &keys.authority {
            tls = tls.ca_certificate(Certificate::from_pem(authority));
        }
        if let Some((certificate, key)) = &keys.identity {
            tls = tls.identity(Identity::from_pem(certificate, key));
        }
        endpoint = endpoint.tls_config(tls).map_err(fault)?;
    }
    Ok(endpoint.connect_lazy())
}

/// Life signs and time limits of a connection, for [`dial`] and for connectors of tests.
pub fn live(endpoint: Endpoint) -> Endpoint {
    endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
}

/// Adds the bearer token, where there is one, to each call.
#[derive(Debug, Clone, Default)]
pub struct Bearer(Option<MetadataValue<Ascii>>);

impl Bearer {
    /// With that token; `None` where it cannot be one (control characters).
    pub fn new(token: Option<&str>) -> Option<Self> {
        let Some(token) = token else {
            return Some(Self(None));
        };
        let mut value = MetadataValue::try_from(format!("Bearer {token}")).ok()?;
        value.set_sensitive(true);
        Some(Self(Some(value)))
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            request
                .metadata_mut()
                .insert("authorization", value.clone());
        }
        Ok(request)
    }
}
