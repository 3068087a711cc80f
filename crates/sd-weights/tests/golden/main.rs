//! Files of weights against the programs that write them.

mod adapters;
mod torch;
mod weights;
