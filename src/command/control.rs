//! `cancel`, `pause`, `resume`, `retry`: a sweep by its name, or a job by its id.

use proto::nouns::{Control, ControlAction, Target as Controlled};

use crate::arguments::{Format, Target};
use crate::client::Client;
use crate::error::CommandError;
use crate::output;

/// Cancels, pauses, resumes or retries the target, and says how many jobs changed.
pub fn control(
    arguments: &Target,
    action: ControlAction,
    format: Format,
) -> Result<(), CommandError> {
    super::runtime()?.block_on(async {
        let client = Client::open(&arguments.endpoint)?;
        let sweeps = client.sweeps().await?;
        let target = if sweeps.iter().any(|sweep| sweep.name == arguments.target) {
            Controlled::Sweep(arguments.target.clone())
        } else if arguments.target.len() >= 4
            && arguments
                .target
                .bytes()
                .all(|byte| byte.is_ascii_hexdigit())
        {
            Controlled::Job(client.find_job(&arguments.target).await?)
        } else {
            let names = sweeps.iter().map(|sweep| sweep.name.as_str());
            let nearest = sweeps::parameter::nearest(&arguments.target, names)
                .map(|name| format!("; did you mean `{name}`?"));
            return Err(CommandError::Usage(format!(
                "there is no sweep `{}`{}",
                arguments.target,
                nearest.unwrap_or_else(|| ": `gcl-sweep status` lists those that are there".into())
            )));
        };
        let changed = client
            .control(&Control { target, action })
            .await
            .map_err(|error| client.failed(error))?;
        if format == Format::Json {
            return output::json(&serde_json::json!({ "changed": changed }));
        }
        output::prose(&changed_text(changed, action))
    })
}

/// `2 jobs queued again`.
pub fn changed_text(changed: u64, action: ControlAction) -> String {
    let done = match action {
        ControlAction::Cancel => "cancelled",
        ControlAction::Pause => "paused",
        ControlAction::Resume => "resumed",
        ControlAction::Retry => "queued again",
    };
    format!("{} {done}", output::counted(changed, "job"))
}
