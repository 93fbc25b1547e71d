//! A coordinator that goes away while a command follows it: the command waits, says so once, and goes on when it is back.

use std::time::Duration;

use client::CallError;

use crate::client::Client;
use crate::error::CommandError;
use crate::output::say;

/// The pause between two tries.
const PAUSE: Duration = Duration::from_secs(1);

/// Asks a coordinator, and asks again while it is away.
pub struct Contact<'a> {
    client: &'a Client,
    waits: bool,
    /// It answered once: who mistypes an address must not wait for it.
    met: bool,
    away: bool,
}

impl<'a> Contact<'a> {
    /// Of a coordinator that is waited for.
    pub fn waiting(client: &'a Client) -> Self {
        Self {
            client,
            waits: true,
            met: false,
            away: false,
        }
    }

    /// Of a coordinator that does not come back, such as one of this process.
    pub fn once(client: &'a Client) -> Self {
        Self {
            waits: false,
            ..Self::waiting(client)
        }
    }

    /// The answer to a question.
    ///
    /// # Errors
    /// Refusals; and the coordinator is away, where it is not waited for or never answered.
    pub async fn ask<T>(
        &mut self,
        mut question: impl AsyncFnMut() -> Result<T, CallError>,
    ) -> Result<T, CommandError> {
        loop {
            match question().await {
                Ok(answer) => {
                    self.met = true;
                    if std::mem::take(&mut self.away) {
                        say(&format!("{} is back", self.client.whom()));
                    }
                    return Ok(answer);
                }
                Err(error) => self.lost(error)?,
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Whether a connection that was lost is tried again.
    ///
    /// # Errors
    /// The error, where it is none of a coordinator that is waited for.
    pub fn lost(&mut self, error: CallError) -> Result<(), CommandError> {
        let whom = self.client.whom();
        let news = match &error {
            CallError::Unreachable(cause) => format!("{whom} does not answer ({cause})"),
            CallError::Unavailable(message) => format!("{whom} answers: {message}"),
            _ => return Err(self.client.failed(error)),
        };
        // A run that is typed again has another address.
        if !self.waits || !self.met || self.client.has_ended() {
            return Err(self.client.failed(error));
        }
        if !std::mem::replace(&mut self.away, true) {
            say(&format!("{news}: waiting for it, Ctrl-C ends that"));
        }
        Ok(())
    }
}
