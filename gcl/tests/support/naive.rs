//! The method once more, as plainly as it can be written, in f64: one row at a time, one layer at a time.

/// Weight `[outputs][inputs]` and bias of each layer.
#[derive(Clone)]
pub(crate) struct Network(pub(crate) Vec<(Vec<Vec<f64>>, Vec<f64>)>);

impl Network {
    /// The network that a checkpoint's bytes hold.
    pub(crate) fn read(checkpoint: &[u8], role: &str) -> Self {
        let tensors = safetensors::SafeTensors::deserialize(checkpoint).unwrap();
        let values = |name: String| -> Option<Vec<f64>> {
            let tensor = tensors.tensor(&name).ok()?;
            let bytes = tensor.data().chunks_exact(4);
            Some(
                bytes
                    .map(|b| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]])))
                    .collect(),
            )
        };
        let mut layers = Vec::new();
        while let Some(bias) = values(format!("{role}.{}.bias", layers.len())) {
            let weight = values(format!("{role}.{}.weight", layers.len())).unwrap();
            let inputs = weight.len() / bias.len();
            layers.push((weight.chunks(inputs).map(<[f64]>::to_vec).collect(), bias));
        }
        Self(layers)
    }

    /// What every layer gives, the input first.
    pub(crate) fn forward(&self, x: &[f64]) -> Vec<Vec<f64>> {
        let mut values = vec![x.to_vec()];
        for (index, (weight, bias)) in self.0.iter().enumerate() {
            let input = values.last().unwrap();
            let output = weight
                .iter()
                .zip(bias)
                .map(|(row, bias)| {
                    let sum: f64 = row.iter().zip(input).map(|(w, x)| w * x).sum();
                    let z = sum + bias;
                    if index + 1 < self.0.len() {
                        z.max(0.0)
                    } else {
                        z
                    }
                })
                .collect();
            values.push(output);
        }
        values
    }

    pub(crate) fn output(&self, x: &[f64]) -> Vec<f64> {
        self.forward(x).pop().unwrap()
    }

    /// One step of RMSprop from fresh state (s = 0, m = 0), given for every row the gradient of the loss with respect to
    /// its output.
    pub(crate) fn first_step(&mut self, rows: &[Vec<f64>], gradients: &[Vec<f64>], rate: f64) {
        let mut total: Vec<(Vec<Vec<f64>>, Vec<f64>)> = self
            .0
            .iter()
            .map(|(w, b)| (vec![vec![0.0; w[0].len()]; w.len()], vec![0.0; b.len()]))
            .collect();
        for (row, gradient) in rows.iter().zip(gradients) {
            let values = self.forward(row);
            let mut gradient = gradient.clone();
            for layer in (0..self.0.len()).rev() {
                for (output, g) in gradient.iter().enumerate() {
                    total[layer].1[output] += g;
                    for (input, x) in values[layer].iter().enumerate() {
                        total[layer].0[output][input] += g * x;
                    }
                }
                let weight = &self.0[layer].0;
                gradient = (0..values[layer].len())
                    .map(|input| {
                        if layer > 0 && values[layer][input] <= 0.0 {
                            return 0.0;
                        }
                        gradient.iter().zip(weight).map(|(g, w)| g * w[input]).sum()
                    })
                    .collect();
            }
        }
        let step = |value: &mut f64, g: f64| *value -= rate * g / ((0.01 * g * g).sqrt() + 1e-8);
        for ((weight, bias), (dw, db)) in self.0.iter_mut().zip(&total) {
            weight
                .iter_mut()
                .flatten()
                .zip(dw.iter().flatten())
                .for_each(|(value, g)| step(value, *g));
            bias.iter_mut()
                .zip(db)
                .for_each(|(value, g)| step(value, *g));
        }
    }
}

/// ‖a − b‖₂.
pub(crate) fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b) * (a - b))
        .sum::<f64>()
        .sqrt()
}

pub(crate) fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// Labels by mean + k·population std.
pub(crate) fn labels(values: &[f64], k: f64) -> Vec<bool> {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values
        .iter()
        .map(|value| (value - mean).powi(2))
        .sum::<f64>()
        / count;
    values
        .iter()
        .map(|value| *value >= mean + k * variance.sqrt())
        .collect()
}
