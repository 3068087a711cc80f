/// Which part of a stored tensor makes a tensor of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// The whole tensor, unchanged.
    Whole,
    /// The first, second or third third of its rows, counted from 0.
    Third(usize),
    /// The whole tensor with rows and columns exchanged.
    Transposed,
}
