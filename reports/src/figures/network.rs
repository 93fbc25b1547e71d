//! Which network's score: D's or G's.

/// Which network's score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Network {
    Discriminator,
    Generator,
}

impl Network {
    pub(super) const BOTH: [Self; 2] = [Self::Discriminator, Self::Generator];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Discriminator => "D",
            Self::Generator => "G",
        }
    }

    /// Whose the reported AUC is; `None` where it is neither's.
    pub(super) fn of(auc: Option<f64>, d: Option<f64>, g: Option<f64>) -> Option<Self> {
        let auc = auc?;
        if d == Some(auc) {
            Some(Self::Discriminator)
        } else {
            (g == Some(auc)).then_some(Self::Generator)
        }
    }
}
