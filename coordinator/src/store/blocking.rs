//! Work that blocks, kept off the threads that answer, also where the operating system refuses a thread.
//!
//! A thread that cannot be had (a process limit, no memory) is a reason to wait or to refuse, never to end: tokio panics
//! there, and a panic of the engine's task or of a connection's would take everything along that shares the task.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;
use tokio::task::{JoinError, block_in_place, spawn_blocking};

use proto::nouns::Refusal;

/// Work that blocks, where somebody waits for it: in this thread, since a thread more is two wake-ups more. The runtime
/// moves its other tasks away meanwhile, where it has threads to move them to.
///
/// # Errors
/// The work panicked.
pub(crate) async fn in_place<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    if Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread {
        return Ok(handing_over(|work| block_in_place(work), work));
    }
    let (run, answer) = kept(work);
    spawn_blocking(run).await?;
    Ok(answer())
}

/// Work of one type, so that the runtime's tasks are compiled once, and what takes its answer when it has ended.
fn kept<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> (Box<dyn FnOnce() + Send>, impl FnOnce() -> T) {
    let slot = Arc::new(Mutex::new(None));
    let filled = Arc::clone(&slot);
    let run = move || {
        let answer = work();
        *filled.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
    };
    let answer = move || {
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        slot.take()
            .unwrap_or_else(|| unreachable!("work that ended has answered"))
    };
    (Box::new(run), answer)
}

/// Does the work inside `hand_over`, which may panic before it begins: then the work is done all the same.
fn handing_over<T>(hand_over: impl FnOnce(&mut dyn FnMut()), work: impl FnOnce() -> T) -> T {
    let mut work = Some(work);
    let mut answer = None;
    let mut run = || answer = work.take().map(|work| work());
    let handed = catch_unwind(AssertUnwindSafe(|| hand_over(&mut run)));
    match (answer, work) {
        (Some(answer), _) => answer,
        // No thread could be had for the other tasks of this one: they wait until the work is done.
        (None, Some(work)) => work(),
        (None, None) => match handed {
            Err(panic) => resume_unwind(panic),
            Ok(()) => unreachable!("work that was taken answers or panics"),
        },
    }
}

/// Work that blocks, in a thread of the runtime's pool.
///
/// # Errors
/// [`Refusal::Unavailable`]: no thread can be had, or the work panicked.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    let (run, answer) = kept(work);
    let Ok(spawned) = catch_unwind(AssertUnwindSafe(|| spawn_blocking(run))) else {
        return Err(Refusal::Unavailable(
            "the operating system gives the coordinator no thread: try again later".into(),
        ));
    };
    spawned.await.map_err(|error| ended(&error))?;
    Ok(answer())
}

/// Work that takes long, beside what goes on. The receiver says that it is closed where the work panicked. A runtime that ends
/// waits for the work, which must end soon where nobody wants it any more: so nothing of it is left when a folder is opened again.
///
/// # Errors
/// The operating system gives no thread.
pub(crate) fn beside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<oneshot::Receiver<T>> {
    let (sender, receiver) = oneshot::channel();
    let run: Box<dyn FnOnce() + Send> = Box::new(move || {
        // Whoever asked may have gone.
        let _ = sender.send(work());
    });
    match catch_unwind(AssertUnwindSafe(|| spawn_blocking(run))) {
        Ok(_) => Ok(receiver),
        Err(_) => Err(io::ErrorKind::WouldBlock.into()),
    }
}

/// Has the runtime's pool start threads, where none is idle: as long as they live, work that blocks finds one also when the
/// operating system gives no more.
pub(crate) async fn reserve() {
    if Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread {
        // At the same time, so that each needs a thread of its own.
        let pause = || std::thread::sleep(Duration::from_millis(5));
        // Without them the pool starts threads when it needs them.
        let _ = tokio::join!(blocking(pause), blocking(pause));
    }
}

/// What a caller is told of work that panicked.
pub(crate) fn ended(error: &JoinError) -> Refusal {
    Refusal::Unavailable(format!("a background task ended: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_done_where_no_thread_can_be_had_to_hand_over_to() {
        let refused = |_: &mut dyn FnMut()| panic!("OS can't spawn worker thread");
        assert_eq!(handing_over(refused, || 7), 7);
        assert_eq!(handing_over(|work| work(), || 7), 7);
    }

    #[test]
    #[should_panic(expected = "the work's own")]
    fn a_panic_of_the_work_is_its_own() {
        handing_over(|work| work(), || panic!("the work's own"));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn work_blocks_in_each_way() {
        assert_eq!(in_place(|| 7).await.unwrap(), 7);
        assert_eq!(blocking(|| 7).await, Ok(7));
        assert_eq!(beside(|| 7).unwrap().await, Ok(7));
        assert!(blocking(|| panic!("on purpose")).await.is_err());
        assert!(
            beside::<()>(|| panic!("on purpose"))
                .unwrap()
                .await
                .is_err()
        );
    }
}
