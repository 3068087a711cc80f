use axum::http::{HeaderMap, header};
use sd_image::Format;

use crate::id::ImageId;

/// The address of a stored image on this server, as the client knows the server: it needs the same key.
pub fn link(headers: &HeaderMap, id: &ImageId, format: Format) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let scheme = if text("x-forwarded-proto") == "https" { "https" } else { "http" };
    let server = match text(header::HOST.as_str()) {
        "" => String::new(),
        host => format!("{scheme}://{host}"),
    };
    let query = match format {
        Format::WebP => "?format=webp".into(),
        Format::Jpeg { quality } => format!("?format=jpeg&quality={quality}"),
        _ => String::new(),
    };
    format!("{server}/v1/jobs/{}/images/{}{query}", id.job, id.index)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;
    use crate::id::JobId;

    #[test]
    fn a_link_leads_to_the_server_that_was_asked() {
        let id = ImageId { job: JobId::new(), index: 2 };
        let mut headers = HeaderMap::new();
        assert_eq!(link(&headers, &id, Format::Png), format!("/v1/jobs/{}/images/2", id.job));
        headers.insert("host", HeaderValue::from_static("sd.example:8080"));
        let jpeg = link(&headers, &id, Format::Jpeg { quality: 80 });
        assert_eq!(jpeg, format!("http://sd.example:8080/v1/jobs/{}/images/2?format=jpeg&quality=80", id.job));
        headers.insert("x-forwarded-proto", HeaderValue::from_static("https"));
        assert!(link(&headers, &id, Format::WebP).starts_with("https://sd.example:8080/"));
    }
}
