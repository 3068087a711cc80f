//! Files of weights against the programs that write them.

mod torch;
mod weights;
