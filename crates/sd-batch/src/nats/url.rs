use async_nats::ServerAddr;

use crate::BatchError;

/// Addresses of servers, and the secrets that stood in them.
#[derive(Debug)]
pub struct Addresses {
    pub servers: Vec<ServerAddr>,
    pub entry: Option<Entry>,
    /// The addresses without secrets, for messages.
    pub shown: String,
}

/// What stands before the `@`.
#[derive(Debug, PartialEq, Eq)]
pub enum Entry {
    User(String, String),
    Token(String),
}

/// Reads addresses, separated by commas. The first one's user or token enters all of them.
pub fn parse(text: &str) -> Result<Addresses, BatchError> {
    let mut addresses = Addresses { servers: Vec::new(), entry: None, shown: String::new() };
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let server: ServerAddr = part.parse().map_err(|_| wrong(without_secrets(part)))?;
        if server.is_websocket() || server.host().is_empty() {
            return Err(wrong(without_secrets(part)));
        }
        let entry = server.username().map(|user| match server.password() {
            Some(password) => Entry::User(decoded(user), decoded(password)),
            None => Entry::Token(decoded(user)),
        });
        addresses.entry = addresses.entry.or(entry);
        let separator = if addresses.shown.is_empty() { "" } else { "," };
        addresses.shown.push_str(&format!("{separator}{}", without_secrets(part)));
        addresses.servers.push(server);
    }
    if addresses.servers.is_empty() { Err(wrong(text)) } else { Ok(addresses) }
}

fn wrong(url: &str) -> BatchError {
    let reason =
        format!("{url:?} is no address of a NATS server: expected one such as nats://HOST:4222 or tls://HOST:4222");
    BatchError::Option { option: "nats", reason }
}

fn without_secrets(address: &str) -> &str {
    address.rsplit_once('@').map_or(address, |(_, host)| host)
}

/// A text of a URL, where `%40` stands for `@`.
fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        match part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend(&part.as_bytes()[2..]);
            }
            None => bytes.extend(format!("%{part}").bytes()),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_passwords_and_tokens_come_from_the_address_and_are_never_shown() {
        let user = parse("nats://ann:p%40ss%25@a.example:4223, nats://b.example").unwrap();
        assert_eq!(user.entry, Some(Entry::User("ann".into(), "p@ss%".into())));
        assert_eq!(user.shown, "a.example:4223,nats://b.example");
        let ports: Vec<u16> = user.servers.iter().map(ServerAddr::port).collect();
        assert_eq!(ports, [4223, 4222]);
        let token = parse("tls://secret@a.example").unwrap();
        assert_eq!(token.entry, Some(Entry::Token("secret".into())));
        assert!(token.servers[0].tls_required());
        for wrong in ["", "http://x", "ws://x", "nats://x:y@:1"] {
            let message = parse(wrong).unwrap_err().to_string();
            assert!(message.contains("nats://HOST:4222") && !message.contains("x:y"), "{message}");
        }
    }
}
