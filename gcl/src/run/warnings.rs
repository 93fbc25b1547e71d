//! What goes wrong without stopping a run: one warning per kind, with the epochs it was seen in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sweeps::{Phase, Warning};

/// Labels that agree above this share for a whole epoch are locked (GCL.md, "What goes wrong").
pub(crate) const LOCKED: f64 = 0.98;
/// Fewer steps than this an epoch train next to nothing.
pub(crate) const FEW_STEPS: usize = 10;

/// What went wrong, in the order of codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Code {
    ConstantChannels,
    ConstantDiscriminator,
    DifferenceFilter,
    FewSteps,
    LabelsLocked,
    LabelsOneClass,
}

impl Code {
    fn name(self) -> &'static str {
        match self {
            Self::ConstantChannels => "constant-channels",
            Self::ConstantDiscriminator => "constant-discriminator",
            Self::DifferenceFilter => "difference-filter",
            Self::FewSteps => "few-steps",
            Self::LabelsLocked => "labels-locked",
            Self::LabelsOneClass => "labels-one-class",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::ConstantDiscriminator => {
                "the scores of the discriminator on the test split are all but equal"
            }
            Self::LabelsLocked => {
                "the labels of generator and discriminator agreed on more than 98% of the rows"
            }
            Self::LabelsOneClass => {
                "the pseudo labels were all of one class, or a batch's values all but equal so that no row was anomalous"
            }
            Self::ConstantChannels | Self::DifferenceFilter | Self::FewSteps => "",
        }
    }
}

/// What was seen so far. Part of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Warnings {
    seen: BTreeMap<Code, Vec<(Phase, u32)>>,
    said: BTreeMap<Code, String>,
}

impl Warnings {
    /// Notes that `code` was seen in that epoch.
    pub(crate) fn see(&mut self, code: Code, phase: Phase, epoch: u32) {
        let epochs = self.seen.entry(code).or_default();
        if epochs.last() != Some(&(phase, epoch)) {
            epochs.push((phase, epoch));
        }
    }

    /// Notes something about the run as a whole; more than one remark about the same thing are joined.
    pub(crate) fn say(&mut self, code: Code, message: &str) {
        let said = self.said.entry(code).or_default();
        if !said.is_empty() {
            said.push_str("; ");
        }
        said.push_str(message);
    }

    /// Notes that channels are constant on the training split, so that `standard` scaling makes them 0.
    pub(crate) fn say_of_constant_channels(&mut self, constant: usize, channels: usize) {
        if constant > 0 {
            let are = if constant == 1 { "is" } else { "are" };
            self.say(
                Code::ConstantChannels,
                &format!(
                    "{constant} of {channels} channels {are} constant on the training split: \
                     feature_scaling = standard makes them 0 in training and test"
                ),
            );
        }
    }

    /// Notes that the difference filter keeps next to nothing or nearly all.
    pub(crate) fn say_of_filter(&mut self, share: f64, threshold: f64) {
        if !(0.01..=0.99).contains(&share) {
            self.say(
                Code::DifferenceFilter,
                &format!(
                    "the temporal difference filter keeps {:.1}% of the segments (D_th = {threshold:.4}); \
                     difference_quantile sets D_th from the data",
                    share * 100.0
                ),
            );
        }
    }

    /// One warning per code, ordered by code.
    pub(crate) fn list(&self) -> Vec<Warning> {
        let mut warnings: Vec<Warning> = self
            .seen
            .iter()
            .map(|(code, epochs)| Warning {
                code: code.name().to_owned(),
                message: format!("{} ({})", code.text(), compact(epochs)),
            })
            .chain(self.said.iter().map(|(code, message)| Warning {
                code: code.name().to_owned(),
                message: message.clone(),
            }))
            .collect();
        warnings.sort();
        warnings
    }
}

/// `train: epochs 1-3, 7`.
fn compact(epochs: &[(Phase, u32)]) -> String {
    let mut text = String::new();
    let mut index = 0;
    while index < epochs.len() {
        let (phase, first) = epochs[index];
        let mut last = first;
        while epochs.get(index + 1) == Some(&(phase, last + 1)) {
            last += 1;
            index += 1;
        }
        let opens = !epochs[..index]
            .iter()
            .any(|(other, epoch)| *other == phase && *epoch < first);
        match (opens, text.is_empty()) {
            (true, true) => text.push_str(&format!("{phase}: epochs ")),
            (true, false) => text.push_str(&format!("; {phase}: epochs ")),
            (false, _) => text.push_str(", "),
        }
        text.push_str(&first.to_string());
        if last > first {
            text.push_str(&format!("-{last}"));
        }
        index += 1;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_warning_per_code_with_its_epochs() {
        let mut warnings = Warnings::default();
        for epoch in [1, 1, 2, 3, 7] {
            warnings.see(Code::LabelsLocked, Phase::Train, epoch);
        }
        warnings.say(Code::FewSteps, "a");
        warnings.say(Code::FewSteps, "b");
        let mut other = warnings.clone();
        other.see(Code::LabelsOneClass, Phase::PretrainDiscriminator, 2);
        other.see(Code::LabelsOneClass, Phase::Train, 1);
        let list = other.list();
        assert_eq!(list.len(), 3);
        assert_eq!(
            (list[0].code.as_str(), list[0].message.as_str()),
            ("few-steps", "a; b")
        );
        assert!(
            list[1].message.ends_with("(train: epochs 1-3, 7)"),
            "{}",
            list[1].message
        );
        assert!(
            list[2]
                .message
                .ends_with("(pretrain-discriminator: epochs 2; train: epochs 1)"),
            "{}",
            list[2].message
        );
    }
}
