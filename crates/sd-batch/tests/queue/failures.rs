use sd_golden::NatsServer;

use crate::artist::Painter;
use crate::{Worker, images, send, until, wait_for};

#[test]
fn a_job_that_always_fails_is_given_up_after_its_tries_with_the_reason() {
    let (server, items) = (NatsServer::start(), images(4));
    send(&server, &items);
    let painter = Painter { poison: vec![2], ..Painter::default() };
    let worker = Worker::start(&server, &painter, 3);
    let watched = wait_for(&server, &items);
    assert_eq!((watched.done, watched.dead, watched.failed.len()), (3, 1, 1));
    assert_eq!(watched.failed[0].item, items[2]);
    assert_eq!(watched.failed[0].reason, "seed 2 is poison");
    assert_eq!([0, 1, 2, 3].map(|seed| painter.times(seed)), [1, 1, 3, 1]);
    worker.stop().unwrap();

    // Sent again, it is tried again: whoever does so has changed something.
    let sent = send(&server, &items);
    assert_eq!((sent.queued, sent.drawn, sent.revived), (1, 3, 1));
    let worker = Worker::start(&server, &Painter::default(), 3);
    assert_eq!(wait_for(&server, &items).failed, []);
    worker.stop().unwrap();
}

#[test]
fn a_worker_that_is_stopped_gives_its_job_back_at_once_and_that_is_no_try() {
    let (server, items) = (NatsServer::start(), images(1));
    send(&server, &items);
    let slow = Painter { time: std::time::Duration::from_secs(600), ..Painter::default() };
    for begun in 1..=4 {
        let worker = Worker::start(&server, &slow, 1);
        until(|| slow.times(0) == begun);
        worker.stop().unwrap();
    }
    let worker = Worker::start(&server, &Painter::default(), 1);
    let watched = wait_for(&server, &items);
    assert_eq!((watched.done, watched.dead), (1, 0));
    worker.stop().unwrap();
}

#[test]
fn a_slow_job_stays_with_its_worker_however_long_it_takes() {
    let (server, items) = (NatsServer::start(), images(1));
    send(&server, &items);
    // Three times as long as a silent worker counts as alive.
    let slow = Painter { time: std::time::Duration::from_secs(3), ..Painter::default() };
    let workers = [(); 2].map(|()| Worker::start(&server, &slow, 3));
    assert_eq!(wait_for(&server, &items).done, 1);
    workers.into_iter().for_each(|worker| worker.stop().unwrap());
    assert_eq!(slow.all(), 1);
}
