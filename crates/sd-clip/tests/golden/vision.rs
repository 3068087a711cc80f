//! The small image encoders against the reference, on every backend of this build: relative error at most 1e-4.

use burn::tensor::Tensor;
use sd_golden::{TinyModel, assert_close, data, devices, noise, vision};
use sd_ops::pack;

#[test]
fn image_encoders_of_both_non_linearities_are_the_references() {
    let expected = data().join("vision/networks.safetensors");
    for (tower, config) in vision() {
        let model = TinyModel::vision(tower);
        for (name, device) in devices() {
            let encoder = pack(model.load("image_encoder", config.init(&device)));
            let side = config.image_size;
            let image = noise(&format!("{tower}.pixels"), [2, 3, side, side], &device).narrow(0, 0, 1);
            let nothing = Tensor::zeros([1, 3, side, side], &device);
            let encoding = encoder.forward(Tensor::cat(vec![image, nothing], 0));
            assert_close(encoding.penultimate, &expected, &format!("{tower}.penultimate"), name);
            assert_close(encoding.last, &expected, &format!("{tower}.last"), name);
            assert_close(encoding.embeds, &expected, &format!("{tower}.embeds"), name);
        }
    }
}
