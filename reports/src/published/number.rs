//! The published numbers as data, with what they were measured under.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;
use sweeps::Value;

/// A published number.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedNumber {
    /// The method's name as printed.
    pub name: String,
    /// Names of variants that mean this method, reduced to lower-case letters and digits.
    #[serde(default)]
    pub methods: Vec<String>,
    /// The settings of its jobs, over the defaults of the parameter registry, which are the paper's; `None` for a method
    /// that this program does not run under the published protocol.
    pub settings: Option<BTreeMap<String, Value>>,
    /// Parameters of which the paper does not say what they were for this number: any value is the protocol's.
    #[serde(default)]
    pub not_stated: Vec<String>,
    /// `ucf-crime` or `shanghaitech`.
    pub dataset: String,
    /// The features, where stated.
    #[serde(default)]
    pub features: String,
    /// `unsupervised`, `one class` or `weak`.
    pub supervision: String,
    /// Frame-level AUC in percent.
    pub auc: f64,
    /// Its standard deviation over seeds, where printed.
    pub std: Option<f64>,
    /// Where it is printed.
    pub place: String,
    /// Anything about how it was measured.
    #[serde(default)]
    pub protocol: String,
}

/// The number of videos of a published split.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedSplit {
    /// `ucf-crime` or `shanghaitech`.
    pub dataset: String,
    /// What the split is called.
    pub name: String,
    /// Training videos.
    pub train: u64,
    /// Test videos.
    pub test: u64,
}

/// The width of a kind of features.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedFeatures {
    /// Their name, as in [`PublishedNumber::features`].
    pub name: String,
    /// Width of a row.
    pub dimension: u64,
}

/// Values of a parameter that stand in for the printed one on a data set, with the reason.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tolerance {
    /// `ucf-crime` or `shanghaitech`.
    pub dataset: String,
    /// The parameter.
    pub parameter: String,
    /// Its values.
    pub values: Vec<Value>,
    /// Why.
    pub reason: String,
}

/// A publication's numbers.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publication {
    /// Its reference.
    pub source: String,
    /// Which epoch its numbers are of.
    pub epoch_rule: String,
    /// Its splits.
    #[serde(rename = "split")]
    pub splits: Vec<PublishedSplit>,
    /// Its features.
    pub features: Vec<PublishedFeatures>,
    /// What stands in for a printed setting.
    #[serde(rename = "tolerance")]
    pub tolerances: Vec<Tolerance>,
    /// Its numbers; those with a spread stand before single ones.
    #[serde(rename = "number")]
    pub numbers: Vec<PublishedNumber>,
}

/// The paper's numbers.
pub fn paper() -> &'static Publication {
    static PAPER: OnceLock<Publication> = OnceLock::new();
    PAPER.get_or_init(|| {
        let text = include_str!("../../published/generative-cooperative-learning.toml");
        // A test reads the same text: it cannot fail here.
        toml::from_str(text).unwrap_or_default()
    })
}

impl Publication {
    /// The split of a data set.
    pub fn split(&self, dataset: &str) -> Option<&PublishedSplit> {
        self.splits.iter().find(|split| split.dataset == dataset)
    }

    /// The width of features of that name.
    pub fn dimension(&self, features: &str) -> Option<u64> {
        let found = self.features.iter().find(|known| known.name == features);
        found.map(|known| known.dimension)
    }

    /// The reason why `value` stands in for the printed one, if it does.
    pub fn tolerance(&self, dataset: &str, parameter: &str, value: &Value) -> Option<&str> {
        self.tolerances
            .iter()
            .find(|tolerance| {
                tolerance.dataset == dataset
                    && tolerance.parameter == parameter
                    && tolerance.values.contains(value)
            })
            .map(|tolerance| tolerance.reason.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::published::family;

    #[test]
    fn the_numbers_read_and_are_complete() {
        let text = include_str!("../../published/generative-cooperative-learning.toml");
        let paper: Publication = toml::from_str(text).unwrap();
        assert!(
            paper
                .numbers
                .iter()
                .all(|number| (50.0..=100.0).contains(&number.auc))
        );
        assert!(
            paper
                .numbers
                .iter()
                .all(|number| family(&number.dataset) == Some(&number.dataset))
        );
        // What is recognised by its name has settings to be checked by.
        assert!(
            paper
                .numbers
                .iter()
                .all(|number| number.methods.is_empty() == number.settings.is_none())
        );
        // Table 1, counted by hand: 7 one-class and 17 weakly supervised numbers on UCF-Crime, 12 and 12 on ShanghaiTech.
        let others = |dataset: &str| {
            paper
                .numbers
                .iter()
                .filter(|number| number.methods.is_empty() && number.dataset == dataset)
                .count()
        };
        assert_eq!((others("ucf-crime"), others("shanghaitech")), (24, 24));
    }

    #[test]
    fn every_setting_is_a_parameter_with_a_value_in_its_range() {
        for number in &paper().numbers {
            let mut given = sweeps::Parameters::default();
            for (name, value) in number.settings.iter().flatten() {
                given.set(name, value).unwrap();
            }
            assert!(given.inapplicable().is_empty(), "{}", number.name);
        }
        for tolerance in &paper().tolerances {
            for value in &tolerance.values {
                sweeps::Parameters::default()
                    .set(&tolerance.parameter, value)
                    .unwrap();
            }
        }
    }

    #[test]
    fn means_over_seeds_come_before_single_numbers() {
        let first = paper()
            .numbers
            .iter()
            .find(|number| number.methods.contains(&"gclpt".to_owned()))
            .unwrap();
        assert_eq!((first.auc, first.std), (70.13, Some(0.52)));
    }
}
