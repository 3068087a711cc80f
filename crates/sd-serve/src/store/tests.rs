use sd_engine::Job;
use sd_pipeline::Request;

use super::{Accepted, ImageRecord, JobRecord, JobState, Store, now};
use crate::client::{Client, Interface};
use crate::id::{ImageId, JobId};
use crate::options::Retention;

fn record(key: Option<&str>, job: &Job) -> JobRecord {
    JobRecord {
        id: JobId::new(),
        client: Client { name: "a".into(), interface: Interface::Jobs },
        attached: false,
        count: job.count,
        hash: job.hash(),
        key: key.map(str::to_string),
        warnings: Vec::new(),
        state: JobState::Waiting,
        skipped: Vec::new(),
        created: now(),
        finished: None,
    }
}

fn image(job: &JobId, index: u64) -> ImageRecord {
    let id = ImageId { job: job.clone(), index };
    ImageRecord { id, seq: 0, seed: index, width: 1, height: 1, bytes: 3, created: now(), parameters: String::new() }
}

fn open(folder: &tempfile::TempDir) -> Store {
    Store::open(folder.path(), Retention::default()).unwrap()
}

#[test]
fn a_store_knows_after_a_restart_what_it_knew() {
    let (folder, job) = (tempfile::tempdir().unwrap(), Job { count: 3, ..Job::new(Request::new("a boat")) });
    let (waiting, attached) = (record(None, &job), JobRecord { attached: true, ..record(None, &job) });
    let store = open(&folder);
    for record in [&waiting, &attached] {
        assert!(matches!(store.accept(record, &job).unwrap(), Accepted::New));
    }
    store.add_image(&mut image(&waiting.id, 1), b"png").unwrap();
    store.skip_image(&ImageId { job: waiting.id.clone(), index: 2 }).unwrap();
    drop(store);

    let store = open(&folder);
    let unfinished = store.unfinished().unwrap();
    assert_eq!(unfinished.len(), 1, "the client of the other is gone");
    assert_eq!((&unfinished[0].record.id, &unfinished[0].job), (&waiting.id, &job));
    assert_eq!((unfinished[0].images[0].id.index, &unfinished[0].record.skipped), (1, &vec![2]));
    assert_eq!(store.job(&attached.id).unwrap().unwrap().state, JobState::Cancelled);
    assert_eq!(store.png(&ImageId { job: waiting.id, index: 1 }).unwrap().as_deref(), Some(&b"png"[..]));
}

#[test]
fn an_image_is_kept_once_and_a_job_ends_once() {
    let (folder, job) = (tempfile::tempdir().unwrap(), Job::new(Request::new("a boat")));
    let (store, record) = (open(&folder), record(None, &job));
    store.accept(&record, &job).unwrap();
    (0..2).for_each(|_| store.add_image(&mut image(&record.id, 0), b"png").unwrap());
    assert_eq!(store.images(None, 10).unwrap().len(), 1);
    assert!(!store.remove(&record.id).unwrap(), "it is not finished");
    store.end(&record.id, JobState::Done).unwrap();
    store.end(&record.id, JobState::Cancelled).unwrap();
    assert_eq!(store.job(&record.id).unwrap().unwrap().state, JobState::Done);
    assert!(store.remove(&record.id).unwrap());
    assert_eq!(store.images(None, 10).unwrap(), []);
}

#[test]
fn a_key_is_free_again_when_its_job_is_removed() {
    let (folder, job) = (tempfile::tempdir().unwrap(), Job::new(Request::new("a boat")));
    let (store, first) = (open(&folder), record(Some("mine"), &job));
    store.accept(&first, &job).unwrap();
    assert!(
        matches!(store.accept(&record(Some("mine"), &job), &job).unwrap(), Accepted::Known(known) if known.id == first.id)
    );
    store.end(&first.id, JobState::Done).unwrap();
    store.remove(&first.id).unwrap();
    assert!(matches!(store.accept(&record(Some("mine"), &job), &job).unwrap(), Accepted::New));
}
