use sd_pipeline::{Field, SamplerOption};

/// The folders of a library.
const FOLDERS: [&str; 6] = ["models", "lora_dir", "embedding_dir", "vae_dir", "upscaler_dir", "control_dir"];

/// A message of the library, with each field in backticks replaced by its flag.
pub fn with_flags(message: &str) -> String {
    let fields = Field::ALL.into_iter().filter_map(|field| Some((field.to_string(), flag(field)?)));
    let folders = FOLDERS.iter().map(|folder| (folder.to_string(), format!("--{}", folder.replace('_', "-"))));
    let options = SamplerOption::ALL.into_iter().map(|option| (option.to_string(), format!("--{option}")));
    let message = fields
        .chain(folders)
        .chain(options)
        .fold(message.to_string(), |message, (name, flag)| message.replace(&format!("`{name}`"), &flag));
    // An option goes by its own flag.
    message.strip_prefix("`options`: ").map(str::to_string).unwrap_or(message)
}

/// The flag of a field; none for what a message names better in words.
fn flag(field: Field) -> Option<String> {
    Some(match field {
        Field::Options => return None,
        Field::Average => "--ema".into(),
        Field::Output => "output".into(),
        Field::Model => "the model".into(),
        named => format!("--{}", named.to_string().replace('_', "-")),
    })
}

#[cfg(test)]
mod tests {
    use sd_pipeline::RequestError;

    use super::*;

    #[test]
    fn fields_become_flags() {
        let message = |field, reason: &str| with_flags(&RequestError::new(field, reason).to_string());
        assert_eq!(
            message(Field::Steps, "3: too few; leave `schedule` out"),
            "--steps 3: too few; leave --schedule out"
        );
        assert_eq!(message(Field::NegativePrompt, "is too much"), "--negative-prompt is too much");
        assert_eq!(message(Field::Average, "is for files"), "--ema is for files");
        assert_eq!(
            message(Field::Options, ": `s-churn` is not an option of ddim"),
            "--s-churn is not an option of ddim"
        );
        assert_eq!(message(Field::Schedule, ": it rises"), "--schedule: it rises");
        assert_eq!(with_flags("`prediction_type` is \"x\""), "`prediction_type` is \"x\"");
    }
}
