//! Where results are read from: a coordinator that runs, a state folder, or CSV files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[cfg(feature = "coordinator")]
use coordinator::state::StateReader;
use proto::error_chain;
#[cfg(feature = "coordinator")]
use proto::nouns::StateKind;
use proto::nouns::{Refusal, Row, RowGroup, SweepInfo, SweepSummary};
use reports::{Mapping, ReportError, SweepResults};
use sweeps::{CellResult, Digest, JobStatus};

use crate::arguments::{Connection, Endpoint};
use crate::client::Client;
use crate::door::{self, Found};
use crate::error::CommandError;
use crate::output::say;

/// What a report asks.
pub trait Results {
    /// Everything about a sweep but its cells.
    async fn sweep_info(&self, sweep: &str) -> Result<SweepInfo, CommandError>;
    /// The cells of a sweep.
    async fn cells(&self, sweep: &str) -> Result<Vec<CellResult>, CommandError>;
    /// An artifact of at most `most` bytes.
    async fn artifact(&self, digest: Digest, most: u64) -> Result<Vec<u8>, CommandError>;
}

impl Results for Client {
    async fn sweep_info(&self, sweep: &str) -> Result<SweepInfo, CommandError> {
        Client::sweep_info(self, sweep).await
    }

    async fn cells(&self, sweep: &str) -> Result<Vec<CellResult>, CommandError> {
        Client::cells(self, sweep).await
    }

    async fn artifact(&self, digest: Digest, most: u64) -> Result<Vec<u8>, CommandError> {
        let bytes = client::Client::artifact(self, digest, most).await;
        bytes.map_err(|error| self.failed(error))
    }
}

/// A state folder blocks while it is read: nothing else is to be done meanwhile.
#[cfg(feature = "coordinator")]
impl Results for StateReader {
    async fn sweep_info(&self, sweep: &str) -> Result<SweepInfo, CommandError> {
        StateReader::sweep_info(self, sweep).map_err(refused)
    }

    async fn cells(&self, sweep: &str) -> Result<Vec<CellResult>, CommandError> {
        let mut cells = Vec::new();
        self.each_cell(sweep, &mut |cell| cells.push(cell))
            .map_err(refused)?;
        Ok(cells)
    }

    async fn artifact(&self, digest: Digest, most: u64) -> Result<Vec<u8>, CommandError> {
        StateReader::artifact(self, digest, most).map_err(refused)
    }
}

/// What a state folder does not have, at the command line.
#[cfg(feature = "coordinator")]
pub fn refused(refusal: Refusal) -> CommandError {
    let told = refusal.to_string();
    match refusal {
        Refusal::Storage(what) => CommandError::Store(what),
        Refusal::UnknownSweep(_) => CommandError::Usage(told),
        _ => CommandError::Input(told),
    }
}

/// Where the job of a cell stands.
fn row_of(cell: CellResult) -> Row {
    let auc = cell.auc();
    let outcome = cell.record.as_ref().map(|record| &record.outcome);
    let codes = outcome.into_iter().flat_map(|outcome| &outcome.warnings);
    let warnings: BTreeSet<String> = codes.map(|warning| warning.code.clone()).collect();
    Row {
        seed: cell.cell.job.seed,
        job_id: cell.job_id,
        status: cell.status,
        attempts: cell.attempts,
        epochs: outcome.map_or(0, |outcome| outcome.curve.len() as u32),
        auc,
        error: cell.error,
        warnings: warnings.into_iter().collect(),
        group: Arc::new(RowGroup {
            epochs: 0,
            variant: cell.cell.variant,
            point: cell.cell.point,
            reporting: cell.cell.reporting,
        }),
    }
}

/// A coordinator, or a state folder.
pub enum Source {
    /// Asked over the network.
    Coordinator(Box<Client>),
    /// Read where it lies, also while a coordinator has it open; nothing in it is touched.
    #[cfg(feature = "coordinator")]
    Folder(Box<StateReader>),
}

impl Source {
    /// Reads the state folder, or connects to the coordinator where none is given.
    pub fn open(state: Option<&Path>, connection: &Connection) -> Result<Self, CommandError> {
        match state {
            None => Ok(Self::Coordinator(Box::new(Client::new(connection)?))),
            Some(state) => Self::folder(state),
        }
    }

    /// The same for a command that writes into, or reads, the folder of a `run`: where neither a state folder nor a
    /// coordinator is named, the run of that folder is asked, or what it left is read.
    pub fn of_folder(
        out: Option<&Path>,
        state: Option<&Path>,
        connection: &Connection,
    ) -> Result<Self, CommandError> {
        let (Some(out), None, None) = (out, state, &connection.coordinator) else {
            return Self::open(state, connection);
        };
        match Self::of_run(out)? {
            Some(source) => Ok(source),
            None => Self::open(None, connection),
        }
    }

    /// The same for a command that asks: the run of the folder that is named, or what it left.
    pub fn of_endpoint(endpoint: &Endpoint) -> Result<Self, CommandError> {
        let found = endpoint.out.as_deref().map(Self::of_run).transpose()?;
        match found.flatten() {
            Some(source) => Ok(source),
            None => Ok(Self::Coordinator(Box::new(Client::open(endpoint)?))),
        }
    }

    /// The run of that folder, or what it left; nothing where there never was one.
    fn of_run(out: &Path) -> Result<Option<Self>, CommandError> {
        match door::find(out)? {
            Found::UnderWay(_) => Ok(Some(Self::Coordinator(Box::new(Client::of_run(out)?)))),
            Found::NotUnderWay {
                state: Some(state),
                killed,
            } => {
                say(&format!(
                    "no run is under way in {}{}: reading its state folder as it is",
                    out.display(),
                    if killed.is_some() {
                        ", the last one was killed"
                    } else {
                        ""
                    }
                ));
                Ok(Some(Self::folder(&state)?))
            }
            Found::NotUnderWay { state: None, .. } => Ok(None),
        }
    }

    #[cfg(not(feature = "coordinator"))]
    fn folder(state: &Path) -> Result<Self, CommandError> {
        Err(super::without_coordinator(&format!(
            "reading {}",
            state.display()
        )))
    }

    #[cfg(feature = "coordinator")]
    fn folder(state: &Path) -> Result<Self, CommandError> {
        let reader = StateReader::open(state);
        let reader = reader.map_err(|error| CommandError::Store(error_chain(&error)))?;
        if reader.kind() == Some(StateKind::Noop) {
            return Err(CommandError::Store(format!(
                "the state folder {} holds no-op jobs, which have no results",
                state.display()
            )));
        }
        Ok(Self::Folder(Box::new(reader)))
    }

    /// The coordinator, where one is asked.
    #[cfg_attr(
        not(feature = "coordinator"),
        expect(clippy::unnecessary_wraps, reason = "nothing else is asked then")
    )]
    pub fn coordinator(&self) -> Option<&Client> {
        match self {
            Self::Coordinator(client) => Some(client),
            #[cfg(feature = "coordinator")]
            Self::Folder(_) => None,
        }
    }

    /// All sweeps.
    pub async fn sweeps(&self) -> Result<Vec<SweepSummary>, CommandError> {
        match self {
            Self::Coordinator(client) => client.sweeps().await,
            #[cfg(feature = "coordinator")]
            Self::Folder(reader) => Ok(reader.sweeps()),
        }
    }

    /// Where each job of a sweep stands, of those with one of the statuses; without statuses, of all.
    pub async fn each_row(
        &self,
        sweep: &str,
        statuses: &[JobStatus],
        mut each: impl FnMut(Row),
    ) -> Result<(), CommandError> {
        match self {
            Self::Coordinator(client) => client
                .each_row(sweep, statuses, each)
                .await
                .map(drop)
                .map_err(|error| client.failed(error)),
            #[cfg(feature = "coordinator")]
            Self::Folder(reader) => reader
                .each_cell(sweep, &mut |cell| {
                    if statuses.is_empty() || statuses.contains(&cell.status) {
                        each(row_of(cell));
                    }
                })
                .map_err(refused),
        }
    }
}

impl Results for Source {
    async fn sweep_info(&self, sweep: &str) -> Result<SweepInfo, CommandError> {
        match self {
            Self::Coordinator(client) => Results::sweep_info(client.as_ref(), sweep).await,
            #[cfg(feature = "coordinator")]
            Self::Folder(reader) => Results::sweep_info(reader.as_ref(), sweep).await,
        }
    }

    async fn cells(&self, sweep: &str) -> Result<Vec<CellResult>, CommandError> {
        match self {
            Self::Coordinator(client) => Results::cells(client.as_ref(), sweep).await,
            #[cfg(feature = "coordinator")]
            Self::Folder(reader) => Results::cells(reader.as_ref(), sweep).await,
        }
    }

    async fn artifact(&self, digest: Digest, most: u64) -> Result<Vec<u8>, CommandError> {
        match self {
            Self::Coordinator(client) => Results::artifact(client.as_ref(), digest, most).await,
            #[cfg(feature = "coordinator")]
            Self::Folder(reader) => Results::artifact(reader.as_ref(), digest, most).await,
        }
    }
}

/// The sweeps of CSV files, in the order given: those of `names`, or all.
///
/// With a mapping they are results of another program, a sweep each.
pub fn read_files(
    paths: &[PathBuf],
    names: &[String],
    mapping: Option<&Mapping>,
) -> Result<Vec<SweepResults>, CommandError> {
    let mut all = Vec::new();
    for path in paths {
        let tables = match mapping {
            Some(mapping) => {
                reports::read_foreign(path, mapping).map_err(|error| failed(&error))?
            }
            None => reports::read_tables(path).map_err(|error| of_another_program(path, &error))?,
        };
        for note in &tables.notes {
            say(&format!("note: {note}"));
        }
        all.extend(tables.sweeps);
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

/// Why a path is no table of ours: it may be full of another program's runs, or a table that somebody else wrote.
fn of_another_program(path: &Path, error: &ReportError) -> CommandError {
    if path.is_dir()
        && !path.join("results.csv").exists()
        && let Some(text) = reports::describe_foreign(path)
    {
        return CommandError::Input(text);
    }
    let known = failed(error);
    match (error, known) {
        (ReportError::Csv { line: Some(1), .. }, CommandError::Input(text)) => {
            CommandError::Input(format!(
                "{text}\n\nhint: the table of another program is read with --map, which says what is what: --map 'auc=COLUMN,variant=COLUMN,seed=COLUMN'"
            ))
        }
        (_, known) => known,
    }
}

/// A fault of what was read is the user's to mend; a file that cannot be written is another matter.
pub fn failed(error: &ReportError) -> CommandError {
    let text = error_chain(error);
    match error {
        ReportError::Read { .. }
        | ReportError::Csv { .. }
        | ReportError::Study { .. }
        | ReportError::Foreign { .. }
        | ReportError::Empty => CommandError::Input(text),
        ReportError::UnknownFigure { .. } => CommandError::Usage(text),
        ReportError::Write { .. } | ReportError::Png { .. } | ReportError::Parquet { .. } => {
            CommandError::Other(text)
        }
    }
}
