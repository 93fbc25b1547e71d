//! Both stores do the same; what is kept of running jobs is bounded.

use sweeps::EpochPoint;

use super::*;
use proto::nouns::{LeaseKey, Timestamp, WorkerId};

fn location(number: u64) -> Location {
    Location {
        segment: 1,
        in_snapshot: false,
        offset: number,
        length: 3,
        digest: Digest([number as u8; 32]),
        sequence: number,
    }
}

fn each(check: impl Fn(Arc<dyn Store>)) {
    check(Arc::new(MemoryStore::default()));
    let folder = tempfile::tempdir().unwrap();
    check(Arc::new(SledStore::open(folder.path()).unwrap()));
}

#[test]
fn stores_apply_and_scan_in_order() {
    each(|store| {
        let put =
            |key: &str, value: &str| (key.as_bytes().to_vec(), Some(value.as_bytes().to_vec()));
        store
            .apply(vec![
                put("b2", "y"),
                put("b1", "x"),
                put("c", "z"),
                put("b2", "w"),
            ])
            .unwrap();
        store.apply(vec![(b"c".to_vec(), None)]).unwrap();
        assert_eq!(store.get(b"c").unwrap(), None);
        assert_eq!(store.count(b"").unwrap(), 2);
        let found = store.scan(b"b").unwrap();
        assert_eq!(
            found,
            [
                (b"b1".to_vec(), b"x".to_vec()),
                (b"b2".to_vec(), b"w".to_vec())
            ]
        );
    });
}

#[test]
fn live_epochs_belong_to_an_attempt_and_logs_are_a_bounded_tail() {
    each(|store| {
        let job = JobId([7; 32]);
        let reader = Reader::new(Availability::ready(store.clone()), Path::new("."));
        let mut writer = IndexWriter::new(store.clone());
        let points: Vec<EpochPoint> = (1..=300)
            .rev()
            .map(|epoch| EpochPoint::new(Phase::Train, epoch))
            .collect();
        let lines: Vec<String> = (0..400).map(|line| format!("line {line}")).collect();
        for _ in 0..2 {
            writer
                .progress(job, AttemptNumber(1), &points, &lines, Timestamp(5))
                .unwrap();
            writer.commit(None).unwrap();
        }
        let epochs: Vec<u32> = reader
            .live(job, AttemptNumber(1))
            .unwrap()
            .iter()
            .map(|point| point.epoch)
            .collect();
        assert_eq!(epochs, (1..=300).collect::<Vec<_>>());
        // After a restart the ring goes on where it was.
        let mut writer = IndexWriter::new(store);
        writer
            .progress(
                job,
                AttemptNumber(2),
                &[],
                &["é".repeat(3000)],
                Timestamp(6),
            )
            .unwrap();
        writer.commit(None).unwrap();
        let log = reader.logs(job, None).unwrap();
        assert_eq!(log.len(), 500);
        assert_eq!(
            (log[0].text.as_str(), log[498].text.as_str()),
            ("line 301", "line 399")
        );
        assert_eq!(log[499].text.len(), 2000);
        assert_eq!(reader.logs(job, Some(AttemptNumber(2))).unwrap().len(), 1);

        let lease = Entry::Leased {
            at: Timestamp(1),
            worker: WorkerId(1),
            leases: vec![LeaseKey {
                job,
                attempt: AttemptNumber(2),
            }],
        };
        writer.entry(&lease, &location(1)).unwrap();
        writer.commit(None).unwrap();
        assert!(reader.live(job, AttemptNumber(1)).unwrap().is_empty());
        assert_eq!(reader.logs(job, None).unwrap().len(), 500);
    });
}

#[test]
fn an_index_says_how_far_it_has_read() {
    each(|store| {
        let mut writer = IndexWriter::new(store.clone());
        assert_eq!(writer.applied().unwrap(), Some(None), "a new one");
        let applied = Applied {
            sequence: 3,
            chain: Digest([1; 32]),
        };
        writer.commit(Some(applied)).unwrap();
        assert_eq!(writer.applied().unwrap(), Some(Some(applied)));
        store
            .apply(vec![(SCHEMA_KEY.to_vec(), Some(vec![9, 0, 0, 0]))])
            .unwrap();
        assert_eq!(writer.applied().unwrap(), None, "another version");
        store.apply(vec![(SCHEMA_KEY.to_vec(), None)]).unwrap();
        assert_eq!(writer.applied().unwrap(), None, "incomplete");
    });
}

#[test]
fn what_a_killed_open_leaves_does_not_keep_sled_from_opening() {
    let folder = tempfile::tempdir().unwrap();
    drop(SledStore::open(folder.path()).unwrap());
    std::fs::write(
        folder.path().join("snap.0000000000000001.generating"),
        b"half",
    )
    .unwrap();
    SledStore::open(folder.path()).unwrap();
}
