use std::collections::VecDeque;

/// What the system is told of a weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Advice {
    /// It will be used soon.
    Read,
    /// Its memory is not needed now.
    Release,
}

/// The weights that were used last, up to a number of bytes. It knows weights by number and touches no memory.
#[derive(Debug)]
pub(super) struct Window {
    limit: usize,
    weights: Vec<Weight>,
    /// The weights in the window; the last used one is last.
    recent: VecDeque<usize>,
    /// Their bytes.
    held: usize,
}

#[derive(Debug)]
struct Weight {
    bytes: usize,
    /// The weight that was used after this one the last time.
    next: Option<usize>,
    /// Whether the system was told to read it since it was released.
    announced: bool,
}

impl Window {
    pub fn new(limit: usize) -> Self {
        Self { limit, weights: Vec::new(), recent: VecDeque::new(), held: 0 }
    }

    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Adds a weight, which is not in the window yet, and returns its number.
    pub fn add(&mut self, bytes: usize) -> usize {
        self.weights.push(Weight { bytes, next: None, announced: false });
        self.weights.len() - 1
    }

    /// Makes a weight the last used one, and returns what to tell the system.
    pub fn touch(&mut self, number: usize) -> Vec<(Advice, usize)> {
        let before = self.recent.back().copied();
        if before == Some(number) {
            return Vec::new();
        }
        if let Some(before) = before {
            self.weights[before].next = Some(number);
        }
        let mut advice = Vec::new();
        match self.recent.iter().position(|&recent| recent == number) {
            Some(at) => drop(self.recent.remove(at)),
            None => {
                self.held += self.weights[number].bytes;
                advice.extend(self.announce(number));
            }
        }
        self.recent.push_back(number);
        while self.held > self.limit && self.recent.len() > 1 {
            let Some(oldest) = self.recent.pop_front() else { break };
            self.held -= self.weights[oldest].bytes;
            self.weights[oldest].announced = false;
            advice.push((Advice::Release, oldest));
        }
        advice.extend(self.weights[number].next.and_then(|next| self.announce(next)));
        advice
    }

    fn announce(&mut self, number: usize) -> Option<(Advice, usize)> {
        let is_new = !std::mem::replace(&mut self.weights[number].announced, true);
        is_new.then_some((Advice::Read, number))
    }
}

#[cfg(test)]
mod tests {
    use super::Advice::{Read, Release};
    use super::*;

    /// A window of 100 bytes over weights of these sizes.
    fn window<const N: usize>(sizes: [usize; N]) -> Window {
        let mut window = Window::new(100);
        assert_eq!(sizes.map(|bytes| window.add(bytes)), std::array::from_fn(|number| number));
        window
    }

    #[test]
    fn the_oldest_weights_are_released_when_there_are_too_many_bytes() {
        let mut window = window([60, 30, 30, 90]);
        assert_eq!(window.touch(0), [(Read, 0)]);
        assert_eq!(window.touch(1), [(Read, 1)]);
        assert_eq!(window.touch(2), [(Read, 2), (Release, 0)]);
        assert_eq!(window.touch(3), [(Read, 3), (Release, 1), (Release, 2)]);
        assert_eq!(window.held, 90);
    }

    #[test]
    fn a_weight_that_is_used_again_stays() {
        let mut window = window([40, 40, 40]);
        [0, 1, 0].into_iter().for_each(|number| drop(window.touch(number)));
        assert_eq!(window.touch(2), [(Read, 2), (Release, 1)]);
        assert_eq!(window.touch(2), []);
    }

    #[test]
    fn what_followed_the_last_time_is_announced() {
        let mut window = window([80, 80, 80]);
        (0..3).for_each(|number| drop(window.touch(number)));
        assert_eq!(window.touch(0), [(Read, 0), (Release, 2), (Read, 1)]);
        assert_eq!(window.touch(1), [(Release, 0), (Read, 2)]);
        assert_eq!(window.touch(2), [(Release, 1), (Read, 0)]);
    }

    #[test]
    fn a_weight_larger_than_the_window_is_alone_in_it() {
        let mut window = window([500, 10, 500]);
        window.touch(0);
        assert_eq!(window.touch(1), [(Read, 1), (Release, 0)]);
        assert_eq!(window.touch(2), [(Read, 2), (Release, 1)]);
        assert_eq!((window.held, window.recent.len()), (500, 1));
    }
}
