//! Where results are read from: a coordinator that runs, a state folder that none has open, or CSV files.

use std::path::{Path, PathBuf};

use reports::{ReportError, SweepResults};

use crate::arguments::Connection;
use crate::client::Client;
use crate::command::coordinator::{Security, Serving};
use crate::door::{self, Found};
use crate::error::{CommandError, chain};
use crate::output::say;

/// A client, and the state folder that was opened for it.
pub struct Source {
    /// Asks for the results.
    pub client: Client,
    serving: Option<Serving>,
}

impl Source {
    /// Opens the state folder, or connects to the coordinator where none is given.
    pub async fn open(state: Option<&Path>, connection: &Connection) -> Result<Self, CommandError> {
        let Some(state) = state else {
            return Ok(Self {
                client: Client::new(connection)?,
                serving: None,
            });
        };
        let serving = super::state::serve_existing(state, &Security::reading()).await?;
        let client = Client::new(&Connection::to(format!("http://{}", serving.address)));
        match client {
            Ok(client) => Ok(Self {
                client,
                serving: Some(serving),
            }),
            Err(error) => {
                serving.stop().await?;
                Err(error)
            }
        }
    }

    /// The same for a command that writes into, or reads, the folder of a `run`: where neither a state folder nor a
    /// coordinator is named, the run of that folder is asked, or what it left is read.
    pub async fn of_folder(
        out: Option<&Path>,
        state: Option<&Path>,
        connection: &Connection,
    ) -> Result<Self, CommandError> {
        let (Some(out), None, None) = (out, state, &connection.coordinator) else {
            return Self::open(state, connection).await;
        };
        match door::find(out)? {
            Found::UnderWay(_) => Ok(Self {
                client: Client::of_run(out)?,
                serving: None,
            }),
            Found::NotUnderWay {
                state: Some(state), ..
            } => {
                say(&format!(
                    "no run is under way in {}: reading its state folder",
                    out.display()
                ));
                Self::open(Some(&state), connection).await
            }
            Found::NotUnderWay { state: None, .. } => Self::open(None, connection).await,
        }
    }

    /// Closes the state folder.
    pub async fn close(self) -> Result<(), CommandError> {
        match self.serving {
            Some(serving) => serving.stop().await,
            None => Ok(()),
        }
    }
}

/// The sweeps of CSV files, in the order given: those of `names`, or all.
pub fn read_files(paths: &[PathBuf], names: &[String]) -> Result<Vec<SweepResults>, CommandError> {
    let mut all = Vec::new();
    for path in paths {
        all.extend(reports::read_csv(path).map_err(|error| failed(&error))?);
    }
    if names.is_empty() {
        return Ok(all);
    }
    if let Some(absent) = names
        .iter()
        .find(|name| !all.iter().any(|results| results.name == **name))
    {
        let known: Vec<&str> = all.iter().map(|results| results.name.as_str()).collect();
        return Err(CommandError::Input(format!(
            "the files have no sweep `{absent}`; they have: {}",
            known.join(", ")
        )));
    }
    all.retain(|results| names.contains(&results.name));
    Ok(all)
}

/// A fault of what was read is the user's to mend; a file that cannot be written is another matter.
pub fn failed(error: &ReportError) -> CommandError {
    let text = chain(error);
    match error {
        ReportError::Read { .. }
        | ReportError::Csv { .. }
        | ReportError::Study { .. }
        | ReportError::Empty => CommandError::Input(text),
        ReportError::UnknownFigure { .. } => CommandError::Usage(text),
        ReportError::Write { .. } | ReportError::Png { .. } | ReportError::Parquet { .. } => {
            CommandError::Other(text)
        }
    }
}
