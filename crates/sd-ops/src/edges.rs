/// Which edges of an image continue at the opposite edge, so that the image can be laid side by side with itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wrap {
    /// The left and right edges.
    pub x: bool,
    /// The top and bottom edges.
    pub y: bool,
}

/// What a convolution reads beyond the edges of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Edges {
    /// Above the first row.
    pub top: Edge,
    /// Below the last row.
    pub bottom: Edge,
    /// On the left and on the right.
    pub sides: Edge,
}

/// What a convolution reads beyond one edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Edge {
    /// Zeros, as many as the convolution's padding.
    #[default]
    Zeros,
    /// As many pixels of the opposite edge.
    Opposite,
    /// Nothing: the image was cut there, and outputs that need its other part are left out.
    Cut,
}

impl From<Wrap> for Edges {
    fn from(wrap: Wrap) -> Self {
        let edge = |wraps| if wraps { Edge::Opposite } else { Edge::Zeros };
        Self { top: edge(wrap.y), bottom: edge(wrap.y), sides: edge(wrap.x) }
    }
}
