use std::fmt;
use std::str::FromStr;

use crate::HubError;

/// The name of a model on the hub: `owner/name`, or `owner/name/file` for one of its files or folders. `@revision` at the end
/// selects a branch, a tag or a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelId {
    /// `owner/name`
    pub repository: String,
    /// The only file or folder to use, if one is named.
    pub file: Option<String>,
    /// The branch, tag or commit; `main` by default.
    pub revision: String,
}

impl FromStr for ModelId {
    type Err = HubError;

    fn from_str(text: &str) -> Result<Self, HubError> {
        let (path, revision) = text.split_once('@').unwrap_or((text, "main"));
        let parts: Vec<&str> = path.split('/').collect();
        let is_name = |part: &&str| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ' | '(' | ')' | '+');
            !part.starts_with('.') && !part.is_empty() && part.chars().all(is_plain)
        };
        let is_revision = !revision.is_empty() && revision.split('/').all(|part| is_name(&part));
        if parts.len() < 2 || !parts.iter().all(is_name) || !is_revision {
            return Err(HubError::Name(text.to_string()));
        }
        let file = (parts.len() > 2).then(|| parts[2..].join("/"));
        Ok(Self { repository: parts[..2].join("/"), file, revision: revision.to_string() })
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repository)?;
        if let Some(file) = &self.file {
            write!(f, "/{file}")?;
        }
        if self.revision == "main" { Ok(()) } else { write!(f, "@{}", self.revision) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_an_owner_and_optionally_a_file_and_a_revision() {
        for (text, repository, file, revision) in [
            ("a/b", "a/b", None, "main"),
            ("stable-diffusion-v1-5/sd_1.5@fp16", "stable-diffusion-v1-5/sd_1.5", None, "fp16"),
            ("a/b/c.safetensors", "a/b", Some("c.safetensors"), "main"),
            ("a/b/c/d.ckpt@refs/pr/1", "a/b", Some("c/d.ckpt"), "refs/pr/1"),
        ] {
            let model: ModelId = text.parse().unwrap();
            assert_eq!((&*model.repository, model.file.as_deref(), &*model.revision), (repository, file, revision));
            assert_eq!(model.to_string(), text);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in
            ["", "a", "a/", "/b", "../b", "a/..", "a/b/../c", "a/b@", "a/b@../c", "a\\b/c", "a/b:c", "./a/b", "a//b"]
        {
            assert!(matches!(text.parse::<ModelId>(), Err(HubError::Name(_))), "{text}");
        }
    }
}
