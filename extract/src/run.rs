//! A folder of videos to a data set's folder, video by video, on this machine.

use std::sync::atomic::AtomicBool;

use crate::device::Device;
use crate::error::ExtractError;
use crate::folder::{Folder, Maker, size};
use crate::list::Listed;
use crate::pipeline::{self, Extracted, Step, Task};
use crate::request::{Broken, Request};
use crate::video::Decoder;

/// What happens, for progress bars and logs.
#[derive(Debug)]
pub enum Event<'a> {
    /// Once, before the first video. `bytes` is the size of the videos still to do, which come in as they end.
    Start {
        /// Videos of this process's share.
        videos: usize,
        /// Those that are done already.
        done: usize,
        /// Bytes of the others.
        bytes: u64,
        /// Where the network runs.
        device: &'a str,
    },
    /// A video is in work.
    Segments {
        /// Its name.
        video: &'a str,
        /// Segments so far.
        segments: u64,
    },
    /// A video is done.
    Done {
        /// Its name.
        video: &'a str,
        /// What came of it.
        extracted: &'a Extracted,
        /// Its size.
        bytes: u64,
    },
    /// A video could not be decoded and is left out.
    Broken {
        /// Its name.
        video: &'a str,
        /// Why.
        error: &'a str,
        /// Its size.
        bytes: u64,
    },
    /// Something that a person should know.
    Notice(String),
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// Videos that this run extracted.
    pub extracted: usize,
    /// Videos that were done already.
    pub reused: usize,
    /// Videos that are left out, with the reason.
    pub broken: Vec<(String, String)>,
    /// Segments of all videos of the data set that are done.
    pub segments: u64,
    /// Whether the lists are written; not while other shares are still at work.
    pub complete: bool,
}

/// Extracts, or goes on where an earlier run stopped.
pub fn run(
    request: &Request,
    progress: &mut dyn FnMut(Event<'_>),
    stop: &AtomicBool,
) -> Result<Summary, ExtractError> {
    let (first, step) = request.share;
    if step == 0 || first >= step {
        return Err(ExtractError::Request(format!(
            "there is no share {first} of {step}; they count from 0"
        )));
    }
    if request.batch == 0 {
        return Err(ExtractError::Request("a batch of no clips".to_owned()));
    }
    let decoder = Decoder::find(request.ffmpeg.as_deref(), request.decode_threads)?;
    let folder = Folder::open(request, progress)?;
    let share: Vec<&Listed> = folder.videos().iter().skip(first).step_by(step).collect();
    let (done, todo): (Vec<&Listed>, Vec<&Listed>) =
        share.iter().partition(|listed| folder.is_done(listed));
    let mut summary = Summary {
        reused: done.len(),
        ..Summary::default()
    };
    if !todo.is_empty() {
        let device = Device::open(&request.device, request.threads)?;
        let extractor = request.sampling.load(&device)?;
        folder.begin()?;
        let maker = Maker {
            device: extractor.device(),
            ffmpeg: decoder.version().to_owned(),
        };
        progress(Event::Start {
            videos: share.len(),
            done: done.len(),
            bytes: todo.iter().map(|listed| size(&listed.video.path)).sum(),
            device: &maker.device,
        });
        let tasks: Vec<Task> = todo
            .iter()
            .map(|listed| Task {
                video: listed.video.path.clone(),
                features: folder.features(listed),
            })
            .collect();
        let mut each = |step: Step| {
            let (index, result) = match step {
                Step::Segments(index, segments) => {
                    let video = &todo[index].video.name;
                    progress(Event::Segments { video, segments });
                    return Ok(());
                }
                Step::End(index, result) => (index, result),
            };
            match result {
                Ok(extracted) => {
                    folder.done(todo[index], &extracted, &maker, progress)?;
                    summary.extracted += 1;
                }
                Err(error) if request.broken == Broken::Stop => return Err(error),
                Err(error) => {
                    folder.broken(todo[index], &error.to_string(), &maker, progress)?;
                    let name = todo[index].video.name.clone();
                    summary.broken.push((name, error.to_string()));
                }
            }
            Ok(())
        };
        pipeline::run(
            &extractor,
            &decoder,
            &request.sampling,
            request.batch,
            &tasks,
            stop,
            &mut each,
        )?;
    }
    folder.assemble(progress, &mut summary)?;
    Ok(summary)
}
