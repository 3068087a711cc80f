use std::fmt;

/// Multiplications of the network for an image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arithmetic {
    /// Where every call computes everything.
    pub plain: f64,
    /// With what is [reused](crate::Reuse).
    pub reused: f64,
}

impl Arithmetic {
    /// How many times less there is to compute.
    pub fn factor(&self) -> f64 {
        self.plain / self.reused
    }
}

/// In trillions, and how many times less than without reuse.
impl fmt::Display for Arithmetic {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let trillions = self.reused / 1e12;
        write!(f, "{trillions:.3} trillion multiplications, {:.2} times fewer than without reuse", self.factor())
    }
}
