use std::str::FromStr;

/// The parts of a flag such as `model=a.safetensors,image=b.png,scale=0.5`.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignments(Vec<(String, String)>);

impl Assignments {
    /// Splits a text at the commas before a key. Values may contain other commas.
    ///
    /// The error says which keys there are.
    pub fn parse(text: &str, keys: &[&str]) -> Result<Self, String> {
        let mut parts: Vec<(String, String)> = Vec::new();
        for part in text.split(',') {
            match (key_of(part), parts.last_mut()) {
                (Some((key, value)), _) => parts.push((key.to_string(), value.to_string())),
                (None, Some((_, value))) => *value += &format!(",{part}"),
                (None, None) => {
                    return Err(format!("{part:?}: expected KEY=VALUE with one of the keys {}", keys.join(", ")));
                }
            }
        }
        match parts.iter().find(|(key, _)| !keys.contains(&key.as_str())) {
            Some((key, _)) => Err(format!("there is no key {key:?}: the keys are {}", keys.join(", "))),
            None => Ok(Self(parts)),
        }
    }

    /// Takes the values of a key that may be repeated.
    pub fn all(&mut self, key: &str) -> Vec<String> {
        let (found, rest) = std::mem::take(&mut self.0).into_iter().partition(|(known, _)| known == key);
        self.0 = rest;
        let found: Vec<(String, String)> = found;
        found.into_iter().map(|(_, value)| value).collect()
    }

    /// Takes the value of a key that is given at most once.
    pub fn one(&mut self, key: &str) -> Result<Option<String>, String> {
        let mut values = self.all(key);
        match values.len() {
            0 | 1 => Ok(values.pop().filter(|value| !value.is_empty())),
            count => Err(format!("{key} is given {count} times")),
        }
    }

    /// Takes and parses the value of a key.
    pub fn parsed<T: FromStr>(&mut self, key: &str, expected: &str) -> Result<Option<T>, String> {
        let Some(value) = self.one(key)? else { return Ok(None) };
        value.parse().map(Some).map_err(|_| format!("{key}={value}: expected {expected}"))
    }

    /// Takes the value of a key that is needed.
    pub fn needed(&mut self, key: &str) -> Result<String, String> {
        self.one(key)?.ok_or_else(|| format!("{key}= is missing"))
    }
}

/// Key and value of a part that begins with a key: a word and an equals sign.
fn key_of(part: &str) -> Option<(&str, &str)> {
    let (key, value) = part.split_once('=')?;
    let is_word = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    is_word.then_some((key, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_may_have_commas() {
        let mut parts =
            Assignments::parse("model=a,b.bin,image=c=d.png,image=e,scale=0.5", &["model", "image", "scale"]).unwrap();
        assert_eq!(parts.needed("model"), Ok("a,b.bin".into()));
        assert_eq!(parts.all("image"), ["c=d.png", "e"]);
        assert_eq!(parts.parsed::<f64>("scale", "a number"), Ok(Some(0.5)));
        assert_eq!(parts.parsed::<f64>("scale", "a number"), Ok(None));
    }

    #[test]
    fn mistakes_are_told() {
        let parse = |text: &str| Assignments::parse(text, &["model", "scale"]);
        assert!(parse("a.bin").unwrap_err().contains("model, scale"));
        assert!(parse("model=a,scal=1").unwrap_err().contains("\"scal\""));
        assert!(parse("scale=x").unwrap().parsed::<f64>("scale", "a number").unwrap_err().contains("scale=x"));
        assert!(parse("scale=1,scale=2").unwrap().one("scale").is_err());
        assert!(parse("scale=1").unwrap().needed("model").is_err());
    }
}
