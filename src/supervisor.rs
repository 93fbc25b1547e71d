//! What systemd is told, where it is systemd that started this process: that it is ready, stopping, alive.

use coordinator::service::Health;
use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

/// It answers.
pub const READY: NotifyState<'static> = NotifyState::Ready;
/// It leaves.
pub const STOPPING: NotifyState<'static> = NotifyState::Stopping;

/// Tells the supervisor; without one (no `NOTIFY_SOCKET`) it does nothing.
pub fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the supervisor cannot be told");
    }
}

/// Says that the process lives, as often as the unit's `WatchdogSec=` wants it, for as long as the engine answers: one
/// that hangs is started again.
pub async fn watchdog(health: Health, stop: CancellationToken) {
    let Some(within) = sd_notify::watchdog_enabled() else {
        return;
    };
    loop {
        if health.alive().await {
            tell(&[NotifyState::Watchdog]);
        } else {
            tracing::error!("the engine does not answer: the watchdog is not fed");
        }
        tokio::select! {
            () = tokio::time::sleep(within / 3) => {}
            () = stop.cancelled() => return,
        }
    }
}
