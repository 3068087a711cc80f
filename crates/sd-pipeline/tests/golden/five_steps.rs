//! The request that `draw_five_steps` in `crates/sd-golden/golden/tiny.py` draws.

use sd_pipeline::Request;

/// Five steps of `ddim` with their negative prompt, size and seed.
pub fn request(prompt: &str, guidance: f64) -> Request {
    Request {
        negative_prompt: Some("blurry".into()),
        width: Some(64),
        height: Some(64),
        sampler: Some("ddim".parse().unwrap()),
        steps: Some(5),
        guidance: Some(guidance),
        seed: 42,
        ..Request::new(prompt)
    }
}
