//! Which videos a figure shows: a rule that looks at all of them and says what it took, so that nobody can pick.
//!
//! Of the anomalous videos those with the best, the median and the worst AUC within the video; of the normal ones those
//! whose highest score is the median and the largest. Ties are in the order of names, so the order is total: chosen among the
//! chosen, the same videos stand in the same places, and a figure that is drawn again from its CSV is the same.

use std::cmp::Ordering;

use crate::results::VideoScores;

/// The rule, as a caption says it.
pub(super) const RULE: &str = "How the videos were chosen: of the anomalous videos those with the best, the median and the worst AUC within the video, \
     of the normal ones those whose highest score is the median and the largest; ties are in the order of names.";

/// Why a video is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Best,
    Median,
    Worst,
    /// All of the test split's anomalous videos are anomalous from end to end, so that none has an AUC.
    Throughout,
    MedianNormal,
    HighestNormal,
}

impl Place {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Best => "best anomalous video",
            Self::Median => "median anomalous video",
            Self::Worst => "worst anomalous video",
            Self::Throughout => "anomalous throughout",
            Self::MedianNormal => "normal video, median peak",
            Self::HighestNormal => "normal video, highest peak",
        }
    }
}

/// The videos to show, in the order of [`Place`]. `scores` has the scores that are shown of a video; videos without are
/// left out.
pub(super) fn representatives<'a>(
    videos: impl IntoIterator<Item = &'a VideoScores>,
    scores: impl Fn(&'a VideoScores) -> &'a [f32],
) -> Vec<(Place, &'a VideoScores)> {
    let scored = |video: &&'a VideoScores| !scores(video).is_empty();
    let (anomalous, normal): (Vec<_>, Vec<_>) = videos
        .into_iter()
        .filter(scored)
        .partition(|video| video.is_anomalous());
    let ranked = |mut keyed: Vec<(f64, &'a VideoScores)>| -> Vec<&'a VideoScores> {
        keyed.sort_by(|left, right| order(left, right));
        keyed.into_iter().map(|(_, video)| video).collect()
    };
    // Best first.
    let by_auc = ranked(
        anomalous
            .iter()
            .filter_map(|video| Some((-video.auc_within(scores(video))?, *video)))
            .collect(),
    );
    let by_peak = ranked(
        normal
            .iter()
            .map(|video| (peak(scores(video)), *video))
            .collect(),
    );
    let throughout = if by_auc.is_empty() {
        ranked(anomalous.iter().map(|video| (0.0, *video)).collect())
    } else {
        Vec::new()
    };
    let mut shown: Vec<(Place, &VideoScores)> = Vec::new();
    for (place, video) in [
        (Place::Best, by_auc.first()),
        (Place::Median, middle(&by_auc)),
        (Place::Worst, by_auc.last()),
        (Place::Throughout, throughout.first()),
        (Place::MedianNormal, middle(&by_peak)),
        (Place::HighestNormal, by_peak.last()),
    ] {
        if let Some(video) = video
            && !shown.iter().any(|(_, other)| std::ptr::eq(*other, *video))
        {
            shown.push((place, video));
        }
    }
    shown
}

fn order(left: &(f64, &VideoScores), right: &(f64, &VideoScores)) -> Ordering {
    left.0
        .total_cmp(&right.0)
        .then_with(|| left.1.name.cmp(&right.1.name))
}

/// The lower of two middle ones.
fn middle<T>(sorted: &[T]) -> Option<&T> {
    sorted.get(sorted.len().saturating_sub(1) / 2)
}

/// The highest score.
pub(super) fn peak(scores: &[f32]) -> f64 {
    // −0 and 0 are one score.
    let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max) + 0.0;
    f64::from(largest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four segments of 8 frames, the second anomalous where `anomalous`; G's score is 0.5 but for that segment.
    fn video(name: &str, anomalous: bool, score: f32) -> VideoScores {
        let event = if anomalous { 8..16 } else { 0..0 };
        VideoScores {
            g: vec![0.5, score, 0.4, 0.6],
            ..VideoScores::with_truth(name, 4, 32, 8, std::slice::from_ref(&event))
        }
    }

    fn names(videos: &[VideoScores]) -> Vec<(Place, String)> {
        representatives(videos, |video| &video.g)
            .into_iter()
            .map(|(place, video)| (place, video.name.clone()))
            .collect()
    }

    #[test]
    fn the_rule_takes_ends_and_middle_of_both_classes() {
        let mut videos = vec![
            video("n-low", false, 0.7),
            video("a-worst", true, 0.1),
            video("n-high", false, 0.9),
            video("a-better", true, 0.7),
            video("a-best", true, 0.8),
            video("a-middle", true, 0.55),
            video("a-low", true, 0.45),
            video("n-middle", false, 0.8),
        ];
        let expected = [
            (Place::Best, "a-best".to_owned()),
            (Place::Median, "a-middle".to_owned()),
            (Place::Worst, "a-worst".to_owned()),
            (Place::MedianNormal, "n-middle".to_owned()),
            (Place::HighestNormal, "n-high".to_owned()),
        ];
        assert_eq!(names(&videos), expected);
        videos.reverse();
        assert_eq!(names(&videos), expected, "the list's order does not matter");
        let shown: Vec<VideoScores> = representatives(&videos, |video| &video.g)
            .into_iter()
            .map(|(_, video)| video.clone())
            .collect();
        assert_eq!(names(&shown), expected, "chosen among the chosen");
    }

    #[test]
    fn few_videos_are_shown_once() {
        assert_eq!(names(&[]), []);
        let one = [video("a", true, 0.7)];
        assert_eq!(names(&one), [(Place::Best, "a".to_owned())]);
        let two = [video("b", true, 0.1), video("a", true, 0.7)];
        let places: Vec<Place> = names(&two).into_iter().map(|(place, _)| place).collect();
        assert_eq!(places, [Place::Best, Place::Worst]);
        let equal = ["n2", "n3", "n1"].map(|name| video(name, false, 0.9));
        let expected = [
            (Place::MedianNormal, "n2".to_owned()),
            (Place::HighestNormal, "n3".to_owned()),
        ];
        assert_eq!(names(&equal), expected);
        assert_eq!(names(&equal[..2]), expected, "chosen among the chosen");
        let unscored = [VideoScores::with_truth("a", 4, 32, 8, &[])];
        assert_eq!(names(&unscored), []);
    }

    #[test]
    fn videos_that_are_anomalous_throughout_have_no_auc() {
        let whole = |name: &str| VideoScores {
            g: vec![0.5],
            ..VideoScores::with_truth(name, 1, 8, 8, std::slice::from_ref(&(0..8)))
        };
        assert_eq!(
            names(&[whole("b"), whole("a"), video("n", false, 0.2)]),
            [
                (Place::Throughout, "a".to_owned()),
                (Place::MedianNormal, "n".to_owned())
            ]
        );
        assert_eq!(
            names(&[whole("b"), video("a", true, 0.7)]),
            [(Place::Best, "a".to_owned())]
        );
    }
}
