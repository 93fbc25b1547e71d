//! What `top` asks a coordinator, and what it hears. A coordinator that goes away is waited for.

use std::time::Duration;

use client::CallError;
use proto::nouns::{Control, WatchEvent};
use sweeps::JobId;
use tokio::sync::mpsc::Sender;
use tokio::task::AbortHandle;

use super::model::Wish;
use super::news::News;
use crate::client::Client;
use crate::command::control::changed_text;

/// The pause between two looks at sweeps, workers and a job.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The pause before a coordinator that is away is asked again.
const PAUSE: Duration = Duration::from_secs(1);
/// Rests before curves are asked for: whoever goes down a list does not look at each.
const REST: Duration = Duration::from_millis(150);

/// The questions that are under way, as tasks of one [`tokio::task::LocalSet`].
pub struct Feed {
    client: Client,
    sender: Sender<News>,
    sweep: Option<AbortHandle>,
    job: Option<AbortHandle>,
    curves: Option<AbortHandle>,
}

impl Feed {
    /// Asks that coordinator from now on.
    pub fn new(client: Client, sender: Sender<News>) -> Self {
        let (asked, told) = (client.clone(), sender.clone());
        tokio::task::spawn_local(async move {
            loop {
                if let Some(sweeps) =
                    ask(&asked, &told, async || client::Client::sweeps(&asked).await).await
                {
                    let _ = told.send(News::Sweeps(sweeps)).await;
                }
                if let Some(workers) = ask(&asked, &told, async || asked.workers().await).await {
                    let _ = told.send(News::Workers(workers)).await;
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        });
        Self {
            client,
            sender,
            sweep: None,
            job: None,
            curves: None,
        }
    }

    /// Does what the model wishes.
    pub fn obey(&mut self, wishes: Vec<Wish>) {
        for wish in wishes {
            let (client, sender) = (self.client.clone(), self.sender.clone());
            match wish {
                Wish::Follow(sweep) => {
                    let task = tokio::task::spawn_local(async move {
                        tokio::join!(
                            follow(&client, &sender, &sweep),
                            claims(&client, &sender, &sweep)
                        );
                    });
                    replace(&mut self.sweep, Some(task.abort_handle()));
                }
                Wish::Look(None) => replace(&mut self.job, None),
                Wish::Look(Some(job)) => {
                    let task =
                        tokio::task::spawn_local(async move { look(&client, &sender, job).await });
                    replace(&mut self.job, Some(task.abort_handle()));
                }
                Wish::Curves(sweep, jobs) => {
                    let task = tokio::task::spawn_local(async move {
                        curves(&client, &sender, &sweep, jobs).await;
                    });
                    replace(&mut self.curves, Some(task.abort_handle()));
                }
                Wish::Control(control) => {
                    tokio::task::spawn_local(async move {
                        let text = done(&client, &control).await;
                        let _ = sender.send(News::Said(text)).await;
                    });
                }
                Wish::Drain(worker) => {
                    tokio::task::spawn_local(async move {
                        let text = match client.drain(&worker, "drained from top").await {
                            Ok(_) => format!("{worker} finishes what it has, and goes"),
                            Err(error) => client.failed(error).to_string(),
                        };
                        let _ = sender.send(News::Said(text)).await;
                    });
                }
            }
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        for task in [&mut self.sweep, &mut self.job, &mut self.curves] {
            replace(task, None);
        }
    }
}

fn replace(task: &mut Option<AbortHandle>, with: Option<AbortHandle>) {
    if let Some(before) = std::mem::replace(task, with) {
        before.abort();
    }
}

async fn done(client: &Client, control: &Control) -> String {
    match client.control(control).await {
        Ok(changed) => changed_text(changed, control.action),
        Err(error) => client.failed(error).to_string(),
    }
}

/// The answer, however long the coordinator is away; `None` where it refuses, which is said.
async fn ask<T>(
    client: &Client,
    sender: &Sender<News>,
    mut question: impl AsyncFnMut() -> Result<T, CallError>,
) -> Option<T> {
    let mut away = false;
    loop {
        match question().await {
            Ok(answer) => {
                if away {
                    let _ = sender.send(News::Here).await;
                }
                return Some(answer);
            }
            Err(CallError::Unreachable(cause) | CallError::Unavailable(cause)) => {
                away = true;
                let text = if client.has_ended() {
                    format!("{} ended", client.whom())
                } else {
                    format!(
                        "{} does not answer ({cause}): waiting for it",
                        client.whom()
                    )
                };
                let _ = sender.send(News::Away(text)).await;
            }
            Err(error) => {
                let _ = sender
                    .send(News::Said(client.failed(error).to_string()))
                    .await;
                return None;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The picture of a sweep, and what changes in it.
async fn follow(client: &Client, sender: &Sender<News>, sweep: &str) {
    loop {
        // Subscribe before looking: what changes in between is heard.
        let Some(mut changes) = ask(client, sender, async || {
            client.watch_after(sweep, None, true).await
        })
        .await
        else {
            return;
        };
        let Some(info) = ask(client, sender, async || {
            client::Client::sweep_info(client, sweep).await
        })
        .await
        else {
            return;
        };
        let Some((rows, mut seen)) =
            ask(client, sender, async || client.rows(sweep, &[]).await).await
        else {
            return;
        };
        if sender
            .send(News::Picture(Box::new(info), rows))
            .await
            .is_err()
        {
            return;
        }
        // Otherwise the whole picture again: after too many changes, and after a coordinator that was away.
        while let Ok(Some(WatchEvent::Change(change))) = changes.next().await {
            match changes.last() {
                Some(number) if number <= seen => continue,
                Some(number) => seen = number,
                None => {}
            }
            if sender.send(News::Change(Box::new(change))).await.is_err() {
                return;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Where the claims of a sweep stand, of one that has claims.
async fn claims(client: &Client, sender: &Sender<News>, sweep: &str) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let info = ask(client, sender, async || {
            client::Client::sweep_info(client, sweep).await
        });
        let Some(info) = info.await else { return };
        if info.claims.is_none() || sender.send(News::Claims(info.claims)).await.is_err() {
            return;
        }
    }
}

async fn look(client: &Client, sender: &Sender<News>, job: JobId) {
    loop {
        let Some(explanation) = ask(client, sender, async || client.explain(job).await).await
        else {
            return;
        };
        let Some(lines) = ask(client, sender, async || client.logs(job, None).await).await else {
            return;
        };
        let news = News::Job(job, Box::new(explanation), lines);
        if sender.send(news).await.is_err() {
            return;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn curves(client: &Client, sender: &Sender<News>, sweep: &str, jobs: Vec<JobId>) {
    tokio::time::sleep(REST).await;
    for job in jobs {
        let Some(cell) = ask(client, sender, async || client.cell_of(sweep, job).await).await
        else {
            return;
        };
        let Some(cell) = cell else { continue };
        let points = match &cell.record {
            Some(record) => record.outcome.curve.clone(),
            None => cell.live,
        };
        if sender.send(News::Curve(job, points)).await.is_err() {
            return;
        }
    }
}
