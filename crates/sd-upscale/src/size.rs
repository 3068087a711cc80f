use crate::UpscaleError;
use crate::error::MOST_PIXELS;

/// Returns the width and height of an image at `scale` times its size, rounded to whole pixels.
///
/// # Errors
///
/// [`UpscaleError::Scale`] unless the scale is a positive number and leaves a pixel, [`UpscaleError::TooLarge`].
pub fn scaled_size(width: usize, height: usize, scale: f64) -> Result<[usize; 2], UpscaleError> {
    if !(scale.is_finite() && scale > 0.0) {
        return Err(UpscaleError::Scale { scale, reason: "expected a number above 0, such as 2".into() });
    }
    let [wide, high] = [width, height].map(|side| (side as f64 * scale).round() as usize);
    if wide == 0 || high == 0 {
        let reason = format!("nothing would be left of an image of {width}×{height}: use a larger one");
        return Err(UpscaleError::Scale { scale, reason });
    }
    check_size(wide, high)?;
    Ok([wide, high])
}

/// Checks that an image does not have too many pixels.
pub(crate) fn check_size(width: usize, height: usize) -> Result<(), UpscaleError> {
    match width.saturating_mul(height) {
        pixels if pixels > MOST_PIXELS => Err(UpscaleError::TooLarge { width, height }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_and_have_limits() {
        assert_eq!(scaled_size(101, 3, 1.5).unwrap(), [152, 5]);
        assert_eq!(scaled_size(10, 10, 0.1).unwrap(), [1, 1]);
        for (scale, message) in [
            (0.0, "`scale` 0: expected a number above 0"),
            (f64::NAN, "`scale` NaN: expected"),
            (0.01, "`scale` 0.01: nothing would be left of an image of 10×10"),
            (1e9, "would have 10000000000×10000000000 pixels"),
            (f64::MAX, "more than 500 million: use a smaller `scale`"),
        ] {
            let error = scaled_size(10, 10, scale).unwrap_err();
            assert!(error.to_string().contains(message) && error.is_usage(), "{error}");
        }
    }
}
