//! The shapes that ship: numbers of published benchmarks, for stand-ins of data sets that are not here.

use std::ops::Range;

use super::shape::{Shape, VideoShape};

/// A benchmark whose shape ships.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// What people call it.
    pub title: &'static str,
    /// Its videos at 16 frames a segment, without crops.
    pub shape: Shape,
}

/// Word in the names of its data sets, title, numbers.
const BENCHMARKS: [(&str, &str, &str); 3] = [
    ("ucfcrime", "UCF-Crime", include_str!("ucf-crime.csv")),
    (
        "shanghaitech",
        "ShanghaiTech Campus",
        include_str!("shanghaitech.csv"),
    ),
    ("ped2", "UCSD Ped2", include_str!("ucsd-ped2.csv")),
];

/// The benchmark of which a data set of that name must be, by the words in the name: `ucf-crime-resnext`, `UCF_Crime`.
pub fn published(name: &str) -> Option<Published> {
    let plain: String = name
        .chars()
        .filter(|letter| letter.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    BENCHMARKS
        .iter()
        .find(|(word, ..)| plain.contains(word))
        .map(|(_, title, text)| Published {
            title,
            shape: read(text),
        })
}

/// Reads the numbers. The files ship with the program and a test reads all of them; a line that is none is left out.
fn read(text: &str) -> Shape {
    let mut shape = Shape {
        frames_per_segment: 16,
        crops: 1,
        train: Vec::new(),
        test: Vec::new(),
    };
    for line in text.lines() {
        if let Some((split, video)) = video(line) {
            match split {
                "train" => shape.train.push(video),
                _ => shape.test.push(video),
            }
        }
    }
    shape
}

/// `test,1412,1,165-240`.
fn video(line: &str) -> Option<(&str, VideoShape)> {
    let mut fields = line.split(',');
    let split = fields
        .next()
        .filter(|split| matches!(*split, "train" | "test"))?;
    let frames: u32 = fields.next()?.parse().ok()?;
    let label = match fields.next()? {
        "" => None,
        label => Some(label == "1"),
    };
    let anomalous = fields
        .next()?
        .split(';')
        .filter_map(|range| {
            let (start, end) = range.split_once('-')?;
            Some(start.parse().ok()?..end.parse().ok()?)
        })
        .collect::<Vec<Range<u32>>>();
    Some((
        split,
        VideoShape {
            frames,
            segments: frames.div_ceil(16) as usize,
            label,
            anomalous,
        },
    ))
}
