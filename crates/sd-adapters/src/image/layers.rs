/// The numbers of cross-attention layers in the parts of a U-Net.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerCounts {
    /// On the way down.
    pub down: usize,
    /// In the middle.
    pub middle: usize,
    /// On the way up.
    pub up: usize,
}

impl LayerCounts {
    /// All layers.
    pub fn total(self) -> usize {
        self.down + self.middle + self.up
    }

    /// Returns the place in a file of each layer, in the order in which the U-Net runs them: down, middle, up.
    ///
    /// Files have the order in which diffusers lists its attention processors: down, up, middle. There a U-Net's middle is the last
    /// of its blocks.
    pub fn run_order(self) -> Vec<usize> {
        let Self { down, up, .. } = self;
        let (middle, up) = (down + up..self.total(), down..down + up);
        (0..down).chain(middle).chain(up).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_runs_before_the_way_up_and_is_last_in_files() {
        let counts = LayerCounts { down: 2, middle: 1, up: 3 };
        assert_eq!(counts.run_order(), [0, 1, 5, 2, 3, 4]);
    }

    #[test]
    fn a_u_net_may_have_no_attention_in_its_middle() {
        assert_eq!(LayerCounts { down: 1, middle: 0, up: 2 }.run_order(), [0, 1, 2]);
    }
}
