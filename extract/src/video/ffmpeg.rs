//! Decoding by ffmpeg as a piped process.
//!
//! Every frame comes once, whatever its time stamp says (`-fps_mode passthrough`), turned as its rotation says, in ffmpeg's
//! own conversion to RGB. The pipe carries PPM images, whose header states the size of each frame, so nothing has to be
//! asked of the file beforehand.

use std::ffi::OsString;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::thread::JoinHandle;

use super::child;
use crate::error::ExtractError;

/// Bytes of a decoder's complaints that are kept.
pub(super) const MOST_COMPLAINTS: usize = 4096;

/// What keeps a playlist from making it read the network.
const PROTOCOLS: [&str; 2] = ["-protocol_whitelist", "file,pipe,crypto,data"];
/// How often a question is asked that somebody ended the decoder over.
const MOST_ASKED: usize = 3;

/// The decoder program.
#[derive(Debug, Clone)]
pub struct Decoder {
    program: PathBuf,
    /// First line of `ffmpeg -version`.
    version: String,
    /// Threads of one decoding process.
    threads: usize,
}

impl Decoder {
    /// Looks for ffmpeg: `program`, or `ffmpeg` in the search path.
    pub fn find(program: Option<&Path>, threads: usize) -> Result<Self, ExtractError> {
        let mut program = program.unwrap_or(Path::new("ffmpeg")).to_owned();
        // A path, which means the same file from every folder.
        if program.components().count() > 1
            && let Ok(absolute) = std::path::absolute(&program)
        {
            program = absolute;
        }
        let output = ask(&program, &["-version".into()])?;
        let text = String::from_utf8_lossy(&output.stdout);
        let version: String = text
            .lines()
            .next()
            .unwrap_or_default()
            .chars()
            .take(80)
            .collect();
        let number = version.strip_prefix("ffmpeg version ").ok_or_else(|| {
            ExtractError::Request(format!(
                "{} is not ffmpeg: it says `{version}`",
                program.display()
            ))
        })?;
        // Builds from git have names without a number; they are newer.
        let numbers: Vec<u32> = number
            .trim_start_matches('n')
            .split(|letter: char| !letter.is_ascii_digit())
            .take(2)
            .map_while(|part| part.parse().ok())
            .collect();
        if let [major, minor, ..] = numbers[..]
            && (major, minor) < (5, 1)
        {
            return Err(ExtractError::Request(format!(
                "{} is {version}; 5.1 or newer is needed, for `-fps_mode passthrough`",
                program.display()
            )));
        }
        Ok(Self {
            program,
            version: number.split(' ').next().unwrap_or_default().to_owned(),
            threads,
        })
    }

    /// The version, as recorded with the features.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The streams of a file.
    pub(super) fn streams(&self, path: &Path) -> Result<Streams, ExtractError> {
        let absolute =
            std::path::absolute(path).map_err(|source| ExtractError::file(path, source))?;
        let mut name = OsString::from("file:");
        name.push(absolute);
        let mut arguments = vec!["-nostdin".into(), "-hide_banner".into()];
        arguments.extend(PROTOCOLS.map(OsString::from));
        arguments.extend(["-i".into(), name]);
        // It ends with a fault, since it was asked for no output.
        let said = ask(&self.program, &arguments)?.stderr;
        Ok(Streams::of(&String::from_utf8_lossy(&said)))
    }

    pub(super) fn start(&self, input: &Input) -> Result<Running, ExtractError> {
        let mut command = Command::new(&self.program);
        command.args(["-nostdin", "-hide_banner", "-v", "error", "-threads"]);
        command.arg(self.threads.max(1).to_string());
        command.args(PROTOCOLS);
        command.args(&input.arguments);
        command.args(["-map", &input.stream, "-fps_mode", "passthrough"]);
        command.args(["-an", "-sn", "-dn"]);
        if let Some(folder) = &input.folder {
            command.current_dir(folder);
        }
        if input.list.is_some() {
            // Images may differ in size; a video that changes its size is scaled to its first frame.
            command.args(["-autoscale", "0"]);
        }
        command.args(["-pix_fmt", "rgb24", "-f", "image2pipe", "-c:v", "ppm", "-"]);
        command.stdin(if input.list.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        });
        let mut child = child::keep_apart(&mut command)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| ExtractError::Decoder {
                program: self.program.clone(),
                source,
            })?;
        let writer = match (child.stdin.take(), input.list.clone()) {
            (Some(mut stdin), Some(list)) => Some(std::thread::spawn(move || {
                // A decoder that died says so itself.
                let _ = std::io::Write::write_all(&mut stdin, list.as_bytes());
            })),
            _ => None,
        };
        let stderr = child.stderr.take();
        let complaints = std::thread::spawn(move || stderr.map(keep_start).unwrap_or_default());
        let stdout = child
            .stdout
            .take()
            .map(|stdout| BufReader::with_capacity(1 << 18, stdout));
        Ok(Running {
            child,
            stdout,
            complaints: Some(complaints),
            writer,
        })
    }
}

/// Reads everything, keeps the start: a decoder that complains without end must neither block nor fill the memory.
fn keep_start(mut from: impl Read) -> String {
    let mut kept = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let room = MOST_COMPLAINTS.saturating_sub(kept.len());
        kept.extend_from_slice(&buffer[..count.min(room)]);
    }
    if kept.len() >= MOST_COMPLAINTS {
        // The last line is cut.
        let lines = kept.iter().rposition(|byte| *byte == b'\n');
        kept.truncate(lines.unwrap_or(kept.len()));
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// A line without the addresses that ffmpeg puts into it (`[mp4 @ 0x5581]`): the same complaint is the same text.
fn without_addresses(line: &str) -> String {
    let mut parts = line.trim().split(" @ 0x");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str(part.trim_start_matches(|digit: char| digit.is_ascii_hexdigit()));
    }
    text
}

/// Runs the program for its answer. A signal that was meant for all processes of a job is no answer.
fn ask(program: &Path, arguments: &[OsString]) -> Result<Output, ExtractError> {
    let mut asked = 0;
    loop {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null());
        let output =
            child::keep_apart(&mut command)
                .output()
                .map_err(|source| ExtractError::Decoder {
                    program: program.to_owned(),
                    source,
                })?;
        asked += 1;
        if asked >= MOST_ASKED || !child::was_told_to_end(output.status) {
            return Ok(output);
        }
    }
}

/// What a file has beside covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Streams {
    /// Streams of pictures.
    pub(super) pictures: usize,
    /// Whether there is sound.
    pub(super) sound: bool,
    /// Whether it is a picture's format.
    pub(super) still: bool,
}

impl Streams {
    /// Those of ffmpeg's description of its input.
    fn of(said: &str) -> Self {
        let mut streams = Self::default();
        let input = said
            .lines()
            .find_map(|line| line.strip_prefix("Input #0, "));
        let format = input.map_or("", |input| input.split(',').next().unwrap_or(""));
        streams.still = matches!(format, "gif" | "image2" | "apng") || format.ends_with("_pipe");
        let lines = said.lines().map(str::trim_start);
        for line in lines.filter(|line| line.starts_with("Stream #0:")) {
            let cover = line.contains("(attached pic)") || line.contains("(timed thumbnails)");
            streams.pictures += usize::from(line.contains(": Video: ") && !cover);
            streams.sound |= line.contains(": Audio: ");
        }
        streams
    }
}

/// What one process reads.
pub(super) struct Input {
    pub(super) arguments: Vec<OsString>,
    /// Which stream, as `-map` has it.
    pub(super) stream: String,
    /// A list of images, sent through the standard input.
    pub(super) list: Option<String>,
    /// Where the process works: the list's names are meant from there.
    pub(super) folder: Option<PathBuf>,
    /// How many frames must come out, where that is known.
    pub(super) expected: Option<u64>,
}

/// One ffmpeg process; killed when dropped.
pub(super) struct Running {
    child: Child,
    pub(super) stdout: Option<BufReader<ChildStdout>>,
    complaints: Option<JoinHandle<String>>,
    writer: Option<JoinHandle<()>>,
}

impl Running {
    /// Waits for the end of a process that closed its output: how it ended, and what it said, a line each.
    pub(super) fn end(&mut self) -> std::io::Result<(ExitStatus, Vec<String>)> {
        drop(self.stdout.take());
        let status = self.child.wait()?;
        let said = self
            .complaints
            .take()
            .and_then(|thread| thread.join().ok())
            .unwrap_or_default();
        let lines = said.lines().map(without_addresses);
        Ok((status, lines.filter(|line| !line.is_empty()).collect()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        child::end(&mut self.child);
        if let Some(complaints) = self.complaints.take() {
            let _ = complaints.join();
        }
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_are_the_same_each_time() {
        assert_eq!(
            without_addresses(" [mp4 @ 0x55f0] bad [h264 @ 0xab12] worse"),
            "[mp4] bad [h264] worse"
        );
    }

    #[test]
    fn covers_are_no_streams_of_pictures() {
        let said = "Input #0, mov,mp4, from 'file:/x.mp4':\n  Metadata:\n    title : Stream #0:9: Audio: no\n\
            \x20 Stream #0:0[0x0]: Video: mjpeg (Baseline), yuvj444p, 200x200, 90k tbr (attached pic)\n\
            \x20 Stream #0:1[0x1](und): Video: mpeg4, yuv420p, 96x64, 25 fps (default)\n\
            \x20 Stream #0:2[0x2](und): Audio: aac (LC), 44100 Hz, mono (default)\n";
        let streams = Streams::of(said);
        assert_eq!(
            (streams.pictures, streams.sound, streams.still),
            (1, true, false)
        );
        assert!(Streams::of("Input #0, jpeg_pipe, from 'file:/x.mp4':").still);
        assert_eq!(Streams::of("nothing"), Streams::default());
    }
}
