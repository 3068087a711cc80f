use sd_batch::{Published, WatchOptions, watch};
use sd_golden::NatsServer;
use sd_image::Format;

use crate::artist::{Painter, painted};
use crate::{Worker, at, images, items, never_in_time, queue, send, wait_for};

#[test]
fn every_image_is_drawn_once_however_often_it_is_sent() {
    let (server, items, painter) = (NatsServer::start(), images(20), Painter::default());
    assert_eq!(send(&server, &items), Published { queued: 20, ..Published::default() });
    assert_eq!(send(&server, &items[..5]), Published { known: 5, ..Published::default() });
    let workers = [(); 3].map(|()| Worker::start(&server, &painter, 3));
    let watched = wait_for(&server, &items);
    assert!(watched.is_over);
    assert_eq!((watched.done, watched.dead, watched.open, watched.fetched), (20, 0, 0, 0));
    assert_eq!(send(&server, &items), Published { drawn: 20, ..Published::default() });
    workers.into_iter().for_each(|worker| worker.stop().unwrap());
    assert!((0..20).all(|seed| painter.times(seed) == 1));
}

#[test]
fn images_are_fetched_as_they_were_drawn_and_those_in_the_folder_stay() {
    let (server, painter, folder) = (NatsServer::start(), Painter::default(), tempfile::tempdir().unwrap());
    let items = items(concat!(
        "{\"prompt\": \"a\", \"seed\": 1, \"count\": 2}\n",
        "{\"prompt\": \"a\", \"seed\": 3, \"name\": \"three\"}\n",
        "{\"prompt\": \"a\", \"seed\": 3, \"name\": \"drei\"}"
    ));
    assert_eq!(send(&server, &items).queued, 3);
    let mine = items[0].path(folder.path(), Format::Png);
    std::fs::write(&mine, "mine").unwrap();
    let worker = Worker::start(&server, &painter, 3);
    let options = WatchOptions { items: Some(&items), format: Format::Png, folder: Some(folder.path()) };
    let watched = watch(&at(&server), &queue(), &options, &never_in_time(), &mut |_| {}).unwrap();
    worker.stop().unwrap();
    assert_eq!((watched.done, watched.fetched), (3, 2));
    assert_eq!(std::fs::read(&mine).unwrap(), b"mine");
    let read = |index: usize| std::fs::read(items[index].path(folder.path(), Format::Png)).unwrap();
    assert!(read(1) == painted(2, Format::Png));
    assert!(read(2) == painted(3, Format::Png) && read(3) == read(2));
    let names = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(names, 4, "nothing else is left in the folder");
}

#[test]
fn the_whole_queue_can_be_watched_until_it_is_empty() {
    let (server, painter, folder) = (NatsServer::start(), Painter::default(), tempfile::tempdir().unwrap());
    send(&server, &images(6));
    let worker = Worker::start(&server, &Painter { poison: vec![4], ..painter }, 1);
    let options = WatchOptions { items: None, format: Format::Png, folder: Some(folder.path()) };
    let watched = watch(&at(&server), &queue(), &options, &never_in_time(), &mut |_| {}).unwrap();
    worker.stop().unwrap();
    assert_eq!((watched.done, watched.fetched, watched.dead), (5, 5, 1));
    let [(image, reason)] = &watched.given_up[..] else { panic!("{:?}", watched.given_up) };
    assert_eq!((image.as_str(), reason.as_str()), (images(6)[4].file_name(Format::Png).as_str(), "seed 4 is poison"));
}
