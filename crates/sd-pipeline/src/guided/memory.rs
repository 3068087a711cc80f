use burn::tensor::Tensor;
use sd_unet::{CrossAttention, Deep, Kept, Recall, Residuals};

use super::calls::Call;
use super::texts::Slot;
use crate::reuse::{Text, Turn};

/// The slot and the image of each row of a call.
type Rows = Vec<(Slot, usize)>;

/// What the calls of a drawing keep for later ones, row by row.
#[derive(Default)]
pub(super) struct Memory {
    /// The last skip connection that is always computed; none if no deep features are kept.
    branch: Option<usize>,
    /// What steered the kept features.
    active: Vec<bool>,
    features: Vec<Features>,
    /// What control networks added last, for the rows of a call.
    residuals: Vec<(Rows, Option<Residuals>)>,
    /// Outputs of the cross-attention of each image, `[1, pixels, channels]` each: sums over its rows, and the number of rows.
    text: Vec<(Vec<Tensor<3>>, f64)>,
    /// The call that kept them.
    text_call: usize,
    /// Their means, as calls with these images take them.
    means: Vec<(Vec<usize>, Vec<Tensor<3>>)>,
    /// What guidance added last.
    pub added: Option<Tensor<4>>,
}

/// Deep features of a row.
struct Features {
    row: (Slot, usize),
    /// The index of its text.
    text: Option<usize>,
    call: usize,
    /// `[1, channels, height, width]`.
    features: Tensor<4>,
}

impl Memory {
    pub fn new(branch: Option<usize>) -> Self {
        Self { branch, ..Self::default() }
    }

    /// Forgets features that other images steered.
    pub fn steered_by(&mut self, active: Vec<bool>) {
        if self.active != active {
            self.features.clear();
            self.residuals.clear();
            self.active = active;
        }
    }

    /// What a call takes and keeps. Deep features are taken if each row has some that are not older than the turn says, and that read
    /// the same text.
    pub fn recall(&mut self, call: &Call, turn: Turn) -> Recall {
        let deep = match (self.branch, turn.is_full()) {
            (None, _) => Deep::Compute,
            (Some(branch), true) => Deep::Keep { branch },
            (Some(branch), false) => match self.features_of(call, turn.since) {
                Some(features) => Deep::Take { branch, features },
                None => Deep::Keep { branch },
            },
        };
        let text = match turn.text {
            Text::Read => CrossAttention::Compute,
            Text::Keep => CrossAttention::Keep,
            Text::Take => CrossAttention::Take(self.text_of(call)),
        };
        Recall { deep, text }
    }

    fn features_of(&self, call: &Call, since: usize) -> Option<Tensor<4>> {
        let of_row = |(row, text): (&(Slot, usize), &Option<usize>)| {
            let is_its = |known: &&Features| known.row == *row && known.text == *text && known.call >= since;
            self.features.iter().find(is_its).map(|known| known.features.clone())
        };
        let rows = call.rows.iter().zip(&call.texts).map(of_row).collect::<Option<Vec<_>>>();
        rows.map(joined)
    }

    /// The mean outputs of each row's image, layer by layer.
    fn text_of(&mut self, call: &Call) -> Vec<Tensor<3>> {
        let images: Vec<usize> = call.rows.iter().map(|(_, image)| *image).collect();
        if let Some((_, means)) = self.means.iter().find(|(known, _)| *known == images) {
            return means.clone();
        }
        let layers = self.text.first().map_or(0, |(outputs, _)| outputs.len());
        let mean = |layer: usize, image: usize| self.text[image].0[layer].clone() / self.text[image].1;
        let of_layer = |layer| joined(images.iter().map(|image| mean(layer, *image)).collect());
        let means: Vec<Tensor<3>> = (0..layers).map(of_layer).collect();
        self.means.push((images, means.clone()));
        means
    }

    /// Keeps what a call gives to later ones.
    pub fn keep(&mut self, call: &Call, turn: Turn, kept: Kept) {
        if let Some(features) = kept.deep {
            for ((row, text), features) in call.rows.iter().zip(&call.texts).zip(features.chunk(call.rows.len(), 0)) {
                self.features.retain(|known| known.row != *row);
                self.features.push(Features { row: *row, text: *text, call: turn.call, features });
            }
        }
        if !kept.text.is_empty() {
            self.keep_text(call, turn, kept.text);
        }
    }

    fn keep_text(&mut self, call: &Call, turn: Turn, outputs: Vec<Tensor<3>>) {
        if self.text_call != turn.call {
            self.text.clear();
            self.means.clear();
            self.text_call = turn.call;
        }
        for (row, (_, image)) in call.rows.iter().enumerate() {
            let of_row = outputs.iter().map(|output| output.clone().narrow(0, row, 1));
            if self.text.len() <= *image {
                self.text.resize(image + 1, (Vec::new(), 0.0));
            }
            let (sums, rows) = &mut self.text[*image];
            *sums = match sums.is_empty() {
                true => of_row.collect(),
                false => sums.drain(..).zip(of_row).map(|(sum, output)| sum + output).collect(),
            };
            *rows += 1.0;
        }
    }

    /// What control networks added in the last full call of these rows; the outer option is none if there was none.
    pub fn residuals(&self, call: &Call) -> Option<Option<Residuals>> {
        self.residuals.iter().find(|(rows, _)| *rows == call.rows).map(|(_, residuals)| residuals.clone())
    }

    /// Keeps what control networks add.
    pub fn keep_residuals(&mut self, call: &Call, residuals: &Option<Residuals>) {
        self.residuals.retain(|(rows, _)| *rows != call.rows);
        self.residuals.push((call.rows.clone(), residuals.clone()));
    }
}

fn joined<const D: usize>(mut rows: Vec<Tensor<D>>) -> Tensor<D> {
    if rows.len() == 1 { rows.remove(0) } else { Tensor::cat(rows, 0) }
}
