use std::io::Read;
use std::time::Duration;

use ureq::config::RedirectAuthHeaders;
use ureq::http::Response;
use ureq::{Agent, Body};

use crate::{HubError, ModelId};

/// The most redirects from one place of a file to the next.
const MOST_REDIRECTS: usize = 5;

/// Sends requests to a hub. Proxies are those of the environment: `HTTPS_PROXY`, `NO_PROXY` and the like.
#[derive(Debug)]
pub(crate) struct Client {
    endpoint: String,
    token: Option<String>,
    /// For metadata.
    asking: (Agent, Duration),
    /// For files.
    loading: (Agent, Duration),
}

/// The files of a repository at a commit.
pub(crate) struct Info {
    pub commit: String,
    pub files: Vec<String>,
}

/// The location and the checksum of a file.
pub(crate) struct Remote {
    pub commit: String,
    pub checksum: String,
    url: String,
    /// Whether the hub itself has the file, so that it may receive the token.
    is_hub: bool,
}

/// The rest of a file.
pub(crate) struct Rest {
    /// The byte at which it starts.
    pub start: u64,
    /// The size of the whole file in bytes.
    pub total: u64,
    pub reader: Box<dyn Read>,
}

/// Why a request failed.
pub(crate) enum Failed {
    /// It did not arrive, or there was no answer.
    Unreached(String),
    /// There is nothing left to download: the bytes here are the whole file, or more.
    NothingLeft,
    For(HubError),
}

impl Client {
    /// Creates a client with the longest silence of the hub before it gives up, for metadata and for files.
    pub fn new(endpoint: &str, token: Option<&str>, [asking, loading]: [Duration; 2]) -> Self {
        let agent = |silence| {
            let config = Agent::config_builder()
                .user_agent(concat!("sd-burn/", env!("CARGO_PKG_VERSION")))
                // Checksums and lengths are of the uncompressed files.
                .accept_encoding("identity")
                .redirect_auth_headers(RedirectAuthHeaders::SameHost)
                .timeout_resolve(Some(silence))
                .timeout_connect(Some(silence))
                .timeout_per_read(Some(silence))
                .timeout_per_write(Some(silence));
            (config.build().new_agent(), silence)
        };
        let (endpoint, token) = (endpoint.to_string(), token.map(str::to_string));
        Self { endpoint, token, asking: agent(asking), loading: agent(loading) }
    }

    /// Requests the files of a repository.
    pub fn info(&self, model: &ModelId) -> Result<Info, Failed> {
        let url = {
            let (repository, revision) = (escaped(&model.repository, "/"), escaped(&model.revision, ""));
            format!("{}/api/models/{repository}/revision/{revision}", self.endpoint)
        };
        let answer = self.authorised(self.asking.0.get(&url)).call();
        let mut answer = answer.map_err(|error| self.failed(model, error, self.asking.1))?;
        let text = answer.body_mut().with_config().limit(LONGEST_ANSWER).read_to_string();
        let text = text.map_err(|error| self.failed(model, error, self.asking.1))?;
        let info: serde_json::Value = serde_json::from_str(&text).map_err(|error| self.answer(model, &error))?;
        let text = |value: &serde_json::Value, key: &str| value[key].as_str().map(str::to_string);
        let files = info["siblings"].as_array().map(|all| all.iter().map(|file| text(file, "rfilename")).collect());
        match (text(&info, "sha"), files) {
            (Some(commit), Some(Some(files))) => Ok(Info { commit, files }),
            _ => Err(self.answer(model, &"it does not list the repository's files")),
        }
    }

    /// Requests the location and the checksum of a file.
    pub fn locate(&self, model: &ModelId, file: &str) -> Result<Remote, Failed> {
        let (repository, revision) = (escaped(&model.repository, "/"), escaped(&model.revision, ""));
        let mut url = format!("{}/{repository}/resolve/{revision}/{}", self.endpoint, escaped(file, "/"));
        let host = host(&self.endpoint);
        for _ in 0..MOST_REDIRECTS {
            let request = self.authorised(self.asking.0.head(&url));
            let answer = request.config().max_redirects(0).build().call();
            let answer = answer.map_err(|error| self.failed(model, error, self.asking.1))?;
            let header = |name: &str| header(&answer, name).ok_or_else(|| self.answer(model, &format!("no {name}")));
            let location = if answer.status().is_redirection() { Some(header("Location")?) } else { None };
            match location {
                // The repository was renamed.
                Some(to) if to.starts_with('/') => url = format!("{host}{to}"),
                location => {
                    let checksum = header("X-Linked-ETag").or_else(|_| header("ETag"))?;
                    return Ok(Remote {
                        commit: header("X-Repo-Commit")?,
                        checksum: checksum.trim_start_matches("W/").trim_matches('"').to_string(),
                        is_hub: location.as_ref().is_none_or(|to| to.starts_with(&format!("{host}/"))),
                        url: location.unwrap_or(url),
                    });
                }
            }
        }
        Err(self.answer(model, &"it redirects too often"))
    }

    /// Requests a file from byte `start` on; a server without ranges sends it from the beginning.
    pub fn read(&self, model: &ModelId, remote: &Remote, start: u64) -> Result<Rest, Failed> {
        let request = self.loading.0.get(&remote.url);
        let request = if remote.is_hub { self.authorised(request) } else { request };
        let answer = request.header("Range", format!("bytes={start}-")).call();
        let answer = answer.map_err(|error| self.failed(model, error, self.loading.1))?;
        // `bytes 5-9/10`, or, without one, the whole file.
        let range = header(&answer, "Content-Range").and_then(|range| {
            let (from, total) = range.strip_prefix("bytes ")?.split_once('/')?;
            Some((from.split_once('-')?.0.parse().ok()?, total.parse().ok()?))
        });
        let length = || Some((0, header(&answer, "Content-Length")?.parse().ok()?));
        let range = if answer.status() == 206 { range } else { length() };
        match range {
            Some((from, total)) if from == start || from == 0 => {
                Ok(Rest { start: from, total, reader: Box::new(answer.into_body().into_reader()) })
            }
            _ => Err(self.answer(model, &"it does not say which part of the file it sends")),
        }
    }

    fn authorised<B>(&self, request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        match &self.token {
            Some(token) => request.header("Authorization", format!("Bearer {token}")),
            None => request,
        }
    }

    fn failed(&self, model: &ModelId, error: ureq::Error, silence: Duration) -> Failed {
        let (name, page) = (model.to_string(), self.page(model));
        match error {
            ureq::Error::StatusCode(401 | 403) => Failed::For(HubError::Denied { model: name, page }),
            ureq::Error::StatusCode(404) => Failed::For(HubError::Missing { model: name, page }),
            ureq::Error::StatusCode(416) => Failed::NothingLeft,
            ureq::Error::StatusCode(code) if code < 500 => self.answer(model, &format!("status {code}")),
            error => Failed::Unreached(reason(&error, silence)),
        }
    }

    fn answer(&self, model: &ModelId, reason: &dyn std::fmt::Display) -> Failed {
        Failed::For(HubError::Answer { model: model.to_string(), reason: reason.to_string() })
    }

    /// Returns the web page of a repository.
    pub fn page(&self, model: &ModelId) -> String {
        format!("{}/{}", self.endpoint, model.repository)
    }

    /// Reports a file that stopped arriving.
    pub fn broken(&self, error: std::io::Error) -> Failed {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>());
        Failed::Unreached(inner.map_or_else(|| error.to_string(), |inner| reason(inner, self.loading.1)))
    }
}

/// The longest answer in bytes; the hub's description of any repository is shorter.
const LONGEST_ANSWER: u64 = 64 << 20;

/// Describes an error of the connection.
fn reason(error: &ureq::Error, silence: Duration) -> String {
    match error {
        ureq::Error::Timeout(_) => format!("nothing was heard for {} s", silence.as_secs_f64()),
        error => error.to_string(),
    }
}

fn header(answer: &Response<Body>, name: &str) -> Option<String> {
    answer.headers().get(name)?.to_str().ok().map(str::to_string)
}

/// Returns an address without its path.
fn host(address: &str) -> &str {
    let start = address.find("://").map_or(0, |at| at + 3);
    address[start..].find('/').map_or(address, |at| &address[..start + at])
}

/// Escapes a text for an address; the characters in `plain` are kept.
fn escaped(text: &str, plain: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        byte if plain.as_bytes().contains(&byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_with_a_meaning_in_addresses_are_escaped() {
        assert_eq!(escaped("unet/a file (1)#?.bin", "/"), "unet/a%20file%20%281%29%23%3F.bin");
        assert_eq!(escaped("refs/pr/1", ""), "refs%2Fpr%2F1");
        assert_eq!(host("https://hub.example/mirror/of"), "https://hub.example");
        assert_eq!(host("http://127.0.0.1:80"), "http://127.0.0.1:80");
    }
}
