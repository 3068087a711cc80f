//! A browser without a window, driven through WebDriver: Debian's chromium and chromedriver.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A window of a browser of its own. It closes when it is dropped.
pub struct Browser {
    driver: Child,
    session: String,
    /// Where the browser keeps what it remembers.
    _profile: TempDir,
}

/// The name of an element in JSON, as the standard has it.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// What holding the key is in WebDriver's alphabet.
pub const CONTROL: &str = "\u{e009}";
pub const ENTER: &str = "\u{e007}";
pub const ESCAPE: &str = "\u{e00c}";
pub const RIGHT: &str = "\u{e014}";

impl Browser {
    /// Opens a window of 1440 × 900 pixels.
    pub fn open() -> Self {
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let missing = "the page is tested in a browser: apt-get install chromium chromium-driver";
        let mut driver = command.spawn().unwrap_or_else(|error| panic!("chromedriver: {error}; {missing}"));
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port =
            lines.find_map(|line| Some(line.split_once("successfully on port ")?.1.trim_end_matches('.').to_string()));
        let port = port.expect("chromedriver names its port");
        // It must not wait for a reader of what it prints.
        thread::spawn(move || lines.for_each(drop));
        let profile = tempfile::tempdir().unwrap();
        let flags = [
            "--headless",
            // The sandbox does not run as root, as tests in containers do.
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--no-proxy-server",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            &format!("--user-data-dir={}", profile.path().display()),
        ];
        let wanted = json!({ "goog:chromeOptions": { "args": flags }, "goog:loggingPrefs": { "browser": "ALL" } });
        let mut browser = Self { driver, session: format!("http://127.0.0.1:{port}/session"), _profile: profile };
        let session = browser.post("", json!({ "capabilities": { "alwaysMatch": wanted } }));
        let id = session["sessionId"].as_str().unwrap_or_else(|| panic!("{session}; {missing}")).to_string();
        browser.session += &format!("/{id}");
        browser.resize(json!({ "width": 1440, "height": 900, "deviceScaleFactor": 1, "mobile": false }));
        browser.chromium("Emulation.setScrollbarsHidden", json!({ "hidden": true }));
        browser
    }

    /// Goes to an address.
    pub fn go(&self, url: &str) {
        self.post("/url", json!({ "url": url }));
    }

    /// Runs a script, the body of a function, and returns what it returns. A promise is waited for.
    pub fn run(&self, script: &str, arguments: Value) -> Value {
        let answer = self.post("/execute/sync", json!({ "script": script, "args": arguments }));
        assert!(answer.get("error").is_none(), "{script}: {answer}");
        answer
    }

    /// Waits until an expression is true.
    #[track_caller]
    pub fn wait(&self, expression: &str) {
        let end = Instant::now() + Duration::from_secs(120);
        while self.run(&format!("return Boolean({expression})"), json!([])) != json!(true) {
            assert!(Instant::now() < end, "it never came: {expression}; the page says {}", self.text("body"));
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until something is shown.
    #[track_caller]
    pub fn wait_for(&self, selector: &str) {
        self.wait(&format!("document.querySelector({selector:?})?.checkVisibility()"));
    }

    /// Waits until something is hidden or gone.
    #[track_caller]
    pub fn wait_for_no(&self, selector: &str) {
        self.wait(&format!("!document.querySelector({selector:?})?.checkVisibility()"));
    }

    /// The number of elements.
    pub fn count(&self, selector: &str) -> u64 {
        self.run("return document.querySelectorAll(arguments[0]).length", json!([selector])).as_u64().unwrap()
    }

    /// The text of an element, or the value of a field.
    pub fn text(&self, selector: &str) -> String {
        let script = "const found = document.querySelector(arguments[0]); return found.value ?? found.innerText";
        self.run(script, json!([selector])).as_str().unwrap_or_default().to_string()
    }

    /// Clicks as a user does.
    #[track_caller]
    pub fn click(&self, selector: &str) {
        let answer = self.post(&format!("/element/{}/click", self.element(selector)), json!({}));
        assert!(answer.is_null(), "{selector}: {answer}");
    }

    /// Types into a field, after what is there is removed.
    #[track_caller]
    pub fn fill(&self, selector: &str, text: &str) {
        let element = self.element(selector);
        self.post(&format!("/element/{element}/clear"), json!({}));
        let answer = self.post(&format!("/element/{element}/value"), json!({ "text": text }));
        assert!(answer.is_null(), "{selector}: {answer}");
    }

    /// Presses keys together.
    pub fn press(&self, keys: &[&str]) {
        let action = |kind: &str, key: &&str| json!({ "type": kind, "value": key });
        let down = keys.iter().map(|key| action("keyDown", key));
        let actions: Vec<_> = down.chain(keys.iter().rev().map(|key| action("keyUp", key))).collect();
        self.post("/actions", json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": actions }] }));
    }

    /// Draws with the mouse through points of an element, in shares of its size.
    pub fn drag(&self, selector: &str, points: &[[f64; 2]]) {
        let script = "const box = document.querySelector(arguments[0]).getBoundingClientRect(); \
            return [box.x, box.y, box.width, box.height]";
        let found = self.run(script, json!([selector]));
        let side = |i: usize| found[i].as_f64().unwrap();
        let to = |[x, y]: &[f64; 2]| {
            let (x, y) = ((side(0) + x * side(2)) as i64, (side(1) + y * side(3)) as i64);
            json!({ "type": "pointerMove", "duration": 10, "x": x, "y": y })
        };
        let mut actions: Vec<_> = points.iter().map(to).collect();
        actions.insert(1, json!({ "type": "pointerDown", "button": 0 }));
        actions.push(json!({ "type": "pointerUp", "button": 0 }));
        self.post("/actions", json!({ "actions": [{ "type": "pointer", "id": "mouse", "actions": actions }] }));
    }

    /// A command of Chromium's own protocol.
    pub fn chromium(&self, command: &str, parameters: Value) {
        self.post("/goog/cdp/execute", json!({ "cmd": command, "params": parameters }));
    }

    /// Shows the page on a screen of this size.
    pub fn resize(&self, metrics: Value) {
        self.chromium("Emulation.setDeviceMetricsOverride", metrics);
    }

    /// The names by which a screen reader knows the elements that are shown, and the elements themselves.
    pub fn names(&self, selector: &str) -> Vec<(String, String)> {
        let script = "return [...document.querySelectorAll(arguments[0])].filter((one) => one.checkVisibility()) \
            .map((one) => [one, one.outerHTML.slice(0, 80)])";
        let found = self.run(script, json!([selector]));
        let name = |pair: &Value| {
            let path = format!("/element/{}/computedlabel", pair[0][ELEMENT].as_str().unwrap());
            (self.get(&path).as_str().unwrap().to_string(), pair[1].as_str().unwrap().to_string())
        };
        found.as_array().unwrap().iter().map(name).collect()
    }

    /// Keeps a picture of the window among the build's temporary files, to be looked at.
    pub fn photograph(&self, name: &str) -> PathBuf {
        let picture = STANDARD.decode(self.get("/screenshot").as_str().unwrap()).unwrap();
        let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("page-{name}.png"));
        std::fs::write(&file, picture).unwrap();
        file
    }

    /// What the browser complained of: errors of scripts, and whatever the page's policy forbids.
    pub fn complaints(&self) -> Vec<String> {
        let lines = self.post("/se/log", json!({ "type": "browser" }));
        let severe = lines.as_array().unwrap().iter().filter(|line| line["level"] == "SEVERE");
        severe.map(|line| line["message"].as_str().unwrap().to_string()).collect()
    }

    #[track_caller]
    fn element(&self, selector: &str) -> String {
        self.wait_for(selector);
        let found = self.post("/element", json!({ "using": "css selector", "value": selector }));
        found[ELEMENT].as_str().unwrap_or_else(|| panic!("{selector}: {found}")).to_string()
    }

    fn get(&self, path: &str) -> Value {
        let answer = agent().get(format!("{}{path}", self.session)).call().unwrap();
        value(answer)
    }

    fn post(&self, path: &str, body: Value) -> Value {
        let request = agent().post(format!("{}{path}", self.session)).header("Content-Type", "application/json");
        value(request.send(body.to_string()).unwrap())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = agent().delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

pub fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None);
    config.timeout_global(Some(Duration::from_secs(120))).build().into()
}

fn value(mut answer: ureq::http::Response<ureq::Body>) -> Value {
    let text = answer.body_mut().with_config().limit(1 << 28).read_to_string().unwrap();
    let answer: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("chromedriver answers {text}"));
    answer["value"].clone()
}
