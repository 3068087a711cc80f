//! Batches on one machine, drawn by an artist of plain colours.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::Path;

use sd_batch::{Artist, DrawError, Event, Item, Manifest, ManifestKind, Models, Run, Step};
use sd_engine::{Job, Library, LibraryFolders};
use sd_image::Format;

/// Draws the seed, and refuses some.
#[derive(Default)]
struct Colours {
    drawn: Vec<u64>,
    refused: HashSet<u64>,
    /// How many are drawn together; 0 is 1.
    together: usize,
    /// How many were, each time.
    sizes: Vec<usize>,
}

impl Artist for Colours {
    fn draw(
        &mut self,
        jobs: &[&Job],
        _: Format,
        watch: &mut dyn FnMut(Step) -> ControlFlow<()>,
    ) -> Result<Vec<Vec<u8>>, DrawError> {
        let seeds: Vec<u64> = jobs.iter().take(self.together.max(1)).map(|job| job.request.seed).collect();
        if watch(Step { call: 1, calls: 1 }).is_break() {
            return Err(DrawError::Cancelled);
        }
        if let Some(seed) = seeds.iter().find(|seed| self.refused.contains(seed)) {
            return Err(DrawError::Failed(format!("seed {seed} is refused")));
        }
        self.drawn.extend(&seeds);
        self.sizes.push(seeds.len());
        Ok(seeds.iter().map(|seed| seed.to_le_bytes().to_vec()).collect())
    }
}

fn items(text: &str) -> Vec<Item> {
    let library = Library::new(LibraryFolders::default()).unwrap();
    let manifest = Manifest::parse(Path::new("jobs"), text.as_bytes(), ManifestKind::Jsonl).unwrap();
    manifest.items(Models::OfWorkers(&library)).unwrap()
}

fn run<'a>(items: &'a [Item], folder: &'a Path) -> Run<'a> {
    Run { items, folder, format: Format::Png, stop_on_error: false }
}

fn files(folder: &Path) -> HashSet<String> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_stopped_run_continues_where_it_was_and_draws_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let items = items("{\"prompt\": \"a\", \"seed\": 0, \"count\": 10}");
    let mut artist = Colours::default();
    let mut begun = 0;
    let mut stop_in_fifth = |event: Event| {
        begun += usize::from(matches!(event, Event::Begun(_)));
        if begun == 5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let first = run(&items, folder.path()).draw(&mut artist, &mut stop_in_fifth).unwrap();
    assert_eq!((first.drawn, first.skipped, first.is_stopped), (4, 0, true));
    let second = run(&items, folder.path()).draw(&mut artist, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!((second.drawn, second.skipped, second.is_stopped), (6, 4, false));
    artist.drawn.sort();
    assert_eq!(artist.drawn, (0..10).collect::<Vec<u64>>());
    let expected: HashSet<String> = items.iter().map(|item| format!("{}.png", item.id())).collect();
    assert_eq!(files(folder.path()), expected);
}

#[test]
fn images_that_differ_in_the_seed_alone_are_drawn_together_and_one_that_fails_is_drawn_alone() {
    let folder = tempfile::tempdir().unwrap();
    let lines = r#"{"prompt": "a", "seed": 0, "count": 9}
{"prompt": "b", "seed": 9, "count": 3}"#;
    let items = items(lines);
    let mut artist = Colours { together: 4, refused: HashSet::from([5]), ..Colours::default() };
    let tally = run(&items, folder.path()).draw(&mut artist, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!((tally.drawn, tally.failed.len()), (11, 1));
    assert_eq!(tally.failed[0].reason, "seed 5 is refused");
    // 0 to 3; 4, because 5 fails; then what is left of the first line, and the second.
    assert_eq!((artist.sizes, artist.drawn), (vec![4, 1, 3, 3], vec![0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11]));
    for item in items.iter().filter(|item| item.job.request.seed != 5) {
        assert_eq!(std::fs::read(item.path(folder.path(), Format::Png)).unwrap(), item.job.request.seed.to_le_bytes());
    }
}

#[test]
fn a_failure_stops_the_others_only_if_asked_to() {
    let items = items("{\"prompt\": \"a\", \"seed\": 0, \"count\": 5, \"name\": \"x\"}");
    for (stop_on_error, drawn) in [(false, 4), (true, 2)] {
        let folder = tempfile::tempdir().unwrap();
        let mut artist = Colours { refused: HashSet::from([2]), ..Colours::default() };
        let run = Run { stop_on_error, ..run(&items, folder.path()) };
        let tally = run.draw(&mut artist, &mut |_| ControlFlow::Continue(())).unwrap();
        assert_eq!((tally.drawn, tally.is_stopped), (drawn, stop_on_error));
        assert_eq!(tally.failed.len(), 1);
        assert_eq!(tally.failed[0].reason, "seed 2 is refused");
        assert_eq!(tally.failed[0].item, items[2]);
        assert_eq!(files(folder.path()).len(), drawn);
        assert!(files(folder.path()).iter().all(|name| name.starts_with("x-") && name.ends_with(".png")));
    }
}
