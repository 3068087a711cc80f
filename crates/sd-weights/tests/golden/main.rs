//! Files of weights against the programs that write them.

mod gguf;
mod torch;
mod weights;
