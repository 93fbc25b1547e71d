//! The stream of one page: what its viewer hears, until it goes, is too slow, or may no longer look.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, StreamBody};
use hyper::StatusCode;
use hyper::body::{Bytes, Frame};
use hyper::header::{CONNECTION, HeaderName, HeaderValue};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::timeout;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use super::answer::{Answer, Kind, answer};
use super::event;
use super::hub::{Heard, Viewer};
use crate::service::access::Revoked;
use crate::service::side_connection::Connection;

/// Events on their way to a reader.
const AHEAD: usize = 4;
/// A reader that takes nothing for that long is cut off.
const SLOWEST: Duration = Duration::from_secs(20);
/// How often somebody who hears nothing is told that the stream lives.
const ALIVE: Duration = Duration::from_secs(15);

/// What a stream needs beside its viewer.
pub(super) struct Streaming {
    pub(super) after: Option<u64>,
    pub(super) connection: Arc<Connection>,
    pub(super) shutdown: CancellationToken,
    /// Its place among those who may have one.
    pub(super) _permit: OwnedSemaphorePermit,
    /// Ends when its viewer may no longer look.
    pub(super) revoked: Revoked,
}

/// An answer that goes on for as long as its viewer listens.
pub(super) fn stream(mut viewer: Viewer, mut streaming: Streaming) -> Answer {
    let (sender, receiver) = mpsc::channel(AHEAD);
    streaming.connection.begin_stream();
    tokio::spawn(async move {
        // Who has gone is not told so.
        let _ = streaming.tell(&mut viewer, &sender).await;
        drop(sender);
        streaming.connection.end_stream();
    });
    let frames = ReceiverStream::new(receiver).map(|bytes| Ok::<_, Infallible>(Frame::data(bytes)));
    let mut answer = answer(
        StatusCode::OK,
        Kind::Events,
        StreamBody::new(frames).boxed(),
    );
    let headers = answer.headers_mut();
    // A stream is all that its connection is for.
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    headers.insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    answer
}

/// The viewer has gone, or is too slow.
struct Gone;

async fn hand_over(sender: &mpsc::Sender<Bytes>, bytes: Bytes) -> Result<(), Gone> {
    match timeout(SLOWEST, sender.send(bytes)).await {
        Ok(Ok(())) => Ok(()),
        _ => Err(Gone),
    }
}

impl Streaming {
    async fn tell(
        &mut self,
        viewer: &mut Viewer,
        sender: &mpsc::Sender<Bytes>,
    ) -> Result<(), Gone> {
        let mut after = self.after;
        loop {
            match viewer.first(after.take()).await {
                Ok(Some(first)) => {
                    for bytes in first {
                        hand_over(sender, bytes).await?;
                    }
                }
                // It is told as soon as there is a board.
                Ok(None) => hand_over(sender, event::alive()).await?,
                Err(refusal) => {
                    return hand_over(sender, event::end(&refusal.to_string())).await;
                }
            }
            loop {
                tokio::select! {
                    heard = viewer.news.recv() => match heard {
                        Ok(Heard::News(event)) => hand_over(sender, event.bytes.clone()).await?,
                        Ok(Heard::Anew) => break,
                        Ok(Heard::End(why)) => return hand_over(sender, event::end(&why)).await,
                        // It comes back, and begins with a new snapshot.
                        Err(RecvError::Lagged(_) | RecvError::Closed) => return Err(Gone),
                    },
                    () = tokio::time::sleep(ALIVE) => hand_over(sender, event::alive()).await?,
                    _ = &mut self.revoked => {
                        return hand_over(sender, event::end("the token was revoked")).await;
                    }
                    () = self.shutdown.cancelled() => {
                        return hand_over(sender, event::end("the coordinator is stopping")).await;
                    }
                    () = sender.closed() => return Err(Gone),
                }
            }
        }
    }
}
