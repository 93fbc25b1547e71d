//! A call that was let in stays in for as long as its token opens it, however long the call goes on.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::future::BoxFuture;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::watch;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Bytes;

use super::Known;

/// Ends with the reason why its caller may no longer make the call.
pub(in crate::service) type Revoked = BoxFuture<'static, Status>;

/// Waits until `check` refuses, which is asked whenever the tokens change. `tokens` is from before the first check, so that
/// nothing is missed between.
pub(super) fn revoked(
    mut tokens: watch::Receiver<Known>,
    check: impl Fn() -> Result<(), Status> + Send + 'static,
) -> Revoked {
    Box::pin(async move {
        while tokens.changed().await.is_ok() {
            if let Err(status) = check() {
                return status;
            }
        }
        // Nobody can change the tokens any more.
        std::future::pending().await
    })
}

/// An answer that ends with [`Revoked`], as if its service had ended it so.
pub(super) struct AuthorizedBody {
    answer: Body,
    revoked: Option<Revoked>,
}

impl AuthorizedBody {
    pub(super) fn new(answer: Body, revoked: Revoked) -> Self {
        Self {
            answer,
            revoked: Some(revoked),
        }
    }
}

impl HttpBody for AuthorizedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(revoked) = &mut self.revoked else {
            return Poll::Ready(None);
        };
        if let Poll::Ready(status) = revoked.as_mut().poll(context) {
            self.revoked = None;
            // What feeds the stream sees that nobody reads it.
            self.answer = Body::default();
            let mut trailers = status.into_http::<Body>().into_parts().0.headers;
            trailers.remove("content-type");
            return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
        }
        Pin::new(&mut self.answer).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.revoked.is_none() || self.answer.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.answer.size_hint()
    }
}
