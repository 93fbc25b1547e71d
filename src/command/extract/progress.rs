//! One line per video, with the time that is left by the bytes of the videos.

use std::time::Duration;

use extract::Event;

use crate::clock::Stopwatch;
use crate::output::say;
use crate::progress::clock;

/// How far an extraction is.
pub(super) struct Progress {
    watch: Stopwatch,
    /// Videos that ended before, or in this run.
    ended: usize,
    videos: usize,
    bytes_done: u64,
    bytes: u64,
}

impl Progress {
    pub(super) fn start() -> Self {
        Self {
            watch: Stopwatch::start(),
            ended: 0,
            videos: 0,
            bytes_done: 0,
            bytes: 0,
        }
    }

    pub(super) fn hear(&mut self, event: &Event<'_>) {
        match event {
            Event::Start {
                videos,
                done,
                bytes,
                device,
            } => {
                (self.videos, self.ended, self.bytes) = (*videos, *done, *bytes);
                say(&format!("{videos} videos, {done} done before, on {device}"));
            }
            Event::Segments { .. } => {}
            Event::Notice(text) => say(&format!("note: {text}")),
            Event::Done { video, bytes, .. } => self.end(&format!("done    {video}"), *bytes),
            Event::Broken {
                video,
                error,
                bytes,
            } => self.end(&format!("broken  {video}: {error}"), *bytes),
        }
    }

    fn end(&mut self, text: &str, bytes: u64) {
        self.ended += 1;
        self.bytes_done += bytes;
        let elapsed = self.watch.elapsed();
        let left = if self.bytes_done == 0 {
            Duration::ZERO
        } else {
            let rest = self.bytes.saturating_sub(self.bytes_done);
            elapsed.mul_f64(rest as f64 / self.bytes_done as f64)
        };
        say(&format!(
            "[{}] {text} [{}/{}], about {} left",
            clock(elapsed),
            self.ended,
            self.videos,
            clock(left)
        ));
    }
}
