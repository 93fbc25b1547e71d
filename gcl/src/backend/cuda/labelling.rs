//! Pseudo labels without the host (Eqs. 2 and 4), and what is known of videos (Fig. 9).

use sweeps::training::{PseudoLabels, Threshold as Rule};

use crate::backend::cuda::kernels::{Address, ClearLabels, KeepTop, Label, blocks};
use crate::backend::cuda::memory::{Labels, Scores, number};
use crate::backend::cuda::queue::Queue;
use crate::backend::cuda::{Cuda, demand};
use crate::error::TrainError;
use crate::method::labels::{LabelRule, Supervision};

impl<Q: Queue> Cuda<Q> {
    pub(super) fn label_rows(
        &mut self,
        Scores(scores): &Scores<Q>,
        rule: LabelRule,
        supervision: Option<Supervision<'_>>,
        rows: &[u32],
        out: &mut Labels<Q>,
    ) -> Result<bool, TrainError> {
        let (fixed, value) = match rule.threshold {
            Rule::MeanStd { k } => (0, k),
            Rule::Fixed { value } => (1, value),
            Rule::TopPercent { .. } | Rule::Otsu | Rule::Valley => return Ok(false),
        };
        out.values.hold(scores.rows)?;
        let count = number(scores.rows)?;
        self.launch(
            &Label {
                labels: out.values.at,
                facts: self.queue.address(&out.facts),
                scores: scores.at,
                count,
                fixed,
                soft: u32::from(rule.labels == PseudoLabels::Soft),
                value,
            },
            (1, 1),
        )?;
        if let Some(supervision) = supervision {
            let known = |row: &u32| {
                let video = supervision.video.get(*row as usize);
                video.is_some_and(|video| (*video as usize) < supervision.known.len())
            };
            demand(
                rows.len() == scores.rows && rows.iter().all(known),
                "scores and a batch's rows and videos",
            )?;
            self.supervise(scores.at, (&supervision, rows), out.values.at)?;
        }
        Ok(true)
    }

    /// What is known of the batch's videos (Fig. 9). Which rows that concerns is found on the host, batch by batch: nothing that
    /// was known of another batch or run is taken for it.
    pub(super) fn supervise(
        &mut self,
        scores: Address,
        (supervision, rows): (&Supervision<'_>, &[u32]),
        labels: Address,
    ) -> Result<(), TrainError> {
        let found = &mut self.supervised_rows;
        found.fill(supervision, rows);
        if found.is_empty() {
            return Ok(());
        }
        let at = self.supervised.put(&self.queue, found.packed())?;
        let behind = |count: usize| at + (count * size_of::<u32>()) as Address;
        let (normal, anomalous, videos) = (
            found.normal_rows(),
            found.anomalous_rows(),
            found.anomalous_videos(),
        );
        self.launch(
            &ClearLabels {
                labels,
                places: at,
                count: number(normal)?,
            },
            (blocks(normal), 1),
        )?;
        self.launch(
            &KeepTop {
                labels,
                scores,
                places: behind(normal),
                begins: behind(normal + anomalous),
            },
            (videos, 1),
        )
    }
}
