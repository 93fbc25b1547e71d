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
    /// It answered once: who mistypes an address must not wait for it.
    met: bool,
    away: bool,
}

impl<'a> Contact<'a> {
    /// Of a coordinator that is waited for.
    pub fn waiting(client: &'a Client) -> Self {
        Self {
            client,
            met: false,
            away: false,
        }
    }

    /// Of the coordinator of this process, which answered already. Its caller knows when it breaks down; a connection alone can also
    /// end because this machine slept, or had no time for it.
    pub fn of_this_process(client: &'a Client) -> Self {
        Self {
            met: true,
            ..Self::waiting(client)
        }
    }

    /// The answer to a question.
    ///
    /// # Errors
    /// Refusals; and the coordinator is away and never answered.
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
    /// The error, where it is none of a coordinator that comes back.
    pub fn lost(&mut self, error: CallError) -> Result<(), CommandError> {
        let whom = self.client.whom();
        let news = match &error {
            CallError::Unreachable(cause) => format!("{whom} does not answer ({cause})"),
            CallError::Unavailable(message) => format!("{whom} answers: {message}"),
            _ => return Err(self.client.failed(error)),
        };
        // A run that is typed again has another address.
        if !self.met || self.client.has_ended() {
            return Err(self.client.failed(error));
        }
        if !std::mem::replace(&mut self.away, true) {
            say(&format!("{news}: waiting for it, Ctrl-C ends that"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::door::Token;

    fn lost() -> CallError {
        CallError::Unreachable("stream closed because of a broken pipe".into())
    }

    /// A laptop that slept broke the connection within `run`, which gave up.
    #[tokio::test(start_paused = true)]
    async fn a_lost_connection_within_a_process_is_made_again() {
        let client = Client::of_local("http://127.0.0.1:1", &Token::draw().unwrap()).unwrap();
        let mut contact = Contact::of_this_process(&client);
        let mut tries = 0;
        let answer = contact
            .ask(async || {
                tries += 1;
                if tries < 3 { Err(lost()) } else { Ok(tries) }
            })
            .await;
        assert_eq!(answer.unwrap(), 3);
        let mut stranger = Contact::waiting(&client);
        assert!(
            stranger.lost(lost()).is_err(),
            "an address that never answered"
        );
    }
}
