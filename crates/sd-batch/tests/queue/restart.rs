use std::time::Duration;

use sd_golden::NatsServer;

use crate::artist::Painter;
use crate::{Worker, images, send, until, wait_for};

#[test]
fn workers_wait_for_a_server_that_is_away_and_nothing_is_lost() {
    let (mut server, items) = (NatsServer::start(), images(30));
    send(&server, &items);
    let painter = Painter { time: Duration::from_millis(100), ..Painter::default() };
    let workers = [(); 2].map(|()| Worker::start(&server, &painter, 5));
    for begun in [3, 10, 20] {
        until(|| painter.all() >= begun);
        server.kill();
        // Long enough to finish an image meanwhile.
        std::thread::sleep(Duration::from_millis(300));
        server.restart();
    }
    let watched = wait_for(&server, &items);
    assert_eq!((watched.done, watched.dead), (30, 0));
    workers.into_iter().for_each(|worker| worker.stop().unwrap());
}

#[test]
fn a_worker_may_be_started_before_the_server() {
    let (mut server, items) = (NatsServer::start(), images(1));
    server.kill();
    let painter = Painter::default();
    let worker = Worker::start(&server, &painter, 3);
    std::thread::sleep(Duration::from_millis(300));
    server.restart();
    send(&server, &items);
    assert_eq!(wait_for(&server, &items).done, 1);
    worker.stop().unwrap();
}
