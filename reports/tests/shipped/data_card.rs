//! What kind of data a sweep was made on stands on its page, whatever way the results came.

use metrics::data_card::{
    Coherence, ControlAuc, DataCard, Prevalence, Sample, SourceConfound, Truth, Variance,
};
use reports::SweepResults;

use super::world::{Fate, walk};
use super::{through_files, words};

/// A card of data in which length tells everything and normal segments tell their video.
fn card() -> DataCard {
    DataCard {
        feature_scaling: "none".into(),
        dimensions: 2048,
        constant_dimensions: 3,
        zeros: 0.125,
        variance: Some(Variance {
            between_videos: 0.415,
            by_chance: 0.022,
        }),
        norm: None,
        change: None,
        sample: Sample {
            rows: 100,
            pca: 100,
            knn: 100,
        },
        truth: Some(Truth {
            test: Prevalence {
                videos: 199,
                anomalous_videos: 44.0 / 199.0,
                anomalous_segments: Some(0.056),
                anomalous_frames: Some(0.056),
            },
            train: None,
            controls: vec![ControlAuc {
                control: "length".into(),
                auc: Some(0.9214),
                within_videos: Some(0.5),
            }],
            events: Some(Coherence {
                videos: 44,
                mean_cosine: 0.36,
            }),
            false_alarms: Some(Coherence {
                videos: 120,
                mean_cosine: 0.1,
            }),
            source: Some(SourceConfound {
                auc: 0.71,
                folds: 5,
                normal_videos: 330,
                anomalous_videos: 105,
                segments: 8548,
            }),
        }),
    }
}

/// Its first data set has a card, the second has none.
fn with_card() -> SweepResults {
    let mut results = walk("table2", Fate::Perfect);
    results.cards.insert("ucf-crime-resnext".into(), card());
    results
}

#[test]
fn a_card_stands_on_the_page_and_its_warnings_before_the_means() {
    let results = with_card();
    for results in [&results, &through_files(&results)] {
        let told = words(results);
        for sentence in [
            "41.5% of it lies between videos (by chance 2.2%)",
            "12.5% of the values are zero; 3 of 2048 dimensions never change",
            "mean cosine 0.36 over 44 videos",
            "a gain over the autoencoder: events share a direction",
        ] {
            assert_eq!(told.matches(sentence).count(), 1, "{sentence}");
        }
        let start = told.find("Before a mean is believed").unwrap();
        let doubts = &told[start..start + 1_500];
        for warning in ["length shortcut", "source confound"] {
            assert!(
                doubts.contains(&format!("On ucf-crime-resnext: {warning}")),
                "{doubts}"
            );
        }
    }
}

/// The expectation is a bet: the page says how it went.
#[test]
fn what_was_expected_is_held_against_what_came() {
    let told = words(&with_card());
    let here = "GCL_B against AE_AllData: +";
    let start = told.find(here).unwrap_or_else(|| panic!("{told}"));
    let sentence = told[start..]
        .split('.')
        .take(2)
        .collect::<Vec<_>>()
        .join(".");
    assert!(
        sentence.contains("expected") || sentence.contains("too few seeds"),
        "{sentence}"
    );
    assert_eq!(told.matches(here).count(), 1);
}

#[test]
fn a_data_set_without_a_card_has_the_command_that_makes_one() {
    let told = words(&with_card());
    let command = "gcl-sweep data inspect --regime DIR";
    assert_eq!(told.matches(command).count(), 1, "of shanghaitech-resnext");
    assert_eq!(
        words(&walk("table2", Fate::Perfect))
            .matches(command)
            .count(),
        2
    );
}

/// Stand-ins are no data.
#[test]
fn a_rehearsal_says_nothing_of_its_data() {
    let mut results = with_card();
    results.rehearsal = true;
    let told = words(&results);
    assert!(!told.contains("lies between videos") && !told.contains("length shortcut"));
}
