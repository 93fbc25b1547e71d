//! The parameters of a network in one piece of memory, and the step of its optimizer over all of it.

use std::rc::Rc;

use crate::backend::cuda::kernels::{AdagradStep, Address, RmsPropStep, blocks};
use crate::backend::cuda::memory::Matrix;
use crate::backend::cuda::queue::Queue;
use crate::backend::cuda::{ALIGNED, Cuda, SECTIONS, demand};
use crate::backend::state::NetworkState;
use crate::backend::{ADAGRAD_EPSILON, Backend, Optimizer, Parameter};
use crate::error::TrainError;

impl<Q: Queue> Cuda<Q> {
    pub(super) fn make_parameters(
        &mut self,
        state: &NetworkState,
    ) -> Result<Vec<Parameter<Self>>, TrainError> {
        let shapes = state
            .shapes
            .iter()
            .flat_map(|shape| [(shape.outputs, shape.inputs), (1, shape.outputs)]);
        let places: Vec<_> = shapes
            .scan(0, |end, (rows, columns)| {
                let begin = *end;
                *end += (rows * columns).next_multiple_of(ALIGNED);
                Some((begin, rows, columns, *end))
            })
            .collect();
        let total = places.last().map_or(0, |(.., end)| *end);
        let all = Matrix::new(&self.queue, SECTIONS, total)?;
        // SAFETY: the whole of what was just made.
        #[allow(unsafe_code)]
        unsafe {
            self.queue
                .zero(all.at, SECTIONS * total * size_of::<f32>())?;
        }
        places
            .iter()
            .zip(&state.parameters)
            .map(|(&(begin, rows, columns, _), state)| {
                let section = |section: usize| Matrix {
                    memory: Rc::clone(&all.memory),
                    at: all.at + ((section * total + begin) * size_of::<f32>()) as Address,
                    rows,
                    columns,
                    room: rows * columns,
                };
                let mut parameter = Parameter {
                    value: section(0),
                    square: section(1),
                    momentum: section(2),
                    gradient: section(3),
                };
                for (values, out) in [
                    (&state.value, &mut parameter.value),
                    (&state.square, &mut parameter.square),
                    (&state.momentum, &mut parameter.momentum),
                ] {
                    if !values.is_empty() {
                        self.write(values, columns, out)?;
                    }
                }
                Ok(parameter)
            })
            .collect()
    }

    pub(super) fn step(
        &mut self,
        parameters: &mut [Parameter<Self>],
        optimizer: &Optimizer,
    ) -> Result<(), TrainError> {
        let (Some(first), Some(last)) = (parameters.first(), parameters.last()) else {
            return Ok(());
        };
        // From the first value to behind the last one; what lies between parameters is 0 and stays so.
        let end = last.value.at + (last.value.len() * size_of::<f32>()) as Address;
        let bytes = end.saturating_sub(first.value.at);
        let count = bytes / size_of::<f32>() as Address;
        // The others lie as the values do, from theirs on, and none reaches into another.
        let sections = |parameter: &Parameter<Self>| {
            [&parameter.square, &parameter.momentum, &parameter.gradient]
                .map(|section| section.at.wrapping_sub(parameter.value.at))
        };
        let apart = sections(first);
        demand(
            parameters.iter().all(|parameter| {
                let Parameter {
                    value,
                    square,
                    momentum,
                    gradient,
                } = parameter;
                [value, square, momentum, gradient]
                    .iter()
                    .all(|part| Rc::ptr_eq(&part.memory, &first.value.memory))
                    && sections(parameter) == apart
                    && (first.value.at..end).contains(&value.at)
            }) && apart
                .is_sorted_by(|one, next| one.checked_add(bytes).is_some_and(|end| end <= *next))
                && apart[0] >= bytes,
            "the parameters of a network",
        )?;
        let grid = (blocks(count as usize), 1);
        match *optimizer {
            Optimizer::RmsProp {
                settings,
                learning_rate,
            } => self.launch(
                &RmsPropStep {
                    value: first.value.at,
                    square: first.square.at,
                    momentum: first.momentum.at,
                    gradient: first.gradient.at,
                    count,
                    alpha: settings.alpha as f32,
                    rest: (1.0 - settings.alpha) as f32,
                    mu: settings.momentum as f32,
                    epsilon: settings.epsilon as f32,
                    rate: learning_rate as f32,
                },
                grid,
            ),
            Optimizer::Adagrad {
                learning_rate,
                weight_decay,
            } => self.launch(
                &AdagradStep {
                    value: first.value.at,
                    square: first.square.at,
                    gradient: first.gradient.at,
                    count,
                    rate: learning_rate as f32,
                    decay: weight_decay as f32,
                    epsilon: ADAGRAD_EPSILON as f32,
                },
                grid,
            ),
        }
    }
}
