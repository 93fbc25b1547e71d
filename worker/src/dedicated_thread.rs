//! Work that blocks, on a thread of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use sweeps::{Failure, FailureClass};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::error::panic_text;
use crate::trainer::Ended;

/// Does the work of one attempt on a thread called `who`, and waits for its end. `raise` asks it to stop: on `stop`, and when
/// nobody waits any more. A panic is a failure with its message.
///
/// The thread is not tokio's: a runtime waits for its blocking threads when it ends, and a trainer that hangs must not keep the
/// process alive.
pub(crate) async fn run(
    who: &'static str,
    stop: CancellationToken,
    raise: impl Fn() + Send,
    work: impl FnOnce() -> Ended + Send + 'static,
) -> Ended {
    // Work that was left behind must not go on.
    let raise = OnDrop(raise);
    let (sender, mut receiver) = oneshot::channel();
    let span = tracing::Span::current();
    let started = thread::Builder::new().name(who.to_owned()).spawn(move || {
        let _entered = span.enter();
        let ended = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
            let said = panic_text(&*panic);
            failed(FailureClass::Trainer, format!("the {who} panicked: {said}"))
        });
        // Nobody may be waiting any more.
        let _ = sender.send(ended);
    });
    if let Err(error) = started {
        let message = format!("no thread for the {who}: {error}");
        return failed(FailureClass::OutOfMemory, message);
    }
    let vanished = || {
        failed(
            FailureClass::Trainer,
            format!("the {who}'s thread vanished"),
        )
    };
    tokio::select! {
        biased;
        () = stop.cancelled() => (raise.0)(),
        ended = &mut receiver => return ended.unwrap_or_else(|_| vanished()),
    }
    receiver.await.unwrap_or_else(|_| vanished())
}

fn failed(class: FailureClass, message: String) -> Ended {
    Ended::Failed(Failure::new(class, message))
}

struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
