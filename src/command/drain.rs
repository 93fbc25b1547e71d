//! `drain`: sends workers away, gently.

use crate::arguments::Drain;
use crate::client::Client;
use crate::error::CommandError;
use crate::output;

/// Orders the workers of that name to go.
pub fn drain(arguments: &Drain) -> Result<(), CommandError> {
    super::runtime()?.block_on(async {
        let client = Client::open(&arguments.endpoint)?;
        let known = client
            .workers()
            .await
            .map_err(|error| client.failed(error))?;
        if !known.iter().any(|worker| worker.name == arguments.worker) {
            let names = known.iter().map(|worker| worker.name.as_str());
            let nearest = sweeps::parameter::nearest(&arguments.worker, names)
                .map(|name| format!("; did you mean `{}`?", output::line(name)));
            return Err(CommandError::Usage(format!(
                "there is no worker `{}`{}",
                output::line(&arguments.worker),
                nearest
                    .unwrap_or_else(|| ": `gcl-sweep workers` lists those that are there".into())
            )));
        }
        let count = client
            .drain(&arguments.worker, &arguments.reason)
            .await
            .map_err(|error| client.failed(error))?;
        output::prose(&format!(
            "{} told to go: the job goes back at its next batch boundary, with a checkpoint",
            output::counted(count, "worker")
        ))
    })
}
