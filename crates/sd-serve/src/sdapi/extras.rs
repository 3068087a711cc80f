//! `extra-single-image` and `extra-batch-images`: images enlarged without being drawn.

use axum::Json;
use axum::extract::State;
use sd_image::{Filter, Image, Region, Texts};
use serde_json::{Map, Value, json};

use super::fields::Fields;
use super::{SdapiError, picture};
use crate::api_error::ApiError;
use crate::artist::Artist;
use crate::blocking::blocking;
use crate::body::{JsonBody, base64_bytes};
use crate::client::Client;
use crate::options::Limits;
use crate::queue::Stop;
use crate::state::App;

type Body = JsonBody<Map<String, Value>>;
type Answer = Result<Json<Value>, SdapiError>;

/// Enlarges an image.
pub(super) async fn single(State(app): State<App>, client: Client, JsonBody(body): Body) -> Answer {
    let enlarging = Enlarging::read(&Fields::of_body(&body))?;
    let text = Fields::of_body(&body).filled_text("image")?.unwrap_or_default().to_owned();
    let image = enlarging.enlarged(&app, &client, text).await?;
    Ok(Json(json!({ "image": image, "html_info": enlarging.html_info() })))
}

/// Enlarges several images alike.
pub(super) async fn batch(State(app): State<App>, client: Client, JsonBody(body): Body) -> Answer {
    let fields = Fields::of_body(&body);
    let enlarging = Enlarging::read(&fields)?;
    let list = fields.list("imageList")?.unwrap_or_default();
    let mut texts = Vec::with_capacity(list.len());
    for (index, value) in list.iter().enumerate() {
        let image = fields.object_in_list("imageList", index, value)?;
        texts.push(image.filled_text("data")?.unwrap_or_default().to_owned());
    }
    let mut images = Vec::with_capacity(texts.len());
    for text in texts {
        images.push(enlarging.enlarged(&app, &client, text).await?);
    }
    Ok(Json(json!({ "images": images, "html_info": enlarging.html_info() })))
}

/// How images are enlarged.
#[derive(Debug, Clone, PartialEq)]
struct Enlarging {
    to: To,
    upscaler: Upscaler,
    /// Another way, and its share of the result.
    second: Option<(Upscaler, f64)>,
    repairs_faces: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum To {
    Factor(f64),
    /// Covers the size, and is cut to it if `crop` is set.
    Size {
        width: usize,
        height: usize,
        crop: bool,
    },
}

#[derive(Debug, Clone, PartialEq)]
enum Upscaler {
    /// The image stays as it is, in its size.
    None,
    Filter(Filter),
    Network(String),
}

impl Enlarging {
    fn read(fields: &Fields<'_>) -> Result<Self, SdapiError> {
        let to = match fields.integer("resize_mode")?.unwrap_or(0) {
            0 => To::Factor(fields.number_in("upscaling_resize", 0.01, 64.0)?.unwrap_or(2.0)),
            1 => {
                let side = |name| Ok::<_, SdapiError>(fields.integer_in(name, 1, 1 << 20)?.unwrap_or(512) as usize);
                let (width, height) = (side("upscaling_resize_w")?, side("upscaling_resize_h")?);
                To::Size { width, height, crop: fields.flag("upscaling_crop")?.unwrap_or(true) }
            }
            other => return Err(fields.wrong("resize_mode", format!("{other}: expected 0 (factor) or 1 (size)"))),
        };
        let upscaler = |name| Ok::<_, SdapiError>(Upscaler::named(fields.filled_text(name)?.unwrap_or("None")));
        let share = fields.number_in("extras_upscaler_2_visibility", 0.0, 1.0)?.unwrap_or(0.0);
        let second = Some(upscaler("upscaler_2")?).filter(|second| *second != Upscaler::None && share > 0.0);
        let visible = |name| Ok::<_, SdapiError>(fields.number_in(name, 0.0, 1.0)?.unwrap_or(0.0) > 0.0);
        Ok(Self {
            to,
            upscaler: upscaler("upscaler_1")?,
            second: second.map(|second| (second, share)),
            repairs_faces: visible("gfpgan_visibility")? || visible("codeformer_visibility")?,
        })
    }

    /// What has no effect, for people.
    fn html_info(&self) -> &'static str {
        if self.repairs_faces { "<p>Faces are not restored: there is no network for them.</p>" } else { "" }
    }

    /// Enlarges an image, all in base64. The text that says how it was drawn is kept.
    async fn enlarged(&self, app: &App, client: &Client, text: String) -> Result<String, SdapiError> {
        let limits = app.options.limits.clone();
        let to = self.to;
        let (image, parameters, size) = blocking(move || {
            let image = picture::image(&text)?;
            let size = to.covered(&image, &limits)?;
            let parameters = Texts::read(&base64_bytes(&text)?).get("parameters").map(str::to_owned);
            Ok::<_, SdapiError>((image, parameters, size))
        })
        .await??;
        let mut enlarged = self.upscaler.enlarged(app, client, &image, size).await?;
        if let Some((second, share)) = self.second.as_ref().filter(|_| self.upscaler != Upscaler::None) {
            let second = second.enlarged(app, client, &image, size).await?;
            enlarged = blended(&enlarged, &second, *share);
        }
        if self.upscaler != Upscaler::None {
            enlarged = self.to.cut(enlarged);
        }
        blocking(move || {
            let texts = parameters.as_deref().map(|text| ("parameters", text));
            picture::png_base64(&enlarged, texts.as_slice())
        })
        .await?
    }
}

impl To {
    /// The size to which an image is enlarged, before it is cut.
    fn covered(self, image: &Image, limits: &Limits) -> Result<[usize; 2], SdapiError> {
        let (factor, least) = match self {
            Self::Factor(factor) => (factor, [1, 1]),
            Self::Size { width, height, .. } => {
                let factor = (width as f64 / image.width as f64).max(height as f64 / image.height as f64);
                (factor, [width, height])
            }
        };
        let side = |pixels: usize, least: usize| ((pixels as f64 * factor).round() as usize).max(least);
        let size = match self {
            Self::Size { crop: false, .. } => [side(image.width, 1), side(image.height, 1)],
            _ => [side(image.width, least[0]), side(image.height, least[1])],
        };
        if size[0].saturating_mul(size[1]) > limits.pixels {
            let reason = format!("{}×{} is more than {} pixels", size[0], size[1], limits.pixels);
            return Err(ApiError::too_large(reason).into());
        }
        Ok(size)
    }

    fn cut(self, image: Image) -> Image {
        match self {
            Self::Size { width, height, crop: true } => {
                let (left, top) = ((image.width - width) / 2, (image.height - height) / 2);
                image.crop(Region { left, top, right: left + width, bottom: top + height })
            }
            _ => image,
        }
    }
}

impl Upscaler {
    fn named(name: &str) -> Self {
        match name {
            "None" => Self::None,
            "Lanczos" => Self::Filter(Filter::Lanczos),
            "Nearest" => Self::Filter(Filter::Nearest),
            network => Self::Network(network.into()),
        }
    }

    async fn enlarged(
        &self,
        app: &App,
        client: &Client,
        image: &Image,
        [width, height]: [usize; 2],
    ) -> Result<Image, SdapiError> {
        let image = image.clone();
        match self {
            Self::None => Ok(image),
            Self::Filter(filter) => {
                let filter = *filter;
                Ok(blocking(move || image.resize(width, height, filter)).await?)
            }
            Self::Network(name) => {
                let name = name.clone();
                let enlarge = move |artist: &mut dyn Artist, stop: &Stop| {
                    artist.upscale(&image, Some(&name), [width, height], &mut |_| stop.flow())
                };
                Ok(app.queue.run(client, enlarge).await??)
            }
        }
    }
}

/// Mixes two images of one size.
fn blended(first: &Image, second: &Image, share: f64) -> Image {
    let mix = |(a, b): (&u8, &u8)| (f64::from(*a) * (1.0 - share) + f64::from(*b) * share).round() as u8;
    Image { rgb: first.rgb.iter().zip(&second.rgb).map(mix).collect(), ..*first }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(width: usize, height: usize) -> Image {
        Image { width, height, rgb: vec![7; 3 * width * height] }
    }

    fn read(body: Value) -> Result<Enlarging, SdapiError> {
        let Value::Object(fields) = body else { panic!("not an object") };
        Enlarging::read(&Fields::of_body(&fields))
    }

    #[test]
    fn a_size_is_covered_and_cut_or_fitted_around() {
        let limits = Limits::default();
        for (crop, covered, cut) in [(true, [96, 64], [64, 64]), (false, [96, 64], [96, 64])] {
            let to = read(
                json!({"resize_mode": 1, "upscaling_resize_w": 64, "upscaling_resize_h": 64, "upscaling_crop": crop}),
            );
            let to = to.unwrap().to;
            let size = to.covered(&image(48, 32), &limits).unwrap();
            assert_eq!(size, covered);
            let result = to.cut(image(size[0], size[1]));
            assert_eq!([result.width, result.height], cut);
        }
        let to = read(json!({"upscaling_resize": 1.5})).unwrap().to;
        assert_eq!(to.covered(&image(48, 32), &limits).unwrap(), [72, 48]);
    }

    #[test]
    fn images_that_would_be_too_large_are_refused() {
        let limits = Limits { pixels: 1000, ..Limits::default() };
        assert!(read(json!({"upscaling_resize": 2})).unwrap().to.covered(&image(16, 16), &limits).is_err());
        assert!(read(json!({"upscaling_resize": 1})).unwrap().to.covered(&image(16, 16), &limits).is_ok());
    }

    #[test]
    fn a_second_upscaler_needs_a_share() {
        let enlarging = read(json!({"upscaler_1": "Lanczos", "upscaler_2": "4x_net"})).unwrap();
        assert_eq!(enlarging.second, None);
        let enlarging = read(json!({"upscaler_2": "4x_net", "extras_upscaler_2_visibility": 0.25})).unwrap();
        assert_eq!(enlarging.second, Some((Upscaler::Network("4x_net".into()), 0.25)));
        let (black, white) = (Image { rgb: vec![0; 3], ..image(1, 1) }, Image { rgb: vec![200; 3], ..image(1, 1) });
        assert_eq!(blended(&black, &white, 0.25).rgb, [50; 3]);
    }
}
