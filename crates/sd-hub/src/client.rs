use std::io::Read;
use std::time::Duration;

use ureq::config::RedirectAuthHeaders;
use ureq::http::Response;
use ureq::{Agent, Body};

use crate::{HubError, Wanted};

/// How often a file of a repository may have been moved on.
const MOST_REDIRECTS: usize = 5;

/// What speaks to a hub. Proxies are those of the environment: `HTTPS_PROXY`, `NO_PROXY` and their like.
#[derive(Debug)]
pub(crate) struct Client {
    endpoint: String,
    token: Option<String>,
    /// For questions.
    asking: (Agent, Duration),
    /// For files.
    loading: (Agent, Duration),
}

/// What a repository has.
pub(crate) struct Info {
    pub commit: String,
    pub files: Vec<String>,
}

/// Where a file is, and what it is.
pub(crate) struct Remote {
    pub commit: String,
    pub checksum: String,
    url: String,
    /// Whether it is the hub itself that has it, and may see the token.
    is_hub: bool,
}

/// The rest of a file.
pub(crate) struct Rest {
    /// The byte that it starts at.
    pub start: u64,
    /// Bytes of the whole file.
    pub total: u64,
    pub reader: Box<dyn Read>,
}

/// How a request failed.
pub(crate) enum Failed {
    /// It did not arrive, or nothing came back.
    Unreached(String),
    /// There is nothing behind what is here already: that is the whole file, or more.
    NothingLeft,
    For(HubError),
}

impl Client {
    /// One that gives up where nothing is heard for so long: of a question, and of a file.
    pub fn new(endpoint: &str, token: Option<&str>, [asking, loading]: [Duration; 2]) -> Self {
        let agent = |silence| {
            let config = Agent::config_builder()
                .user_agent(concat!("sd-burn/", env!("CARGO_PKG_VERSION")))
                // Checksums and lengths are those of the files themselves.
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

    /// What a repository has.
    pub fn info(&self, wanted: &Wanted) -> Result<Info, Failed> {
        let url = {
            let (repository, revision) = (escaped(&wanted.repository, "/"), escaped(&wanted.revision, ""));
            format!("{}/api/models/{repository}/revision/{revision}", self.endpoint)
        };
        let answer = self.authorised(self.asking.0.get(&url)).call();
        let mut answer = answer.map_err(|error| self.failed(wanted, error, self.asking.1))?;
        let text = answer.body_mut().with_config().limit(LONGEST_ANSWER).read_to_string();
        let text = text.map_err(|error| self.failed(wanted, error, self.asking.1))?;
        let info: serde_json::Value = serde_json::from_str(&text).map_err(|error| self.answer(wanted, &error))?;
        let named = |value: &serde_json::Value, key: &str| value[key].as_str().map(str::to_string);
        let files = info["siblings"].as_array().map(|all| all.iter().map(|file| named(file, "rfilename")).collect());
        match (named(&info, "sha"), files) {
            (Some(commit), Some(Some(files))) => Ok(Info { commit, files }),
            _ => Err(self.answer(wanted, &"it does not say what the repository has")),
        }
    }

    /// Where a file is, and what it is.
    pub fn locate(&self, wanted: &Wanted, file: &str) -> Result<Remote, Failed> {
        let (repository, revision) = (escaped(&wanted.repository, "/"), escaped(&wanted.revision, ""));
        let mut url = format!("{}/{repository}/resolve/{revision}/{}", self.endpoint, escaped(file, "/"));
        let host = host(&self.endpoint);
        for _ in 0..MOST_REDIRECTS {
            let request = self.authorised(self.asking.0.head(&url));
            let answer = request.config().max_redirects(0).build().call();
            let answer = answer.map_err(|error| self.failed(wanted, error, self.asking.1))?;
            let header = |name: &str| header(&answer, name).ok_or_else(|| self.answer(wanted, &format!("no {name}")));
            let location = if answer.status().is_redirection() { Some(header("Location")?) } else { None };
            match location {
                // A repository that was renamed.
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
        Err(self.answer(wanted, &"it sends one from place to place"))
    }

    /// A file from byte `start` on, or from its beginning where its parts cannot be had.
    pub fn read(&self, wanted: &Wanted, remote: &Remote, start: u64) -> Result<Rest, Failed> {
        let request = self.loading.0.get(&remote.url);
        let request = if remote.is_hub { self.authorised(request) } else { request };
        let answer = request.header("Range", format!("bytes={start}-")).call();
        let answer = answer.map_err(|error| self.failed(wanted, error, self.loading.1))?;
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
            _ => Err(self.answer(wanted, &"it does not say which part of the file it sends")),
        }
    }

    fn authorised<B>(&self, request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        match &self.token {
            Some(token) => request.header("Authorization", format!("Bearer {token}")),
            None => request,
        }
    }

    fn failed(&self, wanted: &Wanted, error: ureq::Error, silence: Duration) -> Failed {
        let (name, page) = (wanted.to_string(), self.page(wanted));
        match error {
            ureq::Error::StatusCode(401 | 403) => Failed::For(HubError::Denied { wanted: name, page }),
            ureq::Error::StatusCode(404) => Failed::For(HubError::Missing { wanted: name, page }),
            ureq::Error::StatusCode(416) => Failed::NothingLeft,
            ureq::Error::StatusCode(code) if code < 500 => self.answer(wanted, &format!("status {code}")),
            error => Failed::Unreached(told(&error, silence)),
        }
    }

    fn answer(&self, wanted: &Wanted, reason: &dyn std::fmt::Display) -> Failed {
        Failed::For(HubError::Answer { wanted: wanted.to_string(), reason: reason.to_string() })
    }

    /// Where a person sees a repository.
    pub fn page(&self, wanted: &Wanted) -> String {
        format!("{}/{}", self.endpoint, wanted.repository)
    }

    /// What is told of a file that stopped to arrive.
    pub fn broken(&self, error: std::io::Error) -> Failed {
        let reason = error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>());
        Failed::Unreached(reason.map_or_else(|| error.to_string(), |reason| told(reason, self.loading.1)))
    }
}

/// More than what the hub says of any repository.
const LONGEST_ANSWER: u64 = 64 << 20;

fn told(error: &ureq::Error, silence: Duration) -> String {
    match error {
        ureq::Error::Timeout(_) => format!("nothing was heard for {} s", silence.as_secs_f64()),
        error => error.to_string(),
    }
}

fn header(answer: &Response<Body>, name: &str) -> Option<String> {
    answer.headers().get(name)?.to_str().ok().map(str::to_string)
}

/// An address without its path.
fn host(address: &str) -> &str {
    let start = address.find("://").map_or(0, |at| at + 3);
    address[start..].find('/').map_or(address, |at| &address[..start + at])
}

/// A text as a part of an address; what is `plain` stays as it is.
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
    fn addresses_have_no_letters_that_mean_something_else_there() {
        assert_eq!(escaped("unet/a file (1)#?.bin", "/"), "unet/a%20file%20%281%29%23%3F.bin");
        assert_eq!(escaped("refs/pr/1", ""), "refs%2Fpr%2F1");
        assert_eq!(host("https://hub.example/mirror/of"), "https://hub.example");
        assert_eq!(host("http://127.0.0.1:80"), "http://127.0.0.1:80");
    }
}
