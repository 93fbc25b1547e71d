//! The side port: `/metrics`, `/healthz`, `/readyz` over HTTP/1.1, for Prometheus, load balancers and Kubernetes, and the live
//! page for people (`live`).
//!
//! `/healthz` and `/readyz` say one word to everybody; `/metrics` wants a token where the coordinator has tokens.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::Code;

use super::access::Access;
use super::descriptors;
use super::health::Health;
use super::live::answer::{Answer, code_of, full};
use super::live::{Live, PrintedOf};
use super::side_connection::Connection;
use super::strangers::Strangers;
use super::tls::{Line, Tls, TlsError};

/// Connections of one address at a time. All peers are strangers: where there are too many, the oldest of the address that
/// has the most makes room, so that a probe always gets in.
const CONNECTIONS_OF_ADDRESS: usize = 128;
/// TLS handshake, and the headers of a request.
const HEADERS_WITHIN: Duration = Duration::from_secs(5);
/// Bytes of the headers of a request.
const HEADER_BYTES: usize = 16 << 10;
const PAUSE: Duration = Duration::from_millis(100);

/// The metrics of a coordinator that cannot read its tokens.
const CLOSED: &str = "# TYPE gcl_ready gauge\ngcl_ready 0\n# TYPE gcl_tokens_readable gauge\ngcl_tokens_readable 0\n# EOF\n";

/// What the side port needs.
#[derive(Clone)]
pub struct HttpOptions {
    /// What it tells.
    pub health: Health,
    /// Whom it tells metrics.
    pub access: Access,
    /// Its certificate, where it speaks TLS.
    pub tls: Option<Tls>,
    /// Names by which browsers may call it, beside the machine's own and addresses.
    pub names: Vec<String>,
    /// Random bytes that nobody knows: they seal the sessions of browsers.
    pub secret: [u8; 32],
    /// Who knows what papers printed for the rows of a sweep.
    pub printed: Option<PrintedOf>,
}

/// Serves until `shutdown`. Boxed as [`crate::Engine::start`] is.
///
/// # Errors
/// [`TlsError`], before anything is served.
pub fn serve_http(
    listener: TcpListener,
    options: HttpOptions,
    shutdown: CancellationToken,
) -> BoxFuture<'static, Result<(), TlsError>> {
    Box::pin(serve_in_full(listener, options, shutdown))
}

async fn serve_in_full(
    listener: TcpListener,
    options: HttpOptions,
    shutdown: CancellationToken,
) -> Result<(), TlsError> {
    let acceptor = options.tls.as_ref().map(Tls::http).transpose()?;
    options.health.watch_access(&options.access);
    let places = descriptors::of_side_port(descriptors::raise());
    let strangers = Strangers::new(places, CONNECTIONS_OF_ADDRESS.min(places / 2));
    let live = Live::new(
        options.health.clone(),
        options.access.clone(),
        &options.names,
        options.secret,
        options.tls.is_some(),
        options.printed.clone(),
        shutdown.clone(),
    );
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => return Ok(()),
        };
        let Ok((stream, address)) = accepted else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let (peer, _) = strangers.enter(Some(address.ip()));
        let connection = Arc::new(Connection::new(peer));
        let (options, acceptor, shutdown) = (options.clone(), acceptor.clone(), shutdown.clone());
        let live = live.clone();
        tokio::spawn(async move {
            let serving = async {
                let line = match acceptor {
                    None => Line::Plain(stream),
                    Some(acceptor) => {
                        let handshake = timeout(HEADERS_WITHIN, acceptor.accept(stream));
                        let Ok(Ok(stream)) = handshake.await else {
                            return;
                        };
                        Line::Encrypted(Box::new(stream))
                    }
                };
                converse(line, &options, &live, &connection).await;
            };
            tokio::select! {
                () = serving => {}
                () = connection.over() => {}
                () = stopped(&shutdown, &connection) => {}
            }
        });
    }
}

/// Waits until the port closes. A stream has a moment to say so.
async fn stopped(shutdown: &CancellationToken, connection: &Connection) {
    shutdown.cancelled().await;
    if connection.has_stream() {
        tokio::time::sleep(PAUSE).await;
    }
}

async fn converse(
    line: Line<TcpStream>,
    options: &HttpOptions,
    live: &Live,
    connection: &Arc<Connection>,
) {
    let answer = service_fn(|request: Request<Incoming>| async move {
        let answer = if Live::has(request.uri().path()) {
            live.answer(request, connection).await
        } else {
            answer(options, &request).await
        };
        Ok::<_, Infallible>(answer)
    });
    // A peer that breaks off or talks nonsense has had its answer.
    let _ = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .max_buf_size(HEADER_BYTES)
        .serve_connection(TokioIo::new(line), answer)
        .await;
}

async fn answer(options: &HttpOptions, request: &Request<Incoming>) -> Answer {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
        answer
            .headers_mut()
            .insert(ALLOW, hyper::header::HeaderValue::from_static("GET, HEAD"));
        return answer;
    }
    match request.uri().path() {
        "/healthz" => {
            if options.health.alive().await {
                text(StatusCode::OK, "ok\n")
            } else {
                text(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "the engine does not answer\n",
                )
            }
        }
        "/readyz" => match options.health.ready().await {
            Ok(()) => text(StatusCode::OK, "ready\n"),
            // Paths and sizes are nobody's business: the log has them, and `/metrics`.
            Err(_) => text(StatusCode::SERVICE_UNAVAILABLE, "not ready: see the log\n"),
        },
        "/metrics" => {
            let authorization = request.headers().get(AUTHORIZATION);
            match options
                .access
                .check_read(authorization.map(hyper::header::HeaderValue::as_bytes))
            {
                Ok(()) => metrics(options.health.page().await),
                // Nobody's token is known, so that nobody gets more than `/readyz` says; an alarm must still be possible.
                Err(status) if status.code() == Code::Unavailable => {
                    options.health.refused(&status);
                    metrics(CLOSED.to_owned())
                }
                Err(status) => {
                    options.health.refused(&status);
                    refused(&status)
                }
            }
        }
        _ => text(
            StatusCode::NOT_FOUND,
            "here are /metrics, /healthz, /readyz and /live\n",
        ),
    }
}

fn metrics(page: String) -> Answer {
    let mut answer = text(StatusCode::OK, page);
    answer.headers_mut().insert(
        CONTENT_TYPE,
        hyper::header::HeaderValue::from_static(
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        ),
    );
    answer
}

fn refused(status: &tonic::Status) -> Answer {
    let mut answer = text(code_of(status), format!("{}\n", status.message()));
    answer.headers_mut().insert(
        WWW_AUTHENTICATE,
        hyper::header::HeaderValue::from_static("Bearer"),
    );
    answer
}

fn text(code: StatusCode, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(full(body));
    *answer.status_mut() = code;
    let headers = answer.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        hyper::header::HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(
        CACHE_CONTROL,
        hyper::header::HeaderValue::from_static("no-store"),
    );
    answer
}
