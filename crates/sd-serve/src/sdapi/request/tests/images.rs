use sd_image::{Fit, Mask};
use sd_pipeline::{Fill, Init};
use serde_json::{Value, json};

use super::{error, img2img, picture};
use crate::sdapi::request::Kind;

#[test]
fn an_image_is_what_a_drawing_starts_from() {
    let data_url = format!("data:image/png;base64,{}", picture(24, 16, 9));
    let wanted =
        img2img(json!({"prompt": "a", "init_images": [data_url], "denoising_strength": 0.4, "resize_mode": 2}));
    let request = &wanted.job.request;
    assert!(matches!(&request.init, Some(Init::Image(image)) if (image.width, image.height) == (24, 16)));
    assert_eq!((request.strength, request.resize), (Some(0.4), Fit::Pad));
    assert_eq!((&request.inpaint, wanted.job.count), (&None, 1));
    assert_eq!(img2img(json!({"init_images": [picture(8, 8, 0)]})).job.request.strength, Some(0.75));
}

#[test]
fn several_images_take_turns() {
    let images = json!([picture(8, 8, 1), picture(8, 8, 2)]);
    let wanted = img2img(json!({"init_images": images, "n_iter": 2, "batch_size": 7, "seed": 5}));
    let found: Vec<(u64, u8)> = wanted
        .jobs()
        .map(|job| match job.request.init {
            Some(Init::Image(image)) => (job.request.seed, image.rgb[0]),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(found, [(5, 1), (6, 2), (7, 1), (8, 2)]);
}

#[test]
fn a_mask_is_what_is_drawn_anew() {
    let body = |more: Value| {
        let mut body = json!({"init_images": [picture(16, 8, 9)], "mask": picture(16, 8, 255)});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let inpaint = img2img(body(json!({}))).job.request.inpaint.unwrap();
    assert_eq!((inpaint.blur, inpaint.fill, inpaint.only_masked, inpaint.invert), (4.0, Fill::Blur, Some(0), false));
    assert_eq!(inpaint.mask, Mask { width: 16, height: 8, values: vec![255; 128] });
    let inpaint = img2img(body(json!({
        "mask_blur": 0, "inpainting_fill": 2, "inpaint_full_res": false, "inpaint_full_res_padding": 32, "inpainting_mask_invert": 1,
    })));
    let inpaint = inpaint.job.request.inpaint.unwrap();
    assert_eq!((inpaint.blur, inpaint.fill, inpaint.only_masked, inpaint.invert), (0.0, Fill::Noise, None, true));
    let inpaint = img2img(body(json!({"mask": picture(8, 4, 255)}))).job.request.inpaint.unwrap();
    assert_eq!((inpaint.mask.width, inpaint.mask.height), (16, 8));
    assert!(error(Kind::Img2img, body(json!({"inpainting_fill": 4}))).starts_with("body.inpainting_fill"));
}

#[test]
fn transparency_is_white_in_images_and_counts_in_masks() {
    // Two pixels as PNG, red and transparent red, of which the first is a mask's.
    let text = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAYAAAD0In+KAAAAD0lEQVR42mP4z8DwH4gZABD4Av4Vkvq/AAAAAElFTkSuQmCC";
    let wanted = img2img(json!({"init_images": [text], "mask": text}));
    let Some(Init::Image(image)) = &wanted.job.request.init else { panic!("no image") };
    assert_eq!(image.rgb, [255, 0, 0, 255, 255, 255]);
    assert_eq!(wanted.job.request.inpaint.unwrap().mask.values, [255, 0]);
}
