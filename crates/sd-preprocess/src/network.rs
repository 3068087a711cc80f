use crate::PreprocessError;

/// What names of networks begin with, in controlnet_aux and in the extensions of AUTOMATIC1111 and ComfyUI, and what is built in of a
/// similar kind.
const NETWORKS: [(&str, Option<&str>); 32] = [
    ("anime-face", None),
    ("animal", None),
    ("anyline", None),
    ("densepose", None),
    ("depth", None),
    ("dsine", None),
    ("dw-openpose", None),
    ("dwpose", None),
    ("face", None),
    ("hed", Some("canny")),
    ("leres", None),
    ("lineart", Some("lineart-standard")),
    ("manga", Some("lineart-standard")),
    ("marigold", None),
    ("mediapipe", None),
    ("midas", None),
    ("mlsd", Some("canny")),
    ("mobile-sam", None),
    ("normal", None),
    ("oneformer", None),
    ("openpose", None),
    ("pidi", Some("canny")),
    ("pose", None),
    ("sam", None),
    ("scribble", Some("scribble")),
    ("seg", None),
    ("sketch", Some("scribble")),
    ("softedge", Some("canny")),
    ("teed", Some("canny")),
    ("uniformer", None),
    ("upernet", None),
    ("zoe", None),
];

/// The error for a name that is not built in, as it was written and with hyphens in small letters.
pub fn networks_own(name: &str, plain: &str) -> PreprocessError {
    match NETWORKS.iter().find(|(begin, _)| plain.starts_with(begin)) {
        Some((_, instead)) => PreprocessError::NeedsNetwork { name: name.into(), instead: *instead },
        None => PreprocessError::Unknown { name: name.into() },
    }
}
