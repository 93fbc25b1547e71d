//! The first look at all numbers of a data set: whether they are finite, and their digest.
//!
//! The digest is one hash over all features in their order, so one thread makes it. The others read ahead of it: what the hash
//! needs next was brought from the disk and looked at before. The answer does not depend on their number.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use sweeps::Digest;

use crate::digest::FeaturesHasher;
use crate::features::Features;

/// Threads that read: more do not make a disk faster.
const MOST_READERS: usize = 8;
/// Videos that a reader may be ahead of the hash: further, and the page cache of a small machine lets go of them before their turn.
const AHEAD: usize = 4;

/// What was seen.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Scan {
    /// Of the features of all videos.
    pub(crate) digest: Digest,
    /// Per video what is wrong with its numbers: its first one that is NaN or infinite.
    pub(crate) faults: Vec<Option<String>>,
}

/// Looks at all videos on this thread and others.
pub(crate) fn scan(videos: &[&Features]) -> Scan {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    scan_with(videos, (threads - 1).clamp(1, MOST_READERS))
}

fn scan_with(videos: &[&Features], readers: usize) -> Scan {
    let next = AtomicUsize::new(0);
    let (tell, told) = sync_channel(AHEAD * readers);
    thread::scope(|scope| {
        for _ in 0..readers.min(videos.len()) {
            let (next, tell) = (&next, tell.clone());
            // A system without threads to give is slower, and no error.
            let _ = thread::Builder::new()
                .name("datasets-read".to_owned())
                .spawn_scoped(scope, move || read(videos, next, &tell));
        }
        drop(tell);
        hash(videos, &told)
    })
}

/// Looks at videos until none is left.
fn read(videos: &[&Features], next: &AtomicUsize, tell: &SyncSender<(usize, Option<String>)>) {
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        let Some(video) = videos.get(index) else {
            return;
        };
        if tell.send((index, look(video))).is_err() {
            return;
        }
    }
}

/// What is wrong with the numbers of a video.
fn look(video: &Features) -> Option<String> {
    let video = match video.held() {
        Ok(video) => video,
        Err(what) => return Some(what),
    };
    video.will_be_read();
    let segment = video.first_not_finite()?;
    Some(format!(
        "has a number that is NaN or infinite in segment {segment}"
    ))
}

/// Hashes the videos in their order, each when it was looked at.
fn hash(videos: &[&Features], told: &Receiver<(usize, Option<String>)>) -> Scan {
    let mut hasher = FeaturesHasher::default();
    let mut looked: Vec<Option<Option<String>>> = vec![None; videos.len()];
    for (index, video) in videos.iter().enumerate() {
        while looked[index].is_none() {
            match told.recv() {
                Ok((index, found)) => looked[index] = Some(found),
                // No reader is left, and none took it.
                Err(_) => looked[index] = Some(look(video)),
            }
        }
        match video.held() {
            Ok(video) => hasher.add(&video),
            Err(what) => looked[index] = Some(Some(what)),
        }
    }
    Scan {
        digest: hasher.digest(),
        faults: looked.into_iter().map(Option::flatten).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_readers_sees_the_same() {
        let made: Vec<Features> = (0..40_usize)
            .map(|video| {
                let mut values: Vec<f32> = (0..(1 + video % 5) * 6).map(|x| x as f32).collect();
                if video % 7 == 3 {
                    values[5] = f32::NAN;
                }
                Features::made(values, 3)
            })
            .collect();
        let videos: Vec<&Features> = made.iter().collect();
        let alone = scan_with(&videos, 0);
        for readers in [1, 2, 9, 100] {
            assert_eq!(scan_with(&videos, readers), alone, "{readers}");
        }
        let faults = alone.faults.iter().flatten();
        let second = faults.filter(|fault| fault.ends_with("infinite in segment 1"));
        assert_eq!(second.count(), 6);
        assert!(scan(&[]).faults.is_empty());
    }
}
