use burn::tensor::Tensor;
use sd_unet::{AddedConditions, Conditions};

use super::steering::Steering;
use super::texts::{Slot, Texts};
use crate::{Embeddings, Sizes};

/// What conditions need besides texts.
pub(crate) struct Inputs {
    /// Width and height in pixels.
    pub size: (usize, usize),
    pub sizes: Sizes,
    /// Whether the network reads an aesthetic score.
    pub scored: bool,
    /// The guidance scale, for networks that read it.
    pub guidance: Option<f64>,
    /// Further input channels, `[images, channels, height, width]`.
    pub channels: Option<Tensor<4>>,
    pub steering: Steering,
}

/// One call of the network: rows with equally many tokens.
pub(crate) struct Call {
    /// The slot and the image of each row.
    pub rows: Vec<(Slot, usize)>,
    /// The index of each row's embeddings; none for zeros.
    pub texts: Vec<Option<usize>>,
    pub conditions: Conditions,
}

/// The calls of one kind of step, kept until texts or slots change.
#[derive(Default)]
pub(crate) struct Calls {
    /// The slots, the embeddings of each row, and which images steer them.
    key: (Vec<Slot>, Vec<Option<usize>>, Vec<bool>),
    calls: Vec<Call>,
}

impl Calls {
    /// The calls for all images and these slots at a step, which begins at this level.
    pub fn of(&mut self, slots: &[Slot], step: usize, level: usize, texts: &Texts, inputs: &Inputs) -> &[Call] {
        let rows = || slots.iter().flat_map(|slot| (0..texts.images()).map(move |image| (*slot, image)));
        let embeddings = rows().map(|(slot, image)| texts.row(image, slot, step));
        let key = (slots.to_vec(), embeddings.collect::<Vec<_>>(), inputs.steering.active(level));
        if self.key != key || self.calls.is_empty() {
            let embeddings = rows().zip(&key.1).map(|((_, image), row)| match row {
                Some(row) => texts.embeddings(*row).clone(),
                None => {
                    let prompt = texts.row(image, Slot::Part(0), step).expect("a prompt is never zeros");
                    texts.embeddings(prompt).zeros_like()
                }
            });
            self.calls = grouped(rows().zip(key.1.iter().copied()).zip(embeddings), inputs, level);
            self.key = key;
        }
        &self.calls
    }
}

/// A row, and the index of its embeddings.
type Row = ((Slot, usize), Option<usize>);

/// Rows with equally many tokens share a call; perturbed rows have one of their own.
fn grouped(rows: impl Iterator<Item = (Row, Embeddings)>, inputs: &Inputs, level: usize) -> Vec<Call> {
    type Group = (Vec<Row>, Vec<Embeddings>);
    let mut groups: Vec<Group> = Vec::new();
    let kind = |row: Row, embeddings: &Embeddings| (row.0.0 == Slot::Perturbed, embeddings.widths());
    for (row, embeddings) in rows {
        let is_alike = |(rows, others): &&mut Group| kind(rows[0], &others[0]) == kind(row, &embeddings);
        match groups.iter_mut().find(is_alike) {
            Some((rows, others)) => {
                rows.push(row);
                others.push(embeddings);
            }
            None => groups.push((vec![row], vec![embeddings])),
        }
    }
    groups.into_iter().map(|(rows, embeddings)| call(rows, &embeddings, inputs, level)).collect()
}

fn call(rows: Vec<Row>, embeddings: &[Embeddings], inputs: &Inputs, level: usize) -> Call {
    let (rows, texts): (Vec<(Slot, usize)>, Vec<Option<usize>>) = rows.into_iter().unzip();
    let Embeddings { context, pooled } = Embeddings::join(embeddings);
    let mut conditions = Conditions::new(context);
    conditions.guidance = inputs.guidance;
    if let Some(text_embeds) = pooled {
        let ids = |(slot, _): &(Slot, usize)| inputs.sizes.time_ids(inputs.size, slot.is_negative(), inputs.scored);
        let time_ids = rows.iter().map(ids).collect();
        conditions = conditions.with_added(AddedConditions { text_embeds, time_ids });
    }
    if let Some(channels) = &inputs.channels {
        let of_row = |(slot, image): &(Slot, usize)| {
            let channels = channels.clone().narrow(0, *image, 1);
            if *slot == Slot::WithoutImage { channels.zeros_like() } else { channels }
        };
        conditions = conditions.with_channels(Tensor::cat(rows.iter().map(of_row).collect(), 0));
    }
    if rows[0].0 == Slot::Perturbed {
        conditions = conditions.with_perturbed();
    }
    let slots: Vec<Slot> = rows.iter().map(|(slot, _)| *slot).collect();
    let conditions = inputs.steering.conditions(conditions, &slots, level);
    Call { rows, texts, conditions }
}
