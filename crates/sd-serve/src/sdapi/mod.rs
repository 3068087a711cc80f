//! AUTOMATIC1111's interface, below `/sdapi/v1`, and that of its ControlNet extension, below `/controlnet`.
//!
//! `request/` translates what clients send to jobs, and `info.rs` what was drawn to what they read. The other files are the handlers.

mod controlnet;
mod draw;
mod error;
mod extras;
mod fields;
mod info;
mod infotext;
mod lists;
mod names;
mod options;
mod picture;
mod png_info;
mod process;
mod progress;
mod request;
mod samplers;
mod settings;
mod steer;

use axum::routing::{get, post};
use axum::{Extension, Router};

use self::error::SdapiError;
use self::settings::Settings;
use crate::state::App;

/// All routes, with the options that they share.
pub(crate) fn routes() -> Router<App> {
    let sdapi = Router::new()
        .route("/txt2img", post(draw::txt2img))
        .route("/img2img", post(draw::img2img))
        .route("/extra-single-image", post(extras::single))
        .route("/extra-batch-images", post(extras::batch))
        .route("/png-info", post(png_info::read))
        .route("/progress", get(progress::read))
        .route("/interrupt", post(steer::interrupt))
        .route("/skip", post(steer::skip))
        .route("/options", get(options::read).post(options::write))
        .route("/cmd-flags", get(options::flags))
        .route("/memory", get(options::memory))
        .route("/unload-checkpoint", post(steer::unload))
        .route("/reload-checkpoint", post(steer::reload))
        .route("/refresh-checkpoints", post(steer::refresh))
        .route("/refresh-loras", post(steer::refresh))
        .route("/refresh-vae", post(steer::refresh))
        .route("/refresh-embeddings", post(steer::refresh))
        .route("/sd-models", get(lists::models))
        .route("/sd-vae", get(lists::vaes))
        .route("/sd-modules", get(lists::vaes))
        .route("/loras", get(lists::loras))
        .route("/embeddings", get(lists::embeddings))
        .route("/samplers", get(samplers::list))
        .route("/schedulers", get(samplers::list_schedules))
        .route("/upscalers", get(lists::upscalers))
        .route("/latent-upscale-modes", get(lists::latent_upscalers))
        .route("/scripts", get(lists::scripts))
        .route("/script-info", get(lists::script_info))
        .route("/prompt-styles", get(lists::nothing))
        .route("/hypernetworks", get(lists::nothing))
        .route("/face-restorers", get(lists::nothing))
        .route("/realesrgan-models", get(lists::nothing))
        .route("/extensions", get(lists::nothing));
    let controlnet = Router::new()
        .route("/version", get(controlnet::version))
        .route("/model_list", get(controlnet::models))
        .route("/module_list", get(controlnet::modules))
        .route("/control_types", get(controlnet::types))
        .route("/settings", get(controlnet::settings))
        .route("/detect", post(controlnet::detect));
    let routes = Router::new().nest("/sdapi/v1", sdapi).nest("/controlnet", controlnet);
    routes.layer(Extension(Settings::default()))
}
