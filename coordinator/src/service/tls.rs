//! The server's certificate, which may be renewed while it serves: handshakes use the new one, open ones
//! stay as they are.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto};
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Connected;

use crate::engine::metrics::Metrics;

/// A TLS handshake takes two exchanges.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Encrypted connections that wait to be taken.
const ACCEPTED: usize = 16;

/// Certificates that cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the certificate or its key cannot be used: {0}")]
pub struct TlsError(String);

/// The certificate of a server. Its clones are one: what renews one renews all.
#[derive(Clone)]
pub struct Tls {
    current: Arc<Current>,
    /// The authority whose certificates callers must have, where they must have one.
    callers: Option<Arc<RootCertStore>>,
}

/// A key does not belong into a log.
impl std::fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Tls").finish_non_exhaustive()
    }
}

struct Current(RwLock<Arc<CertifiedKey>>);

impl std::fmt::Debug for Current {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Current").finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(
            self.0
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        )
    }
}

fn tls_error(error: &dyn std::fmt::Display) -> TlsError {
    TlsError(error.to_string())
}

fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let chain = chain.map_err(|error| tls_error(&error))?;
    if chain.is_empty() {
        return Err(TlsError("there is no certificate in it".into()));
    }
    Ok(chain)
}

fn certified(certificate: &[u8], key: &[u8]) -> Result<Arc<CertifiedKey>, TlsError> {
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| tls_error(&error))?;
    let certified =
        CertifiedKey::from_der(chain(certificate)?, key, &crypto::ring::default_provider())
            .map_err(|error| tls_error(&error))?;
    Ok(Arc::new(certified))
}

impl Tls {
    /// A certificate with its key, and the authority of the callers where they must have certificates; all as PEM.
    ///
    /// # Errors
    /// [`TlsError`]: they cannot be read, or do not belong to each other.
    pub fn new(certificate: &[u8], key: &[u8], callers: Option<&[u8]>) -> Result<Self, TlsError> {
        let callers = callers
            .map(|pem| {
                let mut roots = RootCertStore::empty();
                for authority in chain(pem)? {
                    roots.add(authority).map_err(|error| tls_error(&error))?;
                }
                Ok(Arc::new(roots))
            })
            .transpose()?;
        Ok(Self {
            current: Arc::new(Current(RwLock::new(certified(certificate, key)?))),
            callers,
        })
    }

    /// From now on handshakes use this certificate.
    ///
    /// # Errors
    /// [`TlsError`]: the one before it stays.
    pub fn renew(&self, certificate: &[u8], key: &[u8]) -> Result<(), TlsError> {
        let certified = certified(certificate, key)?;
        *self
            .current
            .0
            .write()
            .unwrap_or_else(PoisonError::into_inner) = certified;
        Ok(())
    }

    /// What accepts callers of the gRPC port.
    pub(super) fn grpc(&self) -> Result<TlsAcceptor, TlsError> {
        let mut config = self.config(self.callers.clone())?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// What accepts those of the side port, who need no certificate.
    pub(super) fn http(&self) -> Result<TlsAcceptor, TlsError> {
        Ok(TlsAcceptor::from(Arc::new(self.config(None)?)))
    }

    fn config(&self, callers: Option<Arc<RootCertStore>>) -> Result<ServerConfig, TlsError> {
        let provider = Arc::new(crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| tls_error(&error))?;
        let builder = match callers {
            None => builder.with_no_client_auth(),
            Some(roots) => builder.with_client_cert_verifier(
                WebPkiClientVerifier::builder_with_provider(roots, provider)
                    .build()
                    .map_err(|error| tls_error(&error))?,
            ),
        };
        Ok(builder.with_cert_resolver(self.current.clone()))
    }
}

/// Accepts the connections that come in, each beside the others, and hands out those whose handshake ended in time.
pub(super) fn handshake<IO>(
    mut incoming: impl Stream<Item = io::Result<IO>> + Send + Unpin + 'static,
    acceptor: TlsAcceptor,
    metrics: Metrics,
    shutdown: CancellationToken,
) -> impl Stream<Item = io::Result<Line<IO>>>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(ACCEPTED);
    tokio::spawn(async move {
        loop {
            let next = tokio::select! {
                next = incoming.next() => next,
                () = shutdown.cancelled() => return,
            };
            let Some(Ok(io)) = next else {
                return;
            };
            let (acceptor, sender, metrics) = (acceptor.clone(), sender.clone(), metrics.clone());
            tokio::spawn(async move {
                match timeout(HANDSHAKE, acceptor.accept(io)).await {
                    // Nobody takes it any more where the server stops.
                    Ok(Ok(stream)) => {
                        drop(sender.send(Ok(Line::Encrypted(Box::new(stream)))).await);
                    }
                    Ok(Err(error)) => {
                        tracing::debug!(%error, "a TLS handshake failed");
                        metrics.connection_ended("tls");
                    }
                    Err(_) => metrics.connection_ended("tls"),
                }
            });
        }
    });
    ReceiverStream::new(receiver)
}

/// A connection: as it came in, or behind its handshake. One type for both, so that the server is compiled once.
pub(super) enum Line<IO> {
    Plain(IO),
    Encrypted(Box<TlsStream<IO>>),
}

/// The same call of either.
macro_rules! of_either {
    ($line:expr, $io:ident => $call:expr) => {
        match &mut *$line {
            Line::Plain($io) => {
                let $io = Pin::new($io);
                $call
            }
            Line::Encrypted($io) => {
                let $io = Pin::new(&mut **$io);
                $call
            }
        }
    };
}

impl<IO: Connected> Connected for Line<IO> {
    type ConnectInfo = IO::ConnectInfo;
    fn connect_info(&self) -> Self::ConnectInfo {
        match self {
            Self::Plain(io) => io.connect_info(),
            Self::Encrypted(stream) => stream.get_ref().0.connect_info(),
        }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncRead for Line<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        of_either!(self, io => io.poll_read(context, buffer))
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Line<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        of_either!(self, io => io.poll_write(context, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        of_either!(self, io => io.poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        of_either!(self, io => io.poll_shutdown(context))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(io) => io.is_write_vectored(),
            Self::Encrypted(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        of_either!(self, io => io.poll_write_vectored(context, slices))
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};
    use tokio::io::{DuplexStream, duplex};
    use tokio_rustls::TlsConnector;
    use tokio_rustls::rustls::ClientConfig;

    use super::*;

    type Client = tokio_rustls::client::TlsStream<DuplexStream>;

    /// A certificate of its own authority, and its key.
    fn made() -> (Vec<u8>, Vec<u8>) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["coordinator.test".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        (certificate.pem().into(), key.serialize_pem().into())
    }

    /// Connects to a server whose authority is that certificate.
    async fn shake_hands(trusted: &[u8], near: DuplexStream) -> Option<Client> {
        let mut roots = RootCertStore::empty();
        for authority in chain(trusted).unwrap() {
            roots.add(authority).unwrap();
        }
        let provider = Arc::new(crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let name = "coordinator.test".try_into().unwrap();
        let connected = TlsConnector::from(Arc::new(config))
            .connect(name, near)
            .await;
        let stream = connected.ok()?;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        Some(stream)
    }

    #[tokio::test]
    async fn a_renewed_certificate_is_used_from_then_on() {
        let ((first, first_key), (second, second_key)) = (made(), made());
        let tls = Tls::new(&first, &first_key, None).unwrap();
        let (sender, incoming) = mpsc::channel(8);
        let metrics = Metrics::new();
        let stop = CancellationToken::new();
        let incoming = ReceiverStream::new(incoming);
        let mut served = handshake(incoming, tls.grpc().unwrap(), metrics, stop.clone());
        let connect = async || {
            let (near, far) = duplex(4096);
            sender.send(Ok(far)).await.unwrap();
            near
        };
        let mut open = vec![shake_hands(&first, connect().await).await.unwrap()];
        // What cannot be used changes nothing: another's key, or nothing at all.
        assert!(tls.renew(&second, &first_key).is_err());
        assert!(tls.renew(b"", b"").is_err());
        open.push(shake_hands(&first, connect().await).await.unwrap());
        tls.renew(&second, &second_key).unwrap();
        assert!(shake_hands(&first, connect().await).await.is_none());
        open.push(shake_hands(&second, connect().await).await.unwrap());
        for _ in 0..3 {
            assert!(served.next().await.unwrap().is_ok());
        }
        // One that says nothing holds up nobody.
        let _silent = connect().await;
        assert!(shake_hands(&second, connect().await).await.is_some());
        stop.cancel();
    }
}
