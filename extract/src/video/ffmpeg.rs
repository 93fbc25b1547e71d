//! Decoding by ffmpeg as a piped process.
//!
//! Every frame comes once, whatever its time stamp says (`-fps_mode passthrough`), turned as its rotation says, in ffmpeg's
//! own conversion to RGB. The pipe carries PPM images, whose header states the size of each frame, so nothing has to be
//! asked of the file beforehand.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;

use super::{Decoded, Frame, find, video_fault};
use crate::error::ExtractError;

/// Bytes of a decoder's complaints that are kept.
const MOST_COMPLAINTS: usize = 4096;

/// Pixels of a frame: as many as 16K video has.
const MOST_PIXELS: usize = 1 << 27;

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
        let program = program.unwrap_or(Path::new("ffmpeg")).to_owned();
        let output = Command::new(&program)
            .arg("-version")
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .map_err(|source| ExtractError::Decoder {
                program: program.clone(),
                source,
            })?;
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

    /// Calls `each` with every frame of a file or a folder of images, in order, until it returns false. The number of
    /// frames comes back, and what ffmpeg complained about.
    pub fn frames(
        &self,
        path: &Path,
        mut each: impl FnMut(&Frame) -> Result<bool, ExtractError>,
    ) -> Result<(u64, String), ExtractError> {
        let mut stream = FrameStream::open(self, path)?;
        let mut frame = Frame::default();
        while stream.next(&mut frame)? {
            if !each(&frame)? {
                break;
            }
        }
        let decoded = stream.decoded();
        Ok((decoded.frames, decoded.complaints))
    }

    fn start(&self, input: &Input) -> Result<Running, ExtractError> {
        let mut command = Command::new(&self.program);
        command.args(["-nostdin", "-hide_banner", "-v", "error", "-threads"]);
        command.arg(self.threads.max(1).to_string());
        // A playlist must not make it read the network.
        command.args(["-protocol_whitelist", "file,pipe,crypto,data"]);
        command.args(&input.arguments);
        command.args([
            "-map",
            "0:v:0",
            "-fps_mode",
            "passthrough",
            "-an",
            "-sn",
            "-dn",
        ]);
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
        let mut child = command
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

/// What one process reads.
struct Input {
    arguments: Vec<OsString>,
    /// A list of images, sent through the standard input.
    list: Option<String>,
    /// How many frames must come out, where that is known.
    expected: Option<u64>,
}

/// One ffmpeg process; killed when dropped.
struct Running {
    child: Child,
    stdout: Option<BufReader<ChildStdout>>,
    complaints: Option<JoinHandle<String>>,
    writer: Option<JoinHandle<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(complaints) = self.complaints.take() {
            let _ = complaints.join();
        }
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

/// The frames of one video.
pub(crate) struct FrameStream<'a> {
    decoder: &'a Decoder,
    path: PathBuf,
    /// Still to be started, last first.
    inputs: Vec<Input>,
    running: Option<(Running, Input, u64)>,
    frames: u64,
    complaints: String,
}

impl<'a> FrameStream<'a> {
    pub(crate) fn open(decoder: &'a Decoder, path: &Path) -> Result<Self, ExtractError> {
        let mut inputs = if path.is_dir() {
            image_runs(path)?
        } else {
            // `file:` keeps a name with a colon or a leading minus from meaning something else.
            let absolute =
                std::path::absolute(path).map_err(|source| ExtractError::file(path, source))?;
            std::fs::metadata(path).map_err(|source| ExtractError::file(path, source))?;
            let mut name = OsString::from("file:");
            name.push(absolute);
            vec![Input {
                arguments: vec!["-i".into(), name],
                list: None,
                expected: None,
            }]
        };
        inputs.reverse();
        Ok(Self {
            decoder,
            path: path.to_owned(),
            inputs,
            running: None,
            frames: 0,
            complaints: String::new(),
        })
    }

    /// Reads the next frame into `frame`; false at the end.
    pub(crate) fn next(&mut self, frame: &mut Frame) -> Result<bool, ExtractError> {
        loop {
            if self.running.is_none() {
                let Some(input) = self.inputs.pop() else {
                    if self.frames == 0 {
                        return Err(video_fault(&self.path, "has no frame"));
                    }
                    return Ok(false);
                };
                self.running = Some((self.decoder.start(&input)?, input, 0));
            }
            let Some((running, _, count)) = &mut self.running else {
                continue;
            };
            let more = match &mut running.stdout {
                Some(stdout) => read_ppm(stdout, frame),
                None => Ok(false),
            };
            match more {
                Ok(true) => {
                    *count += 1;
                    self.frames += 1;
                    return Ok(true);
                }
                Ok(false) => self.finish(None)?,
                Err(message) => self.finish(Some(message))?,
            }
        }
    }

    /// What came, once [`FrameStream::next`] said that it was all.
    pub(crate) fn decoded(self) -> Decoded {
        Decoded {
            frames: self.frames,
            complaints: self.complaints,
        }
    }

    /// The process closed its output: it must have ended well.
    fn finish(&mut self, cut: Option<String>) -> Result<(), ExtractError> {
        let Some((mut running, input, count)) = self.running.take() else {
            return Ok(());
        };
        drop(running.stdout.take());
        let status = running
            .child
            .wait()
            .map_err(|source| ExtractError::file(&self.path, source))?;
        let said = running
            .complaints
            .take()
            .and_then(|thread| thread.join().ok())
            .unwrap_or_default();
        let said: Vec<_> = said
            .lines()
            .map(without_addresses)
            .filter(|line| !line.is_empty())
            .collect();
        let last = said
            .last()
            .map_or_else(String::new, |line| format!(": {line}"));
        if !status.success() {
            return Err(video_fault(
                &self.path,
                format!(
                    "ffmpeg gave up after {} frames ({status}){last}",
                    self.frames
                ),
            ));
        }
        if let Some(cut) = cut {
            return Err(video_fault(
                &self.path,
                format!("{cut} after {} frames{last}", self.frames),
            ));
        }
        if input.expected.is_some_and(|expected| expected != count) {
            return Err(video_fault(
                &self.path,
                format!(
                    "{} of its images cannot be decoded{last}",
                    input.expected.unwrap_or(0).abs_diff(count)
                ),
            ));
        }
        if !said.is_empty() && self.complaints.len() < MOST_COMPLAINTS {
            self.complaints.push_str(&said.join("; "));
        }
        Ok(())
    }
}

/// A folder of images as one process per run of images of the same type: ffmpeg's list of files has one decoder.
fn image_runs(folder: &Path) -> Result<Vec<Input>, ExtractError> {
    let mut inputs: Vec<(String, Input)> = Vec::new();
    for image in find::images(folder)? {
        let extension = image
            .extension()
            .unwrap_or_default()
            .to_string_lossy()
            .to_ascii_lowercase();
        let absolute =
            std::path::absolute(&image).map_err(|source| ExtractError::file(&image, source))?;
        let name = absolute
            .to_str()
            .filter(|name| !name.contains('\n'))
            .ok_or_else(|| video_fault(&image, "its name cannot be put in a list: rename it"))?;
        // The list's own quoting; a duration keeps its time stamps apart.
        let line = format!("file 'file:{}'\nduration 1\n", name.replace('\'', "'\\''"));
        if inputs.last().is_none_or(|(last, _)| *last != extension) {
            let arguments = ["-f", "concat", "-safe", "0", "-i", "pipe:0"];
            let input = Input {
                arguments: arguments.map(OsString::from).to_vec(),
                list: Some("ffconcat version 1.0\n".to_owned()),
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

/// One binary PPM image, as ffmpeg writes it: `P6\nWIDTH HEIGHT\n255\n`, then the pixels.
fn read_ppm(from: &mut impl BufRead, frame: &mut Frame) -> Result<bool, String> {
    let cut = |error: std::io::Error| format!("the stream of frames is cut ({error})");
    if from.fill_buf().map_err(cut)?.is_empty() {
        return Ok(false);
    }
    let mut header = Vec::new();
    let mut lines = 0;
    while lines < 3 {
        let mut byte = [0];
        from.read_exact(&mut byte).map_err(cut)?;
        lines += usize::from(byte[0] == b'\n');
        header.push(byte[0]);
        if header.len() > 40 {
            return Err("ffmpeg sends no PPM images".to_owned());
        }
    }
    let text = String::from_utf8_lossy(&header);
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let size = match words[..] {
        ["P6", width, height, "255"] => width
            .parse::<usize>()
            .ok()
            .zip(height.parse::<usize>().ok()),
        _ => None,
    };
    let (width, height) = size
        .filter(|(width, height)| {
            width
                .checked_mul(*height)
                .is_some_and(|pixels| (1..=MOST_PIXELS).contains(&pixels))
        })
        .ok_or_else(|| {
            format!(
                "a frame of an impossible size: {}",
                text.trim().replace('\n', " ")
            )
        })?;
    frame.width = width;
    frame.height = height;
    frame.pixels.resize(width * height * 3, 0);
    from.read_exact(&mut frame.pixels).map_err(cut)?;
    Ok(true)
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
    fn a_stream_of_ppm_images_is_read_and_faults_are_said() {
        let mut frame = Frame::default();
        let mut two: &[u8] = b"P6\n1 2\n255\nabcdefP6\n1 1\n255\n\n\n\n";
        assert!(read_ppm(&mut two, &mut frame).unwrap());
        assert_eq!(
            (frame.width, frame.height, &frame.pixels[..]),
            (1, 2, &b"abcdef"[..])
        );
        assert!(read_ppm(&mut two, &mut frame).unwrap());
        assert_eq!(frame.pixels, b"\n\n\n");
        assert!(!read_ppm(&mut two, &mut frame).unwrap());
        for bad in [
            &b"P6\n1 2\n255\nabc"[..],
            b"P5\n1 2\n255\nabcdef",
            b"P6\n0 2\n255\n",
            b"P6\n99999999 99999999\n255\n",
            b"P6\n18446744073709551615 2\n255\n",
            b"P6",
            b"everything else that is long enough to be no header at all\n",
        ] {
            assert!(read_ppm(&mut &*bad, &mut frame).is_err(), "{bad:?}");
        }
    }
}
