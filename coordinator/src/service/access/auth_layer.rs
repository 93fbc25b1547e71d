//! The layer before all services: it asks for the token before a body is read, counts, and measures.

use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::future::BoxFuture;
use proto::REASON_KEY;
use tokio::time::Instant;
use tonic::body::Body;
use tonic::codegen::http::{Request, Response};
use tower::{Layer, Service};

use super::Access;
use super::authorized_body::{AuthorizedBody, revoked};
use crate::engine::metrics::Metrics;
use crate::service::log_rate_limit::LogRateLimit;
use crate::service::strangers::Peer;

/// Puts [`AuthService`] before a service.
#[derive(Debug, Clone)]
pub(in crate::service) struct AuthLayer {
    access: Access,
    metrics: Metrics,
    log: Arc<LogRateLimit>,
}

impl AuthLayer {
    pub(in crate::service) fn new(access: Access, metrics: Metrics) -> Self {
        Self {
            access,
            metrics,
            log: Arc::new(LogRateLimit::new()),
        }
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = AuthService<S>;
    fn layer(&self, inner: S) -> AuthService<S> {
        AuthService {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service whose callers are asked for their tokens first.
#[derive(Debug, Clone)]
pub(in crate::service) struct AuthService<S> {
    inner: S,
    layer: AuthLayer,
}

impl<S> Service<Request<Body>> for AuthService<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

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
        let (access, path) = (self.layer.access.clone(), path.to_owned());
        let authorization = authorization.map(<[u8]>::to_vec);
        let check = move || access.check(&path, authorization.as_deref());
        let mut revoked = revoked(tokens, check);
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
