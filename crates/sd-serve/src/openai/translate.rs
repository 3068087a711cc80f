//! Requests as jobs. Nothing here reads files or waits.

use sd_engine::Job;
use sd_image::{Image, Mask};
use sd_pipeline::{Fill, Init, Inpaint};

use super::fields::{Fields, wrong};
use super::images::{image, mask};
use super::settings::job;
use super::wanted::Wanted;
use crate::api_error::ApiError;

/// How much of an image a variation changes: the composition stays, and the details are others.
const VARIATION: f64 = 0.6;

/// Strength of an edit without a mask whose `input_fidelity` is high.
const FAITHFUL: f64 = 0.5;

/// An image from a text.
pub fn generation(fields: &Fields) -> Result<(Job, Wanted), ApiError> {
    let mut job = job(fields)?;
    job.request.prompt = Some(prompt(fields)?);
    Ok((job, Wanted::read(fields)?))
}

/// A changed image of at most `most` pixels. With a mask, or if the image itself is transparent somewhere, this part is drawn anew;
/// else the whole image is changed.
pub fn edit(fields: &Fields, most: usize) -> Result<(Job, Wanted), ApiError> {
    let mut job = job(fields)?;
    let wanted = Wanted::read(fields)?;
    job.request.prompt = Some(prompt(fields)?);
    if fields.value("markup").is_some() || fields.files("markup").next().is_some() {
        return Err(wrong("markup", "`markup` is not supported: send a mask, or paint on the image itself"));
    }
    let fidelity = fields.choice("input_fidelity", &["low", "high"])?;
    let blur = fields.number("mask_blur", 0.0..=256.0)?.unwrap_or(0.0);
    let (image, transparent) = image(fields, most)?;
    let inpaint = match mask(fields, most)? {
        Some(mask) => Some(part(mask, Fill::Original, &image)?),
        // What an image has under its transparency means nothing.
        None => transparent.filter(has_hole).map(|mask| Inpaint { fill: Fill::Blur, ..Inpaint::new(mask) }),
    };
    let request = &mut job.request;
    request.strength = request.strength.or(match (&inpaint, fidelity) {
        (Some(_), _) => Some(1.0),
        (None, Some("high")) => Some(FAITHFUL),
        (None, _) => None,
    });
    request.inpaint = inpaint.map(|inpaint| Inpaint { blur, ..inpaint });
    request.init = Some(Init::Image(image));
    Ok((job, wanted))
}

/// Other versions of an image of at most `most` pixels, without a text.
pub fn variation(fields: &Fields, most: usize) -> Result<(Job, Wanted), ApiError> {
    let mut job = job(fields)?;
    let wanted = Wanted::read(fields)?;
    let request = &mut job.request;
    request.prompt = Some(String::new());
    request.init = Some(Init::Image(image(fields, most)?.0));
    request.strength = request.strength.or(Some(VARIATION));
    // There is no text to follow, so guidance would only double the work.
    request.guidance = request.guidance.or(Some(1.0));
    Ok((job, wanted))
}

fn prompt(fields: &Fields) -> Result<String, ApiError> {
    let missing = || wrong("prompt", "`prompt` is missing: say what the image should show");
    fields.text("prompt")?.map(str::to_string).ok_or_else(missing)
}

/// The part of an image that a mask frees.
fn part(mask: Mask, fill: Fill, image: &Image) -> Result<Inpaint, ApiError> {
    if (mask.width, mask.height) != (image.width, image.height) {
        let sizes = format!("is {}×{}, but the image is {}×{}", mask.width, mask.height, image.width, image.height);
        return Err(wrong("mask", format!("`mask` {sizes}: make them of one size")));
    }
    match has_hole(&mask) {
        true => Ok(Inpaint { fill, ..Inpaint::new(mask) }),
        false => Err(wrong("mask", "`mask` is nowhere transparent: there is nothing to draw")),
    }
}

/// Whether a pixel is fully transparent.
fn has_hole(mask: &Mask) -> bool {
    mask.values.contains(&255)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{form, png, rgba};
    use super::*;

    const MOST: usize = 64;

    fn house() -> Vec<u8> {
        png(2, 1, &[10, 20, 30, 40, 50, 60])
    }

    #[test]
    fn a_text_becomes_a_job() {
        let (job, wanted) = generation(&form(&[("prompt", "a house"), ("n", "2"), ("seed", "3")], &[])).unwrap();
        assert_eq!(job.request.prompt.as_deref(), Some("a house"));
        assert_eq!((job.count, job.request.seed, job.request.init), (2, 3, None));
        assert!(!wanted.stream);
        for texts in [&[("n", "2")][..], &[("prompt", "")]] {
            let error = generation(&form(texts, &[])).unwrap_err();
            assert_eq!((error.status.as_u16(), error.field.as_deref()), (400, Some("prompt")));
        }
    }

    #[test]
    fn only_the_transparent_part_of_the_mask_is_drawn_anew() {
        let mask = rgba(2, 1, &[0, 0, 0, 255, 0, 0, 0, 0]);
        let fields = form(&[("prompt", "a door")], &[("image", &house()), ("mask", &mask)]);
        let request = edit(&fields, MOST).unwrap().0.request;
        let image = Image { width: 2, height: 1, rgb: vec![10, 20, 30, 40, 50, 60] };
        assert_eq!(request.init, Some(Init::Image(image)));
        let mask = Mask { width: 2, height: 1, values: vec![0, 255] };
        assert_eq!(request.inpaint, Some(Inpaint::new(mask)));
        assert_eq!((request.strength, request.width), (Some(1.0), None));
    }

    #[test]
    fn a_transparent_image_is_its_own_mask() {
        let file = rgba(2, 1, &[1, 2, 3, 255, 0, 0, 0, 0]);
        let request =
            edit(&form(&[("prompt", "a door"), ("mask_blur", "2")], &[("image[]", &file)]), MOST).unwrap().0.request;
        let mask = Mask { width: 2, height: 1, values: vec![0, 255] };
        assert_eq!(request.inpaint, Some(Inpaint { fill: Fill::Blur, blur: 2.0, ..Inpaint::new(mask) }));
    }

    #[test]
    fn without_a_mask_the_whole_image_is_changed() {
        let opaque = rgba(1, 1, &[1, 2, 3, 255]);
        let strength = |texts: &[(&str, &str)]| {
            let texts = [&[("prompt", "a door")], texts].concat();
            let request = edit(&form(&texts, &[("image", &opaque)]), MOST).unwrap().0.request;
            assert_eq!(request.inpaint, None);
            request.strength
        };
        assert_eq!(strength(&[]), None);
        assert_eq!(strength(&[("input_fidelity", "high")]), Some(0.5));
        assert_eq!(strength(&[("input_fidelity", "high"), ("strength", "0.3")]), Some(0.3));
    }

    #[test]
    fn a_mask_that_does_not_fit_or_frees_nothing_is_refused() {
        for mask in [rgba(1, 1, &[0; 4]), rgba(2, 1, &[0, 0, 0, 255, 0, 0, 0, 254])] {
            let fields = form(&[("prompt", "a door")], &[("image", &house()), ("mask", &mask)]);
            assert_eq!(edit(&fields, MOST).unwrap_err().field.as_deref(), Some("mask"));
        }
    }

    #[test]
    fn a_markup_is_refused_rather_than_ignored() {
        let fields = form(&[("prompt", "a door")], &[("image", &house()), ("markup", &house())]);
        assert_eq!(edit(&fields, MOST).unwrap_err().field.as_deref(), Some("markup"));
    }

    #[test]
    fn a_variation_follows_its_image_alone() {
        let (job, _) = variation(&form(&[("n", "3")], &[("image", &house())]), MOST).unwrap();
        let request = job.request;
        assert_eq!((job.count, request.prompt.as_deref()), (3, Some("")));
        assert_eq!((request.strength, request.guidance), (Some(0.6), Some(1.0)));
        assert!(matches!(request.init, Some(Init::Image(_))));
    }
}
