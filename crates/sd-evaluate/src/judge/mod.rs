//! Whether images show what their captions say.

mod attribute;
mod edges;
mod judgement;
mod score;

pub use attribute::Attribute;
pub use edges::EdgeScore;
pub use judgement::Judgement;
pub use score::Score;
