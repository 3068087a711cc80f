/// Which part of a stored tensor makes a tensor of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// The whole tensor, unchanged.
    Whole,
    /// The first or second half of its rows, counted from 0.
    Half(usize),
    /// The first, second or third third of its rows, counted from 0.
    Third(usize),
    /// The whole tensor with rows and columns exchanged.
    Transposed,
}

impl View {
    /// Returns which part of the rows this is, and of how many equal parts.
    pub fn part(self) -> (usize, usize) {
        match self {
            Self::Whole | Self::Transposed => (0, 1),
            Self::Half(half) => (half, 2),
            Self::Third(third) => (third, 3),
        }
    }
}
