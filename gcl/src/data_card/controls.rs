//! What every control reaches on the data set.

use metrics::data_card::ControlAuc;
use metrics::{AlarmRule, evaluate};
use sweeps::training::{Control, Controls};
use sweeps::{Choice, DatasetSource, JobSpec, Parameters, Training};

use super::Work;
use crate::baselines::fit::{Fault, FitContext};
use crate::controls;

impl Work<'_> {
    /// All of them in the order of the sweep language, and the residuals of principal components per test segment; with the numbers that they
    /// have by default, and those training rows.
    pub(super) fn controls(
        &self,
        pca: &[u32],
        knn: &[u32],
    ) -> Result<(Vec<ControlAuc>, Vec<f32>), Fault> {
        let numbers = defaults();
        let (mut found, mut residuals) = (Vec::new(), Vec::new());
        for control in Control::ALL {
            let context = FitContext {
                train: &self.dataset.train,
                rows: if *control == Control::Knn { knn } else { pca },
                test: &self.dataset.test,
                seed: 0,
                threads: self.threads,
                stopped: self.stopped,
            };
            let of = Controls {
                control: *control,
                ..numbers
            };
            let scored = controls::scores(self.dataset, of, &context)?;
            let frames = scored.frames(self.dataset);
            let reached = evaluate(&scored.scores, frames, AlarmRule::At(0.0));
            found.push(ControlAuc {
                control: control.word().to_owned(),
                auc: reached.auc,
                within_videos: reached.macro_auc,
            });
            if *control == Control::Pca {
                residuals = scored.scores;
            }
        }
        Ok((found, residuals))
    }
}

/// The numbers that controls have where a sweep says nothing of them.
fn defaults() -> Controls {
    let job = JobSpec::resolve(
        DatasetSource::Named(String::new()),
        0,
        &Parameters::default(),
    );
    Training::of(&job).controls
}
