//! Images with LoRA files merged, against diffusers: `golden/lora` in sd-golden.

use burn::tensor::Device;
use half::f16;
use sd_golden::{Kind, Tensors, TinyModel, data, difference, noise, write_tensors};
use sd_pipeline::{DType, Lora, Model, Pipeline};
use sd_weights::parameters;

use crate::five_steps;

const RANK: usize = 4;
const ATTENTION: [&str; 4] = ["to_q", "to_k", "to_v", "to_out.0"];
const OTHERS: [&str; 16] = [
    "ff.net.0.proj",
    "ff.net.2",
    "proj_in",
    "proj_out",
    "q_proj",
    "k_proj",
    "v_proj",
    "out_proj",
    "fc1",
    "fc2",
    "conv1",
    "conv2",
    "conv_shortcut",
    "time_emb_proj",
    "downsamplers.0.conv",
    "upsamplers.0.conv",
];

/// A network's module with weights: its path, and their shape.
struct Module {
    component: &'static str,
    path: String,
    shape: Vec<usize>,
}

fn modules(kind: Kind, ends: &[&str]) -> Vec<Module> {
    let device = Device::flex();
    let text = kind.text().into_iter().map(|(name, config)| (name, parameters(&config.init(&device))));
    let networks = text.chain([("unet", parameters(&kind.unet().init(&device)))]);
    let all = networks.flat_map(|(component, parameters)| {
        parameters.into_iter().filter_map(move |(key, shape)| {
            Some(Module { component, path: key.strip_suffix(".weight")?.to_string(), shape })
        })
    });
    all.filter(|module| ends.iter().any(|end| module.path.ends_with(&format!(".{end}")))).collect()
}

impl Module {
    /// One of the file's tensors for this module.
    fn values(&self, file: &str, part: &str, shape: &[usize], offset: f32, scale: f64) -> (Vec<usize>, Vec<f32>) {
        let name = format!("lora/{file}/{}/{}/{part}", self.component, self.path);
        let count: usize = shape.iter().product();
        let z: Vec<f32> = noise(&name, [count], &Device::flex()).into_data().try_to_vec().unwrap();
        let round = |z: f32| f16::from_f32(offset + scale as f32 * z).to_f32();
        (shape.to_vec(), z.into_iter().map(round).collect())
    }

    fn down(&self, file: &str) -> (Vec<usize>, Vec<f32>) {
        let shape = [&[RANK], &self.shape[1..]].concat();
        let per_output: usize = self.shape[1..].iter().product();
        self.values(file, "down", &shape, 0.0, 1.0 / (per_output as f64).sqrt())
    }

    fn up(&self, file: &str) -> (Vec<usize>, Vec<f32>) {
        let shape = [vec![self.shape[0], RANK], vec![1; self.shape.len() - 2]].concat();
        self.values(file, "up", &shape, 0.0, 0.5 / (RANK as f64).sqrt())
    }

    /// Magnitudes for DoRA, shaped as in PEFT.
    fn magnitude(&self, file: &str) -> (Vec<usize>, Vec<f32>) {
        let shape = if self.shape.len() == 2 { vec![self.shape[0]] } else { vec![1, self.shape[0], 1, 1] };
        self.values(file, "magnitude", &shape, 0.9, 0.2)
    }
}

/// The name of a module of XL's U-Net in the original program, where two resnets and a sampler make a level.
fn sgm(path: &str) -> String {
    let parts: Vec<&str> = path.split('.').collect();
    let number = |i: usize| parts[i].parse::<usize>().unwrap();
    let (block, rest) = match (parts[0], parts[1], parts[2]) {
        ("mid_block", "resnets", n) => (format!("middle_block.{}", if n == "0" { 0 } else { 2 }), &parts[3..]),
        ("mid_block", ..) => ("middle_block.1".into(), &parts[3..]),
        ("down_blocks", _, "downsamplers") => return format!("input_blocks.{}.0.op", 3 * number(1) + 3),
        ("down_blocks", _, kind) => (
            format!("input_blocks.{}.{}", 3 * number(1) + 1 + number(3), usize::from(kind == "attentions")),
            &parts[4..],
        ),
        (_, _, "upsamplers") => (format!("output_blocks.{}.2", 3 * number(1) + 2), &parts[4..]),
        (_, _, kind) => {
            (format!("output_blocks.{}.{}", 3 * number(1) + number(3), usize::from(kind == "attentions")), &parts[4..])
        }
    };
    let name = match rest.join(".").as_str() {
        "conv1" => "in_layers.2".into(),
        "conv2" => "out_layers.3".into(),
        "time_emb_proj" => "emb_layers.1".into(),
        "conv_shortcut" => "skip_connection".into(),
        other => other.to_string(),
    };
    format!("{block}.{name}")
}

/// Changes of nearly all layers, as kohya's scripts write them.
pub fn kohya(kind: Kind) -> Tensors {
    let mut tensors = Tensors::new();
    for module in modules(kind, &[&ATTENTION[..], &OTHERS].concat()) {
        let start = match (module.component, kind) {
            ("unet", _) => "lora_unet",
            ("text_encoder", Kind::Sdxl) => "lora_te1",
            ("text_encoder", _) => "lora_te",
            _ => "lora_te2",
        };
        let is_sgm = module.component == "unet" && kind == Kind::Sdxl;
        let path = if is_sgm { sgm(&module.path) } else { module.path.clone() };
        let name = format!("{start}_{}", path.replace('.', "_"));
        tensors.insert(format!("{name}.lora_down.weight"), module.down("kohya"));
        tensors.insert(format!("{name}.lora_up.weight"), module.up("kohya"));
        tensors.insert(format!("{name}.alpha"), (vec![], vec![2.0]));
    }
    tensors
}

/// Changes of nearly all layers, as PEFT writes them.
pub fn peft(kind: Kind, file: &str) -> Tensors {
    let mut tensors = Tensors::new();
    let all = modules(kind, &[&ATTENTION[..], &OTHERS].concat());
    // diffusers loses the magnitudes of text encoders.
    for module in all.into_iter().filter(|module| file != "dora" || module.component == "unet") {
        let name = format!("{}.{}", module.component, module.path);
        tensors.insert(format!("{name}.lora_A.weight"), module.down(file));
        tensors.insert(format!("{name}.lora_B.weight"), module.up(file));
        if file == "dora" {
            tensors.insert(format!("{name}.lora_magnitude_vector"), module.magnitude(file));
        }
    }
    tensors
}

fn processors(kind: Kind) -> Tensors {
    let mut tensors = Tensors::new();
    for module in modules(kind, &ATTENTION) {
        let path = module.path.trim_end_matches(".0");
        let (attention, name) = path.rsplit_once('.').unwrap();
        let key = |part| format!("{}.{attention}.processor.{name}_lora.{part}.weight", module.component);
        tensors.insert(key("down"), module.down("processors"));
        tensors.insert(key("up"), module.up("processors"));
    }
    tensors
}

fn check(kind: Kind, name: &str, files: &[(&str, f64)]) {
    let (tiny, folder) = (TinyModel::new(kind), tempfile::tempdir().unwrap());
    let mut model = Model::open(tiny.path()).unwrap();
    for (file, weight) in files {
        let tensors = match *file {
            "kohya" => kohya(kind),
            "processors" => processors(kind),
            other => peft(kind, other),
        };
        let path = folder.path().join(format!("{file}.safetensors"));
        write_tensors(&tensors, &path);
        let report = model.merge(Lora::open(&path, *weight).unwrap()).unwrap();
        assert_eq!(report.unmatched, [""; 0], "{file}");
    }
    let request = five_steps::request("a red house by the sea", if kind == Kind::Sdxl { 5.0 } else { 7.5 });
    let found = Pipeline::load(model, &Device::flex(), DType::F32).unwrap().draw(&request).unwrap().image.rgb;
    let file = data().join("lora").join(format!("{}-{name}.png", kind.name()));
    let (mean, max) = difference(&found, &file);
    assert!(mean <= 0.05 && max <= 2, "{name}: mean {mean:.4}, largest {max}");
}

/// Reading only the changed weights gives the same weights as loading anew, bit for bit.
#[test]
fn a_scale_changed_later_draws_the_same_as_from_the_start() {
    for kind in [Kind::Sd1, Kind::Sdxl] {
        let (tiny, folder) = (TinyModel::new(kind), tempfile::tempdir().unwrap());
        let (first, second) = (folder.path().join("first.safetensors"), folder.path().join("second.safetensors"));
        write_tensors(&kohya(kind), &first);
        write_tensors(&processors(kind), &second);
        let pipeline = |scale: f64| {
            let mut model = Model::open(tiny.path()).unwrap();
            model.merge(Lora::open(&first, scale).unwrap()).unwrap();
            model.merge(Lora::open(&second, 0.3).unwrap()).unwrap();
            Pipeline::load(model, &Device::flex(), DType::F32).unwrap()
        };
        let draw = |pipeline: &Pipeline| pipeline.draw(&five_steps::request("a red house", 5.0)).unwrap().image;
        let mut changed = pipeline(0.9);
        let before = draw(&changed);
        changed.set_lora_scale(0, 0.2).unwrap();
        assert_eq!(draw(&changed), draw(&pipeline(0.2)), "{kind:?}");
        changed.set_lora_scale(0, 0.9).unwrap();
        assert_eq!(draw(&changed), before, "{kind:?}");
        let missing = changed.set_lora_scale(2, 1.0).unwrap_err().to_string();
        assert_eq!(missing, "`lora` 2 does not exist: 2 were merged, counted from 0");
    }
}

#[test]
fn kohyas_files_of_linear_layers_and_convolutions() {
    check(Kind::Sd1, "kohya", &[("kohya", 0.8)]);
    check(Kind::Sd2v, "kohya", &[("kohya", 1.0)]);
}

#[test]
fn kohyas_files_for_xl_have_the_original_programs_names() {
    check(Kind::Sdxl, "kohya", &[("kohya", 1.0)]);
}

#[test]
fn pefts_files() {
    check(Kind::Sdxl, "peft", &[("peft", 0.6)]);
}

#[test]
fn the_first_files_of_diffusers() {
    check(Kind::Sd1, "processors", &[("processors", 1.0)]);
}

#[test]
fn dora() {
    check(Kind::Sd1, "dora", &[("dora", 0.9)]);
}

#[test]
fn two_files_at_once() {
    check(Kind::Sd1, "two", &[("kohya", 0.5), ("peft", -0.7)]);
}
