//! The page's files, as a browser gets them.

use crate::support::{Answer, Served};

fn get(served: &Served, path: &str, headers: &[(&str, &str)]) -> Answer {
    served.send("GET", path, headers, &[])
}

/// What the page loads, below `/page/`.
fn loaded(index: &str) -> Vec<String> {
    let after = |rest: &str| rest.split('"').next().unwrap_or_default().to_string();
    index.split("\"page/").skip(1).map(after).map(|name| format!("/page/{name}")).collect()
}

#[test]
fn the_page_and_all_its_files_come_with_a_type_and_a_strict_policy() {
    let served = Served::new();
    let index = get(&served, "/", &[]);
    assert_eq!((index.status, index.header("content-type")), (200, "text/html; charset=utf-8"));
    let mut files = loaded(&index.text());
    let app = get(&served, "/page/app.js", &[]).text();
    files.extend(app.split(" from \"./").skip(1).map(|rest| format!("/page/{}", rest.split('"').next().unwrap())));
    assert!(files.len() > 8, "{files:?}");
    for path in files.iter().map(String::as_str).chain(["/"]) {
        let answer = get(&served, path, &[]);
        assert_eq!(answer.status, 200, "{path}");
        let kind = match path.rsplit('.').next() {
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => "text/html; charset=utf-8",
        };
        assert_eq!(answer.header("content-type"), kind, "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; "), "{path}: {policy}");
        assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    }
}

#[test]
fn a_browser_that_has_a_file_is_told_so() {
    let served = Served::new();
    let first = get(&served, "/page/app.css", &[]);
    let tag = first.header("etag").to_string();
    assert!(tag.starts_with('"') && tag.len() > 10, "{tag}");
    for known in [tag.clone(), format!("\"other\", W/{tag}"), "*".into()] {
        let again = get(&served, "/page/app.css", &[("If-None-Match", &known)]);
        assert_eq!((again.status, again.bytes.len(), again.header("etag")), (304, 0, tag.as_str()));
    }
    assert_eq!(get(&served, "/page/app.css", &[("If-None-Match", "\"other\"")]).status, 200);
    assert_ne!(get(&served, "/page/app.js", &[]).header("etag"), tag);
}

#[test]
fn no_other_file_is_served() {
    let served = Served::new();
    for path in [
        "/page/",
        "/page/mod.rs",
        "/page/index.html",
        "/page/..%2fmod.rs",
        "/page/%2e%2e/%2e%2e/Cargo.toml",
        "/page/app.js/",
    ] {
        assert_eq!(get(&served, path, &[]).status, 404, "{path}");
    }
}
