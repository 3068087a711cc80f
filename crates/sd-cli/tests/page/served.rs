//! `sd serve` as a user starts it, and what it has drawn.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::{fs, thread};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tempfile::TempDir;

use crate::browser::agent;

/// A server of the built-in model, in a folder of its own. It stops when it is dropped.
pub struct Served {
    process: Child,
    address: String,
    _folder: TempDir,
}

/// The key in the file `key` of the folder.
pub const KEY: &str = "an-unguessable-key-of-the-test";

/// An image, three bytes a pixel.
#[derive(PartialEq)]
pub struct Pixels {
    pub rgb: Vec<u8>,
}

impl Served {
    pub fn new(flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("key"), KEY).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_sd"));
        command
            .args(["serve", "--port", "0", "--device", "flex", "--store", "store"])
            .args(flags)
            .current_dir(folder.path());
        command.env("XDG_RUNTIME_DIR", folder.path()).env("XDG_CACHE_HOME", folder.path());
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let address = lines.next().expect("the server says where it listens");
        thread::spawn(move || lines.for_each(drop));
        Self { process, address, _folder: folder }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    /// Asks for JSON.
    pub fn get(&self, path: &str) -> Value {
        serde_json::from_slice(&self.bytes(path)).unwrap()
    }

    /// The finished images, the newest first.
    pub fn images(&self) -> Vec<Value> {
        self.get("/v1/images")["images"].as_array().unwrap().clone()
    }

    /// The two images that are finished, the newest first.
    pub fn two_images(&self) -> [Value; 2] {
        self.images().try_into().expect("two images")
    }

    /// The file of an image.
    pub fn file(&self, image: &Value) -> Vec<u8> {
        self.bytes(image["url"].as_str().unwrap())
    }

    pub fn pixels(&self, image: &Value) -> Pixels {
        Pixels::of_png(&self.file(image))
    }

    fn bytes(&self, path: &str) -> Vec<u8> {
        let request = agent().get(self.url(path)).header("Authorization", format!("Bearer {KEY}"));
        request.call().unwrap().body_mut().read_to_vec().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Pixels {
    pub fn of_base64(text: &str) -> Self {
        Self::of_png(&STANDARD.decode(text).unwrap())
    }

    fn of_png(file: &[u8]) -> Self {
        let mut decoder = png::Decoder::new(std::io::Cursor::new(file));
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let mut reader = decoder.read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut bytes).unwrap();
        let samples = frame.color_type.samples();
        let pixels = bytes.chunks_exact(samples).take((frame.width * frame.height) as usize);
        // A grey pixel has the same value three times.
        Self {
            rgb: pixels
                .flat_map(|pixel| if samples < 3 { [pixel[0]; 3] } else { [pixel[0], pixel[1], pixel[2]] })
                .collect(),
        }
    }

    pub fn at(&self, pixel: usize) -> [u8; 3] {
        [self.rgb[3 * pixel], self.rgb[3 * pixel + 1], self.rgb[3 * pixel + 2]]
    }
}
