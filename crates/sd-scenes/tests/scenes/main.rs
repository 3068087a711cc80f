//! The public interface: images, their balance, and captions.

mod balance;
mod captions;
mod images;
