//! A hub of one repository on this machine, with as much of the protocol as downloads need.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use sha1::Sha1;
use sha2::{Digest, Sha256};

pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// The hub's files and its behaviour.
#[derive(Default)]
pub struct Behaviour {
    pub files: BTreeMap<String, Vec<u8>>,
    /// Further names that the hub lists.
    pub also_named: Vec<String>,
    /// The token that may read.
    pub token: Option<String>,
    /// The number of bytes after which downloads of large files are interrupted, and the number of such downloads.
    pub cut: (usize, usize),
    /// Whether an interrupted download stays connected and silent.
    pub stalls: bool,
    /// The name of small files in place of their checksums.
    pub checksum: Option<String>,
    /// Whether large files arrive damaged.
    pub damages: bool,
    /// The requested paths and ranges, with the token.
    pub seen: Vec<(String, String, Option<String>)>,
}

/// A server that answers until the test ends.
pub struct Server {
    pub endpoint: String,
    pub behaviour: Arc<Mutex<Behaviour>>,
}

impl Server {
    /// Starts a server with these files in `owner/name`.
    pub fn with(files: &[(&str, &[u8])]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let files = files.iter().map(|(name, bytes)| (name.to_string(), bytes.to_vec())).collect();
        let behaviour = Arc::new(Mutex::new(Behaviour { files, ..Behaviour::default() }));
        let (shared, base) = (behaviour.clone(), endpoint.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (shared, base) = (shared.clone(), base.clone());
                // A broken connection is not the server's fault.
                thread::spawn(move || drop(answer(stream, &base, &shared)));
            }
        });
        Self { endpoint, behaviour }
    }

    /// Counts the requests for paths that contain `part`, except those for the first byte only.
    pub fn downloads(&self, part: &str) -> usize {
        let seen = &self.behaviour.lock().unwrap().seen;
        seen.iter().filter(|(path, range, _)| path.contains(part) && range != "bytes=0-0").count()
    }
}

fn hex(digest: impl AsRef<[u8]>) -> String {
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Git's checksum of a file.
fn git(bytes: &[u8]) -> String {
    hex(Sha1::new().chain_update(format!("blob {}\0", bytes.len())).chain_update(bytes).finalize())
}

fn answer(stream: TcpStream, base: &str, shared: &Mutex<Behaviour>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let path = first.split(' ').nth(1).unwrap_or("").to_string();
    let wants_body = !first.starts_with("HEAD ");
    let (mut range, mut token) = (String::new(), None);
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(':') else { break };
        match name.to_lowercase().as_str() {
            "range" => range = value.trim().to_string(),
            "authorization" => token = Some(value.trim().to_string()),
            _ => {}
        }
    }
    let mut behaviour = shared.lock().unwrap();
    behaviour.seen.push((path.clone(), range.clone(), token.clone()));
    let allowed = behaviour.token.as_ref().is_none_or(|wanted| token == Some(format!("Bearer {wanted}")));
    let large = |bytes: &[u8]| bytes.len() > 1000;
    if let Some(sum) = path.strip_prefix("/large/") {
        let found = behaviour.files.values().find(|bytes| hex(Sha256::digest(bytes)) == sum).cloned();
        let mut bytes = found.expect("the hub sends nobody elsewhere");
        if behaviour.damages {
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
        }
        let cut = (range != "bytes=0-0" && behaviour.cut.1 > 0).then_some(behaviour.cut.0);
        if cut.is_some() {
            behaviour.cut.1 -= 1;
        }
        let stalls = behaviour.stalls && cut.is_some();
        drop(behaviour);
        let connection = stream.try_clone()?;
        send(stream, &bytes, &range, "", cut)?;
        if stalls {
            // Until the other side closes the connection.
            let _ = std::io::copy(&mut &connection, &mut std::io::sink());
        }
        return Ok(());
    }
    if !allowed {
        return write(stream, "401 Unauthorized", "", b"no");
    }
    if path == "/api/models/owner/name/revision/main" || path == format!("/api/models/owner/name/revision/{COMMIT}") {
        let names = behaviour.files.keys().chain(&behaviour.also_named);
        let siblings: Vec<_> = names.map(|name| serde_json::json!({ "rfilename": name })).collect();
        let info = serde_json::json!({ "siblings": siblings, "sha": COMMIT, "id": "owner/name" });
        return write(stream, "200 OK", "", info.to_string().as_bytes());
    }
    let resolved = ["main", COMMIT].iter().find_map(|r| path.strip_prefix(&format!("/owner/name/resolve/{r}/")));
    match resolved.and_then(|name| behaviour.files.get(name)) {
        Some(bytes) if large(bytes) => {
            let sum = hex(Sha256::digest(bytes));
            let headers =
                format!("Location: {base}/large/{sum}\r\nX-Linked-Etag: \"{sum}\"\r\nX-Repo-Commit: {COMMIT}\r\n");
            write(stream, "302 Found", &headers, b"")
        }
        Some(bytes) if !wants_body => {
            let sum = behaviour.checksum.clone().unwrap_or_else(|| git(bytes));
            let headers = format!("ETag: \"{sum}\"\r\nX-Repo-Commit: {COMMIT}\r\n");
            write_of(stream, "200 OK", &headers, b"", bytes.len())
        }
        Some(bytes) => {
            let headers = format!("ETag: \"{}\"\r\nX-Repo-Commit: {COMMIT}\r\n", git(bytes));
            send(stream, bytes, &range, &headers, None)
        }
        None => write(stream, "404 Not Found", "", b"no"),
    }
}

/// Sends a part of a file, or less of it than announced.
fn send(stream: TcpStream, bytes: &[u8], range: &str, headers: &str, cut: Option<usize>) -> std::io::Result<()> {
    let (start, end) = range.trim_start_matches("bytes=").split_once('-').unwrap_or(("0", ""));
    let start: usize = start.parse().unwrap_or(0);
    let end = end.parse().map_or(bytes.len(), |end: usize| (end + 1).min(bytes.len()));
    if start >= bytes.len() {
        return write(stream, "416 Range Not Satisfiable", headers, b"");
    }
    let part = &bytes[start.min(end)..end];
    let headers = format!("{headers}Content-Range: bytes {start}-{}/{}\r\n", end.saturating_sub(1), bytes.len());
    match cut {
        None => write(stream, "206 Partial Content", &headers, part),
        Some(cut) => write_of(stream, "206 Partial Content", &headers, &part[..cut.min(part.len())], part.len()),
    }
}

fn write(stream: TcpStream, status: &str, headers: &str, body: &[u8]) -> std::io::Result<()> {
    write_of(stream, status, headers, body, body.len())
}

fn write_of(mut stream: TcpStream, status: &str, headers: &str, body: &[u8], length: usize) -> std::io::Result<()> {
    write!(stream, "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n")?;
    stream.write_all(body)
}
