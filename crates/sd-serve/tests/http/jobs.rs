use sd_image::{Image, Texts};
use serde_json::{Value, json};

use crate::fake::colour;
use crate::support::{Served, files};

fn job(prompt: &str) -> Value {
    json!({ "request": { "prompt": prompt, "seed": 7 } })
}

#[test]
fn a_job_is_accepted_drawn_and_kept_with_its_metadata() {
    let server = Served::new();
    let mut wanted = job("a boat");
    wanted["count"] = 2.into();
    let answer = server.send("POST", "/v1/jobs", &[], wanted.to_string().as_bytes());
    let (status, report) = answer.json();
    assert_eq!((status, report["count"].as_u64()), (202, Some(2)), "{report}");
    let id = report["id"].as_str().unwrap();
    assert_eq!(answer.header("location"), format!("/v1/jobs/{id}"));

    let report = server.finished(id);
    assert_eq!(report["state"], "done", "{report}");
    assert_eq!(report["job"]["request"]["prompt"], "a boat");
    let images = report["images"].as_array().unwrap();
    assert_eq!(images.iter().map(|image| image["seed"].as_u64()).collect::<Vec<_>>(), [Some(7), Some(8)]);
    for (index, image) in images.iter().enumerate() {
        let answer = server.send("GET", image["url"].as_str().unwrap(), &[], &[]);
        assert_eq!(answer.header("content-type"), "image/png");
        assert_eq!(Image::decode(&answer.bytes).unwrap(), colour(7 + index as u64, 64, 64));
        assert_eq!(Texts::read(&answer.bytes).get("parameters"), image["parameters"].as_str());
    }
}

#[test]
fn images_come_as_other_formats_with_and_without_metadata() {
    let server = Served::new();
    let id = server.submit(&job("a boat"));
    server.finished(&id);
    let get = |query: &str| server.send("GET", &format!("/v1/jobs/{id}/images/0{query}"), &[], &[]);
    for (query, kind) in [("?format=webp", "image/webp"), ("?format=jpeg&quality=95", "image/jpeg")] {
        let answer = get(query);
        assert_eq!(answer.header("content-type"), kind);
        assert!(Texts::read(&answer.bytes).get("parameters").unwrap().starts_with("a boat"));
        assert_eq!(Image::decode(&answer.bytes).unwrap().width, 64);
    }
    assert_eq!(Image::decode(&get("?format=webp").bytes).unwrap(), colour(7, 64, 64));
    assert_eq!(Texts::read(&get("?metadata=false").bytes).get("parameters"), None);
    assert_eq!(get("?format=gif").status, 400);
}

#[test]
fn names_that_are_none_are_not_found() {
    let server = Served::new();
    let id = server.submit(&job("a boat"));
    server.finished(&id);
    let missing = format!("/v1/jobs/{id}/images/1");
    let paths =
        ["/v1/jobs/x", "/v1/jobs/0123456789abcdef0123456789", "/v1/jobs/..%2f..%2fjobs.redb/images/0", &missing];
    for path in paths {
        let (status, answer) = server.get(path);
        assert_eq!(status, 404, "{path}: {answer}");
        assert_eq!(answer["error"]["code"], "not_found", "{path}: {answer}");
    }
}

#[test]
fn one_key_has_one_job_and_another_job_needs_another_key() {
    let server = Served::new();
    let submit = |key: &str, job: &Value| {
        server.send("POST", "/v1/jobs", &[("Idempotency-Key", key)], job.to_string().as_bytes()).json()
    };
    let (first, again) = (submit("mine", &job("a boat")), submit("mine", &job("a boat")));
    assert_eq!((first.0, again.0), (202, 200));
    assert_eq!(first.1["id"], again.1["id"]);
    assert_ne!(submit("other", &job("a boat")).1["id"], first.1["id"]);
    let (status, answer) = submit("mine", &job("a house"));
    assert_eq!((status, &answer["error"]["code"]), (409, &json!("conflict")));
    assert_eq!(submit("", &job("a boat")).0, 400);
}

#[test]
fn events_tell_all_and_go_on_where_a_client_left() {
    let server = Served::new();
    let mut wanted = job("slow boat");
    wanted["count"] = 2.into();
    let id = server.submit(&wanted);
    let events = server.events(&id, &[]);
    let names: Vec<&str> = events.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(names.iter().filter(|name| **name == "image").count(), 2, "{names:?}");
    assert!(names.contains(&"step") && names.last() == Some(&"done"), "{names:?}");
    let previews: Vec<&Value> =
        events.iter().map(|(.., data)| &data["preview"]).filter(|data| data.is_string()).collect();
    assert!((1..=4).contains(&previews.len()), "{} previews in about 0.4 s", previews.len());

    let again = server.events(&id, &[]);
    let told = |events: &[(String, String, Value)]| {
        events.iter().map(|(name, id, _)| format!("{name} {id}")).collect::<Vec<_>>()
    };
    assert_eq!(told(&again), ["image 1", "image 2", "done 2"]);
    assert_eq!(told(&server.events(&id, &[("Last-Event-ID", "1")])), ["image 2", "done 2"]);
}

#[test]
fn a_job_is_cancelled_at_its_next_step_and_one_that_waits_at_once() {
    let server = Served::new();
    let (running, waiting) = (server.submit(&job("hold 1")), server.submit(&job("hold 2")));
    server.fake.wait_for_held();
    assert_eq!(server.get(&format!("/v1/jobs/{waiting}")).1["position"], 0);
    assert_eq!(server.delete(&format!("/v1/jobs/{waiting}")).1["state"], "cancelled");
    server.post(&format!("/v1/jobs/{running}/cancel"), &json!({}));
    assert_eq!(server.finished(&running)["state"], "cancelled");
    assert_eq!(server.fake.prompts(), ["hold 1"]);
    assert_eq!(server.events(&running, &[]).last().unwrap().0, "cancelled");
    assert_eq!(server.post(&format!("/v1/jobs/{running}/cancel"), &json!({})).1["state"], "cancelled");
}

#[test]
fn a_finished_job_is_removed_with_its_images() {
    let server = Served::new();
    let id = server.submit(&job("a boat"));
    server.finished(&id);
    assert_eq!(server.delete(&format!("/v1/jobs/{id}")).0, 200);
    for path in [format!("/v1/jobs/{id}"), format!("/v1/jobs/{id}/images/0"), format!("/v1/jobs/{id}/events")] {
        assert_eq!(server.get(&path).0, 404, "{path}");
    }
    assert_eq!(server.get("/v1/images").1["images"], json!([]));
    assert_eq!(files(&server.store().join("images")), [""; 0]);
    assert_eq!(server.delete(&format!("/v1/jobs/{id}")).0, 404);
}

#[test]
fn an_image_is_left_out_when_it_is_skipped() {
    let server = Served::new();
    let mut wanted = job("hold");
    wanted["count"] = 2.into();
    let id = server.submit(&wanted);
    server.fake.wait_for_held();
    assert_eq!(server.post(&format!("/v1/jobs/{id}/skip"), &json!({})).0, 200);
    server.fake.release();
    let report = server.finished(&id);
    assert_eq!((&report["state"], &report["skipped"]), (&json!("done"), &json!([0])));
    assert_eq!(report["images"][0]["index"], 1);
    assert_eq!(server.post(&format!("/v1/jobs/{id}/skip"), &json!({})).0, 409);
}

#[test]
fn lists_are_pages_from_the_newest() {
    let server = Served::new();
    let ids: Vec<String> = (0..5).map(|number| server.submit(&job(&format!("boat {number}")))).collect();
    ids.iter().for_each(|id| drop(server.finished(id)));
    let (mut listed, mut next) = (Vec::new(), String::new());
    loop {
        let (_, page) = server.get(&format!("/v1/jobs?limit=2{next}"));
        listed.extend(page["jobs"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_string()));
        let Some(before) = page["next"].as_str() else { break };
        next = format!("&before={before}");
    }
    listed.reverse();
    assert_eq!(listed, ids);

    let (_, page) = server.get("/v1/images?limit=3");
    let prompts = |page: &Value| -> Vec<String> {
        let images = page["images"].as_array().unwrap().iter();
        images.map(|image| image["parameters"].as_str().unwrap().lines().next().unwrap().to_string()).collect()
    };
    assert_eq!(prompts(&page), ["boat 4", "boat 3", "boat 2"]);
    let (_, page) = server.get(&format!("/v1/images?limit=3&before={}", page["next"]));
    assert_eq!(prompts(&page), ["boat 1", "boat 0"]);
    assert_eq!(page["next"], Value::Null);
}

#[test]
fn a_plan_is_told_without_drawing() {
    let server = Served::new();
    let (status, plan) = server.post("/v1/plan", &job("a small boat"));
    assert_eq!((status, &plan["tokens"][0]), (200, &json!({ "field": "prompt", "count": 3, "chunks": 1 })));
    assert_eq!(server.post("/v1/plan", &job("wrong")).0, 400);
    assert_eq!(server.fake.prompts(), [""; 0]);
}
