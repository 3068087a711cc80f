use sd_pipeline::{Image, Preprocessor};
use sd_scenes::{CaptionFacts, Split};

/// A scene, and the edges that its image should have.
pub struct Subject {
    pub caption: String,
    pub facts: CaptionFacts,
    pub render: Image,
    /// The edges of the render: the condition.
    pub condition: Image,
    pub seed: u64,
}

impl Subject {
    /// The held-out scene of this index.
    pub fn held_out(index: u64) -> Self {
        let sample = Split::HeldOut.sample(index, 0, 64);
        let render = Image { width: 64, height: 64, rgb: sample.image.rgb };
        let condition = find_edges(&render);
        Self { caption: sample.caption, facts: sample.facts, render, condition, seed: index }
    }
}

/// White edges on black, as the ControlNet was trained with.
pub fn find_edges(image: &Image) -> Image {
    "canny".parse::<Preprocessor>().expect("a preprocessor").apply(image)
}

/// Whether each pixel belongs to an edge.
pub fn is_edge(edges: &Image) -> Vec<bool> {
    edges.rgb.chunks(3).map(|pixel| pixel[0] > 0).collect()
}
