//! Downloads from a hub on this machine.

mod server;
mod silence;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use sd_hub::{Download, Hub, HubError, ModelId};
use server::{COMMIT, Server};
use tempfile::TempDir;

/// Weights that are large enough for the hub to store separately, and to arrive in several pieces.
fn large() -> Vec<u8> {
    (0..300_000_u32).flat_map(|i| (i.wrapping_mul(2_654_435_761) >> 8).to_le_bytes()).collect()
}

/// A model in the diffusers layout, with files beside it that are not needed.
fn server() -> Server {
    let large = large();
    Server::with(&[
        ("README.md", b"a model"),
        ("model_index.json", b"{}"),
        ("scheduler/scheduler_config.json", b"{\"a\": 1}"),
        ("unet/config.json", b"{\"b\": 2}"),
        ("unet/diffusion_pytorch_model.safetensors", &large),
        ("unet/diffusion_pytorch_model.fp16.safetensors", &large[..5000]),
    ])
}

fn fetch(hub: &Hub, wanted: &str) -> Result<PathBuf, HubError> {
    Ok(hub.fetch(&wanted.parse().unwrap(), &mut |_| ControlFlow::Continue(()))?.path)
}

fn cache() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn assert_whole(folder: &Path) {
    assert_eq!(std::fs::read(folder.join("unet/diffusion_pytorch_model.safetensors")).unwrap(), large());
    assert_eq!(std::fs::read(folder.join("scheduler/scheduler_config.json")).unwrap(), b"{\"a\": 1}");
}

#[test]
fn needed_files_are_downloaded_once_into_pythons_layout() {
    let (server, cache) = (server(), cache());
    let hub = Hub::new(&server.endpoint, cache.path(), None);
    let mut seen: Vec<Download> = Vec::new();
    let model: ModelId = "owner/name".parse().unwrap();
    let folder = hub.fetch(&model, &mut |download| {
        seen.extend(download.cloned());
        ControlFlow::Continue(())
    });
    let folder = folder.unwrap().path;
    assert_whole(&folder);
    let repository = cache.path().join("models--owner--name");
    assert_eq!(folder, repository.join("snapshots").join(COMMIT));
    assert_eq!(std::fs::read_to_string(repository.join("refs/main")).unwrap(), COMMIT);
    assert!(
        !folder.join("README.md").exists() && !folder.join("unet/diffusion_pytorch_model.fp16.safetensors").exists()
    );
    let last = seen.iter().rfind(|download| download.file.ends_with(".safetensors")).unwrap();
    assert_eq!((last.done, last.total), (1_200_000, 1_200_000));

    let before = server.downloads("/");
    assert_eq!(fetch(&hub, &format!("owner/name@{COMMIT}")).unwrap(), folder);
    assert_eq!(fetch(&hub, "owner/name").unwrap(), folder);
    // The list of files was requested twice, and no file.
    assert_eq!(server.downloads("/"), before + 2);
}

#[test]
fn a_folder_of_a_repository_can_be_named() {
    let server = Server::with(&[
        ("models/ip-adapter_sd15.safetensors", b"adapter"),
        ("models/image_encoder/config.json", b"{}"),
        ("models/image_encoder/model.safetensors", b"encoder"),
        ("models/image_encoder/pytorch_model.bin", b"the same"),
    ]);
    let cache = cache();
    let hub = Hub::new(&server.endpoint, cache.path(), None);
    let encoder = fetch(&hub, "owner/name/models/image_encoder").unwrap();
    assert!(encoder.ends_with("models/image_encoder"));
    assert_eq!(std::fs::read(encoder.join("model.safetensors")).unwrap(), b"encoder");
    assert!(encoder.join("config.json").exists() && !encoder.join("pytorch_model.bin").exists());
    let adapter = fetch(&hub, "owner/name/models/ip-adapter_sd15.safetensors").unwrap();
    assert_eq!(std::fs::read(adapter).unwrap(), b"adapter");
    assert!(matches!(fetch(&hub, "owner/name/models/none"), Err(HubError::Missing { .. })));
    let offline = Hub::new("http://127.0.0.1:9", cache.path(), None).offline();
    assert_eq!(fetch(&offline, "owner/name/models/image_encoder").unwrap(), encoder);
    std::fs::remove_file(encoder.join("model.safetensors")).unwrap();
    assert!(matches!(fetch(&offline, "owner/name/models/image_encoder"), Err(HubError::Offline { .. })));
}

#[test]
fn without_a_connection_the_cache_is_used() {
    let (server, cache) = (server(), cache());
    let folder = fetch(&Hub::new(&server.endpoint, cache.path(), None), "owner/name").unwrap();
    // Nobody listens there.
    let unreached = Hub::new("http://127.0.0.1:9", cache.path(), None);
    for hub in [unreached.clone(), unreached.clone().offline()] {
        assert_eq!(fetch(&hub, "owner/name").unwrap(), folder);
        assert_eq!(fetch(&hub, &format!("owner/name@{COMMIT}")).unwrap(), folder);
        let error = fetch(&hub, "owner/other").unwrap_err();
        assert!(matches!(error, HubError::Offline { .. }), "{error}");
        assert!(error.to_string().contains("owner/other: the hub cannot be reached"), "{error}");
    }
    // A model with a missing part does not count.
    std::fs::remove_file(folder.join("unet/diffusion_pytorch_model.safetensors")).unwrap();
    assert!(matches!(fetch(&unreached, "owner/name"), Err(HubError::Offline { .. })));
}

#[test]
fn an_interrupted_download_resumes_where_it_stopped() {
    let (server, cache) = (server(), cache());
    let hub = Hub::new(&server.endpoint, cache.path(), None);
    server.behaviour.lock().unwrap().cut = (700_000, 1);
    assert_whole(&fetch(&hub, "owner/name").unwrap());
    let seen = &server.behaviour.lock().unwrap().seen;
    // Besides the first byte alone, which says how long the file is.
    let is_download = |(path, range): &(&str, &str)| path.starts_with("/large/") && *range != "bytes=0-0";
    let ranges: Vec<_> = seen.iter().map(|(path, range, _)| (&**path, &**range)).filter(is_download).collect();
    let ranges: Vec<&str> = ranges.into_iter().map(|(_, range)| range).collect();
    assert_eq!(ranges, ["bytes=0-", "bytes=700000-"]);
}

#[test]
fn after_many_interruptions_the_next_run_resumes() {
    let (server, cache) = (server(), cache());
    let hub = Hub::new(&server.endpoint, cache.path(), None);
    server.behaviour.lock().unwrap().cut = (100_000, 100);
    let error = fetch(&hub, "owner/name").unwrap_err();
    assert!(matches!(error, HubError::Broken { .. }), "{error}");
    assert!(error.to_string().contains("unet/diffusion_pytorch_model.safetensors: "), "{error}");
    server.behaviour.lock().unwrap().cut = (0, 0);
    assert_whole(&fetch(&hub, "owner/name").unwrap());
    let seen = &server.behaviour.lock().unwrap().seen;
    assert!(seen.iter().any(|(path, range, _)| path.starts_with("/large/") && range == "bytes=400000-"), "{seen:?}");
}

/// As after a run that ended between the last byte and the renaming, or before the file became a shorter one.
#[test]
fn surplus_bytes_of_an_earlier_download_are_dropped() {
    for surplus in [0, 1] {
        let (server, cache) = (server(), cache());
        let hub = Hub::new(&server.endpoint, cache.path(), None);
        let folder = fetch(&hub, "owner/name").unwrap();
        let pointer = folder.join("unet/diffusion_pytorch_model.safetensors");
        let blob = pointer.canonicalize().unwrap();
        std::fs::remove_file(&pointer).unwrap();
        std::fs::remove_file(&blob).unwrap();
        std::fs::write(blob.with_extension("part"), [large(), vec![0; surplus]].concat()).unwrap();
        assert_whole(&fetch(&hub, "owner/name").unwrap());
    }
}

#[test]
fn a_stopped_download_keeps_what_arrived() {
    let (server, cache) = (server(), cache());
    let hub = Hub::new(&server.endpoint, cache.path(), None);
    let stop = |download: Option<&Download>| {
        if download.is_some_and(|download| download.done > 500_000) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let error = hub.fetch(&"owner/name".parse().unwrap(), &mut { stop }).unwrap_err();
    assert!(matches!(error, HubError::Cancelled), "{error}");
    assert_whole(&fetch(&hub, "owner/name").unwrap());
    let seen = &server.behaviour.lock().unwrap().seen;
    let last = &seen.iter().rfind(|(path, ..)| path.starts_with("/large/")).unwrap().1;
    assert_ne!(last, "bytes=0-");
}

#[test]
fn a_damaged_file_is_removed_and_named() {
    let (server, cache) = (server(), cache());
    let hub = Hub::new(&server.endpoint, cache.path(), None);
    server.behaviour.lock().unwrap().damages = true;
    let error = fetch(&hub, "owner/name").unwrap_err();
    assert!(matches!(error, HubError::Checksum { .. }), "{error}");
    assert!(error.to_string().contains("unet/diffusion_pytorch_model.safetensors: its checksum is"), "{error}");
    server.behaviour.lock().unwrap().damages = false;
    assert_whole(&fetch(&hub, "owner/name").unwrap());
}

#[test]
fn a_token_opens_a_gated_model() {
    let (server, cache) = (server(), cache());
    server.behaviour.lock().unwrap().token = Some("hf_secret".into());
    for token in [None, Some("hf_wrong")] {
        let error = fetch(&Hub::new(&server.endpoint, cache.path(), token), "owner/name").unwrap_err();
        assert!(matches!(error, HubError::Denied { .. }), "{error}");
        let page = format!("{}/owner/name", server.endpoint);
        assert!(error.to_string().contains(&page) && error.to_string().contains("HF_TOKEN"), "{error}");
    }
    assert_whole(&fetch(&Hub::new(&server.endpoint, cache.path(), Some("hf_secret")), "owner/name").unwrap());
}

#[test]
fn a_missing_model_revision_or_file_is_named() {
    let (server, cache) = (server(), cache());
    let hub = Hub::new(&server.endpoint, cache.path(), None);
    for wanted in ["owner/nothing", "owner/name@v2", "owner/name/nothing.safetensors"] {
        let error = fetch(&hub, wanted).unwrap_err();
        assert!(matches!(error, HubError::Missing { .. }), "{error}");
        assert!(error.to_string().starts_with(&format!("{wanted}: there is no such")), "{error}");
    }
    let file = fetch(&hub, "owner/name/unet/diffusion_pytorch_model.fp16.safetensors").unwrap();
    assert_eq!(std::fs::read(file).unwrap(), large()[..5000]);
}

#[test]
fn names_that_leave_the_cache_are_refused() {
    for name in ["../evil", "/etc/evil", "unet/../../evil", "a\\b"] {
        let (server, cache) = (server(), cache());
        server.behaviour.lock().unwrap().also_named = vec![name.into()];
        let error = fetch(&Hub::new(&server.endpoint, cache.path(), None), "owner/name").unwrap_err();
        assert!(matches!(error, HubError::Answer { .. }), "{error}");
    }
}

/// Such as another user's.
#[test]
fn an_unreadable_cache_is_not_called_empty() {
    let (server, cache) = (server(), cache());
    fetch(&Hub::new(&server.endpoint, cache.path(), None), "owner/name").unwrap();
    let hub = Hub::new("http://127.0.0.1:9", cache.path(), None);
    let repository = cache.path().join("models--owner--name");
    for folder in ["refs", "snapshots"] {
        std::fs::rename(repository.join(folder), repository.join("away")).unwrap();
        // Nobody can read what would be in a file.
        std::fs::write(repository.join(folder), "").unwrap();
        let error = fetch(&hub, "owner/name").unwrap_err();
        assert!(matches!(&error, HubError::Io { file, .. } if file.starts_with(repository.join(folder))), "{error}");
        std::fs::remove_file(repository.join(folder)).unwrap();
        std::fs::rename(repository.join("away"), repository.join(folder)).unwrap();
    }
    fetch(&hub, "owner/name").unwrap();
}
