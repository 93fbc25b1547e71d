//! What was asked for, and its extraction on this machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use extract::{Backbone, Broken, Request, Sampling, Summary, Weights};
use proto::error_chain;

use super::failure::failed;
use super::progress::Progress;
use super::{cluster, lists};
use crate::arguments::{Extract, OnBroken};
use crate::error::CommandError;
use crate::interrupt;
use crate::output::counted;
use crate::output::say;

/// Extracts, or goes on where an earlier run stopped.
pub fn extract(arguments: &Extract) -> Result<(), CommandError> {
    let request = request(arguments)?;
    let summary = match &arguments.cluster.coordinator {
        Some(url) => cluster::extract(&arguments.cluster, url, &request)?,
        None => here(request)?,
    };
    say(&format!(
        "{} extracted, {} were done before, {} in {}",
        counted(summary.extracted, "video"),
        summary.reused,
        counted(summary.segments, "segment"),
        arguments.out.display()
    ));
    for line in &summary.account {
        say(line);
    }
    if !summary.complete {
        say("the lists are written when every video was tried");
    }
    let mut text = String::new();
    for (what, videos) in [
        ("could not be decoded: left out", &summary.broken),
        (
            "not extracted, and tried again by the same command",
            &summary.ended,
        ),
    ] {
        if videos.is_empty() {
            continue;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text += &format!("{} {what}:", counted(videos.len(), "video"));
        for (video, why) in videos.iter().take(20) {
            text += &format!("\n  {video}: {why}");
        }
    }
    if text.is_empty() {
        Ok(())
    } else {
        Err(CommandError::JobsFailed(text))
    }
}

fn here(request: Request) -> Result<Summary, CommandError> {
    let stop = Arc::new(AtomicBool::new(false));
    crate::command::runtime()?.block_on(async {
        let token = interrupt::token()
            .map_err(|error| CommandError::Other(format!("cannot listen for signals: {error}")))?;
        let flag = stop.clone();
        tokio::spawn(async move {
            token.cancelled().await;
            say("stopping after the clips that are in work; the same command goes on from here");
            flag.store(true, Ordering::Relaxed);
        });
        let work = tokio::task::spawn_blocking(move || {
            let mut progress = Progress::start();
            extract::run(&request, &mut |event| progress.hear(&event), &stop)
        });
        work.await
            .map_err(|error| CommandError::Other(format!("the extraction ended: {error}")))?
            .map_err(|error| failed(&error))
    })
}

fn request(arguments: &Extract) -> Result<Request, CommandError> {
    let names = || Backbone::ALL.map(|(name, _)| name).join(", ");
    let backbone = Backbone::from_name(&arguments.backbone).ok_or_else(|| {
        CommandError::Usage(format!(
            "there is no backbone `{}`; one of: {}",
            arguments.backbone,
            names()
        ))
    })?;
    let weights = Weights::parse(&arguments.weights)
        .map_err(|error| CommandError::Usage(error_chain(&error)))?;
    let splits = lists::splits(&arguments.splits, &arguments.videos)?;
    let text =
        |given: &Option<String>, usual: &str| given.clone().unwrap_or_else(|| usual.to_owned());
    Ok(Request {
        videos: arguments.videos.clone(),
        // A link may lead to a folder that is made yet.
        out: durable::behind_links(&arguments.out)
            .map_err(|error| CommandError::io("make the folder", &arguments.out, &error))?,
        sampling: Sampling {
            backbone,
            weights,
            ten_crops: arguments.ten_crops,
            drop_last: arguments.drop_last,
            half: arguments.f16,
        },
        splits: splits.splits,
        name: arguments.name.clone(),
        source: text(&arguments.source, splits.source),
        licence: text(&arguments.licence, splits.licence),
        notes: splits.notes,
        device: arguments.device.clone(),
        threads: arguments.threads,
        batch: arguments.batch,
        broken: if arguments.on_broken == OnBroken::Stop {
            Broken::Stop
        } else {
            Broken::Skip
        },
        share: arguments.share,
        ffmpeg: arguments.ffmpeg.clone(),
        decode_threads: arguments.decode_threads,
    })
}
