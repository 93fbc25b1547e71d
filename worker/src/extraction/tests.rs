//! What needs no decoder: labels, and the refusals that a person reads.

use super::*;
use crate::fake::Fake;
use sweeps::{AttemptNumber, DatasetSource, JobSpec, Parameters};

fn settings(folder: &Path) -> Settings {
    Settings {
        videos: [("street".to_owned(), folder.to_owned())].into(),
        weights: Vec::new(),
        device: "cpu".to_owned(),
        threads: Some(1),
        batch: 1,
        ffmpeg: None,
        decode_threads: 1,
        scratch: folder.join(".scratch"),
    }
}

fn extraction() -> Extraction {
    Extraction {
        folder: "street".into(),
        video: "a".into(),
        digest: Digest([1; 32]),
        settings: ExtractionSettings {
            backbone: "resnext50".into(),
            weights: ExtractionWeights::Random(1),
            ten_crops: false,
            drop_last: false,
            f16: false,
            revision: Backbone::ResNext50.revision(),
        },
    }
}

/// Without a decoder in the machine: the parts that come before it.
fn inner(folder: &Path) -> Inner {
    Inner {
        videos: settings(folder).videos,
        weights: BTreeMap::new(),
        decoder: None,
        device: Device::open("cpu", Some(1)).unwrap(),
        batch: 1,
        scratch: folder.to_owned(),
        network: Mutex::new(None),
        broken: OnceLock::new(),
    }
}

fn task(extraction: Extraction) -> Task {
    let dataset = extraction.digest;
    let job = JobSpec {
        dataset: DatasetSource::Video(Box::new(extraction)),
        seed: 0,
        parameters: Parameters::default(),
    };
    Task {
        job_id: job.id(dataset),
        attempt: AttemptNumber(1),
        job,
        dataset,
    }
}

fn said(inner: &Inner, change: impl FnOnce(&mut Extraction)) -> String {
    let mut extraction = extraction();
    change(&mut extraction);
    let (events, _kept) = mpsc::channel(1);
    match inner.work(&task(extraction), &events, &AtomicBool::new(false)) {
        Ended::Failed(failure) if failure.class == FailureClass::BadData => failure.message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_worker_without_videos_announces_nothing_and_needs_no_decoder() {
    let folder = tempfile::tempdir().unwrap();
    let none = Settings {
        videos: BTreeMap::new(),
        ffmpeg: Some("/there/is/no/ffmpeg".into()),
        device: "no such device".to_owned(),
        ..settings(folder.path())
    };
    let worker = Extracting::open(Fake::new(|_| Vec::new()), none).unwrap();
    assert!(worker.labels().is_empty());
    let with = Settings {
        ffmpeg: Some("/there/is/no/ffmpeg".into()),
        ..settings(folder.path())
    };
    let error = Extracting::open(Fake::new(|_| Vec::new()), with)
        .err()
        .unwrap();
    assert!(error.to_string().contains("cannot start"), "{error}");
}

#[test]
fn what_is_announced_is_what_a_job_asks_for() {
    let folder = tempfile::tempdir().unwrap();
    let mut inner = inner(folder.path());
    inner.weights.insert(Digest([5; 32]), "w.pth".into());
    let worker = Extracting {
        training: Fake::new(|_| Vec::new()),
        inner: Arc::new(inner),
    };
    let mut extraction = extraction();
    extraction.settings.weights = ExtractionWeights::File(Digest([5; 32]));
    let labels = worker.labels();
    assert!(
        extraction
            .labels()
            .iter()
            .all(|wanted| labels.contains(wanted)),
        "{labels:?}"
    );
}

#[test]
fn what_cannot_be_done_is_said_as_bad_data() {
    let folder = tempfile::tempdir().unwrap();
    let mut inner = inner(folder.path());
    assert!(said(&inner, |_| ()).contains("--videos NAME=DIR"));
    let at = said(&inner, |one| one.settings.revision += 1);
    assert!(at.contains("the same release"), "{at}");
    let at = said(&inner, |one| one.settings.backbone = "vgg".into());
    assert!(at.contains("no backbone `vgg`"), "{at}");
    let file = ExtractionWeights::File(Digest([5; 32]));
    let at = said(&inner, |one| one.settings.weights = file);
    assert!(at.contains("--weights FILE"), "{at}");

    let Ok(decoder) = Decoder::find(None, 1) else {
        return; // No decoder in this machine.
    };
    inner.decoder = Some(decoder);
    let at = said(&inner, |one| one.folder = "other".into());
    assert!(at.contains("--videos other=DIR"), "{at}");
    let at = said(&inner, |one| one.video = "../../etc/passwd".into());
    assert!(at.contains("there is no video"), "{at}");
    std::fs::write(folder.path().join("a.mp4"), "other bytes").unwrap();
    let at = said(&inner, |_| ());
    assert!(at.contains("the copies differ"), "{at}");
    // The right bytes, which are no video.
    let digest = Digest::of(b"other bytes");
    let at = said(&inner, |one| one.digest = digest);
    assert!(at.contains("a.mp4"), "{at}");
}

/// A decoder that is told to end together with its worker (`scancel`) is no fault of the video: the job goes back.
#[test]
fn a_decoder_that_ends_with_its_worker_fails_no_job() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("ffmpeg");
    let script =
        "#!/bin/sh\n[ \"$1\" = -version ] && echo 'ffmpeg version 9.9' && exit\nkill -TERM $$\n";
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::write(folder.path().join("a.mp4"), "some bytes").unwrap();
    let mut inner = inner(folder.path());
    inner.decoder = Some(Decoder::find(Some(&program), 1).unwrap());
    let mut extraction = extraction();
    extraction.digest = Digest::of(b"some bytes");
    extraction.settings.backbone = "efficientnet-lite0".into();
    extraction.settings.revision = Backbone::EfficientNetLite0.revision();
    let inner = Arc::new(inner);
    let stop = Arc::new(AtomicBool::new(false));
    let (events, _kept) = mpsc::channel(1);
    let work = {
        let (inner, stop) = (Arc::clone(&inner), Arc::clone(&stop));
        std::thread::spawn(move || inner.work(&task(extraction), &events, &stop))
    };
    // The worker hears of it a moment later, or earlier.
    std::thread::sleep(std::time::Duration::from_millis(100));
    stop.store(true, Ordering::Relaxed);
    let ended = work.join().unwrap();
    assert!(matches!(ended, Ended::Stopped), "{ended:?}");
}

/// A mistake of the host, and whatever happens on a CPU, leaves the worker as it is; memory may suffice elsewhere.
#[test]
fn an_error_of_a_job_says_whose_fault_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let inner = inner(folder.path());
    for (error, class) in [
        (ExtractError::Host("shapes".into()), FailureClass::Trainer),
        (
            ExtractError::Ended {
                path: "a.mp4".into(),
                message: "killed".into(),
            },
            FailureClass::Trainer,
        ),
        (ExtractError::Device("lost".into()), FailureClass::Trainer),
        (
            ExtractError::OutOfMemory("full".into()),
            FailureClass::OutOfMemory,
        ),
        (ExtractError::Request("odd".into()), FailureClass::BadData),
    ] {
        assert_eq!(inner.failed(error).unwrap().class, class);
    }
    assert!(inner.failed(ExtractError::Stopped).is_none());
    assert_eq!(inner.broken.get(), None);
}

#[test]
fn long_features_are_delivered_in_pieces_that_make_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy");
    std::fs::write(&path, [7; 100]).unwrap();
    let pieces = pieces(&path).unwrap();
    assert_eq!(pieces.len(), 1);
    assert_eq!(pieces[0].name, "features.npy.0");
    assert_eq!(pieces[0].bytes, [7; 100]);
}
