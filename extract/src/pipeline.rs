//! Decoding beside computing: one thread decodes video after video, this one feeds the network. Between them wait a few
//! clips, never a whole video.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use crate::clip::Clip;
use crate::error::ExtractError;
use crate::extractor::Extractor;
use crate::files::NpyWriter;
use crate::request::Sampling;
use crate::video::{Decoded, Decoder, Frame, FrameStream, Segments, Video};

/// A video and its features file.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) video: Video,
    pub(crate) features: PathBuf,
}

/// What became of a video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extracted {
    /// Its frames.
    pub frames: u64,
    /// Its segments: rows of the features file.
    pub segments: u64,
    /// What the decoder complained about though it decoded; empty when nothing.
    pub complaints: String,
    /// BLAKE3 of the stored values.
    pub digest: String,
}

/// Sent by the decoding thread.
enum Message {
    /// The clips of one segment, one per crop.
    Segment(Vec<Clip>),
    /// The video is over.
    End(Result<Decoded, ExtractError>),
}

/// Told while a video is in work: its number, and segments so far; then its end.
pub(crate) enum Step {
    Segments(usize, u64),
    End(usize, Result<Extracted, ExtractError>),
}

/// Runs all tasks in order. `each` may end the run with an error.
pub(crate) fn run(
    extractor: &Extractor,
    decoder: &Decoder,
    sampling: &Sampling,
    batch: usize,
    tasks: &[Task],
    stop: &AtomicBool,
    each: &mut dyn FnMut(Step) -> Result<(), ExtractError>,
) -> Result<(), ExtractError> {
    let batch = extractor.whole_lots(batch);
    // Decoding may be two batches ahead; a clip has 0.6 MB.
    let per_segment = sampling.crops().count();
    let (sender, receiver) = sync_channel((2 * batch).div_ceil(per_segment));
    std::thread::scope(|scope| {
        scope.spawn(move || decode(decoder, sampling, tasks, stop, &sender));
        // Moved in, so that an early end closes the channel and the decoding thread stops.
        let receiver = receiver;
        for (index, task) in tasks.iter().enumerate() {
            let extracted = compute(
                extractor,
                sampling,
                batch,
                task,
                stop,
                &receiver,
                &mut |segments| each(Step::Segments(index, segments)),
            );
            match extracted {
                // The video's own fault; what is not, ends the run.
                Err(error) if error.is_of_one_video() => {
                    each(Step::End(index, Err(error)))?;
                }
                Err(ExtractError::File { path, source }) if path == task.video.path => {
                    each(Step::End(index, Err(ExtractError::File { path, source })))?;
                }
                Err(error) => return Err(error),
                Ok(extracted) => each(Step::End(index, Ok(extracted)))?,
            }
        }
        Ok(())
    })
}

fn decode(
    decoder: &Decoder,
    sampling: &Sampling,
    tasks: &[Task],
    stop: &AtomicBool,
    sender: &SyncSender<Message>,
) {
    for task in tasks {
        let decoded = decode_one(decoder, sampling, &task.video, stop, sender);
        // Nobody listens any more: the run is over.
        let stopped = matches!(decoded, Err(ExtractError::Stopped));
        if sender.send(Message::End(decoded)).is_err() || stopped {
            return;
        }
    }
}

fn decode_one(
    decoder: &Decoder,
    sampling: &Sampling,
    video: &Video,
    stop: &AtomicBool,
    sender: &SyncSender<Message>,
) -> Result<Decoded, ExtractError> {
    let mut stream = FrameStream::open(decoder, video, stop)?;
    let mut segments = Segments::new(sampling.crops(), sampling.drop_last);
    let mut frame = Frame::default();
    let send = |clips| {
        sender
            .send(Message::Segment(clips))
            .map_err(|_| ExtractError::Stopped)
    };
    while stream.next(&mut frame)? {
        if stop.load(Ordering::Relaxed) {
            return Err(ExtractError::Stopped);
        }
        if let Some(clips) = segments.push(&frame, &video.path)? {
            send(clips)?;
        }
    }
    if let Some(clips) = segments.finish() {
        send(clips)?;
    }
    Ok(stream.decoded())
}

fn compute(
    extractor: &Extractor,
    sampling: &Sampling,
    batch: usize,
    task: &Task,
    stop: &AtomicBool,
    receiver: &Receiver<Message>,
    each: &mut dyn FnMut(u64) -> Result<(), ExtractError>,
) -> Result<Extracted, ExtractError> {
    let crops = sampling.crops().count();
    let dimension = sampling.backbone.dimension();
    let mut writer = None;
    let mut waiting: Vec<Clip> = Vec::new();
    let mut rows = 0;
    let mut flush = |clips: &[Clip], rows: &mut u64| {
        if stop.load(Ordering::Relaxed) {
            return Err(ExtractError::Stopped);
        }
        let writer = match &mut writer {
            Some(writer) => writer,
            None => writer.insert(NpyWriter::create(
                &task.features,
                dimension,
                crops,
                sampling.half,
            )?),
        };
        for row in extractor.features(clips)? {
            writer.push(&row)?;
            *rows += 1;
        }
        each(*rows / crops as u64)
    };
    let decoded = loop {
        match receiver.recv() {
            Ok(Message::Segment(clips)) => {
                waiting.extend(clips);
                while waiting.len() >= batch {
                    let rest = waiting.split_off(batch);
                    flush(&waiting, &mut rows)?;
                    waiting = rest;
                }
            }
            Ok(Message::End(decoded)) => break decoded?,
            Err(_) => return Err(ExtractError::Stopped),
        }
    };
    if !waiting.is_empty() {
        flush(&waiting, &mut rows)?;
    }
    let writer =
        writer.ok_or_else(|| crate::video::video_fault(&task.video.path, "has no frame"))?;
    let (segments, digest) = writer.finish()?;
    Ok(Extracted {
        frames: decoded.frames,
        segments: segments as u64,
        complaints: decoded.complaints,
        digest,
    })
}

/// What a video is extracted with.
#[derive(Clone, Copy)]
pub struct Tools<'a> {
    /// The network.
    pub extractor: &'a Extractor,
    /// The decoder.
    pub decoder: &'a Decoder,
    /// How a video becomes rows of features.
    pub sampling: &'a Sampling,
    /// Clips that the network sees at once.
    pub batch: usize,
}

/// One video to one features file: what a job of a cluster does. `each` hears of segments as they are done.
pub fn extract_video(
    tools: Tools<'_>,
    video: &Video,
    features: &Path,
    stop: &AtomicBool,
    each: &mut dyn FnMut(u64),
) -> Result<Extracted, ExtractError> {
    let task = Task {
        video: video.clone(),
        features: features.to_owned(),
    };
    let mut result = Err(ExtractError::Stopped);
    run(
        tools.extractor,
        tools.decoder,
        tools.sampling,
        tools.batch.max(1),
        &[task],
        stop,
        &mut |step| {
            match step {
                Step::Segments(_, segments) => each(segments),
                Step::End(_, extracted) => result = extracted,
            }
            Ok(())
        },
    )?;
    result
}
