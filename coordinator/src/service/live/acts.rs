//! What a page does: the same calls as from the command line, with the same roles.

use serde::Deserialize;

use crate::engine::handle::EngineHandle;
use proto::nouns::{Control, ControlAction, Refusal, Target};

/// Bytes of an act.
pub(super) const ACT_BYTES: usize = 8 << 10;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Act {
    Pause {
        sweep: Option<String>,
        job: Option<String>,
    },
    Resume {
        sweep: Option<String>,
        job: Option<String>,
    },
    Cancel {
        sweep: Option<String>,
        job: Option<String>,
    },
    Retry {
        sweep: Option<String>,
        job: Option<String>,
    },
    Drain {
        worker: String,
    },
}

impl Act {
    /// The call of the protocol that it is: its role is asked for.
    pub(super) fn call(&self) -> &'static str {
        match self {
            Self::Drain { .. } => "/sweep.v1.ClientService/Drain",
            _ => "/sweep.v1.ClientService/Control",
        }
    }

    /// Does it. Answers how many jobs or workers changed.
    pub(super) async fn perform(self, engine: &EngineHandle, by: &str) -> Result<u64, Refusal> {
        let (action, sweep, job) = match self {
            Self::Drain { worker } => {
                return engine
                    .drain(worker, format!("drained on the live page by {by}"))
                    .await;
            }
            Self::Pause { sweep, job } => (ControlAction::Pause, sweep, job),
            Self::Resume { sweep, job } => (ControlAction::Resume, sweep, job),
            Self::Cancel { sweep, job } => (ControlAction::Cancel, sweep, job),
            Self::Retry { sweep, job } => (ControlAction::Retry, sweep, job),
        };
        let target = match (sweep, job) {
            (Some(sweep), None) => Target::Sweep(sweep),
            (None, Some(job)) => Target::Job(super::job::find(engine, &job).await?),
            _ => return Err(Refusal::Invalid("name a sweep or a job".into())),
        };
        engine.control(Control { target, action }).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acts_are_read_strictly() {
        let read = |text: &str| serde_json::from_str::<Act>(text);
        assert_eq!(
            read(r#"{"act":"drain","worker":"w"}"#).unwrap().call(),
            "/sweep.v1.ClientService/Drain"
        );
        assert_eq!(
            read(r#"{"act":"cancel","sweep":"s"}"#).unwrap().call(),
            "/sweep.v1.ClientService/Control"
        );
        for wrong in [
            r#"{"act":"submit","sweep":"s"}"#,
            r#"{"act":"cancel","sweep":"s","force":true}"#,
            r#"{"act":"drain"}"#,
            "{}",
            "",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
