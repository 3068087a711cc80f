use std::fs;
use std::path::Path;

use sd_image::Image;

use crate::images::write_image;
use crate::lora::weights;
use crate::{train, train_model};

/// A recipe for a LoRA of the inside of masks.
const LORA: &str = r#"
train = "lora"
output = "OUT/lora"
start = "OUT/model/model"
[lora]
rank = 2
[data]
folder = "OUT/images"
masks = "OUT/images/masks"
size = 16
flip = true
[training]
steps = 4
batch = 2
rate = 1e-2
[samples]
count = 0
"#;

/// Makes a model, three images and their masks, of which the left half is white.
fn begun(folder: &Path) {
    train_model(folder);
    let images = folder.join("images");
    fs::create_dir_all(images.join("masks")).unwrap();
    for (i, name) in ["a", "b", "c"].into_iter().enumerate() {
        write_image(&images.join(name).with_extension("png"), 50 * i as u8);
        fs::write(images.join(name).with_extension("txt"), "a house").unwrap();
        write_mask(&images.join("masks").join(name).with_extension("png"), 12);
    }
}

/// A mask of the size of the images, white up to the column `white`.
fn write_mask(file: &Path, white: usize) {
    let row: Vec<u8> = (0..24).flat_map(|x| [if x < white { 255 } else { 0 }; 3]).collect();
    Image { width: 24, height: 20, rgb: row.repeat(20) }.save(file).unwrap();
}

#[test]
fn the_loss_counts_inside_of_masks() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    begun(folder);
    assert_eq!(train(folder, LORA, None).unwrap(), [""; 0]);
    let named = |name: &str| LORA.replace("OUT/lora", &format!("OUT/{name}"));
    // The masks are no images of the other trainings.
    fs::rename(folder.join("images/masks"), folder.join("masks")).unwrap();
    train(folder, &named("whole").replace("masks = \"OUT/images/masks\"", ""), None).unwrap();
    assert!(weights(&folder.join("whole")) != weights(&folder.join("lora")));
    // White masks are none.
    ["a", "b", "c"].iter().for_each(|name| write_mask(&folder.join("masks").join(name).with_extension("png"), 24));
    train(folder, &named("white").replace("OUT/images/masks", "OUT/masks"), None).unwrap();
    assert!(weights(&folder.join("white")) == weights(&folder.join("whole")));
}

#[test]
fn images_without_a_mask_are_named_and_changed_masks_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    begun(folder);
    fs::remove_file(folder.join("images/masks/b.png")).unwrap();
    write_mask(&folder.join("images/masks/c.png"), 0);
    let warnings = train(folder, LORA, None).unwrap().join("\n");
    for expected in
        ["b.png is left out: no mask: neither ", "c.png is left out: its mask is black all over", "2 images are used"]
    {
        assert!(warnings.contains(expected), "{expected}: {warnings}");
    }
    write_mask(&folder.join("images/masks/a.png"), 6);
    let warnings = train(folder, &LORA.replace("steps = 4", "steps = 5"), None).unwrap().join("\n");
    assert!(warnings.contains("the masks in "), "{warnings}");
}

#[test]
fn what_is_wrong_with_masks_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for (from, to, expected) in [
        ("folder = \"OUT/images\"", "scenes = 4", "`data.masks` needs `data.folder`"),
        ("OUT/images/masks", "OUT/images", "`data.masks` is `data.folder`: put the masks"),
    ] {
        let error = train(folder.path(), &LORA.replace(from, to), None).unwrap_err().to_string();
        assert!(error.contains(expected), "{to}: {error}");
    }
}
