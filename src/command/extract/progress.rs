//! One line per video, with the time that is left by the bytes of the videos.

use std::time::Duration;

use extract::Event;

use crate::clock::Stopwatch;
use crate::output::counted;
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
                say(&format!(
                    "{}, {done} done before, on {device}",
                    counted(videos, "video")
                ));
            }
            Event::Segments { .. } => {}
            Event::Notice(text) => say(&format!("note: {text}")),
            Event::Done { video, bytes, .. } => {
                self.bytes_done += bytes;
                self.end(&format!("done    {video}"));
            }
            Event::Broken {
                video,
                error,
                bytes,
            } => {
                // A broken one says nothing of how long the others take.
                self.bytes = self.bytes.saturating_sub(*bytes);
                self.end(&format!("broken  {video}: {error}"));
            }
            Event::NoVideo { video, why, bytes } => {
                self.bytes = self.bytes.saturating_sub(*bytes);
                self.end(&format!("no video {video}: {why}"));
            }
            Event::Ended { video, why, bytes } => {
                self.bytes = self.bytes.saturating_sub(*bytes);
                self.end(&format!("ended   {video}: {why}"));
            }
        }
    }

    fn end(&mut self, text: &str) {
        self.ended += 1;
        let elapsed = self.watch.elapsed();
        let left = remaining(elapsed, self.bytes_done, self.bytes)
            .map_or_else(String::new, |left| format!(", about {} left", clock(left)));
        say(&format!(
            "[{}] {text} [{}/{}]{left}",
            clock(elapsed),
            self.ended,
            self.videos
        ));
    }
}

/// The time that is left at the speed so far; nothing before anything is done.
fn remaining(elapsed: Duration, done: u64, bytes: u64) -> Option<Duration> {
    (done > 0).then(|| elapsed.mul_f64(bytes.saturating_sub(done) as f64 / done as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_follows_the_bytes() {
        let second = Duration::from_secs(1);
        assert_eq!(remaining(second, 0, 10), None);
        assert_eq!(remaining(second, 2, 10), Some(4 * second));
        assert_eq!(remaining(second, 10, 10), Some(Duration::ZERO));
        assert_eq!(remaining(second, 11, 10), Some(Duration::ZERO));
    }
}
