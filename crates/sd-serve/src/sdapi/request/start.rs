//! What `img2img` starts from: images, and masks.

use axum::http::StatusCode;
use sd_engine::Job;
use sd_image::{Filter, Fit, Image, Mask};
use sd_pipeline::{Fill, Init, Inpaint};

use super::passes::strength;
use crate::api_error::ApiError;
use crate::sdapi::SdapiError;
use crate::sdapi::fields::Fields;
use crate::sdapi::picture;

/// Reads the images, the mask and the strength. Returns all images if there are several.
pub(super) fn read(fields: &Fields<'_>, job: &mut Job) -> Result<Vec<Image>, SdapiError> {
    let images = init_images(fields)?;
    let Some(first) = images.first() else {
        return Err(SdapiError::refused(StatusCode::NOT_FOUND, "Init image not found"));
    };
    if images.len() > 1 {
        // A batch is then as large as there are images.
        let batches = fields.integer_in("n_iter", 1, i64::MAX)?.unwrap_or(1) as u64;
        job.count = batches.saturating_mul(images.len() as u64);
    }
    let request = &mut job.request;
    request.strength = Some(strength(fields, request.steps)?);
    request.resize = fit(fields)?;
    // 1.5 is what models that follow instructions use anyway, and others refuse the field.
    request.image_guidance = fields.number("image_cfg_scale")?.filter(|scale| *scale != 1.5);
    request.inpaint = match fields.filled_text("mask")? {
        Some(text) => Some(inpaint(fields, picture::mask(text)?, first)?),
        None => None,
    };
    if request.inpaint.is_some()
        && images.iter().any(|image| (image.width, image.height) != (first.width, first.height))
    {
        return Err(ApiError::wrong("init_images: several images with one mask must have one size").into());
    }
    request.init = Some(Init::Image(first.clone()));
    Ok(if images.len() > 1 { images } else { Vec::new() })
}

fn init_images(fields: &Fields<'_>) -> Result<Vec<Image>, SdapiError> {
    let texts = fields.list("init_images")?.unwrap_or_default();
    let image = |text: &serde_json::Value| match text.as_str() {
        Some(text) => picture::image(text),
        None => Err(fields.wrong("init_images", "expected images in base64")),
    };
    texts.iter().map(image).collect()
}

/// How images get the size of the drawing.
fn fit(fields: &Fields<'_>) -> Result<Fit, SdapiError> {
    match fields.integer("resize_mode")?.unwrap_or(0) {
        0 => Ok(Fit::Stretch),
        1 => Ok(Fit::Crop),
        2 => Ok(Fit::Pad),
        other => Err(fields.wrong("resize_mode", format!("{other}: expected 0 (resize), 1 (crop) or 2 (fill)"))),
    }
}

fn inpaint(fields: &Fields<'_>, mask: Mask, image: &Image) -> Result<Inpaint, SdapiError> {
    let is_as_large = (mask.width, mask.height) == (image.width, image.height);
    let mask = if is_as_large { mask } else { mask.resize(image.width, image.height, Filter::Lanczos) };
    let blur = match fields.number_in("mask_blur", 0.0, 256.0)? {
        Some(blur) => blur,
        None => fields.number_in("mask_blur_x", 0.0, 256.0)?.unwrap_or(4.0),
    };
    let fill = match fields.integer("inpainting_fill")?.unwrap_or(0) {
        0 => Fill::Blur,
        1 => Fill::Original,
        2 => Fill::Noise,
        3 => Fill::Zero,
        other => return Err(fields.wrong("inpainting_fill", format!("{other}: expected 0 to 3"))),
    };
    let padding = fields.integer_in("inpaint_full_res_padding", 0, 1 << 16)?.unwrap_or(0) as usize;
    Ok(Inpaint {
        mask,
        invert: fields.integer("inpainting_mask_invert")?.unwrap_or(0) != 0,
        blur,
        fill,
        only_masked: fields.flag("inpaint_full_res")?.unwrap_or(true).then_some(padding),
    })
}
