//! The gate before all services: it asks for the token before a body is read, counts, and measures.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use proto::REASON_KEY;
use tokio::time::Instant;
use tonic::body::Body;
use tonic::codegen::http::{Request, Response};
use tower::{Layer, Service};

use super::Access;
use super::grant::{AuthorizedBody, revoked};
use crate::engine::metrics::Metrics;
use crate::service::strangers::Peer;

/// Puts the gate before a service.
#[derive(Debug, Clone)]
pub(in crate::service) struct GateLayer {
    access: Access,
    metrics: Metrics,
    log: Arc<LogRateLimit>,
}

impl GateLayer {
    pub(in crate::service) fn new(access: Access, metrics: Metrics) -> Self {
        Self {
            access,
            metrics,
            log: Arc::new(LogRateLimit::new()),
        }
    }
}

impl<S> Layer<S> for GateLayer {
    type Service = Gate<S>;
    fn layer(&self, inner: S) -> Gate<S> {
        Gate {
            inner,
            layer: self.clone(),
        }
    }
}

/// The gate.
#[derive(Debug, Clone)]
pub(in crate::service) struct Gate<S> {
    inner: S,
    layer: GateLayer,
}

impl<S> Service<Request<Body>> for Gate<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let path = request.uri().path();
        let call = self.layer.metrics.call(path);
        let authorization = request
            .headers()
            .get("authorization")
            .map(tonic::codegen::http::HeaderValue::as_bytes);
        let tokens = self.layer.access.tokens.subscribe();
        if let Err(status) = self.layer.access.check(path, authorization) {
            let reason = proto::Reason::of(&status).map_or("unknown", proto::Reason::word);
            self.layer.metrics.refused(reason);
            call.ended(status.code() as i32, None);
            if let Some(more) = self.layer.log.allows() {
                // The path is a stranger's text.
                let path: String = path.chars().take(100).collect();
                tracing::warn!(
                    call = ?path,
                    reason,
                    "{} ({more} more refused since the last such line)",
                    status.message()
                );
            }
            let answer = status.into_http();
            return Box::pin(std::future::ready(Ok(answer)));
        }
        // A call that is open to everybody says nothing of who calls.
        if let Some(peer) = request.extensions().get::<Peer>()
            && !self.layer.access.is_for_strangers(path)
        {
            peer.introduce();
        }
        let began = Instant::now();
        let metrics = self.layer.metrics.clone();
        let mut revoked = revoked(self.layer.access.clone(), tokens, path, authorization);
        let answering = self.inner.call(request);
        Box::pin(async move {
            let answer = tokio::select! {
                biased;
                answer = answering => answer?.map(|body| Body::new(AuthorizedBody::new(body, revoked))),
                status = &mut revoked => status.into_http(),
            };
            // An error of ours is known by its headers; that of a stream comes later and is not counted here.
            let headers = answer.headers();
            let code = headers
                .get("grpc-status")
                .and_then(|code| code.to_str().ok()?.parse().ok())
                .unwrap_or(0);
            if code != 0 {
                let reason = headers
                    .get(REASON_KEY)
                    .and_then(|word| proto::Reason::parse(word.to_str().ok()?));
                metrics.refused(reason.map_or("other", proto::Reason::word));
            }
            call.ended(code, Some(began.elapsed()));
            Ok(answer)
        })
    }
}

/// At most one line a second, with the number of those that were left out: a flood of refusals does not fill a disk.
#[derive(Debug)]
pub(in crate::service) struct LogRateLimit {
    origin: Instant,
    next_ms: AtomicU64,
    left_out: AtomicU64,
}

impl LogRateLimit {
    const PAUSE_MS: u64 = 1000;

    pub(in crate::service) fn new() -> Self {
        Self {
            origin: Instant::now(),
            next_ms: AtomicU64::new(0),
            left_out: AtomicU64::new(0),
        }
    }

    /// Whether a line may be written now, and how many were left out before it.
    pub(in crate::service) fn allows(&self) -> Option<u64> {
        let now = self.origin.elapsed().as_millis() as u64;
        let next = self.next_ms.load(Ordering::Relaxed);
        let won = now >= next
            && self
                .next_ms
                .compare_exchange(
                    next,
                    now + Self::PAUSE_MS,
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                )
                .is_ok();
        if won {
            Some(self.left_out.swap(0, Ordering::Relaxed))
        } else {
            self.left_out.fetch_add(1, Ordering::Relaxed);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn a_flood_writes_one_line_a_second() {
        let log = LogRateLimit::new();
        assert_eq!(log.allows(), Some(0));
        for _ in 0..1000 {
            assert_eq!(log.allows(), None);
        }
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(log.allows(), Some(1000));
        assert_eq!(log.allows(), None);
    }
}
