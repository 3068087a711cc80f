use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sd_batch::{Artist, DrawError, Step};
use sd_engine::Job;
use sd_image::{Format, Image};

/// Paints the seed of a job. Copies share what they know.
#[derive(Clone, Default)]
pub struct Painter {
    /// How often each seed was begun.
    pub begun: Arc<Mutex<HashMap<u64, usize>>>,
    /// Seeds that cannot be painted.
    pub poison: Vec<u64>,
    /// How long an image takes, in a hundred steps.
    pub time: Duration,
}

impl Painter {
    pub fn times(&self, seed: u64) -> usize {
        self.begun.lock().unwrap().get(&seed).copied().unwrap_or(0)
    }

    /// What was begun, in all.
    pub fn all(&self) -> usize {
        self.begun.lock().unwrap().values().sum()
    }
}

impl Artist for Painter {
    fn draw(
        &mut self,
        jobs: &[&Job],
        format: Format,
        watch: &mut dyn FnMut(Step) -> ControlFlow<()>,
    ) -> Result<Vec<Vec<u8>>, DrawError> {
        let seed = jobs[0].request.seed;
        *self.begun.lock().unwrap().entry(seed).or_default() += 1;
        for call in 1..=100 {
            std::thread::sleep(self.time / 100);
            if watch(Step { call, calls: 100 }).is_break() {
                return Err(DrawError::Cancelled);
            }
        }
        if self.poison.contains(&seed) {
            return Err(DrawError::Failed(format!("seed {seed} is poison")));
        }
        Ok(vec![painted(seed, format)])
    }
}

/// The image of a seed: large enough for several parts of an object.
pub fn painted(seed: u64, format: Format) -> Vec<u8> {
    let mut state = seed;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    let image = Image { width: 256, height: 256, rgb: (0..256 * 256 * 3).map(|_| noise()).collect() };
    image.encode(format, &[("seed", &seed.to_string())]).unwrap()
}
