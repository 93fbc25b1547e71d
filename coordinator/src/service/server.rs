//! The server: limits, keys, and a clean end.

use std::io;
use std::time::Duration;

use futures_core::future::BoxFuture;
use proto::limits::{ANSWER_BYTES, MESSAGE_BYTES};
use proto::wire::client_service_server::ClientServiceServer;
use proto::wire::worker_service_server::WorkerServiceServer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::{JoinError, JoinSet};
use tokio::time::sleep;
use tokio_stream::{Stream, StreamExt};
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::transport::server::{Connected, TcpIncoming};

use super::access::{Access, AuthLayer};
use super::connections::Limited;
use super::descriptors;
use super::health::Health;
use super::limits::{Limits, Permits};
use super::people::Clients;
use super::tls::{Line, Tls, TlsError, handshake};
use super::worker::Workers;
use crate::engine::handle::EngineHandle;
use crate::engine::metrics::Metrics;

/// Calls of one connection at a time. A worker has three, a watching page a few; each may hold a message of
/// [`MESSAGE_BYTES`].
const CALLS_PER_CONNECTION: u32 = 64;
/// A call may take that long, an upload of an artifact over a slow line included.
const LONGEST_CALL: Duration = Duration::from_hours(1);
/// A peer that vanished is noticed after this and [`KEEPALIVE_TIMEOUT`].
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of a question after health: the name of a service.
const HEALTH_BYTES: usize = 4 << 10;
/// Bytes of all headers of a call. Ours have a few hundred.
const HEADER_BYTES: u32 = 16 << 10;
/// Calls that are running when the server stops may end within this.
const LAST_CALLS: Duration = Duration::from_secs(5);

/// What a server needs to know beside its engine.
#[derive(Clone, Default)]
pub struct Options {
    /// Version of the program.
    pub version: String,
    /// Who may call what.
    pub access: Access,
    /// Certificates.
    pub tls: Option<Tls>,
    /// How much of everything at a time.
    pub limits: Limits,
    /// What counts the calls; the same as the engine's, usually.
    pub metrics: Metrics,
    /// What the health service says; without it, that all is well.
    pub health: Option<Health>,
}

/// A server that cannot run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Its connections.
    #[error("failed to serve gRPC")]
    Transport(#[from] tonic::transport::Error),
    /// Its certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A bug: without the task tokens would not be revoked, or health not told.
    #[error("a task of the server ended")]
    Helper(#[from] JoinError),
}

/// Serves on `listener` until `shutdown`, then lets running calls end for a moment. The listener is bound by the caller,
/// who also asked [`super::check_exposure`]. Boxed as [`crate::Engine::start`] is.
pub fn serve(
    listener: TcpListener,
    engine: EngineHandle,
    mut options: Options,
    shutdown: CancellationToken,
) -> BoxFuture<'static, Result<(), ServeError>> {
    let descriptors = descriptors::raise();
    let limits = options.limits.within(descriptors);
    if limits != options.limits {
        tracing::warn!(
            descriptors,
            connections = limits.connections,
            "the limit of open files is low: fewer callers are taken at a time"
        );
    }
    options.limits = limits;
    let incoming = TcpIncoming::from(listener)
        .with_nodelay(Some(true))
        .with_keepalive(Some(KEEPALIVE_INTERVAL));
    Box::pin(serve_incoming(incoming, engine, options, shutdown))
}

/// The same on any stream of connections.
pub async fn serve_incoming<IO>(
    incoming: impl Stream<Item = io::Result<IO>> + Send + Unpin + 'static,
    engine: EngineHandle,
    options: Options,
    shutdown: CancellationToken,
) -> Result<(), ServeError>
where
    IO: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
{
    let permits = Permits::new(options.limits, options.metrics.clone());
    let workers = WorkerServiceServer::new(Workers {
        engine: engine.clone(),
        version: options.version.clone(),
        shutdown: shutdown.clone(),
        permits: permits.clone(),
    })
    .max_decoding_message_size(MESSAGE_BYTES)
    .max_encoding_message_size(ANSWER_BYTES);
    let clients = ClientServiceServer::new(Clients {
        engine,
        version: options.version,
        shutdown: shutdown.clone(),
        permits,
    })
    .max_decoding_message_size(MESSAGE_BYTES)
    .max_encoding_message_size(ANSWER_BYTES);
    let (reporter, health) = tonic_health::server::health_reporter();
    let mut helpers = JoinSet::new();
    if let Some(health) = options.health {
        health.watch_access(&options.access);
        helpers.spawn(health.report(reporter, shutdown.clone()));
    }
    helpers.spawn(options.access.clone().follow(shutdown.clone()));
    let server = Server::builder()
        .timeout(LONGEST_CALL)
        .concurrency_limit_per_connection(CALLS_PER_CONNECTION as usize)
        .max_concurrent_streams(CALLS_PER_CONNECTION)
        .http2_max_header_list_size(HEADER_BYTES)
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT));
    let router = server
        .layer(AuthLayer::new(options.access, options.metrics.clone()))
        .add_service(workers)
        .add_service(clients)
        .add_service(health.max_decoding_message_size(HEALTH_BYTES));
    let incoming = Limited::new(incoming, options.limits, options.metrics.clone());
    let end = shutdown.clone().cancelled_owned();
    let serving = async {
        let lines = match options.tls {
            None => Either::Left(incoming.map(|io| io.map(Line::Plain))),
            Some(tls) => Either::Right(handshake(
                incoming,
                tls.grpc()?,
                options.metrics,
                shutdown.clone(),
            )),
        };
        Ok(router.serve_with_incoming_shutdown(lines, end).await?)
    };
    tokio::select! {
        result = serving => result,
        panicked = panicked(&mut helpers) => Err(panicked.into()),
        () = async { shutdown.cancelled().await; sleep(LAST_CALLS).await } => {
            tracing::warn!("some calls did not end in time; their connections are closed");
            Ok(())
        }
    }
}

/// How the first task of these panicked; never where all end well.
async fn panicked(tasks: &mut JoinSet<()>) -> JoinError {
    while let Some(ended) = tasks.join_next().await {
        if let Err(panicked) = ended {
            return panicked;
        }
    }
    std::future::pending().await
}
