//! Slurm by its own commands: `sbatch`, `squeue`, `sacct`, `scancel`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::{Uid, User};
use tokio::process::Command;
use tokio::time::timeout;

use super::replies::{self, Account, Listed};
use crate::error::CommandError;

/// How long a question may take. `sbatch` may take longer: whoever left it would not know whether it was heard.
const ANSWERS_WITHIN: Duration = Duration::from_mins(1);

/// How Slurm's commands are called.
#[derive(Debug)]
pub struct Slurm {
    /// The batch script of one allocation.
    script: PathBuf,
    /// The allocations' name, by which they are found again.
    job_name: String,
    /// More arguments of `sbatch`.
    sbatch: Vec<String>,
    /// The clusters that were asked for, which every command must be told.
    clusters: Option<String>,
    /// The clusters that `sbatch` named in its answers.
    named: BTreeSet<String>,
    /// The cluster of an allocation, where it is known.
    cluster_of: BTreeMap<String, String>,
    /// Whether this cluster keeps accounts.
    keeps_accounts: bool,
}

/// Why a command of Slurm did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum SlurmError {
    /// No later try helps: it is not here, or does not know an option.
    #[error("{0}")]
    Lasting(String),
    /// Controllers are restarted, and networks fail.
    #[error("{0}")]
    Passing(String),
}

impl From<SlurmError> for CommandError {
    fn from(error: SlurmError) -> Self {
        match error {
            SlurmError::Lasting(text) | SlurmError::Passing(text) => Self::Other(text),
        }
    }
}

impl Slurm {
    /// For that batch script, with more arguments of `sbatch`.
    ///
    /// # Errors
    /// They ask for what cannot be counted or waited for; the script cannot be read.
    pub fn new(script: &Path, job_name: &str, sbatch: &[String]) -> Result<Self, CommandError> {
        let text =
            std::fs::read(script).map_err(|error| CommandError::io("read", script, &error))?;
        let text = String::from_utf8_lossy(&text);
        let typed = replies::wishes(sbatch.iter().map(String::as_str));
        let written = replies::wishes(replies::directives(&text));
        // Ours replaces the name that the script gives itself.
        let mut of_script = written
            .uncountable
            .iter()
            .filter(|option| **option != "--job-name");
        if let Some(option) = typed.uncountable.first().or_else(|| of_script.next()) {
            return Err(CommandError::Usage(format!(
                "sbatch's {option} is not for autoalloc, which asks for allocations one by one and finds them by their name (--job-name of autoalloc itself)"
            )));
        }
        // In the order in which `sbatch` takes them.
        let clusters = typed
            .clusters
            .or_else(|| variable("SBATCH_CLUSTERS"))
            .or_else(|| variable("SLURM_CLUSTERS"))
            .or(written.clusters);
        Ok(Self {
            script: script.to_owned(),
            job_name: job_name.to_owned(),
            sbatch: sbatch.to_vec(),
            clusters,
            named: BTreeSet::new(),
            cluster_of: BTreeMap::new(),
            keeps_accounts: true,
        })
    }

    /// Asks for one allocation and gives its id.
    pub async fn start(&mut self) -> Result<String, SlurmError> {
        let mut command = Command::new("sbatch");
        command
            .arg("--parsable")
            .args(&self.sbatch)
            .arg(format!("--job-name={}", self.job_name))
            .arg(&self.script);
        let answer = answer(&mut command, "sbatch").await?;
        // A site's wrapper may fail after the submission: what has an id is paid for.
        let Some((id, cluster)) = replies::submitted(&answer.text) else {
            let said = answer.succeeded("sbatch")?;
            return Err(SlurmError::Passing(format!(
                "sbatch answered `{}` instead of an id",
                said.trim()
            )));
        };
        if let Some(cluster) = cluster {
            self.named.insert(cluster.clone());
            self.cluster_of.insert(id.clone(), cluster);
        }
        Ok(id)
    }

    /// The allocations of that name that Slurm remembers, ended ones included.
    pub async fn list(&mut self) -> Result<Vec<Listed>, SlurmError> {
        let asked = match (&self.clusters, self.named.is_empty()) {
            (Some(clusters), _) => Some(clusters.clone()),
            (None, true) => None,
            (None, false) => Some(self.named.iter().cloned().collect::<Vec<_>>().join(",")),
        };
        let mut answer = self.squeue(asked.as_deref()).await;
        if self.clusters.is_none() && asked.is_some() && answer.is_err() {
            // A cluster that names itself and keeps no list of clusters.
            answer = self.squeue(None).await;
        }
        let listed = replies::queue(&answer?);
        for one in &listed {
            if let Some(cluster) = &one.cluster {
                self.cluster_of.insert(one.id.clone(), cluster.clone());
            }
        }
        Ok(listed)
    }

    async fn squeue(&self, clusters: Option<&str>) -> Result<String, SlurmError> {
        let mut command = Command::new("squeue");
        // `--me` and `--array` are younger than some clusters.
        command.args(["--noheader", "--states=all"]);
        command.arg(format!("--user={}", user()));
        command.arg(format!("--name={}", self.job_name));
        command.arg("--format=%i|%T|%M|%r");
        command.args(clusters.map(|clusters| format!("--clusters={clusters}")));
        question(command, "squeue").await
    }

    /// What accounting says of these allocations; nothing where nobody keeps accounts.
    pub async fn accounts(&mut self, ids: &[String]) -> BTreeMap<String, Account> {
        if ids.is_empty() || !self.keeps_accounts {
            return BTreeMap::new();
        }
        let mut command = Command::new("sacct");
        command.args(["--noheader", "--parsable2", "--allocations"]);
        command.arg("--format=JobID,State,Elapsed,ExitCode");
        command.arg(format!("--jobs={}", ids.join(",")));
        command.args(self.clusters_of(ids));
        match question(command, "sacct").await {
            Ok(text) => replies::accounts(&text),
            Err(error) => {
                let text = error.to_string();
                self.keeps_accounts = !matches!(error, SlurmError::Lasting(_))
                    && !text.contains("disabled")
                    && !text.contains("not enabled");
                tracing::debug!(text, "no accounts");
                BTreeMap::new()
            }
        }
    }

    /// Takes an allocation that waits out of the queue.
    pub async fn withdraw(&self, id: &str) -> Result<(), SlurmError> {
        // Only while it waits: had it started by now, its worker would lose its job.
        self.scancel(&["--state=PENDING"], id).await
    }

    /// Sends SIGTERM to an allocation's batch script, which is the worker.
    pub async fn release(&self, id: &str) -> Result<(), SlurmError> {
        self.scancel(&["--signal=TERM", "--batch"], id).await
    }

    async fn scancel(&self, options: &[&str], id: &str) -> Result<(), SlurmError> {
        let mut command = Command::new("scancel");
        command.args(options);
        command.args(self.clusters_of(&[id.to_owned()]));
        command.arg(id);
        question(command, "scancel").await.map(drop)
    }

    /// The option that names the clusters of these allocations, where one must.
    fn clusters_of(&self, ids: &[String]) -> Option<String> {
        let known: BTreeSet<&str> = ids
            .iter()
            .filter_map(|id| self.cluster_of.get(id).map(String::as_str))
            .collect();
        let clusters = if known.is_empty() {
            self.clusters.clone()?
        } else {
            known.into_iter().collect::<Vec<_>>().join(",")
        };
        Some(format!("--clusters={clusters}"))
    }
}

/// Who asks: by name, or by number where that user has none.
fn user() -> String {
    let own = Uid::current();
    match User::from_uid(own) {
        Ok(Some(user)) => user.name,
        _ => own.to_string(),
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// What a command printed, and whether it says that all went well.
struct Answer {
    text: String,
    complaint: String,
    is_success: bool,
}

impl Answer {
    fn succeeded(self, name: &str) -> Result<String, SlurmError> {
        if self.is_success {
            return Ok(self.text);
        }
        let said = format!("{name}: {}", self.complaint.trim());
        let unknown = ["unrecognized option", "invalid option", "unknown option"];
        Err(if unknown.iter().any(|words| said.contains(words)) {
            SlurmError::Lasting(said)
        } else {
            SlurmError::Passing(said)
        })
    }
}

async fn answer(command: &mut Command, name: &str) -> Result<Answer, SlurmError> {
    let output = command.kill_on_drop(true).output().await.map_err(|error| {
        let text =
            format!("cannot start {name}: {error}; is Slurm's client installed on this host?");
        match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied => {
                SlurmError::Lasting(text)
            }
            _ => SlurmError::Passing(text),
        }
    })?;
    Ok(Answer {
        text: String::from_utf8_lossy(&output.stdout).into_owned(),
        complaint: String::from_utf8_lossy(&output.stderr).into_owned(),
        is_success: output.status.success(),
    })
}

async fn question(mut command: Command, name: &str) -> Result<String, SlurmError> {
    match timeout(ANSWERS_WITHIN, answer(&mut command, name)).await {
        Ok(answer) => answer?.succeeded(name),
        Err(_) => Err(SlurmError::Passing(format!(
            "{name} did not answer within {} s",
            ANSWERS_WITHIN.as_secs()
        ))),
    }
}
