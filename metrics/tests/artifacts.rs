//! The files of scores: their bytes, both ways, and what is refused.

#![allow(clippy::unwrap_used)] // Helpers outside `#[test]` functions are tests too.

use metrics::Frames;
use metrics::artifact::{Embedding, EpochScores, Scores};
use proptest::prelude::*;

/// A safetensors file by its specification: eight bytes of length, a JSON header padded with spaces to a multiple of
/// eight, the data.
fn file(header: &str, data: &[&[u8]]) -> Vec<u8> {
    let padded = header.len().next_multiple_of(8);
    let mut bytes = (padded as u64).to_le_bytes().to_vec();
    bytes.extend(format!("{header:<padded$}").as_bytes());
    bytes.extend(data.concat());
    bytes
}

fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn frames() -> Frames {
    let mut frames = Frames::default();
    let range = 3..9;
    frames.push(2, 40, 16, std::slice::from_ref(&range));
    frames.push(1, 5, 16, &[]);
    frames
}

fn scores() -> Scores {
    Scores {
        names: vec!["a".into(), "b \"x\"".into()],
        frames: frames(),
        frame_truth: None,
        d: Some(vec![0.5, 0.25, 1.0]),
        g: Some(vec![2.0, 3.5, -0.0]),
    }
}

/// The same videos with a score per frame.
fn by_frame() -> Scores {
    Scores {
        frame_truth: Some((0..45).map(|frame| (3..9).contains(&frame)).collect()),
        d: None,
        g: Some((0..45_u8).map(f32::from).collect()),
        ..scores()
    }
}

fn epoch_scores() -> EpochScores {
    EpochScores {
        names: vec!["a".into(), "b".into()],
        all: true,
        frames: frames(),
        epochs: 2,
        d: Some(vec![0.5, 0.25, 1.0, 0.75, 0.125, 0.0]),
        g: None,
    }
}

fn embedding() -> Embedding {
    Embedding {
        names: vec!["a".into(), "b".into()],
        perplexity: 2.5,
        iterations: 1000,
        points: vec![[0.5, -1.0], [2.0, 4.0]],
        segments: vec![0, 2],
        videos: vec![0, 1],
        anomalous: vec![true, false],
    }
}

#[test]
fn the_bytes_are_pinned() {
    let expected = file(
        concat!(
            r#"{"__metadata__":{"gcl-scores":"{\"format\":1,\"videos\":[\"a\",\"b \\\"x\\\"\"]}"},"#,
            r#""score_d":{"dtype":"F32","shape":[3],"data_offsets":[0,12]},"#,
            r#""score_g":{"dtype":"F32","shape":[3],"data_offsets":[12,24]},"#,
            r#""negatives":{"dtype":"U32","shape":[3],"data_offsets":[24,36]},"#,
            r#""positives":{"dtype":"U32","shape":[3],"data_offsets":[36,48]},"#,
            r#""segments":{"dtype":"U32","shape":[2],"data_offsets":[48,56]}}"#
        ),
        &[
            &floats(&[0.5, 0.25, 1.0]),
            &floats(&[2.0, 3.5, -0.0]),
            &words(&[10, 24, 5]),
            &words(&[6, 0, 0]),
            &words(&[2, 1]),
        ],
    );
    compare(&scores().encode().unwrap(), &expected);
    let expected = file(
        concat!(
            r#"{"__metadata__":{"gcl-epoch-scores":"{\"all\":true,\"format\":1,\"videos\":[\"a\",\"b\"]}"},"#,
            r#""score_d":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"#,
            r#""negatives":{"dtype":"U32","shape":[3],"data_offsets":[24,36]},"#,
            r#""positives":{"dtype":"U32","shape":[3],"data_offsets":[36,48]},"#,
            r#""segments":{"dtype":"U32","shape":[2],"data_offsets":[48,56]}}"#
        ),
        &[
            &floats(&[0.5, 0.25, 1.0, 0.75, 0.125, 0.0]),
            &words(&[10, 24, 5]),
            &words(&[6, 0, 0]),
            &words(&[2, 1]),
        ],
    );
    compare(&epoch_scores().encode().unwrap(), &expected);
    let expected = file(
        concat!(
            r#"{"__metadata__":{"gcl-embedding":"{\"format\":1,\"iterations\":1000,\"method\":\"tsne\","#,
            r#"\"of\":\"reconstructions\",\"perplexity\":2.5,\"videos\":[\"a\",\"b\"]}"},"#,
            r#""points":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"#,
            r#""segment":{"dtype":"U32","shape":[2],"data_offsets":[16,24]},"#,
            r#""video":{"dtype":"U32","shape":[2],"data_offsets":[24,32]},"#,
            r#""anomalous":{"dtype":"U8","shape":[2],"data_offsets":[32,34]}}"#
        ),
        &[
            &floats(&[0.5, -1.0, 2.0, 4.0]),
            &words(&[0, 2]),
            &words(&[0, 1]),
            &[1, 0],
        ],
    );
    compare(&embedding().encode().unwrap(), &expected);
}

fn compare(found: &[u8], expected: &[u8]) {
    assert_eq!(
        String::from_utf8_lossy(found),
        String::from_utf8_lossy(expected)
    );
    assert_eq!(found, expected);
}

#[test]
fn what_was_written_is_read() {
    assert_eq!(
        Scores::decode(&scores().encode().unwrap()).unwrap(),
        scores()
    );
    let classifier = Scores {
        g: None,
        ..scores()
    };
    assert_eq!(
        Scores::decode(&classifier.encode().unwrap()).unwrap(),
        classifier
    );
    assert_eq!(
        EpochScores::decode(&epoch_scores().encode().unwrap()).unwrap(),
        epoch_scores()
    );
    let by_frame = by_frame();
    let read = Scores::decode(&by_frame.encode().unwrap()).unwrap();
    assert_eq!(read, by_frame);
    assert_eq!(read.scored().segments(), 45);
    assert_eq!(read.scored().videos(), [0..40, 40..45]);
    let none = EpochScores {
        names: Vec::new(),
        frames: Frames::default(),
        epochs: 0,
        d: Some(Vec::new()),
        ..epoch_scores()
    };
    assert_eq!(EpochScores::decode(&none.encode().unwrap()).unwrap(), none);
    assert_eq!(
        Embedding::decode(&embedding().encode().unwrap()).unwrap(),
        embedding()
    );
}

#[test]
fn other_files_are_refused_by_what_is_wrong_with_them() {
    let message = |scores: &Scores| {
        let bytes = scores.encode().unwrap();
        Scores::decode(&bytes).unwrap_err().to_string()
    };
    for (broken, expected) in [
        (
            Scores {
                names: vec!["a".into()],
                ..scores()
            },
            "the artifact `scores` names 1 videos and has segments of 2",
        ),
        (
            Scores {
                d: Some(vec![0.5; 2]),
                ..scores()
            },
            "the artifact `scores` has a tensor `score_d` of another length",
        ),
        (
            Scores {
                g: Some(vec![0.5, f32::NAN, 0.1]),
                ..scores()
            },
            "the artifact `scores` has numbers in `score_g` that are not finite",
        ),
        (
            Scores {
                d: None,
                g: None,
                ..scores()
            },
            "the artifact `scores` has no scores",
        ),
        (
            Scores {
                g: scores().g,
                ..by_frame()
            },
            "the artifact `scores` has a tensor `score_g` of another length",
        ),
        (
            Scores {
                frame_truth: Some(vec![false; 45]),
                ..by_frame()
            },
            "the artifact `scores` has other frames one by one than in its segments",
        ),
    ] {
        assert_eq!(message(&broken), expected);
    }
    let others = epoch_scores().encode().unwrap();
    assert_eq!(
        Scores::decode(&others).unwrap_err().to_string(),
        "the artifact `scores` has no entry `gcl-scores`"
    );
    let mut newer = others;
    let format = b"format\\\":1";
    let at = newer.windows(format.len()).position(|part| part == format);
    newer[at.unwrap() + format.len() - 1] = b'2';
    let refused = EpochScores::decode(&newer).unwrap_err();
    assert!(refused.to_string().contains("format 2"), "{refused}");
    // Lengths that claim more than there is.
    let mut lengths = scores().encode().unwrap();
    let end = lengths.len();
    lengths[end - 8..end - 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(Scores::decode(&lengths).is_err());
    lengths[end - 8..end - 4].copy_from_slice(&1_u32.to_le_bytes());
    assert_eq!(
        Scores::decode(&lengths).unwrap_err().to_string(),
        "the artifact `scores` has segments that no video has"
    );
    let strangers = Embedding {
        videos: vec![0, 2],
        ..embedding()
    };
    assert!(Embedding::decode(&strangers.encode().unwrap()).is_err());
}

proptest! {
    /// Bytes that were cut or flipped are read or refused; nothing panics, and what is read is consistent.
    #[test]
    fn damaged_files_do_no_harm(
        kind in 0..3, cut in 0_usize..600, place in 0_usize..600, bits in 1_u8..=255,
    ) {
        let mut bytes = match kind {
            0 => scores().encode(),
            1 => epoch_scores().encode(),
            _ => embedding().encode(),
        }
        .unwrap();
        bytes.truncate(bytes.len().saturating_sub(cut / 3 * usize::from(cut % 3 == 0)));
        if let Some(byte) = bytes.get_mut(place) {
            *byte ^= bits;
        }
        if let Ok(scores) = Scores::decode(&bytes) {
            let lengths = [scores.d.as_ref(), scores.g.as_ref()];
            for length in lengths.into_iter().flatten().map(Vec::len) {
                prop_assert_eq!(length, scores.frames.segments());
            }
            prop_assert_eq!(scores.names.len(), scores.frames.videos().len());
        }
        if let Ok(scores) = EpochScores::decode(&bytes) {
            let lengths = [scores.d.as_ref(), scores.g.as_ref()];
            for length in lengths.into_iter().flatten().map(Vec::len) {
                prop_assert_eq!(length, scores.epochs * scores.frames.segments());
            }
        }
        if let Ok(embedding) = Embedding::decode(&bytes) {
            prop_assert_eq!(embedding.points.len(), embedding.anomalous.len());
        }
    }
}
