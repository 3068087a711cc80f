//! Whether images show what their captions say.

mod attribute;
mod judgement;
mod score;

pub use attribute::Attribute;
pub use judgement::Judgement;
pub use score::Score;
