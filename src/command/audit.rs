//! `gcl-sweep audit`: finished jobs run again, to see whether the same comes out.

use proto::nouns as message;

use crate::arguments::{Audit, Format};
use crate::client::Client;
use crate::error::CommandError;
use crate::output;

/// Queues the audit and says what it means.
pub fn audit(arguments: &Audit, format: Format) -> Result<(), CommandError> {
    super::runtime()?.block_on(async {
        let client = Client::open(&arguments.endpoint)?;
        let audit = message::Audit {
            sweep: arguments.sweep.clone(),
            fraction: arguments.fraction,
        };
        let audited = client
            .audit(&audit)
            .await
            .map_err(|error| client.failed(error))?;
        if format == Format::Json {
            return output::json(&serde_json::json!({
                "sweep": arguments.sweep, "finished": audited.finished, "chosen": audited.chosen, "queued": audited.queued,
            }));
        }
        output::prose(&format!(
            "{}: {} of {} finished jobs chosen, {} queued to be run again",
            arguments.sweep, audited.chosen, audited.finished, audited.queued
        ))?;
        if audited.queued > 0 {
            output::say(&format!(
                "they run when workers have nothing else to do; `gcl-sweep status {}` shows what came out",
                arguments.sweep
            ));
        }
        Ok(())
    })
}
