//! A worker's life: hello, what processes before it left undone, work, goodbye.

use std::sync::Arc;

use client::decision::CallDecision;
use client::link::Link;
use futures_core::future::BoxFuture;
use proto::nouns::Hello;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::{info, warn};

use crate::config::Config;
use crate::context::{Context, refused};
use crate::delivery::{Delivered, Delivery};
use crate::error::{Exit, WorkerError};
use crate::heartbeat::Heartbeat;
use crate::spool::{Place, Spool};
use crate::trainer::Trainer;
use crate::walltime::Walltime;
use crate::work_loop::WorkLoop;

/// Works until it is told to stop, or cannot go on. `shutdown` is the gentle way: the job stops at its next batch
/// boundary, keeps its checkpoint and goes back; a second signal is the caller's to obey, by ending the process.
pub async fn run(
    config: Config,
    trainer: Arc<dyn Trainer>,
    shutdown: CancellationToken,
) -> Result<Exit, WorkerError> {
    let spool = Spool::open(&config.spool)?;
    run_in(spool, config, trainer, shutdown).await
}

/// [`run`] with a spool folder that is locked already: the one that the settings name, or one beside it ([`Place`]).
/// Boxed *because* the body of an `async fn` is compiled where it is awaited, and optimised as that is: here it is, once.
pub fn run_in(
    spool: Spool,
    config: Config,
    trainer: Arc<dyn Trainer>,
    shutdown: CancellationToken,
) -> BoxFuture<'static, Result<Exit, WorkerError>> {
    Box::pin(live(spool, config, trainer, shutdown))
}

async fn live(
    spool: Spool,
    config: Config,
    trainer: Arc<dyn Trainer>,
    shutdown: CancellationToken,
) -> Result<Exit, WorkerError> {
    let link = Arc::new(way_to_the_coordinator(&config, &*trainer));
    let walltime = Walltime::new(config.time_left, config.grace, config.goes_on_elsewhere);
    let _watch = stop_in_time(walltime.ends(), &shutdown);
    let context = Arc::new(Context {
        walltime,
        config,
        trainer,
        shutdown,
        link,
        spool: Arc::new(spool),
    });
    if !introduce(&context).await? {
        return Ok(Exit::Stopped);
    }
    let abandoned = Place::abandoned(&context.config.spool);
    for spool in
        std::iter::once(Arc::clone(&context.spool)).chain(abandoned.into_iter().map(Arc::new))
    {
        if !clear(&context, &spool).await? {
            leave(&context, "stopped").await;
            return Ok(Exit::Stopped);
        }
    }
    let heartbeat = Arc::new(Heartbeat::start(
        Arc::clone(&context.link),
        Arc::clone(&context.trainer),
    ));
    let exit = WorkLoop::new(Arc::clone(&context), Arc::clone(&heartbeat))
        .run()
        .await;
    heartbeat.stop(context.farewell()).await;
    let reason = match &exit {
        Ok(Exit::Stopped) => "stopped",
        Ok(Exit::Drained) => "drained",
        Ok(Exit::Idle) => "idle",
        Ok(Exit::JobsDone) => "did its jobs",
        Ok(Exit::TimeIsUp) => "its time is nearly up",
        Err(_) => "failed",
    };
    leave(&context, reason).await;
    exit
}

/// Asks for a stop when the time of this process is nearly up, as a signal would.
fn stop_in_time(
    ends: Option<Instant>,
    shutdown: &CancellationToken,
) -> Option<AbortOnDropHandle<()>> {
    let (ends, shutdown) = (ends?, shutdown.clone());
    Some(AbortOnDropHandle::new(tokio::spawn(async move {
        sleep_until(ends).await;
        info!("the time of this process is nearly up: stopping");
        shutdown.cancel();
    })))
}

/// The way to the coordinator, and what this process says of itself there.
fn way_to_the_coordinator(config: &Config, trainer: &dyn Trainer) -> Link {
    let hello = Hello {
        name: config.name.clone(),
        session: config.session,
        device: trainer.device(),
        version: config.version.clone(),
        trainer_revision: trainer.revision(),
        slots: config.slots,
        datasets: trainer.datasets(),
        labels: config.labels.clone(),
        memory_bytes: trainer.memory_bytes(),
        driver: trainer.driver(),
    };
    Link::new(
        config.channel.clone(),
        config.bearer.clone(),
        &hello,
        (config.backoff_first, config.backoff_most),
        config.seed,
    )
}

/// Says hello until it is answered; `false` when told to stop before.
///
/// *Because* a worker that is not let in holds a device for nothing, `idle_timeout` counts from here.
async fn introduce(context: &Context) -> Result<bool, WorkerError> {
    let mut failures = 0;
    let begin = Instant::now();
    let idle_until = context
        .config
        .idle_timeout
        .and_then(|limit| begin.checked_add(limit));
    let idle = async {
        match idle_until {
            Some(until) => sleep_until(until).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(idle);
    let never_reached = || WorkerError::NeverReached {
        waited: begin.elapsed(),
        last: context.link.silence().1,
    };
    loop {
        let answer = tokio::select! {
            answer = context.link.hello() => answer,
            () = context.shutdown.cancelled() => return Ok(false),
            () = &mut idle => return Err(never_reached()),
        };
        match answer {
            Ok(warnings) => {
                info!(worker = context.config.name, "connected");
                for warning in warnings {
                    warn!("the coordinator says: {warning}");
                }
                return Ok(true);
            }
            // Later calls are repeated even so: whoever renews a certificate may need a while.
            Err(trouble) if trouble.incurable.is_some() => {
                return Err(WorkerError::NoWay(trouble.incurable.unwrap_or_default()));
            }
            Err(trouble) if trouble.decision == CallDecision::Retry => {
                failures += 1;
                if failures == 1
                    && let Some(what) = wrong_address(context).await
                {
                    return Err(WorkerError::NoWay(what));
                }
                tokio::select! {
                    goes_on = context.pause(&trouble, failures) => {
                        if !goes_on? {
                            return Ok(false);
                        }
                    }
                    () = &mut idle => return Err(never_reached()),
                }
            }
            Err(trouble) => return Err(refused(trouble)),
        }
    }
}

/// What is wrong with the coordinator's address for good.
async fn wrong_address(context: &Context) -> Option<String> {
    let (address, diagnosis) = context.config.address.clone()?;
    tokio::task::spawn_blocking(move || diagnosis(&address))
        .await
        .ok()?
}

/// Delivers the records and hands back the leases that an earlier process left in that folder; `false` when told to stop
/// before the end.
async fn clear(context: &Context, spool: &Arc<Spool>) -> Result<bool, WorkerError> {
    // Before the deliveries: a lease whose record waits here is not one to hand back.
    let left_behind = spool.left_behind();
    let waiting = spool.waiting().map_err(|cause| WorkerError::Spool {
        path: spool.folder().to_owned(),
        cause,
    })?;
    for record in waiting {
        info!(job = %record.job_id.short(), "a record waited in the spool");
        let job = record.job_id;
        let delivery = Delivery {
            record: Arc::new(proto::fit(record)),
            artifacts: None,
            spool: Arc::clone(spool),
        };
        match delivery.deliver(context, None).await? {
            Delivered::Kept => return Ok(false),
            Delivered::Acknowledged(_) => context.trainer.forget(job),
            Delivered::Refused(_) => {}
        }
    }
    for key in left_behind {
        info!(job = %key.job.short(), attempt = %key.attempt, "an earlier process left a job behind: it goes back");
        context.release(key, "its worker process died").await;
    }
    if let Err(cause) = spool.note_leases(&[]) {
        warn!(%cause, "failed to note the leases in the spool folder");
    }
    Ok(true)
}

/// One try: a coordinator that is away will notice by itself.
async fn leave(context: &Context, reason: &str) {
    if let Ok(Err(trouble)) = timeout(context.farewell(), context.link.goodbye(reason)).await {
        info!(message = trouble.message, "goodbye was not heard");
    }
}
