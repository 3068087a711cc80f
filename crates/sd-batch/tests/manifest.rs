//! What manifests say.

use std::collections::HashSet;
use std::path::Path;

use sd_batch::{BatchError, Item, Manifest, ManifestKind, Models, Shard};
use sd_engine::{Library, LibraryFolders};

fn parse(kind: ManifestKind, text: &str) -> Result<Vec<Item>, BatchError> {
    let library = Library::new(LibraryFolders::default()).unwrap();
    Manifest::parse(Path::new("jobs"), text.as_bytes(), kind)?.items(Models::OfWorkers(&library))
}

#[track_caller]
fn jsonl(text: &str) -> Vec<Item> {
    parse(ManifestKind::Jsonl, text).unwrap()
}

#[track_caller]
fn csv(text: &str) -> Vec<Item> {
    parse(ManifestKind::Csv, text).unwrap()
}

fn seeds(items: &[Item]) -> Vec<u64> {
    items.iter().map(|item| item.job.request.seed).collect()
}

#[test]
fn a_table_says_the_same_as_lines_of_json() {
    let lines = jsonl(concat!(
        r#"{"prompt": "a red house, \"old\"", "steps": 12, "guidance": 5.5, "seed": 7, "count": 2, "name": "house"}"#,
        "\n\n",
        r#"{"request": {"prompt": "12"}, "width": 64, "model": "1.5", "seed": 18446744073709551615}"#,
        "\n"
    ));
    let rows = csv(concat!(
        "\u{feff}prompt,steps,guidance,seed,count,name,width,model\r\n",
        "\"a red house, \"\"old\"\"\",12,5.5,7,2,house,,\r\n",
        "\r\n",
        "12,,,18446744073709551615,,,64,1.5\r\n"
    ));
    assert_eq!(lines, rows);
    assert_eq!(seeds(&lines), [7, 8, u64::MAX]);
    assert_eq!(lines[2].job.request.prompt.as_deref(), Some("12"));
    assert_eq!(lines[2].job.model.as_deref(), Some("1.5"));
    assert!(lines.iter().all(|item| item.job.count == 1));
}

#[test]
fn errors_name_the_file_the_line_and_what_is_wrong() {
    let cases = [
        (ManifestKind::Jsonl, "\n{\"prompt\": 1}", "jobs, line 2: ", "expected a string"),
        (ManifestKind::Jsonl, "{\"stepz\": 1}", "jobs, line 1: ", "unknown field `stepz`, expected one of"),
        (ManifestKind::Jsonl, "{}\n{", "jobs, line 2: ", "no JSON"),
        (ManifestKind::Jsonl, "[1]", "jobs, line 1: ", "expected an object"),
        (ManifestKind::Jsonl, "{\"count\": 0}", "jobs, line 1: ", "`count` is 0"),
        (ManifestKind::Jsonl, "{\"name\": \"../x\"}", "jobs, line 1: ", "take one that can begin a file's name"),
        (ManifestKind::Jsonl, "{\"name\": \".x\"}", "jobs, line 1: ", "begins with a dot"),
        (ManifestKind::Jsonl, "{\"seed\": 1.5}", "jobs, line 1: ", "1.5"),
        (ManifestKind::Jsonl, "{\"request\": []}", "jobs, line 1: ", "expected an object"),
        (ManifestKind::Jsonl, " \n", "jobs: ", "no jobs"),
        (ManifestKind::Csv, "prompt\n", "jobs: ", "no jobs"),
        (ManifestKind::Csv, "prompt,steps\n\"two\nlines\",1\na,b,c\n", "jobs, line 4: ", "the header has 2"),
        (ManifestKind::Csv, "prompt,steps\nx,many\n", "jobs, line 2: ", "many"),
    ];
    for (kind, text, place, words) in cases {
        let error = parse(kind, text).unwrap_err();
        let message = error.to_string();
        assert!(message.starts_with(place) && message.contains(words), "{text:?}: {message}");
        assert!(error.is_usage() && message.lines().count() == 1, "{message}");
    }
    let latin = Manifest::parse(Path::new("jobs"), b"{\"prompt\": \"\xe9\"}", ManifestKind::Jsonl).unwrap_err();
    assert!(latin.to_string().contains("save it as UTF-8"), "{latin}");
}

#[test]
fn a_seed_that_is_missing_depends_on_what_is_asked_for_and_not_on_the_place() {
    let [house, boat] = [r#"{"prompt": "a house"}"#, r#"{"prompt": "a boat"}"#];
    let first = jsonl(&format!("{house}\n{boat}\n{house}"));
    let moved = jsonl(&format!("{boat}\n{{\"prompt\": \"new\"}}\n{house}\n{house}"));
    let distinct: HashSet<u64> = seeds(&first).into_iter().collect();
    assert_eq!(distinct.len(), 3);
    assert!(distinct.iter().all(|seed| *seed < 1 << 32));
    assert_eq!([&first[1], &first[0], &first[2]], [&moved[0], &moved[2], &moved[3]]);
    // The same words in another form, and -1, which is no seed.
    let other = jsonl(r#"{"seed": -1, "request": {"prompt": "a house"}, "name": "x"}"#);
    assert_eq!((other[0].id(), other[0].job.request.seed), (first[0].id(), first[0].job.request.seed));
    // More images keep the first ones.
    let more = jsonl(r#"{"prompt": "a house", "count": 3}"#);
    let seed = first[0].job.request.seed;
    assert_eq!(seeds(&more), [seed, seed + 1, seed + 2]);
}

#[test]
fn every_image_is_there_once() {
    let items = jsonl("{\"prompt\": \"a\", \"seed\": 1, \"count\": 3}\n{\"prompt\": \"a\", \"seed\": 2, \"count\": 3}");
    assert_eq!(seeds(&items), [1, 2, 3, 4]);
    let ids: HashSet<&str> = items.iter().map(Item::id).collect();
    assert_eq!(ids.len(), 4);
}

#[test]
fn a_list_of_failures_is_a_manifest_of_the_same_images() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("failed.jsonl");
    let items = jsonl("{\"prompt\": \"a\", \"name\": \"x\", \"steps\": 3}\n{\"prompt\": \"b\", \"seed\": 2}");
    let failed: Vec<sd_batch::Failed> =
        items.iter().map(|item| sd_batch::Failed { item: item.clone(), reason: "no \"luck\"".into() }).collect();
    sd_batch::write_failed(&list, &failed).unwrap();
    let text = std::fs::read_to_string(&list).unwrap();
    assert_eq!(text.matches(r#""error":"no \"luck\"""#).count(), 2, "{text}");
    assert_eq!(jsonl(&text), items);
    sd_batch::write_failed(&list, &[]).unwrap();
    assert!(!list.exists());
}

#[test]
fn parts_are_disjoint_complete_and_about_equal() {
    let items = jsonl("{\"prompt\": \"a\", \"seed\": 0, \"count\": 4000}");
    let parts: Vec<Shard> = (1..=8).map(|index| format!("{index}/8").parse().unwrap()).collect();
    assert!(items.iter().all(|item| parts.iter().filter(|part| part.has(item)).count() == 1));
    for part in parts {
        let size = items.iter().filter(|item| part.has(item)).count();
        // 500 is expected, with a standard deviation of 21.
        assert!((395..=605).contains(&size), "{part}: {size}");
    }
    for wrong in ["", "1", "0/8", "9/8", "1/0", "a/b", "-1/2"] {
        assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
    }
}
