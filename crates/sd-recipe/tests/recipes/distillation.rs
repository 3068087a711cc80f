use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{sheet, train, train_and_resume, train_model};

/// A recipe for a student of the model that the other two make.
const DISTILLATION: &str = r#"
train = "distillation"
output = "OUT/student"
start = "OUT/model/model"
seed = 4
[distillation]
skip = 100
guidance = [1.0, 4.0]
[data]
scenes = 6
size = 16
[training]
steps = 6
batch = 4
workers = 2
rate = 1e-2
ema_decay = 0.95
checkpoint_every = 2
[samples]
every = 3
count = 2
steps = 4
"#;

fn json(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

#[test]
fn a_student_is_distilled_beside_its_teacher_and_resumes_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    train_model(folder);
    let before = crate::contents(&folder.join("model/model"));
    let [whole, stopped] = train_and_resume(folder, DISTILLATION, "student", 5);
    let model = |folder: &Path| crate::contents(&folder.join("model")).into_values().collect::<Vec<_>>();
    assert!(model(&stopped) == model(&whole));
    assert_eq!(sheet(&stopped, 6), sheet(&whole, 6));
    assert!(crate::contents(&folder.join("model/model")) == before);
}

#[test]
fn a_student_is_a_folder_of_diffusers_with_the_scheduler_of_its_phases() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    train_model(folder);
    for (phases, class) in [(1, "LCMScheduler"), (2, "DDIMScheduler")] {
        let text = DISTILLATION.replace("skip = 100", &format!("skip = 100\nphases = {phases}"));
        train(folder, &text.replace("OUT/student", &format!("OUT/{phases}")), None).unwrap();
        let model = folder.join(format!("{phases}/model"));
        assert_eq!(json(&model.join("unet/config.json"))["time_cond_proj_dim"], 256);
        let scheduler = json(&model.join("scheduler/scheduler_config.json"));
        assert_eq!(scheduler["_class_name"], class);
        assert_eq!(
            (&scheduler["timestep_spacing"], &scheduler["original_inference_steps"]),
            (&"trailing".into(), &10.into())
        );
        assert_eq!(scheduler["prediction_type"], "v_prediction");
        assert_eq!(json(&model.join("model_index.json"))["scheduler"][1], class);
    }
}

#[test]
fn what_is_wrong_with_a_recipe_of_a_distillation_is_named() {
    let folder = tempfile::tempdir().unwrap();
    train_model(folder.path());
    for (from, to, expected) in [
        ("start = \"OUT/model/model\"", "", "`start` is missing: name the folder of the model to distil"),
        ("skip = 100", "skip = 300", "`distillation.skip` is 300, expected a divisor of 1000"),
        ("skip = 100", "skip = 100\nphases = 4", "`distillation.phases` is 4, expected a divisor of 10"),
        ("skip = 100", "huber_c = 0.0", "`distillation.huber_c` is 0, expected a number above 0"),
        ("[1.0, 4.0]", "[4.0, 1.0]", "`distillation.guidance` is [4, 1], expected the lowest and the highest"),
        ("[1.0, 4.0]", "[0.5, 1.0]", "of at least 1"),
        ("[training]", "[diffusion]\nmin_snr_gamma = 5.0\n[training]", "[diffusion] is not used in this training"),
        ("[training]", "[unet]\n[training]", "[unet] is not used in this training: remove it"),
        ("train = \"distillation\"", "train = \"controlnet\"", "[distillation] is not used in this training"),
        ("train = \"distillation\"", "train = \"text-to-image\"", "[distillation] is not used in this training"),
    ] {
        assert!(DISTILLATION.contains(from), "{from}");
        let error = train(folder.path(), &DISTILLATION.replace(from, to), None).unwrap_err();
        assert!(error.to_string().contains(expected), "{to}: {error}");
        assert!(!folder.path().join("student").exists(), "{to}");
    }
}

#[test]
fn a_student_is_no_start_of_another_training() {
    let folder = tempfile::tempdir().unwrap();
    train_model(folder.path());
    train(folder.path(), DISTILLATION, None).unwrap();
    let again = DISTILLATION.replace("OUT/model/model", "OUT/student/model").replace("OUT/student\"", "OUT/again\"");
    let error = train(folder.path(), &again, None).unwrap_err();
    assert!(error.to_string().contains("(`time_cond_proj_dim`) was distilled"), "{error}");
}
