use std::collections::BTreeSet;

use serde_json::Value;

use crate::{Run, stderr, stdout};

/// The built-in model, with two steps, so that an image takes a moment.
const JOBS: &str = concat!(
    r#"{"prompt": "a red house", "steps": 2, "seed": 1, "count": 2, "name": "house"}"#,
    "\n",
    r#"{"prompt": "a boat", "steps": 2}"#,
    "\n"
);

fn images(run: &Run, folder: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(run.path(folder)).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_batch_draws_what_is_missing_under_names_that_stay_the_same() {
    let run = Run::new();
    std::fs::write(run.path("jobs.jsonl"), JOBS).unwrap();
    let flags = ["batch", "jobs.jsonl", "--output", "out", "--sheet", "sheet.png", "--progress", "json"];
    let first = run.sd(&flags);
    assert!(first.status.success(), "{}", stderr(&first));
    let names = images(&run, "out");
    assert_eq!(names.len(), 3);
    assert_eq!(names.iter().filter(|name| name.starts_with("house-")).count(), 2);
    let sheet = sd_pipeline::Image::read(run.path("sheet.png")).unwrap();
    assert!(sheet.width > 64 && sheet.height > 64, "{}×{}", sheet.width, sheet.height);
    let read = || names.iter().map(|name| run.read(&format!("out/{name}"))).collect::<Vec<_>>();
    let before = read();

    // As after kill -9: one image is missing, and another one is unfinished.
    let lost = run.path(&format!("out/{}", names.first().unwrap()));
    std::fs::remove_file(&lost).unwrap();
    let again = run.sd(&flags);
    let events: Vec<Value> = stdout(&again).lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let drawn = |event: &&Value| event["event"] == "done";
    assert_eq!(events.iter().filter(drawn).count(), 1, "{events:?}");
    let last = events.iter().find(|event| event["event"] == "finished").unwrap();
    assert_eq!((&last["drawn"], &last["skipped"], &last["failed"]), (&1.into(), &2.into(), &0.into()));
    assert!(read() == before, "images are the same to the byte");
}

#[test]
fn parts_on_several_machines_make_the_whole() {
    let run = Run::new();
    std::fs::write(run.path("jobs.jsonl"), JOBS).unwrap();
    let whole = run.sd(&["batch", "jobs.jsonl", "--output", "whole"]);
    assert!(whole.status.success(), "{}", stderr(&whole));
    let mut parts = BTreeSet::new();
    for part in 1..=2 {
        let folder = format!("part-{part}");
        let output = run.sd(&["batch", "jobs.jsonl", "--output", &folder, "--shard", &format!("{part}/2")]);
        assert!(output.status.success(), "{}", stderr(&output));
        for name in images(&run, &folder) {
            assert!(run.read(&format!("{folder}/{name}")) == run.read(&format!("whole/{name}")), "{name}");
            assert!(parts.insert(name), "an image is in two parts");
        }
    }
    assert_eq!(parts, images(&run, "whole"));
}

#[test]
fn jobs_that_fail_are_listed_and_the_others_drawn() {
    let run = Run::new();
    let table = "prompt,steps,seed,width\na red house,2,1,\na red house,2,1,33\na boat,2,2,\n";
    std::fs::write(run.path("jobs.csv"), table).unwrap();
    let output = run.sd(&["batch", "jobs.csv", "--output", "out"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("1 of 3 images failed: out/failed.jsonl lists them"), "{}", stderr(&output));
    assert_eq!(images(&run, "out").len(), 3, "two images and the list");
    let failed: Value = serde_json::from_slice(&run.read("out/failed.jsonl")).unwrap();
    assert_eq!(failed["request"]["width"], 33);
    assert!(failed["error"].as_str().unwrap().contains("33"), "{failed}");
}

#[test]
fn a_batch_that_cannot_begin_says_why_in_one_line() {
    let run = Run::new();
    std::fs::write(run.path("jobs.jsonl"), "{\"prompt\": \"x\"}\n{\"prompt\": \"x\", \"model\": \"sd15\"}\n").unwrap();
    std::fs::write(run.path("bad.csv"), "prompt,stepz\nx,1\n").unwrap();
    for (flags, code, words) in [
        (&["jobs.jsonl"][..], 2, &["--output is missing"][..]),
        (&["none.jsonl", "--output", "out"], 1, &["none.jsonl: "]),
        (&["bad.csv", "--output", "out"], 2, &["bad.csv, line 2: unknown field `stepz`"]),
        (&["jobs.jsonl", "--output", "out"], 2, &["jobs.jsonl, line 2: ", "\"sd15\"", "--models"]),
        (&["jobs.jsonl", "--output", "jobs.jsonl"], 1, &["--output jobs.jsonl: "]),
        (&["jobs.jsonl", "--output", "out", "--sheet", "x.txt"], 2, &["--sheet"]),
    ] {
        let output = run.sd(&[&["batch"], flags].concat());
        let message = stderr(&output);
        assert!(words.iter().all(|word| message.contains(word)), "{flags:?}: {message}");
        assert_eq!(output.status.code(), Some(code), "{flags:?}: {message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
}
