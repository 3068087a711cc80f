use sd_image::{Filter, Fit, Image, Mask, Region};

use super::origin::{Origin, Resolved};
use crate::edit::{Fill, Init, Inpaint, Outpaint, Overlay};
use crate::{Error, Field, Model, Request};

/// The largest standard deviation of a mask's blur, in pixels.
const MAX_BLUR: f64 = 256.0;

/// The size of a drawing, and what it starts from at that size.
pub(super) struct Canvas {
    pub width: Resolved<usize>,
    pub height: Resolved<usize>,
    pub init: Option<Init>,
    pub mask: Option<Mask>,
    pub overlay: Option<Overlay>,
}

/// Resolves the size of a drawing, and brings the images of the request to it.
pub(super) fn resolve(request: &Request, model: &Model) -> Result<Canvas, Error> {
    match &request.init {
        Some(Init::Image(image)) => match masked(request, image)? {
            Some((image, inpaint)) => inpainted(request, model, image, inpaint),
            None => {
                let factor = model.scale_factor();
                let (width, height) = size(request, model, |pixels| pixels / factor * factor, image)?;
                let image = match (request.width, request.height) {
                    // diffusers' image-to-image pipelines do this.
                    (None, None) => image.resize(width.value, height.value, Filter::Lanczos),
                    _ => image.fit(width.value, height.value, request.resize, Filter::Lanczos),
                };
                Ok(Canvas { width, height, init: Some(Init::Image(image)), mask: None, overlay: None })
            }
        },
        Some(Init::Latents(latents) | Init::Unfinished(latents)) => {
            let [_, _, high, wide] = latents.shape;
            let sizes = [(request.width, wide), (request.height, high)].map(|(requested, latents)| {
                let origin = if requested.is_some() { Origin::Request } else { Origin::Image };
                Resolved::new(latents * model.scale_factor(), origin)
            });
            let [width, height] = sizes;
            Ok(Canvas { width, height, init: request.init.clone(), mask: None, overlay: None })
        }
        None => {
            let (width, height) = model.default_size();
            let (width, height) = (
                checked(Field::Width, request.width, Resolved::new(width, Origin::Config), model)?,
                checked(Field::Height, request.height, Resolved::new(height, Origin::Config), model)?,
            );
            Ok(Canvas { width, height, init: None, mask: None, overlay: None })
        }
    }
}

/// The image to paint in, extended if requested, with the mask that is to be used as it is; none if nothing is masked.
fn masked(request: &Request, image: &Image) -> Result<Option<(Image, Inpaint)>, Error> {
    let inpaint = request.inpaint.as_ref();
    if let Some(Inpaint { mask, .. }) =
        inpaint.filter(|inpaint| (inpaint.mask.width, inpaint.mask.height) != (image.width, image.height))
    {
        return Err(Error::request(
            Field::Mask,
            format!(
                "is {}×{}, but the image is {}×{}: make them of one size",
                mask.width, mask.height, image.width, image.height
            ),
        ));
    }
    if let Some(Inpaint { blur, .. }) = inpaint.filter(|inpaint| !(0.0..=MAX_BLUR).contains(&inpaint.blur)) {
        return Err(Error::request(
            Field::MaskBlur,
            format!("{blur}: a number of pixels from 0 to {MAX_BLUR} is needed"),
        ));
    }
    let own = inpaint.map(|inpaint| if inpaint.invert { inpaint.mask.invert() } else { inpaint.mask.clone() });
    let (image, mask) = match (request.outpaint, own) {
        (None, None) => return Ok(None),
        (None, Some(mask)) => (image.clone(), mask),
        (Some(sides), own) => {
            let Outpaint { top, right, bottom, left } = sides;
            check_extended(image, sides)?;
            let (extended, mut border) = image.outpaint(top, right, bottom, left);
            if let Some(own) = own {
                border.paste(&own, left, top);
            }
            (extended, border)
        }
    };
    let settings = inpaint.cloned().unwrap_or_else(|| Inpaint::new(mask.clone()));
    Ok(Some((image, Inpaint { mask: mask.blur(settings.blur), invert: false, ..settings })))
}

/// The most pixels of an extended image: as many as a file may have that is read.
const MAX_PIXELS: usize = (512 << 20) / 3;

/// Checks that an extended image has a size that can be.
fn check_extended(image: &Image, Outpaint { top, right, bottom, left }: Outpaint) -> Result<(), Error> {
    let side = |own: usize, before: usize, after: usize| own.checked_add(before)?.checked_add(after);
    let (width, height) = (side(image.width, left, right), side(image.height, top, bottom));
    let pixels = width.zip(height).and_then(|(width, height)| width.checked_mul(height));
    if pixels.is_none_or(|pixels| pixels > MAX_PIXELS) {
        let reason = format!("{top},{right},{bottom},{left}: the image would have more than {MAX_PIXELS} pixels");
        return Err(Error::request(Field::Outpaint, reason));
    }
    Ok(())
}

/// An image with a mask, whose bytes are kept outside it.
fn inpainted(request: &Request, model: &Model, image: Image, inpaint: Inpaint) -> Result<Canvas, Error> {
    let Inpaint { mask, blur, fill, only_masked, .. } = inpaint;
    let has_size = request.width.is_some() || request.height.is_some();
    let factor = model.scale_factor();
    let (width, height) = match only_masked {
        Some(_) => {
            let (width, height) = model.default_size();
            (
                checked(Field::Width, request.width, Resolved::new(width, Origin::Config), model)?,
                checked(Field::Height, request.height, Resolved::new(height, Origin::Config), model)?,
            )
        }
        None => size(request, model, |pixels| pixels.next_multiple_of(factor), &image)?,
    };
    // The whole image at the size of the result, which the drawn part is put into.
    let (image, mask) = match only_masked {
        None if has_size => (
            image.fit(width.value, height.value, request.resize, Filter::Lanczos),
            mask.fit(width.value, height.value, request.resize, Filter::Lanczos),
        ),
        _ => (image, mask),
    };
    let kept = if blur > 0.0 { mask.doubled() } else { mask.clone() };
    let all = Region { left: 0, top: 0, right: image.width, bottom: image.height };
    let filled = if fill == Fill::Blur { image.fill_blurred(&mask) } else { image.clone() };
    let (width_drawn, height_drawn) = (width.value, height.value);
    let (region, drawn, canvas, canvas_mask) = match only_masked {
        Some(padding) => {
            let Some(region) = mask.crop_region(padding, width_drawn, height_drawn) else {
                return Err(Error::request(Field::Mask, "is black everywhere: there is nothing to draw"));
            };
            // As in diffusers and AUTOMATIC1111, a region that has not the size's proportions keeps its own.
            let fit = |part: Image| part.fit(width_drawn, height_drawn, Fit::Pad, Filter::Lanczos);
            let part_mask = mask.crop(region).fit(width_drawn, height_drawn, Fit::Pad, Filter::Lanczos);
            let whole = Region { left: 0, top: 0, right: width_drawn, bottom: height_drawn };
            (region, whole, fit(filled.crop(region)), part_mask)
        }
        None => {
            // Where the image is no multiple of the model's factor, its edge is continued and later cut off.
            let (canvas, _) = filled.outpaint(0, width_drawn - image.width, height_drawn - image.height, 0);
            let mut canvas_mask = Mask::black(width_drawn, height_drawn);
            canvas_mask.paste(&mask, 0, 0);
            (all, all, canvas, canvas_mask)
        }
    };
    let overlay = Overlay { image, mask: kept, region, drawn };
    Ok(Canvas { width, height, init: Some(Init::Image(canvas)), mask: Some(canvas_mask), overlay: Some(overlay) })
}

/// Width and height as requested, else those of the image, rounded to the model's factor.
fn size(
    request: &Request,
    model: &Model,
    rounded: impl Fn(usize) -> usize,
    image: &Image,
) -> Result<(Resolved<usize>, Resolved<usize>), Error> {
    let own = |pixels: usize| Resolved::new(rounded(pixels), Origin::Image);
    let (width, height) = (own(image.width), own(image.height));
    if [width.value, height.value].contains(&0) {
        let reason =
            format!("is {}×{}: this model needs at least {} pixels", image.width, image.height, model.scale_factor());
        return Err(Error::request(Field::InitImage, reason));
    }
    Ok((checked(Field::Width, request.width, width, model)?, checked(Field::Height, request.height, height, model)?))
}

/// The requested width or height, else the default.
fn checked(
    field: Field,
    requested: Option<usize>,
    default: Resolved<usize>,
    model: &Model,
) -> Result<Resolved<usize>, Error> {
    let (size, factor) = (Resolved::requested(requested).unwrap_or(default), model.scale_factor());
    let value = size.value;
    if value > 0 && value.is_multiple_of(factor) {
        return Ok(size);
    }
    let (below, above) = ((value / factor).max(1) * factor, (value / factor + 1) * factor);
    Err(Error::request(
        field,
        format!("{value} is not a multiple of {factor}, this model's scale factor: try {below} or {above}"),
    ))
}
