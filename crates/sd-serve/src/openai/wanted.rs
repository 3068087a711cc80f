use sd_image::Format;

use super::fields::{Fields, wrong};
use super::size::size;
use crate::api_error::ApiError;

/// How the images are to be given back.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    pub format: Format,
    /// As links to this server, rather than inside the answer.
    pub links: bool,
    /// As events while they are drawn.
    pub stream: bool,
    /// How many unfinished images are sent before each finished one, up to 3.
    pub partial_images: usize,
    /// The word that was sent as `quality`. It changes nothing, and is given back.
    pub quality: Option<&'static str>,
}

const QUALITIES: [&str; 8] = ["auto", "low", "medium", "high", "xhigh", "max", "standard", "hd"];

impl Wanted {
    pub fn read(fields: &Fields) -> Result<Self, ApiError> {
        // Wrong in every place where a size can be.
        size(fields)?;
        let compression = fields.whole("output_compression", 0..=100)?.unwrap_or(100) as u8;
        let format = match fields.choice("output_format", &["png", "jpeg", "webp"])? {
            Some("jpeg") => Format::Jpeg { quality: compression.max(1) },
            Some("webp") => Format::WebP,
            _ => Format::Png,
        };
        if fields.choice("background", &["auto", "opaque", "transparent"])? == Some("transparent") {
            return Err(wrong(
                "background",
                "`background` \"transparent\": these models draw opaque images: leave it out",
            ));
        }
        fields.choice("style", &["vivid", "natural"])?;
        let stream = fields.flag("stream")?;
        let links = fields.choice("response_format", &["b64_json", "url"])? == Some("url");
        if stream && links {
            return Err(wrong(
                "response_format",
                "`response_format` \"url\": events hold the images themselves: leave it out",
            ));
        }
        Ok(Self {
            format,
            links,
            stream,
            partial_images: fields.whole("partial_images", 0..=3)?.unwrap_or(0) as usize,
            quality: fields.choice("quality", &QUALITIES)?,
        })
    }

    /// The name of the format in answers.
    pub fn format_name(&self) -> &'static str {
        match self.format {
            Format::Jpeg { .. } => "jpeg",
            Format::WebP => "webp",
            _ => "png",
        }
    }

    /// The quality as answers may have it: words of retired models are left out.
    pub fn quality_shown(&self) -> Option<&'static str> {
        self.quality.filter(|quality| !matches!(*quality, "auto" | "standard" | "hd"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::json;
    use super::*;

    fn of(text: &str) -> Result<Wanted, ApiError> {
        Wanted::read(&json(text))
    }

    #[test]
    fn images_come_as_png_in_the_answer_unless_something_else_is_wanted() {
        let default = Wanted { format: Format::Png, links: false, stream: false, partial_images: 0, quality: None };
        assert_eq!(of("{}"), Ok(default.clone()));
        let jpeg =
            of(r#"{ "output_format": "jpeg", "output_compression": 80, "response_format": "url", "quality": "hd" }"#);
        let expected =
            Wanted { format: Format::Jpeg { quality: 80 }, links: true, quality: Some("hd"), ..default.clone() };
        assert_eq!(jpeg, Ok(expected));
        let stream = of(r#"{ "stream": true, "partial_images": 3 }"#);
        assert_eq!(stream, Ok(Wanted { stream: true, partial_images: 3, ..default }));
    }

    #[test]
    fn what_cannot_be_given_is_refused_by_name() {
        for (json, field) in [
            (r#"{ "output_format": "gif" }"#, "output_format"),
            (r#"{ "output_compression": 101 }"#, "output_compression"),
            (r#"{ "background": "transparent" }"#, "background"),
            (r#"{ "partial_images": 4 }"#, "partial_images"),
            (r#"{ "quality": "best" }"#, "quality"),
            (r#"{ "style": "noir" }"#, "style"),
            (r#"{ "response_format": "file" }"#, "response_format"),
            (r#"{ "stream": true, "response_format": "url" }"#, "response_format"),
        ] {
            assert_eq!(of(json).unwrap_err().field.as_deref(), Some(field), "{json}");
        }
    }
}
