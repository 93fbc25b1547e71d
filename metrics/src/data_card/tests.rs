use super::*;

/// A card with these numbers: mean cosines of events and false alarms, variance between videos, AUC of length and of the source.
fn card(events: f64, false_alarms: f64, between: f64, length: f64, source: f64) -> DataCard {
    let coherence = |mean_cosine| {
        Some(Coherence {
            videos: 44,
            mean_cosine,
        })
    };
    let control = |word: &str, auc| ControlAuc {
        control: word.to_owned(),
        auc: Some(auc),
        within_videos: Some(0.5),
    };
    DataCard {
        feature_scaling: "none".to_owned(),
        dimensions: 147,
        constant_dimensions: 1,
        zeros: 0.594,
        variance: Some(Variance {
            between_videos: between,
            by_chance: 0.022,
        }),
        norm: Quantiles::of((0..101).map(f64::from).collect()),
        change: None,
        sample: Sample {
            rows: 30_000,
            pca: 20_000,
            knn: 30_000,
        },
        truth: Some(Truth {
            test: Prevalence {
                videos: 199,
                anomalous_videos: 44.0 / 199.0,
                anomalous_segments: Some(0.056),
                anomalous_frames: Some(0.056),
            },
            train: None,
            controls: vec![control("length", length), control("norm", 0.629)],
            events: coherence(events),
            false_alarms: coherence(false_alarms),
            source: Some(SourceConfound {
                auc: source,
                folds: 5,
                normal_videos: 330,
                anomalous_videos: 105,
                segments: 8548,
            }),
        }),
    }
}

#[test]
fn a_card_is_the_same_after_a_journey_and_a_damaged_one_is_refused() {
    let card = card(0.22, 0.33, 0.415, 0.921, 0.663);
    let bytes = card.encode();
    assert_eq!(DataCard::decode(&bytes), Ok(card));
    for wrong in [&bytes[..bytes.len() - 1], b"{}", b"", &[0xff; 9]] {
        let error = DataCard::decode(wrong).unwrap_err().to_string();
        assert!(error.contains("data-card"), "{error}");
    }
    assert!(DataCard::decode(&vec![b' '; MOST_BYTES + 1]).is_err());
}

#[test]
fn quantiles_are_numbers_of_the_list() {
    let found = Quantiles::of((0..=100).rev().map(f64::from).collect()).unwrap();
    assert_eq!(
        [found.least, found.p5, found.p25, found.median],
        [0.0, 5.0, 25.0, 50.0]
    );
    assert_eq!([found.p75, found.p95, found.most], [75.0, 95.0, 100.0]);
    let one = Quantiles::of(vec![3.0]).unwrap();
    assert_eq!((one.least, one.most), (3.0, 3.0));
    assert_eq!(Quantiles::of(Vec::new()), None);
}

/// The features on which the thresholds were found lie on the sides on which GCL_B did.
#[test]
fn what_may_be_expected_follows_what_was_found() {
    let of =
        |events, false_alarms, between| card(events, false_alarms, between, 0.5, 0.5).expectation();
    assert!(matches!(of(0.08, 0.10, 0.39), Expectation::NoDirection(_)));
    assert!(matches!(of(0.36, 0.10, 0.39), Expectation::Gain(_)));
    assert!(matches!(of(0.21, 0.10, 0.39), Expectation::Gain(_)));
    assert!(matches!(of(0.16, 0.10, 0.39), Expectation::Little(_)));
    assert!(matches!(of(0.28, 0.04, 0.82), Expectation::Cameras(_)));
    assert!(matches!(
        of(0.22, 0.25, 0.23),
        Expectation::LikeFalseAlarms(_)
    ));
    let mut few = card(0.5, 0.0, 0.3, 0.5, 0.5);
    let truth = few.truth.as_mut().unwrap();
    truth.events = Some(Coherence {
        videos: 3,
        mean_cosine: 0.5,
    });
    assert_eq!(few.expectation(), Expectation::FewEvents);
    few.truth = None;
    assert_eq!(few.expectation(), Expectation::NoTruth);
    assert!(few.warnings().is_empty());
}

#[test]
fn shortcuts_are_warnings_where_chance_does_not_explain_them() {
    let of = |length, source| card(0.2, 0.0, 0.3, length, source).warnings();
    let [length, confound] = of(0.921, 0.663).try_into().unwrap();
    let (length, confound) = (length.to_string(), confound.to_string());
    assert!(
        length.contains("92.1%") && length.contains("are short"),
        "{length}"
    );
    assert!(confound.contains("66.3%"), "{confound}");
    assert!(of(0.3, 0.5)[0].to_string().contains("are long"));
    assert!(of(0.55, 0.58).is_empty());
    // An AUC below one half on left-out videos is no knowledge of the source.
    assert!(of(0.5, 0.35).is_empty());
    // With ten videos an AUC of 70% is nothing.
    let mut small = card(0.2, 0.0, 0.3, 0.7, 0.7);
    let truth = small.truth.as_mut().unwrap();
    truth.test.videos = 10;
    truth.test.anomalous_videos = 0.6;
    let source = truth.source.as_mut().unwrap();
    (source.normal_videos, source.anomalous_videos) = (16, 7);
    assert!(small.warnings().is_empty());
}

#[test]
fn people_read_every_number() {
    let text = card(0.22, 0.33, 0.415, 0.921, 0.663).to_string();
    for words in [
        "41.5% of it lies between videos (by chance 2.2%)",
        "59.4% of the values are zero; 1 of 147 dimensions never change",
        "0.000 / 5.000 / 25.000 / 50.000 / 75.000 / 95.000 / 100.000",
        "5.6% of frames, 5.6% of segments, 44 of 199 videos",
        "length 92.1 / 50.0, norm 62.9 / 50.0",
        "length (92.1%)",
        "mean cosine 0.22 over 44 videos",
        "AUC 66.3% of a linear discriminant",
        "principal components of 20000 of 30000 training rows",
        "warning      length shortcut",
        "expected     little or no gain",
    ] {
        assert!(text.contains(words), "{words} in\n{text}");
    }
}
