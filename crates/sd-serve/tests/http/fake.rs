//! An artist that needs no model.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use sd_engine::{Drawn, Job, Record};
use sd_image::{Filter, Image};
use sd_pipeline::Latents;
use sd_serve::{Artist, Failure, Outline, Step, Tokens, Watch};

/// Steps of an image that asks for none.
const STEPS: usize = 4;
/// Images that are drawn together if the prompt ends with `together`.
const TOGETHER: usize = 3;

/// What a test sees and steers of the fakes of its server.
#[derive(Default)]
pub struct Fake {
    /// Images that were begun, by their prompt and their seed: those that are drawn together one after another.
    pub drawn: Mutex<Vec<(String, u64)>>,
    /// Artists that were made.
    pub opened: AtomicUsize,
    /// Whether no artist can be made.
    pub broken: AtomicBool,
    held: Mutex<Held>,
    changed: Condvar,
}

#[derive(Default)]
struct Held {
    released: usize,
    waiting: usize,
}

impl Fake {
    /// Lets one image whose prompt begins with `hold` go on.
    pub fn release(&self) {
        self.held.lock().unwrap().released += 1;
        self.changed.notify_all();
    }

    /// Waits until such an image is drawn.
    pub fn wait_for_held(&self) {
        let held = self.held.lock().unwrap();
        let wait = self.changed.wait_timeout_while(held, Duration::from_secs(30), |held| held.waiting == 0);
        assert!(!wait.unwrap().1.timed_out(), "no image was held");
    }

    /// The prompts of the images that were begun.
    pub fn prompts(&self) -> Vec<String> {
        self.drawn.lock().unwrap().iter().map(|(prompt, _)| prompt.clone()).collect()
    }

    /// Makes an artist.
    pub fn open(self: &Arc<Self>) -> Result<Box<dyn Artist>, Failure> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        if self.broken.load(Ordering::Relaxed) {
            return Err(Failure::Device("the device is gone".into()));
        }
        Ok(Box::new(FakeArtist(Arc::clone(self))))
    }

    /// Waits until the image is released or ends.
    fn hold(&self, watch: &mut dyn FnMut() -> ControlFlow<()>) -> ControlFlow<()> {
        let mut held = self.held.lock().unwrap();
        held.waiting += 1;
        self.changed.notify_all();
        let flow = loop {
            if held.released > 0 {
                held.released -= 1;
                break ControlFlow::Continue(());
            }
            held = self.changed.wait_timeout(held, Duration::from_millis(5)).unwrap().0;
            if watch().is_break() {
                break ControlFlow::Break(());
            }
        };
        held.waiting -= 1;
        flow
    }
}

struct FakeArtist(Arc<Fake>);

impl Artist for FakeArtist {
    fn plan(&mut self, job: &Job) -> Result<Outline, Failure> {
        let prompt = job.request.prompt.clone().unwrap_or_default();
        if prompt.starts_with("wrong") {
            return Err(Failure::Usage("`prompt`: it is wrong".into()));
        }
        let [width, height] = size(job);
        let count = prompt.split_whitespace().count();
        Ok(Outline {
            width,
            height,
            sampler: "fake".into(),
            steps: steps(job),
            calls: steps(job),
            tokens: vec![Tokens { field: "prompt", count, chunks: 1 }],
            ..Outline::default()
        })
    }

    fn draw(&mut self, job: &Job, images: &[u64], watch: &mut Watch<'_>) -> Result<Vec<Drawn>, Failure> {
        let prompt = job.request.prompt.clone().unwrap_or_default();
        let most = if prompt.ends_with("together") { TOGETHER } else { 1 };
        let seeds: Vec<u64> = images.iter().take(most).map(|image| job.request.seed.wrapping_add(*image)).collect();
        self.0.drawn.lock().unwrap().extend(seeds.iter().map(|seed| (prompt.clone(), *seed)));
        let ([width, height], calls, images) = (size(job), steps(job), seeds.len());
        let preview = || Some(colour(seeds[0], 8, 8));
        for call in 1..=calls {
            match prompt.split(' ').next() {
                Some("panic") => panic!("the artist fell off its chair"),
                Some("fail") => return Err(Failure::Device("the paint is dry".into())),
                Some("slow") => thread::sleep(Duration::from_millis(10)),
                Some("hold") if call == calls => {
                    let (call, done) = (calls - 1, (calls - 1).max(1) as f64 / calls as f64);
                    let step = Step { call, calls, done, images, preview: &preview };
                    if self.0.hold(&mut || watch(&step)).is_break() {
                        return Err(Failure::Cancelled);
                    }
                }
                _ => {}
            }
            let done = call as f64 / calls as f64;
            if watch(&Step { call, calls, done, images, preview: &preview }).is_break() {
                return Err(Failure::Cancelled);
            }
        }
        let record = r#"{"version":"fake","device":"fake","hardware":"fake","dtype":"f32","files":[],"job":{}}"#;
        let drawn = |seed: u64| Drawn {
            image: colour(seed, width, height),
            latents: Latents { values: Vec::new(), shape: [1, 4, 0, 0] },
            seed,
            parameters: format!("{prompt}\nSteps: {calls}, Sampler: Fake, Seed: {seed}, Size: {width}x{height}"),
            record: Record::from_json(record).expect("a record"),
        };
        Ok(seeds.into_iter().map(drawn).collect())
    }

    fn upscale(
        &mut self,
        image: &Image,
        _: Option<&str>,
        [width, height]: [usize; 2],
        watch: &mut dyn FnMut(f64) -> ControlFlow<()>,
    ) -> Result<Image, Failure> {
        match watch(0.5) {
            ControlFlow::Break(()) => Err(Failure::Cancelled),
            ControlFlow::Continue(()) => Ok(image.resize(width, height, Filter::Lanczos)),
        }
    }

    fn unload(&mut self) {}
}

fn size(job: &Job) -> [usize; 2] {
    [job.request.width, job.request.height].map(|side| side.unwrap_or(64))
}

fn steps(job: &Job) -> usize {
    let is_slow = job.request.prompt.as_ref().is_some_and(|prompt| prompt.starts_with("slow"));
    job.request.steps.unwrap_or(if is_slow { 20 } else { STEPS })
}

/// An image of one colour, which the seed chooses.
pub fn colour(seed: u64, width: usize, height: usize) -> Image {
    let [red, green, blue, ..] = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes();
    Image { width, height, rgb: [red, green, blue].repeat(width * height) }
}
