//! `gcl-sweep extract`: a folder of videos to a data set of features.

#[cfg(feature = "train")]
pub use real::extract;

/// A control plane computes nothing.
#[cfg(not(feature = "train"))]
pub fn extract(_: &crate::arguments::Extract) -> Result<(), crate::error::CommandError> {
    Err(crate::error::CommandError::Usage(
        "this build has no networks (it was made with --no-default-features)".into(),
    ))
}

#[cfg(feature = "train")]
mod real {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use extract::{Backbone, Broken, Event, ExtractError, Request, Sampling, Weights};

    use crate::arguments::{Extract, OnBroken};
    use crate::clock::Stopwatch;
    use crate::error::{CommandError, chain};
    use crate::interrupt;
    use crate::output::say;
    use crate::progress::clock;

    /// Extracts, or goes on where an earlier run stopped.
    pub fn extract(arguments: &Extract) -> Result<(), CommandError> {
        let request = request(arguments)?;
        let stop = Arc::new(AtomicBool::new(false));
        let summary = crate::command::runtime()?.block_on(async {
            let token = interrupt::token().map_err(|error| {
                CommandError::Other(format!("cannot listen for signals: {error}"))
            })?;
            let flag = stop.clone();
            tokio::spawn(async move {
                token.cancelled().await;
                say(
                    "stopping after the clips that are in work; the same command goes on from here",
                );
                flag.store(true, Ordering::Relaxed);
            });
            let work = tokio::task::spawn_blocking(move || {
                let mut progress = Progress {
                    watch: Stopwatch::start(),
                    done: 0,
                    videos: 0,
                    bytes_done: 0,
                    bytes: 0,
                };
                extract::run(&request, &mut |event| progress.hear(&event), &stop)
            });
            work.await
                .map_err(|error| CommandError::Other(format!("the extraction ended: {error}")))?
                .map_err(|error| failed(&error))
        })?;
        say(&format!(
            "{} videos extracted, {} were done before, {} segments in {}",
            summary.extracted,
            summary.reused,
            summary.segments,
            arguments.out.display()
        ));
        if !summary.complete {
            say("the lists are written when the other shares are done");
        }
        if summary.broken.is_empty() {
            return Ok(());
        }
        let mut text = format!(
            "{} videos could not be decoded and are left out:",
            summary.broken.len()
        );
        for (video, why) in summary.broken.iter().take(20) {
            text += &format!("\n  {video}: {why}");
        }
        Err(CommandError::JobsFailed(text))
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
            .map_err(|error| CommandError::Usage(chain(&error)))?;
        Ok(Request {
            videos: arguments.videos.clone(),
            out: arguments.out.clone(),
            sampling: Sampling {
                backbone,
                weights,
                ten_crops: arguments.ten_crops,
                drop_last: arguments.drop_last,
                half: arguments.f16,
            },
            list: arguments.list.clone(),
            name: arguments.name.clone(),
            source: arguments.source.clone(),
            licence: arguments.licence.clone(),
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

    fn failed(error: &ExtractError) -> CommandError {
        match error {
            ExtractError::Stopped => {
                CommandError::Interrupted("stopped: the same command goes on from here".into())
            }
            other => CommandError::Input(chain(other)),
        }
    }

    /// One line per video, with the time that is left by the bytes of the videos.
    struct Progress {
        watch: Stopwatch,
        done: usize,
        videos: usize,
        bytes_done: u64,
        bytes: u64,
    }

    impl Progress {
        fn hear(&mut self, event: &Event<'_>) {
            match event {
                Event::Start {
                    videos,
                    done,
                    bytes,
                    device,
                } => {
                    (self.videos, self.done, self.bytes) = (*videos, *done, *bytes);
                    say(&format!("{videos} videos, {done} done before, on {device}"));
                }
                Event::Segments { .. } => {}
                Event::Notice(text) => say(&format!("note: {text}")),
                Event::Done { video, bytes, .. } => self.ended(&format!("done    {video}"), *bytes),
                Event::Broken {
                    video,
                    error,
                    bytes,
                } => self.ended(&format!("broken  {video}: {error}"), *bytes),
            }
        }

        fn ended(&mut self, text: &str, bytes: u64) {
            self.done += 1;
            self.bytes_done += bytes;
            let elapsed = self.watch.elapsed();
            let left = if self.bytes_done == 0 {
                Duration::ZERO
            } else {
                elapsed.mul_f64(
                    self.bytes.saturating_sub(self.bytes_done) as f64 / self.bytes_done as f64,
                )
            };
            say(&format!(
                "[{}] {text} [{}/{}], about {} left",
                clock(elapsed),
                self.done,
                self.videos,
                clock(left)
            ));
        }
    }
}
