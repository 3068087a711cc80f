//! `sd serve`, as clients of AUTOMATIC1111 use it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use sd_pipeline::Image;
use serde_json::{Value, json};

use crate::{Run, assert_drawn};

/// A server at a port of its own, which ends with the test.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn new(run: &Run, flags: &[&str]) -> Self {
        let mut command = run.command(&[&["serve", "--port", "0", "--store", "store"], flags].concat());
        // The hashes of files are kept there.
        command.env("XDG_CACHE_HOME", run.path("cache"));
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().expect("it says where it is").unwrap();
            if let Some(start) = line.find("http://127.0.0.1:") {
                break line[start..].split_whitespace().next().unwrap().trim_end_matches('/').to_owned();
            }
        };
        // Whatever it prints later is read, so that it never waits for that.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, address }
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.posted(path, body).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn posted(&self, path: &str, body: &Value) -> Result<Value, ureq::Error> {
        let request = ureq::post(format!("{}{path}", self.address)).header("content-type", "application/json");
        Ok(serde_json::from_str(&request.send(body.to_string())?.body_mut().read_to_string()?).unwrap())
    }

    fn get(&self, path: &str) -> Value {
        let mut response = ureq::get(format!("{}{path}", self.address)).call().unwrap();
        serde_json::from_str(&response.body_mut().read_to_string().unwrap()).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// The images of an answer. In JSON, an image is a file in base64.
fn images(answer: &Value) -> Vec<Image> {
    serde_json::from_value(answer["images"].clone()).unwrap()
}

#[test]
fn the_server_draws_the_images_of_generate() {
    let run = Run::new();
    let server = Server::new(&run, &[]);
    let body = json!({
        "prompt": "a red house by the sea", "seed": 1, "steps": 3, "sampler_name": "Euler a", "batch_size": 2, "cfg_scale": 3,
    });
    let served = images(&server.post("/sdapi/v1/txt2img", &body));
    let prompt = ["--prompt", "a red house by the sea", "--steps", "3", "--sampler", "euler-a"];
    for (seed, served) in ["1", "2"].into_iter().zip(&served) {
        assert_drawn(&run.sd(&[&["generate", "--seed", seed], &prompt[..]].concat()));
        assert_eq!(&Image::read(run.path("out.png")).unwrap(), served, "seed {seed}");
    }
    // The model is in memory now, and draws the same again.
    assert_eq!(images(&server.post("/sdapi/v1/txt2img", &body)), served);

    let body = json!({
        "prompt": "a red house by the sea, night", "seed": 1, "steps": 4, "denoising_strength": 0.5,
        "init_images": [serde_json::to_value(&served[0]).unwrap()],
    });
    served[0].save(run.path("init.png")).unwrap();
    let served = images(&server.post("/sdapi/v1/img2img", &body));
    let flags =
        ["--prompt", "a red house by the sea, night", "--init-image", "init.png", "--strength", "0.5", "--steps", "4"];
    assert_drawn(&run.sd(&[&["generate", "--seed", "1"], &flags[..]].concat()));
    assert_eq!(Image::read(run.path("out.png")).unwrap(), served[0]);
}

#[cfg(unix)]
#[test]
fn models_loras_and_words_are_found_by_name() {
    let run = crate::prompt_files::run();
    std::fs::create_dir(run.path("models")).unwrap();
    std::os::unix::fs::symlink(crate::MODEL.path(), run.path("models/tiny")).unwrap();
    let folders = ["--models", "models", "--lora-dir", "loras", "--embedding-dir", "words"];
    let server = Server::new(&run, &folders);
    let tiny = || {
        let models = server.get("/sdapi/v1/sd-models");
        models.as_array().unwrap().iter().find(|model| model["model_name"] == "tiny").unwrap().clone()
    };
    let draw = |prompt: &str, overrides: Value| {
        let body = json!({
            "prompt": prompt, "seed": 1, "steps": 2, "width": 32, "height": 32, "override_settings": overrides,
        });
        server.posted("/sdapi/v1/txt2img", &body).map(|answer| images(&answer).remove(0))
    };
    // Nobody has read the model yet.
    assert_eq!((&tiny()["title"], &tiny()["hash"]), (&json!("tiny"), &Value::Null));
    let prompt = "a red house <lora:ink:0.5>";
    let drawn = draw(prompt, json!({ "sd_model_checkpoint": "tiny" })).unwrap();
    assert!(drawn == run.draw(&["--prompt", prompt, "--lora-dir", "loras"]).image);
    let title = tiny()["title"].clone();
    assert_eq!(title, format!("tiny [{}]", tiny()["hash"].as_str().unwrap()));

    assert_eq!(server.post("/sdapi/v1/options", &json!({ "sd_model_checkpoint": title })), Value::Null);
    assert_eq!(server.get("/sdapi/v1/options")["sd_model_checkpoint"], title);
    let prompt = "a red house and a tabby";
    assert!(draw(prompt, json!({})).unwrap() == run.draw(&["--prompt", prompt, "--embedding-dir", "words"]).image);

    let names = |list: Value| list.as_array().unwrap().iter().map(|item| item["name"].clone()).collect::<Vec<_>>();
    assert_eq!(names(server.get("/sdapi/v1/loras")), ["chalk", "ink"]);
    let words = &server.get("/sdapi/v1/embeddings")["loaded"];
    assert_eq!((&words["tabby"]["vectors"], &words["tabby"]["shape"]), (&json!(1), &json!(32)));
    let unknown = json!({ "sd_model_checkpoint": "../models/tiny" });
    let refused = server.posted("/sdapi/v1/options", &unknown);
    assert!(matches!(refused, Err(ureq::Error::StatusCode(422))), "{refused:?}");
    assert!(matches!(draw("a red house", unknown), Err(ureq::Error::StatusCode(400))));
}
