//! Nouns survive the wire unchanged, and nothing that arrives can panic.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, outside test functions"
)]

mod generated;
mod refused;
mod strategies;

use proptest::prelude::*;
use prost::Message;
use proto::wire;
use sweeps::{
    AttemptNumber, CellResult, DatasetSource, EpochPoint, Failure, FailureClass, JobId, JobSpec,
    RunRecord, Value,
};

use strategies::{cell_result, digest, job, record};

/// Through real bytes, not only through the generated structs.
fn travel<M: Message + Default>(message: &M) -> M {
    M::decode(message.encode_to_vec().as_slice()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_job_survives_the_wire_with_its_id(job in job(), dataset in digest()) {
        let back = JobSpec::try_from(travel(&wire::JobSpec::from(&job))).unwrap();
        prop_assert_eq!(back.id(dataset), job.id(dataset));
        prop_assert_eq!(back, job);
    }

    #[test]
    fn a_record_survives_the_wire_to_the_bit(record in record()) {
        let back = RunRecord::try_from(travel(&wire::RunRecord::from(&record))).unwrap();
        prop_assert_eq!(back.outcome.digest(), record.outcome.digest());
        // `==` takes −0 for 0; the shown form does not.
        prop_assert_eq!(format!("{back:?}"), format!("{record:?}"));
    }

    #[test]
    fn a_cell_survives_the_wire(cell in cell_result()) {
        let back = CellResult::try_from(travel(&wire::CellResult::from(&cell))).unwrap();
        prop_assert_eq!(format!("{back:?}"), format!("{cell:?}"));
    }

    #[test]
    fn a_failure_survives_the_wire(class in 0..FailureClass::ALL.len(), message in "\\PC{0,5000}") {
        let failure = Failure::new(FailureClass::ALL[class], message);
        prop_assert_eq!(Failure::try_from(travel(&wire::Failure::from(&failure))).unwrap(), failure);
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        convert_anything(&bytes);
    }

    /// Random bytes seldom get past the first tag; bytes near a real message do.
    #[test]
    fn damaged_messages_never_panic(
        cell in cell_result(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = wire::CellResult::from(&cell).encode_to_vec();
        for (at, byte) in damage {
            let length = bytes.len();
            bytes[at.index(length)] = byte;
        }
        convert_anything(&bytes);
        bytes.truncate(cut.index(bytes.len()));
        convert_anything(&bytes);
    }
}

/// Decodes as everything that has a conversion, and converts what decodes.
fn convert_anything(bytes: &[u8]) {
    macro_rules! each {
        ($($wire:ty => $noun:ty),+ $(,)?) => {$(
            if let Ok(message) = <$wire>::decode(bytes) {
                let _ = <$noun>::try_from(message);
            }
        )+};
    }
    each!(
        wire::Value => Value,
        wire::DatasetSource => DatasetSource,
        wire::JobSpec => JobSpec,
        wire::EpochPoint => EpochPoint,
        wire::RunRecord => RunRecord,
        wire::Failure => Failure,
        wire::CellResult => CellResult,
        wire::LeaseKey => (JobId, AttemptNumber),
        wire::Versions => proto::version::Versions,
    );
}
