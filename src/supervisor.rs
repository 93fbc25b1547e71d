//! What systemd is told, where it is systemd that started this process: how the start goes, that it is ready, stopping, alive.

use std::convert::Infallible;
use std::time::Duration;

use coordinator::Opening;
use coordinator::service::Health;
use sd_notify::NotifyState;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// It answers.
pub const READY: NotifyState<'static> = NotifyState::Ready;
/// What `systemctl status` shows of one that answers.
pub const SERVING: NotifyState<'static> = NotifyState::Status("serving");
/// It leaves.
pub const STOPPING: NotifyState<'static> = NotifyState::Stopping;

/// How often a start that goes on says so.
const STARTING: Duration = Duration::from_secs(5);
/// How much time a start asks for each time: enough for a process that gets no turn for a while.
const MORE_TIME: Duration = Duration::from_mins(2);
/// How long the engine may be silent before that is worth a line.
const SILENT: Duration = Duration::from_secs(10);
/// How long to wait before a loop that is gone is asked again.
const GONE: Duration = Duration::from_secs(1);

/// Tells the supervisor; without one (no `NOTIFY_SOCKET`) it does nothing.
pub fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the supervisor cannot be told");
    }
}

/// Says again and again how far the opening of the state has come, to the log and to the supervisor, which would end a start
/// that takes longer than its unit says. To be dropped when it is open.
pub async fn starting(opening: &Opening) -> Infallible {
    loop {
        let status = format!("starting: {opening}");
        let more = u32::try_from(MORE_TIME.as_micros()).unwrap_or(u32::MAX);
        tell(&[
            NotifyState::Status(&status),
            NotifyState::ExtendTimeoutUsec(more),
        ]);
        sleep(STARTING).await;
        tracing::info!("starting: {opening}");
    }
}

/// Says that the process lives, as often as the unit's `WatchdogSec=` wants it, for as long as the engine's loop turns: a
/// process whose engine hangs or is gone is started again. A loop that was slow is heard as soon as it turns.
pub async fn watchdog(health: Health, stop: CancellationToken) {
    let Some(within) = sd_notify::watchdog_enabled() else {
        return;
    };
    loop {
        let pause = tokio::select! {
            turns = turns(&health) => if turns {
                tell(&[NotifyState::Watchdog]);
                within / 4
            } else {
                tracing::error!("the engine is gone: the watchdog is not fed");
                GONE
            },
            () = stop.cancelled() => return,
        };
        tokio::select! {
            () = sleep(pause) => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn turns(health: &Health) -> bool {
    let mut asked = std::pin::pin!(health.turns());
    if let Ok(turns) = timeout(SILENT, &mut asked).await {
        return turns;
    }
    tracing::error!("the engine does not answer: the watchdog is not fed until it does");
    asked.await
}
