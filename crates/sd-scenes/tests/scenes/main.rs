//! The crate as its users see it: what is drawn, how often, and in which words.

mod balance;
mod captions;
mod images;
