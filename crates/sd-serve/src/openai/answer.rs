//! Finished images as JSON.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::wanted::Wanted;

/// What all answers to a request say.
pub struct Answer {
    pub wanted: Wanted,
    /// Seconds since 1970.
    pub created: i64,
    /// Width and height of the images.
    pub size: (usize, usize),
    /// Tokens of the request's texts.
    pub tokens: usize,
}

/// An image, as answers hold it.
pub enum Given<'a> {
    /// The bytes of its file.
    Inline(&'a [u8]),
    /// Its address on this server.
    Link(&'a str),
}

impl Answer {
    /// The answer with all images, each an [entry](Self::entry).
    pub fn whole(&self, images: Vec<Value>) -> Value {
        let mut answer = self.described();
        answer.extend([
            ("created".into(), self.created.into()),
            ("data".into(), images.into()),
            ("usage".into(), self.usage()),
        ]);
        if let Some(quality) = self.wanted.quality_shown() {
            answer.insert("quality".into(), quality.into());
        }
        answer.into()
    }

    /// An image in the answer. Its seed draws it again, as a job of one image.
    pub fn entry(given: Given<'_>, seed: u64) -> Value {
        match given {
            Given::Inline(file) => json!({ "b64_json": STANDARD.encode(file), "seed": seed }),
            Given::Link(url) => json!({ "url": url, "seed": seed }),
        }
    }

    /// The event of an unfinished image; `about` is `image_generation` or `image_edit`.
    pub fn partial(&self, about: &str, file: &[u8], index: usize) -> Value {
        let mut event = self.event(about, "partial_image", file);
        event.insert("partial_image_index".into(), index.into());
        event.into()
    }

    /// The event of a finished image.
    pub fn completed(&self, about: &str, file: &[u8], seed: u64) -> Value {
        let mut event = self.event(about, "completed", file);
        event.extend([("usage".into(), self.usage()), ("seed".into(), seed.into())]);
        event.into()
    }

    fn event(&self, about: &str, what: &str, file: &[u8]) -> Map<String, Value> {
        let mut event = self.described();
        event.extend([
            ("type".into(), format!("{about}.{what}").into()),
            ("created_at".into(), self.created.into()),
            ("b64_json".into(), STANDARD.encode(file).into()),
            ("quality".into(), self.wanted.quality_shown().unwrap_or("auto").into()),
        ]);
        event
    }

    fn described(&self) -> Map<String, Value> {
        Map::from_iter([
            ("size".into(), format!("{}x{}", self.size.0, self.size.1).into()),
            ("background".into(), "opaque".into()),
            ("output_format".into(), self.wanted.format_name().into()),
        ])
    }

    /// Our images are not made of tokens, and those that are sent are not read as tokens: only texts count.
    fn usage(&self) -> Value {
        json!({
            "input_tokens": self.tokens,
            "input_tokens_details": { "text_tokens": self.tokens, "image_tokens": 0 },
            "output_tokens": 0,
            "output_tokens_details": { "text_tokens": 0, "image_tokens": 0 },
            "total_tokens": self.tokens,
        })
    }
}

#[cfg(test)]
mod tests {
    use sd_image::Format;

    use super::*;

    fn answer() -> Answer {
        let wanted =
            Wanted { format: Format::Png, links: false, stream: false, partial_images: 0, quality: Some("high") };
        Answer { wanted, created: 1_700_000_000, size: (64, 32), tokens: 5 }
    }

    #[test]
    fn an_answer_has_every_field_that_openais_types_name() {
        let images = vec![Answer::entry(Given::Inline(b"abc"), 7), Answer::entry(Given::Link("http://host/a.png"), 8)];
        let usage = json!({
            "input_tokens": 5, "input_tokens_details": { "text_tokens": 5, "image_tokens": 0 },
            "output_tokens": 0, "output_tokens_details": { "text_tokens": 0, "image_tokens": 0 }, "total_tokens": 5,
        });
        let expected = json!({
            "created": 1_700_000_000, "background": "opaque", "output_format": "png", "quality": "high", "size": "64x32",
            "data": [{ "b64_json": "YWJj", "seed": 7 }, { "url": "http://host/a.png", "seed": 8 }],
            "usage": usage,
        });
        assert_eq!(answer().whole(images), expected);
    }

    #[test]
    fn events_have_every_field_that_openais_types_name() {
        let partial = json!({
            "type": "image_generation.partial_image", "b64_json": "YWJj", "partial_image_index": 1, "created_at": 1_700_000_000,
            "size": "64x32", "quality": "high", "background": "opaque", "output_format": "png",
        });
        assert_eq!(answer().partial("image_generation", b"abc", 1), partial);
        let completed = answer().completed("image_edit", b"abc", 9);
        assert_eq!((&completed["type"], &completed["seed"]), (&json!("image_edit.completed"), &json!(9)));
        assert_eq!(completed["usage"]["total_tokens"], 5);
        assert!(completed.get("partial_image_index").is_none());
    }

    #[test]
    fn a_quality_that_the_types_do_not_know_is_not_given_back() {
        for quality in [None, Some("auto"), Some("standard"), Some("hd")] {
            let answer = Answer { wanted: Wanted { quality, ..answer().wanted }, ..answer() };
            assert!(answer.whole(Vec::new()).get("quality").is_none());
            assert_eq!(answer.partial("image_edit", b"", 0)["quality"], "auto");
        }
    }
}
