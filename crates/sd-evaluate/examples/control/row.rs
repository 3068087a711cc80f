use sd_evaluate::{Attribute, EdgeScore, Judgement};
use sd_pipeline::Image;

use crate::images::Images;
use crate::subject::{Subject, find_edges, is_edge};
use crate::{gain, percent};

/// What images of some subjects show.
pub struct Row {
    edges: EdgeScore,
    judgement: Judgement,
    /// Whether each image shows its whole caption.
    right: Vec<bool>,
}

impl Row {
    pub fn new(images: &Images, subjects: &[Subject], drawn: Vec<Image>) -> Self {
        let (mut edges, mut judgement, mut right) = (EdgeScore::default(), Judgement::default(), Vec::new());
        for ((subject, image), reading) in subjects.iter().zip(&drawn).zip(images.read(&drawn)) {
            edges.add(&is_edge(&find_edges(image)), &is_edge(&subject.condition), image.width);
            let before = judgement.score(Attribute::Caption).right;
            judgement.judge(&subject.facts, &reading.scene);
            right.push(judgement.score(Attribute::Caption).right > before);
        }
        Self { edges, judgement, right }
    }

    /// The cells of the table, with the gain in whole captions over another row.
    pub fn cells(&self, other: &Self) -> String {
        let [precision, recall, f1] =
            [self.edges.precision(), self.edges.recall(), self.edges.f1()].map(|share| format!("{:.1}", 100.0 * share));
        let [whole, objects, colours, sides] =
            [Attribute::Caption, Attribute::Object, Attribute::Colour, Attribute::Side]
                .map(|attribute| percent(self.judgement.score(attribute)));
        let gain = gain(&self.right, &other.right);
        [precision, recall, f1, whole, gain, objects, colours, sides].join(" | ")
    }
}
