//! Whether images show what their captions tell.

mod attribute;
mod judgement;
mod score;

pub use attribute::Attribute;
pub use judgement::Judgement;
pub use score::Score;
