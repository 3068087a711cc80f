use super::Pass;

/// When a schedule switches: a number with a point is a fraction of the steps, any other a step.
#[derive(Clone, Copy)]
pub(super) struct When {
    number: f64,
    is_fraction: bool,
}

impl When {
    /// Reads a number such as `3`, `.5`, `-2` or `1e1`, with spaces around it.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_number = text.contains(|c: char| c.is_ascii_digit())
            && text.chars().all(|c| c.is_ascii_digit() || ".+-eE".contains(c));
        let number = text.parse().ok().filter(|_| is_number)?;
        Some(Self { number, is_fraction: text.contains('.') })
    }

    /// The last step of a pass before the switch, or `None` if that was before the pass.
    pub fn step(self, pass: Pass) -> Option<usize> {
        let step = if self.is_fraction {
            (self.number - pass.passes as f64) * pass.steps as f64
        } else {
            self.number - pass.done as f64
        };
        (step > -1.0).then_some((step as usize).min(pass.steps))
    }

    /// Whether no step of passes with so many steps comes after.
    pub fn is_beyond(self, passes: &[usize]) -> bool {
        let mut done = 0;
        (0..).zip(passes).all(|(before, &steps)| {
            let last = self.step(Pass { steps, done, passes: before });
            done += steps;
            // Steps count from 0.
            last.is_some_and(|last| last + 1 >= steps)
        })
    }
}
