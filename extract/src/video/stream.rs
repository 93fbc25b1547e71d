//! The frames of one video, one after the other, from as many decoding processes as it takes.

use std::ffi::OsString;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::ffmpeg::{Decoder, Input, MOST_COMPLAINTS, Running, Streams};
use super::ppm::read_ppm;
use super::{Decoded, Frame, Video, child, video_fault};
use crate::error::ExtractError;

/// How often a decoder that somebody ended is started again for one video.
const MOST_RESTARTS: u32 = 2;
/// Who ends the decoder usually ends us: a batch system signals every process of a job. Our turn comes within so many looks.
const OUR_TURN: u32 = 100;
/// Between two looks whether we are told to stop.
const LOOK: Duration = Duration::from_millis(10);

/// The frames of one video.
pub(crate) struct FrameStream<'a> {
    decoder: &'a Decoder,
    video: Video,
    stop: &'a AtomicBool,
    /// Still to be started, last first.
    inputs: Vec<Input>,
    running: Option<Reading>,
    /// Frames handed over.
    frames: u64,
    complaints: String,
    restarts: u32,
    /// The second frame, read to see whether there is one.
    ahead: Option<Frame>,
    looked_ahead: bool,
    /// Which of the file's streams of pictures is read.
    stream: usize,
}

/// A process that is being read from.
struct Reading {
    running: Running,
    input: Input,
    /// Frames that it sent.
    count: u64,
    /// Frames that a process before it had sent already.
    skip: u64,
}

impl<'a> FrameStream<'a> {
    pub(crate) fn open(
        decoder: &'a Decoder,
        video: &Video,
        stop: &'a AtomicBool,
    ) -> Result<Self, ExtractError> {
        let path = &video.path;
        let mut inputs = if let Some(pictures) = &video.pictures {
            picture_runs(path, pictures)?
        } else {
            let data =
                std::fs::metadata(path).map_err(|source| ExtractError::file(path, source))?;
            if data.len() == 0 {
                return Err(video_fault(path, "is empty: it has 0 bytes"));
            }
            vec![file(path, 0)?]
        };
        inputs.reverse();
        Ok(Self {
            decoder,
            video: video.clone(),
            stop,
            inputs,
            running: None,
            frames: 0,
            complaints: video
                .pictures
                .as_deref()
                .and_then(|pictures| other_sizes(path, pictures))
                .unwrap_or_default(),
            restarts: 0,
            ahead: None,
            looked_ahead: video.pictures.is_some(),
            stream: 0,
        })
    }

    /// Reads the next frame into `frame`; false at the end.
    pub(crate) fn next(&mut self, frame: &mut Frame) -> Result<bool, ExtractError> {
        if let Some(mut ahead) = self.ahead.take() {
            std::mem::swap(frame, &mut ahead);
        } else if !self.read(frame)? {
            if self.frames == 0 {
                return Err(video_fault(&self.video.path, "has no frame"));
            }
            return Ok(false);
        } else if !self.looked_ahead {
            self.looked_ahead = true;
            let mut second = Frame::default();
            if self.read(&mut second)? {
                self.ahead = Some(second);
            } else if self.has_another_stream()? {
                self.looked_ahead = false;
                return self.next(frame);
            }
        }
        self.frames += 1;
        Ok(true)
    }

    /// What came, once [`FrameStream::next`] said that it was all.
    pub(crate) fn decoded(self) -> Decoded {
        Decoded {
            frames: self.frames,
            complaints: self.complaints,
        }
    }

    /// A file of one frame: a cover that is not marked as one beside the video itself, which is read then; or beside sound.
    fn has_another_stream(&mut self) -> Result<bool, ExtractError> {
        let streams = self.decoder.streams(&self.video.path)?;
        if self.stream + 1 < streams.pictures {
            self.stream += 1;
            self.inputs.push(file(&self.video.path, self.stream)?);
            return Ok(true);
        }
        let message = match streams {
            Streams { still: true, .. } => "a still picture",
            Streams { sound: true, .. } => "sound with one picture",
            _ => return Ok(false),
        };
        Err(ExtractError::NoPicture {
            path: self.video.path.clone(),
            message: message.to_owned(),
        })
    }

    fn read(&mut self, frame: &mut Frame) -> Result<bool, ExtractError> {
        loop {
            let reading = if let Some(reading) = &mut self.running {
                reading
            } else {
                let Some(input) = self.inputs.pop() else {
                    return Ok(false);
                };
                self.running.insert(Reading {
                    running: self.decoder.start(&input)?,
                    input,
                    count: 0,
                    skip: 0,
                })
            };
            let more = match &mut reading.running.stdout {
                Some(stdout) => read_ppm(stdout, frame),
                None => Ok(false),
            };
            match more {
                Ok(true) => {
                    reading.count += 1;
                    if reading.count > reading.skip {
                        return Ok(true);
                    }
                }
                Ok(false) => self.finish(None)?,
                Err(message) => self.finish(Some(message))?,
            }
        }
    }

    /// The process closed its output: it must have ended well.
    fn finish(&mut self, cut: Option<String>) -> Result<(), ExtractError> {
        let Some(Reading {
            mut running,
            input,
            count,
            skip,
        }) = self.running.take()
        else {
            return Ok(());
        };
        let path = &self.video.path;
        let (status, said) = running
            .end()
            .map_err(|source| ExtractError::file(path, source))?;
        let reason = reason(&said);
        if child::was_told_to_end(status) {
            self.wait_for_our_turn()?;
            if self.restarts < MOST_RESTARTS {
                // It decodes the same frames again; those that came are skipped.
                self.restarts += 1;
                let running = self.decoder.start(&input)?;
                self.running = Some(Reading {
                    running,
                    input,
                    count: 0,
                    skip: count.max(skip),
                });
                return Ok(());
            }
            if said.is_empty() {
                return Err(ExtractError::Ended {
                    path: path.clone(),
                    message: format!(
                        "something ended its ffmpeg {} times ({status}); is the memory full?",
                        MOST_RESTARTS + 1
                    ),
                });
            }
        }
        if !status.success() {
            if said.iter().any(|line| line.contains("matches no streams")) {
                return Err(ExtractError::NoPicture {
                    path: path.clone(),
                    message: "only sound, a cover or data".to_owned(),
                });
            }
            return Err(video_fault(
                path,
                format!("ffmpeg gave up after {count} frames ({status}){reason}"),
            ));
        }
        if let Some(cut) = cut {
            return Err(video_fault(
                path,
                format!("{cut} after {count} frames{reason}"),
            ));
        }
        if let Some(expected) = input.expected.filter(|expected| *expected != count) {
            return Err(video_fault(
                path,
                format!(
                    "{} of its images cannot be decoded{reason}",
                    expected.abs_diff(count)
                ),
            ));
        }
        if !said.is_empty() {
            self.complain(&said.join("; "));
        }
        Ok(())
    }

    /// Waits whether we are told to stop as well.
    fn wait_for_our_turn(&self) -> Result<(), ExtractError> {
        for _ in 0..OUR_TURN {
            if self.stop.load(Ordering::Relaxed) {
                return Err(ExtractError::Stopped);
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    fn complain(&mut self, text: &str) {
        if self.complaints.len() < MOST_COMPLAINTS {
            if !self.complaints.is_empty() {
                self.complaints.push_str("; ");
            }
            self.complaints.push_str(text);
        }
    }
}

/// What ffmpeg said, in a few words: the first line tells the cause (`moov atom not found`), the last what came of it.
fn reason(said: &[String]) -> String {
    match said {
        [] => String::new(),
        [one] => format!(": {one}"),
        [first, .., last] => format!(": {first}; {last}"),
    }
}

/// A stream of pictures of a file that is no cover.
fn file(path: &Path, stream: usize) -> Result<Input, ExtractError> {
    let absolute = std::path::absolute(path).map_err(|source| ExtractError::file(path, source))?;
    // `file:` keeps a name with a colon or a leading minus from meaning something else.
    let mut name = OsString::from("file:");
    name.push(absolute);
    Ok(Input {
        arguments: vec!["-i".into(), name],
        stream: format!("0:V:{stream}"),
        list: None,
        folder: None,
        expected: None,
    })
}

/// What is to be said of pictures that are of another size than the first: they are scaled to it. By their headers; what has
/// none that is understood, the decoder judges.
fn other_sizes(folder: &Path, pictures: &[Box<str>]) -> Option<String> {
    let size = |name: &str| imagesize::size(folder.join(name)).ok();
    let first = size(pictures.first()?)?;
    let others = pictures[1..].iter().filter_map(|name| size(name));
    let count = others.filter(|other| *other != first).count();
    (count > 0).then(|| {
        format!(
            "{count} of its pictures are of another size than the first, {}×{}: they were scaled to it",
            first.width, first.height
        )
    })
}

/// Pictures as one process per run of pictures of the same type: ffmpeg's list of files has one decoder.
fn picture_runs(folder: &Path, pictures: &[Box<str>]) -> Result<Vec<Input>, ExtractError> {
    let mut inputs: Vec<(String, Input)> = Vec::new();
    for name in pictures {
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let extension = extension.to_ascii_lowercase();
        if name.contains(['\n', '\r']) {
            let picture = folder.join(&**name);
            return Err(video_fault(
                &picture,
                "its name cannot be put in a list: rename it",
            ));
        }
        // The list's own quoting; a duration keeps its time stamps apart. Names are meant from the folder, whatever it is
        // called.
        let line = format!("file 'file:{}'\nduration 1\n", name.replace('\'', "'\\''"));
        if inputs.last().is_none_or(|(last, _)| *last != extension) {
            let arguments = ["-f", "concat", "-safe", "0", "-i", "pipe:0"];
            let input = Input {
                arguments: arguments.map(OsString::from).to_vec(),
                stream: "0:v:0".to_owned(),
                list: Some("ffconcat version 1.0\n".to_owned()),
                folder: Some(folder.to_owned()),
                expected: Some(0),
            };
            inputs.push((extension, input));
        }
        if let Some((_, input)) = inputs.last_mut() {
            input.list.get_or_insert_default().push_str(&line);
            *input.expected.get_or_insert_default() += 1;
        }
    }
    Ok(inputs.into_iter().map(|(_, input)| input).collect())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A decoder that is a script of ours, and a video for it.
    fn played_by(script: &str) -> (tempfile::TempDir, Decoder, Video) {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("ffmpeg");
        let version = "[ \"$1\" = -version ] && echo 'ffmpeg version 9.9' && exit 0";
        let mark = folder.path().join("mark");
        let script = format!(
            "#!/bin/sh\n{version}\nMARK='{}'\n{script}\n",
            mark.display()
        );
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = folder.path().join("a.mp4");
        std::fs::write(&path, "a").unwrap();
        let decoder = loop {
            match Decoder::find(Some(&program), 1) {
                // A test beside this one forked while the script was open for writing.
                Err(ExtractError::Decoder { source, .. })
                    if source.raw_os_error() == Some(nix::libc::ETXTBSY) => {}
                found => break found.unwrap(),
            }
        };
        (folder, decoder, Video::file("a", path))
    }

    const FRAMES: &str = "printf 'P6\\n1 1\\n255\\nabcP6\\n1 1\\n255\\ndef'";

    /// The pixels of all frames.
    fn pixels(decoder: &Decoder, video: &Video, stop: bool) -> Result<String, ExtractError> {
        let stop = AtomicBool::new(stop);
        let mut stream = FrameStream::open(decoder, video, &stop)?;
        let (mut frame, mut pixels) = (Frame::default(), Vec::new());
        while stream.next(&mut frame)? {
            pixels.extend_from_slice(&frame.pixels);
        }
        Ok(String::from_utf8(pixels).unwrap())
    }

    #[test]
    fn a_decoder_that_somebody_ended_is_started_again_and_no_frame_comes_twice() {
        let script = format!(
            "{FRAMES}; mkdir \"$MARK\" 2> /dev/null && kill -TERM $$; printf 'P6\\n1 1\\n255\\nghi'"
        );
        let (_folder, decoder, video) = played_by(&script);
        assert_eq!(pixels(&decoder, &video, false).unwrap(), "abcdefghi");
    }

    #[test]
    fn a_decoder_that_was_told_with_us_blames_no_video() {
        // No SIGINT: where the tests run in the background of a script it is ignored, and so by what they start.
        for script in ["kill -TERM $$", "exit 255", "kill -KILL $$"] {
            let (_folder, decoder, video) = played_by(&format!("{FRAMES}; {script}"));
            let error = pixels(&decoder, &video, true).unwrap_err();
            assert!(matches!(error, ExtractError::Stopped), "{script}: {error}");
        }
        // What a video does to its decoder is the video's fault.
        let (_folder, decoder, video) = played_by(&format!("{FRAMES}; kill -SEGV $$"));
        let error = pixels(&decoder, &video, true).unwrap_err();
        assert!(matches!(error, ExtractError::Video { .. }), "{error}");
    }

    #[test]
    fn sound_with_a_picture_is_no_video() {
        let sound = "case \"$*\" in *-map*) printf 'P6\\n1 1\\n255\\nabc';; \
             *) echo '  Stream #0:0: Video: mjpeg' >&2; echo '  Stream #0:1: Audio: aac' >&2; exit 1;; esac";
        let none = "echo \"Stream map '0:V:0' matches no streams.\" >&2; exit 1";
        for script in [sound, none] {
            let (_folder, decoder, video) = played_by(script);
            let error = pixels(&decoder, &video, false).unwrap_err();
            assert!(matches!(error, ExtractError::NoPicture { .. }), "{error}");
            assert!(error.to_string().contains(crate::NO_PICTURE), "{error}");
        }
        // A cover that nobody marked, before the video.
        let cover = "case \"$*\" in *0:V:0*) printf 'P6\\n1 1\\n255\\nxxx';; *-map*) ";
        let two = ";; *) echo '  Stream #0:0: Video: mjpeg' >&2; echo '  Stream #0:1: Video: h264' >&2; exit 1;; esac";
        let (_folder, decoder, video) = played_by(&format!("{cover}{FRAMES}{two}"));
        assert_eq!(pixels(&decoder, &video, false).unwrap(), "abcdef");
    }

    #[test]
    fn an_empty_file_is_said_to_be_empty() {
        let (_folder, decoder, video) = played_by(FRAMES);
        std::fs::write(&video.path, "").unwrap();
        let error = pixels(&decoder, &video, false).unwrap_err().to_string();
        assert!(
            error.ends_with("a.mp4: is empty: it has 0 bytes"),
            "{error}"
        );
    }
}
