//! A folder of videos to a data set's folder, video by video, on this machine.

use std::sync::atomic::AtomicBool;

use crate::device::Device;
use crate::error::ExtractError;
use crate::folder::{Folder, Provenance};
use crate::list::Listed;
use crate::pipeline::{self, Step, Task};
use crate::progress::{Event, Summary};
use crate::request::{Broken, Request};
use crate::video::{Decoder, size};

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
        let provenance = Provenance {
            device: extractor.device(),
            ffmpeg: decoder.version().to_owned(),
        };
        progress(Event::Start {
            videos: share.len(),
            done: done.len(),
            bytes: todo.iter().map(|listed| size(&listed.video)).sum(),
            device: &provenance.device,
        });
        let tasks: Vec<Task> = todo
            .iter()
            .map(|listed| Task {
                video: listed.video.clone(),
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
                    folder.done(todo[index], &extracted, &provenance, progress)?;
                    summary.extracted += 1;
                }
                // No record: the next run tries it again.
                Err(ExtractError::Ended { path, message }) => {
                    let name = &todo[index].video.name;
                    progress(Event::Ended {
                        video: name,
                        why: &message,
                        bytes: size(&todo[index].video),
                    });
                    let text = format!("{}: {message}", path.display());
                    summary.ended.push((name.clone(), text));
                }
                Err(error) => {
                    let text = error.to_string();
                    let blamed = folder.blames(&text);
                    if blamed && request.broken == Broken::Stop {
                        return Err(error);
                    }
                    folder.broken(todo[index], &text, &provenance, progress)?;
                    if blamed {
                        summary.broken.push((todo[index].video.name.clone(), text));
                    }
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
