use std::time::Duration;

use sd_batch::{WatchOptions, WorkerState, watch};
use sd_golden::NatsServer;
use sd_image::Format;

use crate::artist::Painter;
use crate::{Worker, at, images, never_in_time, queue, send};

#[test]
fn a_watcher_sees_the_queue_the_workers_and_their_progress() {
    let (server, items) = (NatsServer::start(), images(4));
    send(&server, &items);
    let slow = Painter { time: Duration::from_secs(3), ..Painter::default() };
    let worker = Worker::start(&server, &slow, 3);
    let mut seen = Vec::new();
    let options = WatchOptions { items: Some(&items), format: Format::Png, folder: None };
    let watched = watch(&at(&server), &queue(), &options, &never_in_time(), &mut |state| seen.push(state.clone()));
    worker.stop().unwrap();
    assert_eq!(watched.unwrap().done, 4);
    let drawing = seen.iter().find(|state| {
        let is_drawing = |state: &WorkerState| matches!(state, WorkerState::Drawing { call: 1.., calls: 100, .. });
        state.workers.iter().any(|worker| is_drawing(&worker.state))
    });
    let drawing = drawing.expect("the worker told of its steps");
    assert_eq!((drawing.running, drawing.queued + drawing.running + drawing.done), (1, 4));
    assert!(seen.iter().any(|state| state.done > 0 && state.seconds_left().is_some()));
}

#[test]
fn images_that_are_nowhere_are_an_error_and_no_endless_wait() {
    let (server, items) = (NatsServer::start(), images(2));
    send(&server, &items[..1]);
    let worker = Worker::start(&server, &Painter::default(), 3);
    let options = WatchOptions { items: Some(&items), format: Format::Png, folder: None };
    let error = watch(&at(&server), &queue(), &options, &never_in_time(), &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("nowhere: 1: ") && error.contains("neither queued, drawn nor given up"), "{error}");
    worker.stop().unwrap();
}
