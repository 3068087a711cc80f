//! Images that are drawn together: three at a time, if the prompt ends so.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::Served;

fn job(prompt: &str, count: u64) -> Value {
    json!({ "request": { "prompt": prompt, "seed": 100 }, "count": count })
}

/// The numbers of a job's images.
fn indices(report: &Value) -> Vec<u64> {
    report["images"].as_array().unwrap().iter().map(|image| image["index"].as_u64().unwrap()).collect()
}

fn seeds(server: &Served) -> Vec<u64> {
    server.fake.drawn.lock().unwrap().iter().map(|(_, seed)| *seed).collect()
}

#[test]
fn steps_say_which_images_are_drawn_together_and_each_image_is_told_of() {
    let server = Served::new();
    let id = server.submit(&job("slow together", 5));
    let mut groups = Vec::new();
    let mut images = Vec::new();
    for (name, _, data) in server.events(&id, &[]) {
        match name.as_str() {
            "step" => groups.push((data["image"].as_u64().unwrap(), data["images"].as_u64().unwrap())),
            "image" => images.push((data["index"].as_u64().unwrap(), data["seed"].as_u64().unwrap())),
            _ => {}
        }
    }
    groups.dedup();
    assert_eq!(groups, [(0, 3), (3, 2)]);
    assert_eq!(images, [(0, 100), (1, 101), (2, 102), (3, 103), (4, 104)]);
    assert_eq!(seeds(&server), [100, 101, 102, 103, 104]);
}

#[test]
fn progress_counts_all_images_that_are_drawn_together() {
    let server = Served::new();
    let id = server.submit(&job("hold together", 6));
    server.fake.wait_for_held();
    let report = server.wait(&format!("/v1/jobs/{id}"), |report| report["progress"]["call"] == 3);
    assert_eq!((&report["progress"]["image"], &report["progress"]["images"]), (&json!(0), &json!(3)));
    let progress = server.get("/sdapi/v1/progress").1;
    assert_eq!((&progress["state"]["job_no"], &progress["state"]["job_count"]), (&json!(0), &json!(6)));
    assert!((progress["progress"].as_f64().unwrap() - (0.01 + 3.0 * 0.75 / 6.0)).abs() < 1e-9, "{progress}");
    (0..2).for_each(|_| server.fake.release());
    assert_eq!(indices(&server.finished(&id)), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn a_job_is_cancelled_within_images_that_are_drawn_together() {
    let server = Served::new();
    let id = server.submit(&job("hold together", 6));
    server.fake.wait_for_held();
    server.fake.release();
    server.wait(&format!("/v1/jobs/{id}"), |report| report["progress"]["image"] == 3);
    server.fake.wait_for_held();
    server.post(&format!("/v1/jobs/{id}/cancel"), &json!({}));
    let report = server.finished(&id);
    assert_eq!((&report["state"], indices(&report)), (&json!("cancelled"), vec![0, 1, 2]));
}

#[test]
fn images_that_are_drawn_together_are_skipped_together() {
    let server = Served::new();
    let id = server.submit(&job("hold together", 5));
    server.fake.wait_for_held();
    server.wait(&format!("/v1/jobs/{id}"), |report| report["progress"]["images"] == 3);
    server.post(&format!("/v1/jobs/{id}/skip"), &json!({}));
    server.fake.release();
    let report = server.finished(&id);
    assert_eq!(
        (&report["state"], &report["skipped"], indices(&report)),
        (&json!("done"), &json!([0, 1, 2]), vec![3, 4])
    );
}

#[test]
fn a_server_that_starts_again_draws_only_what_is_missing_however_it_is_grouped() {
    let server = Served::with(|options| options.grace = Duration::ZERO);
    let id = server.submit(&job("hold together", 7));
    server.fake.wait_for_held();
    server.fake.release();
    server.wait(&format!("/v1/jobs/{id}"), |report| report["images"].as_array().unwrap().len() == 3);
    let server = server.restarted(|_| {});
    (0..2).for_each(|_| server.fake.release());
    assert_eq!(indices(&server.finished(&id)), [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(seeds(&server), [103, 104, 105, 106]);
}

#[test]
fn others_have_their_turn_between_groups() {
    let keys = ["0123456789abcdef", "fedcba9876543210"];
    let mut server = Served::with(|options| options.keys = sd_serve::Keys::new(keys));
    let submit = |key: &str, job: &Value| {
        server.send("POST", "/v1/jobs", &[("X-Api-Key", key)], job.to_string().as_bytes()).json()
    };
    assert_eq!(submit(keys[0], &job("hold together", 6)).0, 202);
    server.fake.wait_for_held();
    assert_eq!(submit(keys[1], &job("one", 1)).0, 202);
    (0..2).for_each(|_| server.fake.release());
    server.key = Some(keys[0].into());
    server.wait("/v1/jobs", |page| page["jobs"].as_array().unwrap().iter().all(|job| job["state"] == "done"));
    let prompts = server.fake.prompts();
    assert_eq!(prompts.iter().position(|prompt| prompt == "one"), Some(3), "{prompts:?}");
}
