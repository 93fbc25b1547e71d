//! Which pictures of a folder are frames, and of which video: told by their names alone.
//!
//! Frames are numbered: names that differ in one number only are one video's. Where a second number differs as well the last
//! is the frame's, and what stands before it names the video (`Abuse001_x264_0.png`, as UCF-Crime's frames are passed around:
//! all videos of a class in one folder). Names without numbers, or of many forms, are no frames.

use std::collections::BTreeMap;

use super::order::natural_key;

/// Words in a name that say that these pictures are the truth of others.
const TRUTH: [&str; 8] = [
    "gt",
    "mask",
    "masks",
    "groundtruth",
    "groundtruths",
    "annotation",
    "annotations",
    "segmentation",
];
/// Words in a folder's name that say that its pictures are shown for something else.
const SHOWN: [&str; 11] = [
    "thumb",
    "thumbs",
    "thumbnail",
    "thumbnails",
    "preview",
    "previews",
    "poster",
    "posters",
    "screenshot",
    "screenshots",
    "covers",
];

/// The frames of one video among the pictures of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    /// What their names begin with, without what parts it from the number: the video's name, where the folder has several.
    pub(super) name: String,
    /// The files' names in their order.
    pub(super) pictures: Vec<Box<str>>,
    /// What is odd about the numbers.
    pub(super) gaps: Option<Gaps>,
}

/// Numbers that do not follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gaps {
    /// One in so many is there.
    Every(Steps),
    /// So many are missing in between.
    Missing(u64),
}

/// Numbers that begin at one and go on in equal steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steps {
    /// The first number.
    pub first: u64,
    /// From one to the next.
    pub step: u64,
}

impl Steps {
    /// The pictures among those frames of the video that they were taken from.
    pub fn pictures(self, frames: std::ops::Range<u64>) -> std::ops::Range<u64> {
        let place = |frame: u64| frame.saturating_sub(self.first).div_ceil(self.step);
        place(frames.start)..place(frames.end)
    }
}

/// What the pictures of a folder are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Sorted {
    pub(super) runs: Vec<Run>,
    /// Those of no run.
    pub(super) strays: Vec<String>,
    /// Those called masks.
    pub(super) masks: Vec<String>,
    /// Other files of a number that has a frame already (`001.png` beside `001.jpg`).
    pub(super) second: Vec<String>,
}

/// Whether a name says that these are masks.
pub(super) fn is_truth(name: &str) -> bool {
    let words = words(name);
    words.iter().any(|word| TRUTH.contains(&word.as_str()))
        || words
            .windows(2)
            .any(|two| two[0] == "ground" && two[1] == "truth")
}

/// Whether the name is one of a video file rather than of a folder: UCF-Crime's end with the codec.
pub(super) fn is_video_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["_x264", "_x265", "_h264", "_h265"]
        .iter()
        .any(|codec| name.ends_with(codec))
}

/// Whether a folder's name says that its pictures are thumbnails and the like.
pub(super) fn is_shown(folder: &str) -> bool {
    words(folder)
        .iter()
        .any(|word| SHOWN.contains(&word.as_str()))
}

fn words(name: &str) -> Vec<String> {
    name.split(|letter: char| !letter.is_alphabetic())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect()
}

/// A name in its texts and its numbers: `a1b22` is `a`, 1, `b`, 22 and an empty text.
struct Parts<'a> {
    stem: &'a str,
    /// Where each number stands in the stem.
    numbers: Vec<(usize, usize)>,
}

impl<'a> Parts<'a> {
    fn of(file: &'a str) -> Self {
        let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
        let mut numbers = Vec::new();
        let mut begin = None;
        for (at, byte) in stem.bytes().chain(std::iter::once(b'x')).enumerate() {
            match (byte.is_ascii_digit(), begin) {
                (true, None) => begin = Some(at),
                (false, Some(from)) => {
                    numbers.push((from, at));
                    begin = None;
                }
                _ => {}
            }
        }
        Self { stem, numbers }
    }

    /// The texts between the numbers.
    fn form(&self) -> Vec<&'a str> {
        let mut texts = Vec::with_capacity(self.numbers.len() + 1);
        let mut from = 0;
        for (begin, end) in &self.numbers {
            texts.push(&self.stem[from..*begin]);
            from = *end;
        }
        texts.push(&self.stem[from..]);
        texts
    }

    fn number(&self, place: usize) -> &'a str {
        let (begin, end) = self.numbers[place];
        let digits = self.stem[begin..end].trim_start_matches('0');
        if digits.is_empty() { "0" } else { digits }
    }
}

/// Sorts the pictures of a folder.
pub(super) fn sort(files: Vec<String>) -> Sorted {
    let mut sorted = Sorted::default();
    let (masks, files): (Vec<String>, Vec<String>) =
        files.into_iter().partition(|file| is_truth(stem(file)));
    sorted.masks = masks;
    let mut forms: BTreeMap<Vec<&str>, Vec<&str>> = BTreeMap::new();
    for file in &files {
        forms
            .entry(Parts::of(file).form())
            .or_default()
            .push(file.as_str());
    }
    let all = files.len();
    let alone = forms.len() == 1;
    for (form, files) in forms {
        // Names without a number, or of videos rather than of frames.
        let video_names = form.len() > 1 && is_codec(&form, &files);
        if form.len() == 1 || video_names || (files.len() == 1 && !alone) {
            sorted
                .strays
                .extend(files.iter().map(|file| (*file).to_owned()));
            continue;
        }
        split(&files, &form, &mut sorted);
    }
    let strays = sorted.strays.len();
    if strays > 2 && strays * 10 > all {
        // Pictures of many forms: an album, no video.
        for run in sorted.runs.drain(..) {
            sorted
                .strays
                .extend(run.pictures.iter().map(ToString::to_string));
        }
    }
    sorted.runs.sort_by(|a, b| a.name.cmp(&b.name));
    sorted.strays.sort();
    sorted.second.sort();
    sorted
}

fn stem(file: &str) -> &str {
    file.rsplit_once('.').map_or(file, |(stem, _)| stem)
}

/// `Abuse001_x264.jpg` is called like a video of UCF-Crime, not like a frame of one.
fn is_codec(form: &[&str], files: &[&str]) -> bool {
    let ends = form.len() > 2
        && form.last() == Some(&"")
        && form[form.len() - 2].ends_with(['x', 'h', 'X', 'H']);
    ends && files.iter().all(|file| {
        let stem = stem(file).to_ascii_lowercase();
        ["264", "265"].iter().any(|codec| stem.ends_with(codec))
    })
}

/// Files of one form: one video, or several that differ in a number before the frame's.
fn split(files: &[&str], form: &[&str], sorted: &mut Sorted) {
    let parts: Vec<Parts<'_>> = files.iter().map(|file| Parts::of(file)).collect();
    let varying: Vec<usize> = (0..form.len() - 1)
        .filter(|place| {
            let first = parts[0].number(*place);
            parts.iter().any(|part| part.number(*place) != first)
        })
        .collect();
    let frame = varying.last().copied().unwrap_or(form.len() - 2);
    let mut keys: BTreeMap<Vec<&str>, Vec<usize>> = BTreeMap::new();
    for (at, part) in parts.iter().enumerate() {
        let key = varying
            .iter()
            .filter(|place| **place != frame)
            .map(|place| part.number(*place))
            .collect();
        keys.entry(key).or_default().push(at);
    }
    // A number that is never the same twice counts with the frames (`frame12_t0.48.jpg`), and so do dates and times.
    let several = keys.len() > 1 && files.len() >= 2 * keys.len() && !is_time(form, &parts);
    let groups: Vec<Vec<usize>> = if several {
        keys.into_values().collect()
    } else {
        vec![(0..files.len()).collect()]
    };
    let counted = several || varying.len() <= 1;
    for group in groups {
        let first = &parts[group[0]];
        let before = &first.stem[..first.numbers[frame].0];
        let name = before.trim_end_matches(|letter: char| !letter.is_alphanumeric());
        let name = if name.is_empty() { first.stem } else { name };
        let mut taken: Vec<(String, &str)> = group
            .iter()
            .map(|at| (natural_key(files[*at]), files[*at]))
            .collect();
        taken.sort();
        let mut files: Vec<&str> = taken.into_iter().map(|(_, file)| file).collect();
        let gaps = counted
            .then(|| {
                one_for_each_number(&mut files, frame, &mut sorted.second);
                gaps(&files, frame)
            })
            .flatten();
        sorted.runs.push(Run {
            name: name.to_owned(),
            pictures: files.into_iter().map(Box::from).collect(),
            gaps,
        });
    }
}

/// Whether the numbers are a date or a time: no letters between them, and five of them or a year first.
fn is_time(form: &[&str], parts: &[Parts<'_>]) -> bool {
    let mute = form[1..form.len() - 1]
        .iter()
        .all(|text| !text.chars().any(char::is_alphabetic) || matches!(*text, "T" | "t"));
    let year = |part: &Parts<'_>| {
        let digits = part.number(0);
        matches!(digits.len(), 4 | 8 | 12 | 14)
            && (digits.starts_with("19") || digits.starts_with("20"))
    };
    mute && form.len() > 2 && (form.len() > 5 || parts.iter().all(year))
}

/// Where a number has a file of each of two types, those of one type are the frames: of the more frequent one, else of JPEG.
fn one_for_each_number(files: &mut Vec<&str>, frame: usize, second: &mut Vec<String>) {
    let number = |file: &str| Parts::of(file).number(frame).to_owned();
    let ending = |file: &str| {
        let ending = file.rsplit_once('.').map_or("", |(_, ending)| ending);
        ending.to_ascii_lowercase()
    };
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut endings: BTreeMap<String, usize> = BTreeMap::new();
    for file in files.iter() {
        *seen.entry(number(file)).or_default() += 1;
        *endings.entry(ending(file)).or_default() += 1;
    }
    if endings.len() < 2 || seen.values().all(|count| *count == 1) {
        return;
    }
    let best = endings
        .iter()
        .max_by_key(|(ending, count)| (**count, ending.starts_with("jp")))
        .map(|(ending, _)| ending.clone())
        .unwrap_or_default();
    let others: std::collections::BTreeSet<String> = files
        .iter()
        .filter(|file| ending(file) == best)
        .map(|file| number(file))
        .collect();
    files.retain(|file| {
        let kept = ending(file) == best || !others.contains(&number(file));
        if !kept {
            second.push((*file).to_owned());
        }
        kept
    });
}

fn gaps(files: &[&str], frame: usize) -> Option<Gaps> {
    let mut numbers: Vec<u64> = files
        .iter()
        .filter_map(|file| Parts::of(file).number(frame).parse().ok())
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    let steps = || numbers.windows(2).map(|pair| pair[1] - pair[0]);
    let step = steps().fold(0, common);
    if step == 0 {
        return None;
    }
    let missing: u64 = steps().map(|one| one / step - 1).sum();
    match (missing, step) {
        (0, 1) => None,
        (0, step) if numbers.len() > 2 => Some(Gaps::Every(Steps {
            first: numbers[0],
            step,
        })),
        (0, step) => Some(Gaps::Missing(step - 1)),
        (missing, _) => Some(Gaps::Missing(missing)),
    }
}

/// The greatest common divisor.
fn common(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { common(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(files: &[&str]) -> Sorted {
        sort(files.iter().map(|file| (*file).to_owned()).collect())
    }

    /// Each run as its name and its files.
    fn runs(files: &[&str]) -> Vec<(String, String)> {
        sorted(files)
            .runs
            .into_iter()
            .map(|run| (run.name, run.pictures.join(" ")))
            .collect()
    }

    fn one(name: &str, files: &str) -> Vec<(String, String)> {
        vec![(name.to_owned(), files.to_owned())]
    }

    #[test]
    fn names_that_differ_in_one_number_are_one_video() {
        assert_eq!(
            runs(&["frame10.jpg", "frame9.jpg"]),
            one("frame", "frame9.jpg frame10.jpg")
        );
        assert_eq!(runs(&["001.tif"]), one("001", "001.tif"));
        assert_eq!(
            runs(&["frame1_v2.png", "frame2_v2.png"]),
            one("frame", "frame1_v2.png frame2_v2.png")
        );
        let more = ["1.jpg", "2.jpg", "3.jpg", "cover.jpg"];
        assert_eq!(runs(&more), one("1", "1.jpg 2.jpg 3.jpg"));
        assert_eq!(sorted(&more).strays, ["cover.jpg"]);
    }

    #[test]
    fn frames_of_many_videos_in_one_folder_are_told_apart() {
        let files = [
            "Abuse001_x264_0.png",
            "Abuse001_x264_10.png",
            "Abuse002_x264_0.png",
            "Abuse001_x264_20.png",
            "Abuse002_x264_10.png",
            "Arrest001_x264_0.png",
            "Arrest001_x264_10.png",
        ];
        let found = sorted(&files);
        let names: Vec<_> = found
            .runs
            .iter()
            .map(|run| (run.name.as_str(), run.pictures.len(), run.gaps))
            .collect();
        assert_eq!(
            names,
            [
                (
                    "Abuse001_x264",
                    3,
                    Some(Gaps::Every(Steps { first: 0, step: 10 }))
                ),
                ("Abuse002_x264", 2, Some(Gaps::Missing(9))),
                ("Arrest001_x264", 2, Some(Gaps::Missing(9))),
            ]
        );
    }

    #[test]
    fn times_and_second_counters_are_no_other_videos() {
        for files in [
            [
                "2024-01-02_10-00-58.jpg",
                "2024-01-02_10-00-59.jpg",
                "2024-01-02_10-01-00.jpg",
                "2024-01-02_10-01-01.jpg",
            ],
            ["f1_t0.5.jpg", "f2_t1.0.jpg", "f3_t1.5.jpg", "f4_t2.0.jpg"],
            [
                "20240102_100058.jpg",
                "20240102_100059.jpg",
                "20240103_100000.jpg",
                "20240103_100001.jpg",
            ],
        ] {
            assert_eq!(runs(&files).len(), 1, "{files:?}");
            assert_eq!(runs(&files)[0].1, files.join(" "));
        }
    }

    #[test]
    fn albums_thumbnails_and_masks_are_no_videos() {
        for files in [
            &["a.jpg", "b.jpg"][..],
            &["cover.jpg"],
            &["IMG_1.jpg", "IMG_2.jpg", "cat.png", "dog7.jpg", "x.bmp"],
            &["Abuse001_x264.jpg", "Abuse002_x264.jpg"],
            &["frame001_gt.png", "frame002_gt.png"],
            &["mask_1.png", "mask_2.png"],
        ] {
            assert_eq!(runs(files), [], "{files:?}");
        }
        let both = ["001.jpg", "001_mask.png", "002.jpg", "002_mask.png"];
        assert_eq!(runs(&both), one("001", "001.jpg 002.jpg"));
        assert_eq!(sorted(&both).masks.len(), 2);
        for (name, truth) in [
            ("Test001_gt", true),
            ("test_frame_mask", true),
            ("Ground Truth", true),
            ("Test001", false),
            ("masked_ball", false),
        ] {
            assert_eq!(is_truth(name), truth, "{name}");
        }
    }

    #[test]
    fn a_number_has_one_frame() {
        let found = sorted(&["1.jpg", "1.png", "2.jpg", "2.png"]);
        assert_eq!(found.runs[0].pictures.join(" "), "1.jpg 2.jpg");
        assert_eq!(found.second, ["1.png", "2.png"]);
        // Another type in between is the frame that is missing.
        let found = sorted(&["1.png", "2.bmp", "3.png"]);
        assert_eq!(found.runs[0].pictures.join(" "), "1.png 2.bmp 3.png");
        assert_eq!(found.second, [] as [&str; 0]);
    }

    #[test]
    fn frames_are_counted_in_pictures() {
        let steps = Steps { first: 0, step: 10 };
        // Pictures 0, 10, 20, 30, …
        assert_eq!(steps.pictures(0..31), 0..4);
        assert_eq!(steps.pictures(10..30), 1..3);
        assert_eq!(steps.pictures(11..20), 2..2);
        let steps = Steps { first: 1, step: 5 };
        assert_eq!(steps.pictures(0..7), 0..2);
    }

    #[test]
    fn gaps_are_counted() {
        let gap = |files: &[&str]| sorted(files).runs[0].gaps;
        assert_eq!(gap(&["f0.jpg", "f1.jpg", "f2.jpg"]), None);
        assert_eq!(gap(&["f000.jpg", "f002.jpg"]), Some(Gaps::Missing(1)));
        assert_eq!(gap(&["f0.jpg", "f1.jpg", "f5.jpg"]), Some(Gaps::Missing(3)));
        assert_eq!(
            gap(&["f0.jpg", "f10.jpg", "f40.jpg"]),
            Some(Gaps::Missing(2))
        );
    }
}
