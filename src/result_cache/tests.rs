use std::os::unix::fs::PermissionsExt;

use super::fixture::{entry, key};
use super::*;

const MOST: u64 = 1 << 20;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn a_result_is_kept_once_for_its_user_alone() {
    let above = tempfile::tempdir().unwrap();
    let cache = above.path().join("deep/cache");
    assert!(ResultCache::find(&cache, MOST).unwrap().is_none());
    let results = ResultCache::make(&cache, MOST).unwrap();
    assert_eq!(results.get(&key(1), at(5)), Ok(None));
    assert!(matches!(results.put(&entry(1)), Ok(Kept::New(_))));
    assert_eq!(results.put(&entry(1)), Ok(Kept::Already));
    assert_eq!(results.get(&key(1), at(5)), Ok(Some(entry(1))));
    assert!(results.has(&key(1)) && !results.has(&key(2)));
    let file = results.path(&key(1)).unwrap();
    assert_eq!(file.metadata().unwrap().modified().unwrap(), at(5));
    assert_eq!(mode(&cache.join("results")), 0o700);
    assert_eq!(mode(&file), 0o600);
    // A kind of device with strange letters has no file.
    let mut strange = entry(2);
    strange.record.provenance.device.kind = "../../x".into();
    assert_eq!(results.put(&strange), Ok(Kept::Refused));
}

#[test]
fn a_folder_that_others_could_write_into_is_narrowed_and_what_is_no_folder_is_not_used() {
    let above = tempfile::tempdir().unwrap();
    let results = above.path().join("results");
    std::fs::create_dir(&results).unwrap();
    std::fs::set_permissions(&results, PermissionsExt::from_mode(0o777)).unwrap();
    ResultCache::make(above.path(), MOST).unwrap();
    assert_eq!(mode(&results), 0o700);
    std::fs::remove_dir(&results).unwrap();
    std::os::unix::fs::symlink("/tmp", &results).unwrap();
    let refused = ResultCache::make(above.path(), MOST).unwrap_err();
    assert!(refused.contains("is not a folder"), "{refused}");
    // The root of the system belongs to another user, unless we are that one: then there is one to whom a folder can be given.
    let (theirs, below) = if nix::unistd::geteuid().is_root() {
        let theirs = above.path().join("theirs");
        std::fs::create_dir(&theirs).unwrap();
        std::os::unix::fs::chown(&theirs, Some(7), None).unwrap();
        (theirs.clone(), theirs.join("deep/cache"))
    } else {
        (PathBuf::from("/usr"), PathBuf::from("/usr"))
    };
    for folder in [&theirs, &below] {
        let refused = ResultCache::make(folder, MOST).unwrap_err();
        assert!(refused.contains("another user"), "{refused}");
    }
    assert!(!theirs.join("deep").exists() && !theirs.join("results").exists());
}

#[test]
fn what_is_damaged_is_not_used_and_is_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    let results = ResultCache::make(folder.path(), MOST).unwrap();
    results.put(&entry(1)).unwrap();
    let file = results.path(&key(1)).unwrap();
    let whole = std::fs::read(&file).unwrap();
    for damaged in [&whole[..whole.len() / 2], b"", b"something else"] {
        std::fs::write(&file, damaged).unwrap();
        let refused = results.get(&key(1), at(5)).unwrap_err();
        assert!(refused.contains(&file.display().to_string()), "{refused}");
        assert!(matches!(results.put(&entry(1)), Ok(Kept::New(_))));
        assert_eq!(results.get(&key(1), at(5)), Ok(Some(entry(1))));
    }
    // A link could lead anywhere.
    std::fs::rename(&file, folder.path().join("elsewhere")).unwrap();
    std::os::unix::fs::symlink(folder.path().join("elsewhere"), &file).unwrap();
    assert!(results.get(&key(1), at(5)).is_err());
}

#[test]
fn two_results_of_one_job_on_one_kind_of_device_leave_none() {
    let folder = tempfile::tempdir().unwrap();
    let results = ResultCache::make(folder.path(), MOST).unwrap();
    results.put(&entry(1)).unwrap();
    let mut other = entry(1);
    other.record.outcome.curve[0].auc_d = Some(0.25);
    assert_eq!(results.put(&other), Ok(Kept::Differs));
    assert!(!results.has(&key(1)));
    // On another kind of device it may differ.
    results.put(&entry(1)).unwrap();
    other.record.provenance.device.kind = "cpu-avx512f".into();
    assert!(matches!(results.put(&other), Ok(Kept::New(_))));
    assert_eq!(results.contents().unwrap().results, 2);
}

#[test]
fn what_was_used_longest_ago_goes_first_and_killed_runs_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let length = entry(0).encode().len() as u64;
    let results = ResultCache::make(folder.path(), 4 * length + length / 2).unwrap();
    for number in 0..4 {
        results.put(&entry(number)).unwrap();
        results
            .get(&key(number), at(1_000 + u64::from(number)))
            .unwrap();
    }
    assert_eq!(results.shrink(at(2_000)), Ok((0, 4 * length)));
    // Used again: it stays.
    results.get(&key(0), at(1_500)).unwrap();
    results.put(&entry(4)).unwrap();
    results.get(&key(4), at(1_600)).unwrap();
    let file = results.path(&key(1)).unwrap();
    let of_killed = PathBuf::from(format!("{}.77-00.new", file.display()));
    std::fs::write(&of_killed, b"torn").unwrap();
    std::fs::File::open(&of_killed)
        .unwrap()
        .set_modified(at(0))
        .unwrap();
    std::fs::write(folder.path().join("results/notes"), b"somebody's").unwrap();
    assert_eq!(results.shrink(at(100_000)), Ok((1, 4 * length)));
    let left: Vec<u8> = (0..5).filter(|number| results.has(&key(*number))).collect();
    assert_eq!(left, [0, 2, 3, 4]);
    assert!(!of_killed.exists());
    let contents = results.contents().unwrap();
    assert_eq!((contents.results, contents.foreign), (4, 1));
    // What would take most of the room is not kept.
    let mut long = entry(9);
    long.artifacts = vec![vec![0; 10 * length as usize]];
    assert_eq!(results.put(&long), Ok(Kept::Refused));
    let gone = results.clear().unwrap();
    assert_eq!((gone.results, gone.foreign), (4, 1));
    assert_eq!(results.contents().unwrap().results, 0);
    assert!(folder.path().join("results/notes").exists());
}

#[test]
fn runs_that_write_and_shrink_at_the_same_time_leave_only_whole_results() {
    let folder = tempfile::tempdir().unwrap();
    let length = entry(0).encode().len() as u64;
    let results = ResultCache::make(folder.path(), 8 * length).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for number in 0..24 {
                    results.put(&entry(number)).unwrap();
                    results.shrink(at(9)).unwrap();
                    let found = results.get(&key(number), at(9)).unwrap();
                    assert!(found.is_none_or(|found| found == entry(number)));
                }
            });
        }
    });
    assert!(results.contents().unwrap().bytes <= 8 * length);
}
