//! A record that fits: what a finished training has to say is never refused for its length, but cut, with a mark.
//!
//! Worker and coordinator cut alike, and what fits is left as it is: so a record is the same on both sides, however often
//! it is cut.

use prost::Message;
use sweeps::{Curve, EpochPoint, RunRecord, Warning};

use crate::limits::{CURVE_POINTS, NAME_BYTES, RECORD_BYTES, TEXT_BYTES, WARNINGS};
use crate::wire;

/// The code of the warning that says that something of the record was cut.
pub const CUT: &str = "record-cut";
/// Bytes that all warnings may have before each is cut to [`WARNING_BYTES`], where the record is too long.
const ALL_WARNINGS_BYTES: usize = 1 << 20;
/// Bytes of a warning where all of them are too long.
const WARNING_BYTES: usize = 1024;

/// The text where it has at most that many bytes, else its beginning and how long it was.
pub fn fit_text(text: String, bytes: usize) -> String {
    if text.len() <= bytes {
        return text;
    }
    let mark = format!("… (cut, {} bytes in all)", text.len());
    let mut cut = text;
    cut.truncate(cut.floor_char_boundary(bytes.saturating_sub(mark.len())));
    cut.push_str(&mark);
    cut.truncate(cut.floor_char_boundary(bytes));
    cut
}

/// The record where it is no longer than [`RECORD_BYTES`] and each of its texts and lists no longer than its limit; else
/// what fits of it, with a warning that says so. Its artifacts are left as they are.
pub fn fit(mut record: RunRecord) -> RunRecord {
    let provenance = &mut record.provenance;
    for name in [
        &mut provenance.worker,
        &mut provenance.version,
        &mut provenance.device.kind,
        &mut provenance.device.name,
    ] {
        *name = fit_text(std::mem::take(name), NAME_BYTES);
    }
    if let Some(facts) = &mut provenance.dataset {
        facts.own_name = fit_text(std::mem::take(&mut facts.own_name), NAME_BYTES);
    }
    fit_warnings(&mut record.outcome.warnings, TEXT_BYTES);
    let points = record.outcome.curve.len();
    let is_long = |record: &RunRecord| {
        // Most records are far from the limit, and need no exact number.
        at_most(record) > RECORD_BYTES && wire::RunRecord::from(record).encoded_len() > RECORD_BYTES
    };
    if points <= CURVE_POINTS && !is_long(&record) {
        return record;
    }
    let warnings = &record.outcome.warnings;
    let bytes: usize = warnings.iter().map(|warning| warning.message.len()).sum();
    if bytes > ALL_WARNINGS_BYTES {
        fit_warnings(&mut record.outcome.warnings, WARNING_BYTES);
    }
    if points > CURVE_POINTS || is_long(&record) {
        thin(&mut record);
    }
    record
}

/// More bytes than the record has on the wire.
fn at_most(record: &RunRecord) -> usize {
    /// Of a point: a phase, an epoch and eight doubles with their tags.
    const POINT: usize = 96;
    /// Of whatever is around texts and digests.
    const AROUND: usize = 64;
    let outcome = &record.outcome;
    let warnings = outcome.warnings.iter();
    let warnings = warnings.map(|warning| warning.code.len() + warning.message.len() + AROUND);
    let artifacts = outcome.artifacts.iter();
    let artifacts = artifacts.map(|artifact| artifact.name.len() + AROUND);
    // The names of the provenance were cut before.
    let names = 8 * (NAME_BYTES + AROUND);
    outcome.curve.len() * POINT + warnings.chain(artifacts).sum::<usize>() + names + 1024
}

fn fit_warnings(warnings: &mut Vec<Warning>, bytes: usize) {
    for warning in warnings.iter_mut() {
        warning.code = fit_text(std::mem::take(&mut warning.code), NAME_BYTES);
        warning.message = fit_text(std::mem::take(&mut warning.message), bytes);
    }
    if warnings.len() > WARNINGS {
        let more = warnings.len() - (WARNINGS - 1);
        warnings.truncate(WARNINGS - 1);
        warnings.push(Warning {
            code: CUT.into(),
            message: format!("{more} more warnings were cut"),
        });
    }
}

/// Keeps points of the curve at even distances, the last of each phase among them, so many that the record fits.
fn thin(record: &mut RunRecord) {
    let curve: Curve = std::mem::take(&mut record.outcome.curve);
    let all = curve.len();
    // The mark is there before the room is counted. Where it has no place, the last warning makes one.
    record.outcome.warnings.truncate(WARNINGS - 1);
    record.outcome.warnings.push(Warning {
        code: CUT.into(),
        message: mark(all, all),
    });
    let rest = wire::RunRecord::from(&*record).encoded_len();
    // Tag and length of a point, which is shorter than 128 bytes; the curve makes the messages around it longer by
    // some bytes more.
    let longest = curve.iter().map(|point| size(point) + 2).max().unwrap_or(2);
    let room = RECORD_BYTES.saturating_sub(rest + 64) / longest;
    let most = room.min(CURVE_POINTS).saturating_sub(3);
    let is_last = |index: usize| {
        curve
            .get(index + 1)
            .is_none_or(|next| next.phase != curve[index].phase)
    };
    let mut ends = 3;
    let mut kept = Vec::with_capacity(most + ends);
    for (index, point) in curve.iter().enumerate() {
        if (index + 1) * most / all > index * most / all {
            kept.push(point.clone());
        } else if ends > 0 && is_last(index) {
            ends -= 1;
            kept.push(point.clone());
        }
    }
    if let Some(warning) = record.outcome.warnings.last_mut() {
        warning.message = mark(kept.len(), all);
    }
    record.outcome.curve = kept;
}

fn mark(kept: usize, all: usize) -> String {
    format!(
        "the record was longer than may be kept: {kept} of the {all} points of its curve are there"
    )
}

fn size(point: &EpochPoint) -> usize {
    wire::EpochPoint::from(point).encoded_len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sweeps::{
        ArtifactRef, AttemptNumber, DeviceInfo, Digest, JobId, Outcome, Phase, Provenance,
    };

    use super::*;
    use crate::limits::{ARTIFACTS, MESSAGE_BYTES};

    fn record(curve: Curve, warnings: Vec<Warning>, name: usize) -> RunRecord {
        let name = "ñ".repeat(name);
        RunRecord {
            job_id: JobId([1; 32]),
            outcome: Outcome {
                curve,
                warnings,
                ..Outcome::default()
            },
            provenance: Provenance {
                attempt: AttemptNumber(3),
                worker: name.clone(),
                device: DeviceInfo {
                    kind: name.clone(),
                    name: name.clone(),
                },
                version: name,
                trainer_revision: 1,
                dataset_digest: Digest([2; 32]),
                duration_s: 0.5,
                resumed: 0,
                cached_since_ms: None,
                dataset: None,
            },
        }
    }

    /// Points as long as they can be.
    fn curve(epochs: u32) -> Curve {
        [
            Phase::PretrainGenerator,
            Phase::PretrainDiscriminator,
            Phase::Train,
        ]
        .into_iter()
        .flat_map(|phase| (1..=epochs).map(move |epoch| (phase, epoch)))
        .map(|(phase, epoch)| EpochPoint {
            auc_d: Some(0.1),
            auc_g: Some(0.2),
            loss_d: Some(0.3),
            loss_g: Some(0.4),
            positive_share_g: Some(0.5),
            positive_share_d: Some(0.6),
            agreement_gd: Some(0.7),
            agreement_truth: Some(0.8),
            ..EpochPoint::new(phase, u32::MAX - epochs + epoch)
        })
        .collect()
    }

    fn warnings(count: usize, bytes: usize) -> Vec<Warning> {
        let warning = |number| Warning {
            code: format!("code-{number}"),
            message: "w".repeat(bytes),
        };
        (0..count).map(warning).collect()
    }

    /// A record fits, is taken as it is, and can be sent on with what is shown around it.
    fn is_taken(record: RunRecord) -> RunRecord {
        let fitted = fit(record);
        assert!(at_most(&fitted) >= wire::RunRecord::from(&fitted).encoded_len());
        assert_eq!(fit(fitted.clone()), fitted, "what fits is left as it is");
        let message = wire::FinishRequest {
            worker: u64::MAX,
            record: Some((&fitted).into()),
            next: Some(wire::Next::default()),
        };
        assert!(message.encoded_len() < MESSAGE_BYTES - (512 << 10));
        let bytes = message.encode_to_vec();
        let read = wire::FinishRequest::decode(&bytes[..]).unwrap();
        assert_eq!(
            RunRecord::try_from(read.record.unwrap()),
            Ok(fitted.clone())
        );
        fitted
    }

    #[test]
    fn the_longest_record_is_cut_and_says_so() {
        let mut longest = record(curve(60_000), warnings(1000, 100_000), 100_000);
        longest.outcome.artifacts = vec![
            ArtifactRef {
                name: "n".repeat(NAME_BYTES),
                digest: Digest([3; 32]),
                bytes: u64::MAX,
            };
            ARTIFACTS
        ];
        let cut = is_taken(longest.clone());
        assert_eq!(cut.outcome.metrics, longest.outcome.metrics);
        assert_eq!(cut.outcome.artifacts, longest.outcome.artifacts);
        assert!(cut.outcome.curve.len() > 50_000);
        for phase in [
            Phase::PretrainGenerator,
            Phase::PretrainDiscriminator,
            Phase::Train,
        ] {
            let last = |record: &RunRecord| {
                let mut points = record.outcome.curve.iter();
                points.rfind(|point| point.phase == phase).cloned()
            };
            assert_eq!(last(&cut), last(&longest));
        }
        let said = cut.outcome.warnings.last().unwrap();
        assert!(
            said.code == CUT && said.message.contains("of the 180000 points"),
            "{said:?}"
        );
        // The coordinator cuts what a worker of another make sends, if it arrives at all.
        let sent = record(curve(20_000), warnings(300, 2_000), 5_000);
        let taken = RunRecord::try_from(wire::RunRecord::from(&sent));
        assert_eq!(taken, Ok(fit(sent)));
    }

    #[test]
    fn a_record_of_usual_length_is_left_as_it_is() {
        let usual = record(curve(100), warnings(3, 300), 10);
        assert_eq!(is_taken(usual.clone()), usual);
        let many = record(curve(60_000)[..60_000].to_vec(), warnings(1, 78_514), 10);
        let cut = is_taken(many.clone());
        assert_eq!(cut.outcome.curve, many.outcome.curve);
        assert!(
            cut.outcome.warnings[0]
                .message
                .ends_with("… (cut, 78514 bytes in all)")
        );
    }

    #[test]
    fn artifacts_are_never_cut() {
        let mut strange = record(curve(1), Vec::new(), 1);
        strange.outcome.artifacts = vec![
            ArtifactRef {
                name: "scores".into(),
                digest: Digest([3; 32]),
                bytes: 1,
            };
            ARTIFACTS + 1
        ];
        assert!(RunRecord::try_from(wire::RunRecord::from(&fit(strange))).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
        #[test]
        fn any_record_fits(epochs in 0_u32..45_000, count in 0_usize..400, bytes in 0_usize..40_000, name in 0_usize..2_000) {
            is_taken(record(curve(epochs), warnings(count, bytes), name));
        }

        #[test]
        fn a_text_fits(text in "\\PC{0,80}", bytes in 0_usize..100) {
            let length = text.len();
            let cut = fit_text(text.clone(), bytes);
            prop_assert!(cut.len() <= bytes);
            prop_assert!(length > bytes || cut == text);
            prop_assert_eq!(fit_text(cut.clone(), bytes), cut);
        }
    }
}
