//! `--notify`: a command, or an address, that is told when a sweep settles, a claim is decided, or jobs fail. A command gets one line
//! of JSON on its standard input, an address a request with it. What becomes of either ends no run.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use proto::nouns::SweepInfo;
use sweeps::JobStatus;
use tokio::io::AsyncWriteExt;

use crate::output::{self, say};
use crate::post_to::PostTo;

/// How long the command may take; the sweep goes on meanwhile, and whoever watches it waits.
const PATIENCE: Duration = Duration::from_secs(30);
/// Characters of what it says when it fails.
const MOST_SAID: usize = 500;

/// Whom to tell, and what was seen of a sweep so far.
#[derive(Debug, Default)]
pub struct Notify {
    command: Option<String>,
    failures: u64,
    seen: Option<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    decided: BTreeSet<usize>,
    failed: u64,
    settled: bool,
}

impl Notify {
    /// Tells this command, of failures when there are so many.
    pub fn new(arguments: &crate::arguments::Notify) -> Self {
        Self {
            command: arguments.notify.clone(),
            failures: arguments.notify_failures,
            seen: None,
        }
    }

    /// Whether nobody is told anything.
    pub fn is_silent(&self) -> bool {
        self.command.is_none()
    }

    /// Tells what is new of the sweep. What it was like when it was first seen is no news.
    pub async fn hear(&mut self, info: &SweepInfo) {
        let Some(command) = self.command.clone() else {
            return;
        };
        for news in self.news(info) {
            let told = match PostTo::typed(&command) {
                Some(to) => post(to, &news).await,
                None => tell(&command, &news).await,
            };
            if let Err(error) = told {
                say(&format!("warning: --notify: {}", output::line(&error)));
            }
        }
    }

    fn news(&mut self, info: &SweepInfo) -> Vec<serde_json::Value> {
        let counts = info.summary.counts;
        let sweep = &info.summary.name;
        let now = Seen {
            decided: info
                .claims
                .iter()
                .flat_map(|view| view.claims.iter().enumerate())
                .filter(|(_, claim)| claim.verdict.is_decided())
                .map(|(index, _)| index)
                .collect(),
            failed: counts.of(JobStatus::Failed) + counts.of(JobStatus::Quarantined),
            settled: counts.is_settled(),
        };
        let mut news = Vec::new();
        if let Some(before) = &self.seen {
            let claims = info.claims.as_deref();
            for index in now.decided.difference(&before.decided) {
                if let Some(claim) = claims.and_then(|view| view.claims.get(*index)) {
                    news.push(serde_json::json!({
                        "event": "claim-decided", "sweep": sweep, "claim": claim.claim.to_string(), "verdict": claim.verdict,
                        "text": reports::claims::sentence(claim), "details": claim,
                    }));
                }
            }
            if before.failed < self.failures && now.failed >= self.failures {
                news.push(serde_json::json!({
                    "event": "failures", "sweep": sweep, "failed": now.failed,
                    "text": format!("{sweep}: {} jobs failed", now.failed),
                }));
            }
            if !before.settled && now.settled {
                let done = counts.of(JobStatus::Done);
                let mut text = format!("{sweep}: {done} of {} jobs done", counts.total());
                if let Some(view) = claims {
                    text += &format!("; {}", reports::claims::overview(view));
                }
                news.push(serde_json::json!({
                    "event": "settled", "sweep": sweep, "jobs": counts.total(), "done": done, "failed": now.failed,
                    "claims": claims.map(crate::command::claims::as_json), "text": text,
                }));
            }
        }
        self.seen = Some(now);
        news
    }
}

/// Posts the news.
async fn post(to: Result<PostTo, String>, news: &serde_json::Value) -> Result<(), String> {
    let to = to?;
    let posted = tokio::time::timeout(PATIENCE, to.post(news.to_string())).await;
    let shown = to.shown();
    match posted {
        Ok(posted) => posted.map_err(|error| format!("{shown}: {error}")),
        Err(_) => Err(format!(
            "{shown}: it did not answer within {} s",
            PATIENCE.as_secs()
        )),
    }
}

/// Runs the command with the news on its standard input.
async fn tell(command: &str, news: &serde_json::Value) -> Result<(), String> {
    let mut line = news.to_string();
    line.push('\n');
    let mut child = tokio::process::Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("`{command}` cannot be started: {error}"))?;
    let mut stdin = child.stdin.take();
    let ended = tokio::time::timeout(PATIENCE, async move {
        if let Some(stdin) = &mut stdin {
            // A command that does not read is told nothing.
            let _ = stdin.write_all(line.as_bytes()).await;
        }
        drop(stdin);
        child.wait_with_output().await
    });
    let output = ended
        .await
        .map_err(|_| format!("`{command}` did not end within {} s", PATIENCE.as_secs()))?
        .map_err(|error| format!("`{command}`: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said: String = said.trim().chars().take(MOST_SAID).collect();
    Err(format!("`{command}` ended with {}: {said}", output.status))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(counts: [u64; 6]) -> SweepInfo {
        SweepInfo {
            summary: proto::nouns::SweepSummary {
                name: "s".into(),
                description: String::new(),
                priority: 0,
                paused: false,
                cancelled: false,
                submitted_at: proto::nouns::Timestamp(0),
                cells: 3,
                counts: proto::nouns::Counts(counts),
            },
            file: String::new(),
            text: String::new(),
            columns: Vec::new(),
            datasets: std::collections::BTreeMap::new(),
            more_datasets: 0,
            trainer_revision: 1,
            discrepancies: 0,
            lost_ms: 0,
            audit: proto::nouns::AuditStamp::default(),
            claims: None,
        }
    }

    fn events(notify: &mut Notify, counts: [u64; 6]) -> Vec<String> {
        let news = notify.news(&info(counts));
        let event = |news: &serde_json::Value| news["event"].as_str().unwrap().to_owned();
        news.iter().map(event).collect()
    }

    #[test]
    fn what_is_new_is_told_once() {
        let mut notify = Notify {
            failures: 2,
            ..Notify::default()
        };
        assert!(events(&mut notify, [3, 0, 0, 0, 0, 0]).is_empty());
        assert!(events(&mut notify, [1, 1, 0, 1, 0, 0]).is_empty());
        assert_eq!(events(&mut notify, [0, 1, 0, 1, 1, 0]), ["failures"]);
        assert_eq!(events(&mut notify, [0, 0, 1, 1, 1, 0]), ["settled"]);
        assert!(events(&mut notify, [0, 0, 1, 1, 1, 0]).is_empty());
        // A retry that settles again is news again.
        assert!(events(&mut notify, [2, 0, 1, 0, 0, 0]).is_empty());
        assert_eq!(events(&mut notify, [0, 0, 3, 0, 0, 0]), ["settled"]);
        let mut late = Notify::default();
        assert!(events(&mut late, [0, 0, 3, 0, 0, 0]).is_empty());
    }

    #[test]
    fn a_command_that_fails_is_told_and_nothing_more() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let news = serde_json::json!({ "event": "settled" });
        let tell = |command: &str| runtime.block_on(tell(command, &news));
        let file = tempfile::NamedTempFile::new().unwrap();
        let command = format!("cat > '{}'", file.path().display());
        assert_eq!(tell(&command), Ok(()));
        let told = std::fs::read_to_string(file.path()).unwrap();
        assert_eq!(told, "{\"event\":\"settled\"}\n");
        let error = tell("echo no mail >&2; exit 3").unwrap_err();
        assert!(error.contains("no mail") && error.contains('3'), "{error}");
        // One that does not read is no error.
        assert_eq!(tell("true"), Ok(()));
    }
}
