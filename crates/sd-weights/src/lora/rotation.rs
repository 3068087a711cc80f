use burn::tensor::{Int, Tensor};

use super::blocks::Blocks;
use super::source::Source;
use crate::WeightsError;
use crate::tensor_view::matrix_shape;

/// A rotation of a weight's outputs or inputs by orthogonal matrices: OFT (Qiu et al. 2023) and BOFT (Liu et al. 2024).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rotation {
    pub key: String,
    pub kind: Kind,
    /// The key of the factors that multiply the outputs afterwards.
    pub lengths: Option<String>,
}

/// The format of the matrices.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// kohya's and LyCORIS' OFT: `[blocks, size, size]`, rotates outputs; the norm of all values is at most `limit` times
    /// the number of outputs.
    Oft { limit: f64 },
    /// The OFT of LyCORIS 2.0: the same, but already orthogonal.
    Ready,
    /// LyCORIS' BOFT: `[steps, blocks, size, size]`.
    Boft { limit: f64 },
    /// PEFT's and OneTrainer's OFT: `[blocks, values above the diagonal]`, rotates inputs. All blocks may share one.
    Upper(Upper),
    /// PEFT's BOFT: `[steps, blocks, size, size]`, rotates inputs.
    Butterfly,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Upper {
    /// The number of terms of Cayley's map; without it, the exact map.
    pub terms: Option<usize>,
    /// The norm of a block is at most this over the square root of the number of blocks.
    pub limit: Option<f64>,
    /// Whether the file's values are multiplied by twice the square root of the size less 1.
    pub is_scaled: bool,
    /// Whether a convolution is rotated the other way, as by OneTrainer.
    pub is_onetrainers: bool,
}

/// A block-diagonal matrix for rows in some order.
struct Step {
    /// The row at each position.
    order: Option<Vec<usize>>,
    blocks: Blocks,
}

impl Rotation {
    /// Returns the rows and columns of the matrix that it changes; `None` if its tensors cannot rotate a weight of `shape`.
    pub fn shape(&self, shape: &[usize], source: &Source) -> Option<[usize; 2]> {
        let [rows, columns] = matrix_shape(shape);
        let found = match (&self.kind, source.shape(&self.key)) {
            (Kind::Oft { .. } | Kind::Ready, &[count, n, m]) => (n == m).then_some([count * n, columns]),
            (Kind::Boft { .. }, &[steps, count, n, m]) => {
                (n.is_multiple_of(2) && is_butterfly(steps, count, n, m)).then_some([count * n, columns])
            }
            (Kind::Butterfly, &[steps, count, n, m]) => is_butterfly(steps, count, n, m).then_some([rows, count * n]),
            (Kind::Upper(_), &[count, upper]) => {
                let n = size_of_upper(upper)?;
                let is_shared = count == 1 && columns.is_multiple_of(n);
                Some([rows, if is_shared { columns } else { count * n }])
            }
            _ => None,
        };
        let is_long = self.lengths.as_ref().is_none_or(|key| source.shape(key).iter().product::<usize>() == rows);
        found.filter(|_| is_long)
    }

    /// Computes what to add to `weight`, which has `shape`, at a scale of the file.
    pub fn read(
        &self,
        weight: &Tensor<2>,
        shape: &[usize],
        scale: f64,
        source: &Source,
    ) -> Result<Tensor<2>, WeightsError> {
        let steps = self.steps(shape, source)?;
        let turns_inputs = matches!(self.kind, Kind::Upper(_) | Kind::Butterfly);
        let mut turned = if turns_inputs { weight.clone().transpose() } else { weight.clone() };
        for step in steps {
            turned = step.turn(turned, scale);
        }
        let mut turned = if turns_inputs { turned.transpose() } else { turned };
        if let Some(key) = &self.lengths {
            let lengths: Vec<f32> = source.values(key)?.iter().map(|l| (1.0 + scale * (l - 1.0)) as f32).collect();
            let rows = lengths.len();
            turned = turned * Tensor::<1>::from_floats(lengths.as_slice(), &weight.device()).reshape([rows, 1]);
        }
        Ok(turned - weight.clone())
    }

    fn steps(&self, shape: &[usize], source: &Source) -> Result<Vec<Step>, WeightsError> {
        let (values, found) = (source.values(&self.key)?, source.shape(&self.key));
        let size = *found.last().unwrap_or(&1);
        let unordered = |blocks| vec![Step { order: None, blocks }];
        let limited = |limit: f64| {
            let mut skew = Blocks::skew(size, &values, 1.0);
            limit_norm(&mut skew.values, limit * shape[0] as f64);
            skew.cayley()
        };
        Ok(match &self.kind {
            Kind::Oft { limit } => unordered(limited(*limit).transposed()),
            Kind::Ready => unordered(Blocks { size, values }.transposed()),
            Kind::Boft { limit } => {
                let orders = (0..found[0]).map(|step| pairs(found[1] * size, (size / 2) << step));
                in_steps(limited(*limit), orders)
            }
            Kind::Butterfly => {
                let blocks = Blocks::skew(size, &values, -0.5).cayley();
                let is_ordered = found[0] > 1;
                let orders = (0..found[0]).map(|step| match is_ordered {
                    true => evens_first(found[1] * size, size << step, size / 2),
                    false => (0..found[1] * size).collect(),
                });
                in_steps(blocks, orders)
            }
            Kind::Upper(upper) => unordered(upper.blocks(&values, found, shape)),
        })
    }
}

impl Upper {
    fn blocks(&self, values: &[f64], found: &[usize], shape: &[usize]) -> Blocks {
        let size = size_of_upper(found[1]).expect("`Rotation::shape` has checked it");
        let factor = if self.is_scaled { 0.5 / ((size - 1) as f64).sqrt() } else { 1.0 };
        let values: Vec<f64> = values.iter().map(|value| factor * value).collect();
        let mut skew = Blocks::skew_from_upper(size, &values);
        if let Some(limit) = self.limit {
            let limit = limit / (found[0] as f64).sqrt();
            skew.values.chunks_mut(size * size).for_each(|block| limit_norm(block, limit));
        }
        let mut turn = match self.terms {
            Some(terms) => skew.cayley_series(terms),
            // PEFT's exact map is that of −Q.
            None => {
                skew.values.iter_mut().for_each(|value| *value = -*value);
                skew.cayley()
            }
        };
        if found[0] == 1 {
            turn.values = turn.values.repeat(matrix_shape(shape)[1] / size);
        }
        if self.is_onetrainers && shape.len() > 2 { turn.transposed() } else { turn }
    }
}

impl Step {
    fn turn(self, rows: Tensor<2>, scale: f64) -> Tensor<2> {
        let ([all, rest], device) = (rows.dims(), rows.device());
        let (count, size) = (self.blocks.count(), self.blocks.size);
        let values: Vec<f32> = self.blocks.weighted(scale).values.into_iter().map(|value| value as f32).collect();
        let blocks = Tensor::<1>::from_floats(values.as_slice(), &device).reshape([count, size, size]);
        let in_order = |rows: Tensor<2>, order: &[usize]| {
            let order: Vec<i32> = order.iter().map(|row| *row as i32).collect();
            rows.select(0, Tensor::<1, Int>::from_ints(order.as_slice(), &device))
        };
        let rows = match &self.order {
            Some(order) => in_order(rows, order),
            None => rows,
        };
        let turned = blocks.matmul(rows.reshape([count, size, rest])).reshape([all, rest]);
        match &self.order {
            Some(order) => in_order(turned, &inverse(order)),
            None => turned,
        }
    }
}

fn in_steps(blocks: Blocks, orders: impl ExactSizeIterator<Item = Vec<usize>>) -> Vec<Step> {
    let (size, each) = (blocks.size, blocks.values.len() / orders.len());
    let steps = blocks.values.chunks(each).zip(orders);
    steps.map(|(values, order)| Step { order: Some(order), blocks: Blocks { size, values: values.to_vec() } }).collect()
}

/// Returns the size of blocks with `count` values above the diagonal.
fn size_of_upper(count: usize) -> Option<usize> {
    let size = (1.0 + (1.0 + 8.0 * count as f64).sqrt()) / 2.0;
    let size = size.round() as usize;
    (size > 1 && size * (size - 1) / 2 == count).then_some(size)
}

/// Whether blocks can form a butterfly, whose last step combines rows of `2^(steps − 1)` blocks.
fn is_butterfly(steps: usize, count: usize, n: usize, m: usize) -> bool {
    let far = u32::try_from(steps).ok().and_then(|steps| 1_usize.checked_shl(steps.checked_sub(1)?));
    n == m && far.is_some_and(|far| count.is_multiple_of(far)) && (steps == 1 || n.is_multiple_of(2))
}

/// LyCORIS' order of a step: in each two runs of `run` rows, those at the same position are next to each other.
fn pairs(rows: usize, run: usize) -> Vec<usize> {
    let starts = (0..rows).step_by(2 * run);
    starts.flat_map(|start| (0..run).flat_map(move |i| [start + i, start + run + i])).collect()
}

/// PEFT's order of a step, inverted: in each `group` of rows, the first half of its runs go to the even positions, the
/// second half to the odd ones.
fn evens_first(rows: usize, group: usize, run: usize) -> Vec<usize> {
    let runs = group / run;
    let sorted = (0..runs).step_by(2).chain((1..runs).step_by(2));
    let sorted: Vec<usize> = sorted.flat_map(|i| i * run..(i + 1) * run).collect();
    inverse(&(0..rows).step_by(group).flat_map(|start| sorted.iter().map(move |i| start + i)).collect::<Vec<_>>())
}

fn inverse(order: &[usize]) -> Vec<usize> {
    let mut inverse = vec![0; order.len()];
    order.iter().enumerate().for_each(|(position, row)| inverse[*row] = position);
    inverse
}

/// Scales values down to a norm of at most `limit`, if it is positive.
fn limit_norm(values: &mut [f64], limit: f64) {
    let norm = values.iter().map(|value| value * value).sum::<f64>().sqrt();
    if limit > 0.0 && norm > limit {
        values.iter_mut().for_each(|value| *value *= limit / norm);
    }
}
