//! `gcl-sweep logs`: what a job's trainer logged, and goes on to log.

use std::time::Duration;

use proto::nouns::{Change, LogLine, WatchEvent};
use sweeps::{AttemptNumber, JobId};

use crate::arguments::{Format, Logs};
use crate::client::Client;
use crate::contact::Contact;
use crate::error::CommandError;
use crate::output::{self, say};
use crate::{clock, interrupt};

/// Lines come in bursts: what comes within this is asked for at once.
const BURST: Duration = Duration::from_millis(200);

/// Prints the kept lines, and with `--follow` those that come.
pub fn logs(arguments: &Logs, format: Format) -> Result<(), CommandError> {
    super::runtime()?.block_on(async {
        let client = Client::open(&arguments.endpoint)?;
        let job = client.find_job(&arguments.job).await?;
        let attempt = arguments.attempt;
        if arguments.follow {
            let stop = interrupt::token().map_err(|error| {
                CommandError::Other(format!("cannot listen for signals: {error}"))
            })?;
            return tokio::select! {
                ended = follow(&client, job, attempt, format) => ended,
                () = stop.cancelled() => Err(CommandError::Interrupted("stopped reading; the job goes on".into())),
            };
        }
        let lines = fetch(&client, job, attempt).await?;
        if format == Format::Json {
            return output::json(&lines);
        }
        if lines.is_empty() {
            say(&nothing(&client, job, attempt).await?);
        }
        lines.iter().try_for_each(|line| print(line, format))
    })
}

async fn fetch(
    client: &Client,
    job: JobId,
    attempt: Option<AttemptNumber>,
) -> Result<Vec<LogLine>, CommandError> {
    client
        .logs(job, attempt)
        .await
        .map_err(|error| client.failed(error))
}

/// Why there is nothing to show.
async fn nothing(
    client: &Client,
    job: JobId,
    attempt: Option<AttemptNumber>,
) -> Result<String, CommandError> {
    let explained = client
        .explain(job)
        .await
        .map_err(|error| client.failed(error))?;
    let view = explained.view;
    Ok(match attempt {
        Some(attempt) if u64::from(attempt.count()) > view.attempts => {
            format!("job {} had no attempt {attempt} yet", job.short())
        }
        Some(attempt) => format!(
            "no line is kept of attempt {attempt} of job {}",
            job.short()
        ),
        None if view.attempts == 0 => format!("job {} did not start yet", job.short()),
        None => format!(
            "job {} ({}) logged nothing; `gcl-sweep explain {}` says more",
            job.short(),
            view.status,
            job.short()
        ),
    })
}

async fn follow(
    client: &Client,
    job: JobId,
    attempt: Option<AttemptNumber>,
    format: Format,
) -> Result<(), CommandError> {
    let mut contact = Contact::waiting(client);
    let mut shown = Vec::new();
    loop {
        // Subscribe before looking: what comes in between is heard.
        let mut changes = contact.ask(async || client.watch_job(job).await).await?;
        let explained = contact.ask(async || client.explain(job).await).await?;
        let mut settled = explained.view.status.is_settled();
        let lost = loop {
            let kept = contact
                .ask(async || client.logs(job, attempt).await)
                .await?;
            for line in new_lines(&shown, &kept) {
                print(line, format)?;
            }
            shown = kept;
            if settled {
                return Ok(());
            }
            let heard = match changes.next().await {
                Ok(Some(heard)) => heard,
                Ok(None) => break None,
                Err(error) => break Some(error),
            };
            settled = ends(&heard);
            // The rest of the burst; a change that is heard is only the sign to look.
            while !settled {
                match tokio::time::timeout(BURST, changes.next()).await {
                    Ok(Ok(Some(heard))) => settled = ends(&heard),
                    // A stream that broke is noticed again above.
                    _ => break,
                }
            }
        };
        if let Some(error) = lost {
            contact.lost(error)?;
        }
    }
}

/// Whether nothing comes after that.
fn ends(heard: &WatchEvent) -> bool {
    match heard {
        WatchEvent::Change(Change::Job { status, .. }) => status.is_settled(),
        _ => false,
    }
}

/// The lines of `kept` that come after those of `shown`; old ones fall out at the beginning.
fn new_lines<'a>(shown: &[LogLine], kept: &'a [LogLine]) -> &'a [LogLine] {
    (0..=shown.len())
        .find_map(|fallen| kept.strip_prefix(&shown[fallen..]))
        .unwrap_or(kept)
}

fn print(line: &LogLine, format: Format) -> Result<(), CommandError> {
    if format == Format::Json {
        return output::json_line(line);
    }
    let at = clock::time_of_day(line.at.0);
    let text = output::log_line(&line.text);
    output::print(&format!("{at} [attempt {}] {text}", line.attempt))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::nouns::Timestamp;

    #[test]
    fn each_line_is_shown_once_though_old_ones_fall_out() {
        let line = |number: u64| LogLine {
            attempt: AttemptNumber(1),
            at: Timestamp(number),
            text: "the same".into(),
        };
        let lines = |numbers: std::ops::Range<u64>| numbers.map(line).collect::<Vec<_>>();
        assert_eq!(new_lines(&[], &lines(0..3)), lines(0..3));
        assert_eq!(new_lines(&lines(0..3), &lines(0..3)), []);
        assert_eq!(new_lines(&lines(0..3), &lines(0..5)), lines(3..5));
        assert_eq!(new_lines(&lines(0..5), &lines(3..7)), lines(5..7));
        assert_eq!(new_lines(&lines(0..3), &lines(7..9)), lines(7..9));
    }
}
