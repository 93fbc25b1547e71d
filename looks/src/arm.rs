//! The seeds of one side of a claim.

/// What became of a seed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Seed {
    /// It waits, or runs.
    Waiting,
    /// It ended without a number, for good.
    Lost,
    /// The number that its run reports.
    Value(f64),
}

/// A side of claims: its seeds in their order, as many as it was given.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Arm {
    /// What became of them.
    pub seeds: Vec<Seed>,
    /// What one seed costs, in a unit that does not depend on who ran it; 0 where that is not known.
    pub work: u64,
}

impl Arm {
    /// Differences from the other side over the longest prefix of seeds that is complete on both: a function of what was recorded,
    /// not of who finished first.
    pub fn minus(&self, right: &Self) -> Vec<f64> {
        (0..self.seeds.len().min(right.seeds.len()))
            .map_while(|seed| {
                let difference = self.value(seed)? - right.value(seed)?;
                // To the twelfth decimal: what is equal in decimals is equal.
                let rounded = (difference * 1e12).round() / 1e12;
                let exact = if rounded.is_finite() {
                    rounded
                } else {
                    difference
                };
                Some(exact).filter(|difference| difference.is_finite())
            })
            .collect()
    }

    /// What one more seed costs.
    pub(crate) fn cost(&self) -> f64 {
        self.work.max(1) as f64
    }

    /// Whether a seed of it may still come.
    pub(crate) fn is_waiting(&self) -> bool {
        self.seeds.contains(&Seed::Waiting)
    }

    fn value(&self, seed: usize) -> Option<f64> {
        match self.seeds.get(seed)? {
            Seed::Value(value) if value.is_finite() => Some(*value),
            _ => None,
        }
    }
}
