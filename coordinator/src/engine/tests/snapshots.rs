//! A journal that is compacted while the engine runs; the index follows.

use super::*;

#[tokio::test]
async fn a_journal_that_grows_is_compacted_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let config = || {
        let mut config = Config::new(folder.path());
        config.journal.segment_bytes = 4_000;
        config.journal.snapshot_bytes = 20_000;
        config
    };
    let lab = Lab::start(config()).await.unwrap();
    for round in 1..=4 {
        lab.submit(&format!("grown {} 4", round * 6)).await.unwrap();
        assert_eq!(lab.run_all().await, 24);
    }
    let segments = || {
        std::fs::read_dir(folder.path().join("journal"))
            .unwrap()
            .count()
    };
    let verified = crate::journal::verify(&folder.path().join("journal")).unwrap();
    assert!(verified.entries < verified.sequence, "{verified:?}");
    assert!(segments() < 20, "{}", segments());
    // The index knows where the records went.
    let cells = lab.handle().cells("grown".into()).await.unwrap();
    assert!(cells.len() == 96 && cells.iter().all(|cell| cell.record.is_some()));
    lab.stop().await;
    let lab = Lab::start(config()).await.unwrap();
    let again = lab.handle().cells("grown".into()).await.unwrap();
    assert_eq!(again, cells);
    lab.stop().await;
    // So does one that lags behind the snapshot, and one that is made again.
    std::fs::remove_dir_all(folder.path().join("index")).unwrap();
    let lab = Lab::start(config()).await.unwrap();
    assert_eq!(lab.handle().cells("grown".into()).await.unwrap(), cells);
    lab.stop().await;
}

#[tokio::test]
async fn an_index_from_before_a_snapshot_catches_up_over_it() {
    let folder = tempfile::tempdir().unwrap();
    let lab = Lab::at(folder.path()).await;
    lab.submit("grown 5 4").await.unwrap();
    assert_eq!(lab.run_all().await, 20);
    lab.stop().await;
    let (index, old) = (folder.path().join("index"), folder.path().join("old"));
    std::fs::rename(&index, &old).unwrap();

    let mut config = Config::new(folder.path());
    config.journal.snapshot_bytes = 1;
    let lab = Lab::start(config).await.unwrap();
    lab.submit("grown 6 4").await.unwrap();
    assert_eq!(lab.run_all().await, 4);
    let cells = lab.handle().cells("grown".into()).await.unwrap();
    lab.stop().await;
    std::fs::remove_dir_all(&index).unwrap();
    std::fs::rename(&old, &index).unwrap();

    let lab = Lab::at(folder.path()).await;
    assert_eq!(lab.handle().cells("grown".into()).await.unwrap(), cells);
    assert!(cells.iter().all(|cell| cell.record.is_some()));
    lab.stop().await;
}
