//! What the numbers of a card mean, by rules of thumb. Each threshold is a constant here with what it was taken from; a rule of thumb
//! decides nothing, and is said to be one wherever it is shown.

use std::fmt;

use super::words::percent;
use super::{ControlAuc, DataCard, SourceConfound, Truth};

/// An AUC further from chance than this is worth a warning: 60% and more, 40% and less.
const WORTH_SAYING: f64 = 0.1;
/// And further than so many standard errors of an AUC of as many videos that say nothing.
const STANDARD_ERRORS: f64 = 2.0;
/// Videos with an event below which a mean cosine is one of too few pairs.
const FEWEST_EVENTS: u64 = 10;
/// Mean cosine of events below which D has nothing in common to learn, and from which on it has.
///
/// Of features that were generated with events of more and more common direction: GCL_B minus its autoencoder was −3.1, +1.2, +3.8 and
/// +9.6 points of AUC where this card measures 0.08, 0.11, 0.21 and 0.36 (false alarms: 0.10).
const SHARED: [f64; 2] = [0.10, 0.20];
/// By how much it must exceed that of false alarms for D to tell the two apart. On person tracks of ShanghaiTech, with events at 0.22 and
/// false alarms at 0.25, GCL_B gained nothing.
const MARGIN: f64 = 0.05;
/// Share of the variance between videos from which on cameras dominate. In the same generated features it was 0.4; with cameras three times
/// as strong it was 0.8, and GCL_B was 2.7 points behind its autoencoder.
const CAMERAS: f64 = 0.6;

impl DataCard {
    /// What makes results on these data say less than they seem to.
    pub fn warnings(&self) -> Vec<Warning> {
        let Some(truth) = &self.truth else {
            return Vec::new();
        };
        let mut found = Vec::new();
        let anomalous = (truth.test.anomalous_videos * truth.test.videos as f64).round();
        let normal = truth.test.videos as f64 - anomalous;
        let shortcut = truth.controls.iter().find(|control| {
            let auc = control.auc.filter(|_| control.control == "length");
            auc.is_some_and(|auc| stands_out(auc, normal, anomalous))
        });
        found.extend(shortcut.cloned().map(Warning::Length));
        if let Some(source) = &truth.source {
            let (normal, anomalous) = (source.normal_videos as f64, source.anomalous_videos as f64);
            if source.auc > 0.5 && stands_out(source.auc, normal, anomalous) {
                found.push(Warning::Source(*source));
            }
        }
        found
    }

    /// What GCL may be expected to do on these data.
    pub fn expectation(&self) -> Expectation {
        let Some(truth) = &self.truth else {
            return Expectation::NoTruth;
        };
        let Some(events) = truth.events.filter(|events| events.videos >= FEWEST_EVENTS) else {
            return Expectation::FewEvents;
        };
        let seen = Seen {
            events: events.mean_cosine,
            false_alarms: truth.false_alarms.map(|found| found.mean_cosine),
            between_videos: self.variance.map_or(0.0, |found| found.between_videos),
        };
        let beside = seen.false_alarms.map_or(0.0, |found| found.max(0.0));
        if seen.events < SHARED[0] {
            Expectation::NoDirection(seen)
        } else if seen.between_videos >= CAMERAS {
            Expectation::Cameras(seen)
        } else if seen.events - beside < MARGIN {
            Expectation::LikeFalseAlarms(seen)
        } else if seen.events < SHARED[1] {
            Expectation::Little(seen)
        } else {
            Expectation::Gain(seen)
        }
    }

    /// The control that must be beaten first: the one with the highest pooled AUC.
    pub fn best_control(&self) -> Option<&ControlAuc> {
        self.truth.as_ref().and_then(Truth::best_control)
    }
}

impl Truth {
    pub(super) fn best_control(&self) -> Option<&ControlAuc> {
        let known = self.controls.iter().filter(|control| control.auc.is_some());
        known.max_by(|left, right| {
            let [left, right] = [left, right].map(|control| control.auc.unwrap_or_default());
            left.total_cmp(&right)
        })
    }
}

/// Whether an AUC is further from one half than is worth a word and than chance explains: the standard error of an AUC of so many
/// independent scores that say nothing is √((n + m + 1)/(12nm)).
fn stands_out(auc: f64, normal: f64, anomalous: f64) -> bool {
    let error = ((normal + anomalous + 1.0) / (12.0 * normal * anomalous)).sqrt();
    (auc - 0.5).abs() >= WORTH_SAYING.max(STANDARD_ERRORS * error)
}

/// What makes results on a data set say less than they seem to.
#[derive(Debug, Clone, PartialEq)]
pub enum Warning {
    /// A length shortcut: how long a test video is tells much of the truth.
    Length(ControlAuc),
    /// A source confound: normal segments tell which kind of video they are of.
    Source(SourceConfound),
}

impl fmt::Display for Warning {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(control) => {
                let auc = control.auc.unwrap_or_default();
                let which = if auc > 0.5 { "short" } else { "long" };
                write!(
                    out,
                    "length shortcut: −(frames of the video) alone has an AUC of {}, since anomalous test videos are {which}. A method that scores one segment at a \
                     time cannot see it; one with statistics over a video can. `evaluation.clip_segments = 20` takes it away",
                    percent(auc)
                )
            }
            Self::Source(source) => write!(
                out,
                "source confound: a linear discriminant tells normal segments of anomalous videos from those of normal ones with an AUC of {}, though no event is \
                 in them. What is learned from video labels (GCL_WS, MIL) may be where a video comes from; compare the mean AUC within videos",
                percent(source.auc)
            ),
        }
    }
}

/// What an expectation was read from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// Mean cosine of events.
    pub events: f64,
    /// Mean cosine of false alarms, where there are any.
    pub false_alarms: Option<f64>,
    /// Share of the variance between videos.
    pub between_videos: f64,
}

/// What GCL may be expected to do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Expectation {
    /// There is no truth to say it by.
    NoTruth,
    /// Too few videos have an event and something normal beside it.
    FewEvents,
    /// Events share no direction.
    NoDirection(Seen),
    /// Cameras dominate.
    Cameras(Seen),
    /// False alarms share a direction as much as events do.
    LikeFalseAlarms(Seen),
    /// Events share a direction, hardly.
    Little(Seen),
    /// Events share a direction, false alarms do not, cameras do not dominate.
    Gain(Seen),
}

impl fmt::Display for Expectation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seen, text) = match self {
            Self::NoTruth => {
                return out.write_str(
                    "nothing can be said without truth: anomalous_frames of some test videos would tell whether events share a direction",
                );
            }
            Self::FewEvents => {
                return write!(
                    out,
                    "nothing can be said: fewer than {FEWEST_EVENTS} test videos have both anomalous and normal segments"
                );
            }
            Self::NoDirection(seen) => (
                seen,
                "no gain: events share no direction, so D has nothing in common to learn, and its labels are no better than G's",
            ),
            Self::Cameras(seen) => (
                seen,
                "no gain: events share a direction, but cameras dominate, so D's labels follow the video before the event",
            ),
            Self::LikeFalseAlarms(seen) => (
                seen,
                "little or no gain: events share a direction, but so do G's false alarms, which D learns as well",
            ),
            Self::Little(seen) => (
                seen,
                "a small gain over the autoencoder: events share a direction, but hardly",
            ),
            Self::Gain(seen) => (
                seen,
                "a gain over the autoencoder: events share a direction, G's false alarms are scattered and cameras do not dominate, as the paper's argument needs it",
            ),
        };
        write!(
            out,
            "{text}. By rule of thumb: mean cosine of events {:.2} (from {} on), of false alarms {} (at least {MARGIN} below), variance between videos {} (below {}); \
             thresholds of generated features and one real set, see docs/datasets.md",
            seen.events,
            SHARED[0],
            seen.false_alarms
                .map_or_else(|| "unknown".to_owned(), |found| format!("{found:.2}")),
            percent(seen.between_videos),
            percent(CAMERAS)
        )
    }
}
