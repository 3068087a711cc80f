use std::path::PathBuf;

use sd_device::{DType, Tuning, device_by_name};
use sd_evaluate::{Classifier, Evaluation, EvaluationConfig, digest, digest_files, write_report};
use sd_pipeline::{Choices, Lora, ModelError, Pipeline, SamplerName};

use crate::builtin;
use crate::cancel::Cancel;
use crate::driver;
use crate::failure::{Failure, on_device};
use crate::flags::DeviceFlag;
use crate::model::Weighted;
use crate::outputs;
use crate::progress::Progress;
use crate::reporter::ProgressKind;

/// Measure how well a model of scenes follows its captions.
///
/// A classifier, trained by `sd train-classifier`, looks at three sets of images of held-out scenes: renders, their
/// reconstructions by the model's autoencoder, and images that the model draws from their captions. The report says how
/// often the images agree with their captions, and how far the model's images as a set are from renders.
///
/// Each measurement is a file in the output folder. After Ctrl-C the same command continues. With more --guidances,
/// --samplers or --distance-steps it adds to the existing measurements.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, args_override_self = true)]
pub struct Args {
    /// Folder of a model trained on scenes [default: the built-in model]
    #[arg(long, value_name = "PATH")]
    model: Option<PathBuf>,
    /// LoRA to merge into its weights, with its weight [default weight: 1]; may be repeated
    #[arg(long, value_name = "PATH[:WEIGHT]")]
    lora: Vec<Weighted>,
    /// Folder of the classifier; it decides the style of the renders
    #[arg(long, value_name = "PATH")]
    classifier: PathBuf,
    /// Output folder, for measurements and the report: evaluation.md and its plots
    #[arg(long, value_name = "PATH")]
    output: PathBuf,
    /// Number of captions whose images are judged; 0: none
    #[arg(long, value_name = "N", default_value_t = 500)]
    captions: u64,
    /// Guidance scales of these images, separated by commas
    #[arg(long, value_name = "F,F", value_delimiter = ',', default_values_t = [1.0, 3.0, 5.0, 7.5])]
    guidances: Vec<f64>,
    /// Sampler of these images
    #[arg(long, value_name = "NAME", default_value = "dpm++2m")]
    sampler: String,
    /// Sampling steps of these images
    #[arg(long, value_name = "N", default_value_t = 20)]
    steps: usize,
    /// Images in each set when distances are measured; 0: no distances
    ///
    /// Most of the time goes here: each sampler draws this many images with each number of steps. Compare only distances
    /// between sets of one size; below about a thousand images they depend more on the size than on the model.
    #[arg(long, value_name = "N", default_value_t = 5000)]
    samples: u64,
    /// Samplers to measure distances of, separated by commas; see `sd samplers`
    #[arg(
        long,
        value_name = "NAME,NAME",
        value_delimiter = ',',
        default_value = "ddim,ddpm,ddpm-hat-sigma,plms,dpm++2m"
    )]
    samplers: Vec<String>,
    /// Numbers of steps to measure distances at, separated by commas
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_values_t = [5, 10, 20, 50, 100])]
    distance_steps: Vec<usize>,
    /// Guidance scale of these images; 1 keeps the learnt distribution and halves the work
    #[arg(long, value_name = "F", default_value_t = 1.0)]
    distance_guidance: f64,
    /// Random seed of the held-out scenes and the noise
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// Images drawn at a time
    #[arg(long, value_name = "N", default_value_t = 16)]
    batch: usize,
    #[command(flatten)]
    device: DeviceFlag,
    /// How progress is shown
    #[arg(long, value_enum, default_value_t = ProgressKind::Bar)]
    progress: ProgressKind,
}

const EXAMPLES: &str = "\
Examples:
  sd evaluate --classifier classifier --output evaluation
  sd evaluate --model scenes --classifier classifier --output quick --captions 100 --samples 500 --distance-steps 5,20

Exit codes: 0 measured, 1 failed, 2 wrong usage, 130 cancelled with Ctrl-C or SIGTERM.";

/// Measures a model.
pub fn run(args: &Args) -> Result<(), Failure> {
    driver::set_up(Tuning::Thorough, args.progress);
    on_device(&args.device.name, || measure(args))
}

fn measure(args: &Args) -> Result<(), Failure> {
    let device = device_by_name(&args.device.name)?;
    let config = args.config()?;
    outputs::check_folder("--output", &args.output)?;
    let classifier = Classifier::from_folder(&args.classifier, &device)?;
    let mut progress = Progress::new(args.progress);
    let cancel = Cancel::on_ctrl_c();
    let path = args.model.as_deref();
    progress.busy(&format!("loading {}", builtin::name(path)));
    let mut model = builtin::open(path, &Choices::default())?;
    let mut model_digest = path.map_or_else(|| Ok(digest_files(builtin::weights())), digest)?;
    for Weighted { file, weight } in &args.lora {
        let lora = Lora::open(file, *weight).map_err(ModelError::from)?;
        // `file` may be its folder.
        let bytes = std::fs::read(lora.path()).map_err(|error| Failure::new(format!("{}: {error}", file.display())))?;
        let report = model.merge(lora)?;
        if let Some(module) = report.unmatched.first() {
            return Err(Failure::usage(format!("--lora {}: the model has no {module}", file.display())));
        }
        model_digest.push_str(&format!(" + {weight} {}", digest_files([&bytes[..]])));
    }
    let pipeline = Pipeline::load(model, &device, DType::F32)?;
    sd_pipeline::keep_memory();
    let digests = [model_digest, digest(&args.classifier)?];
    progress.loaded();
    let evaluation = Evaluation { pipeline: &pipeline, classifier: &classifier, config };
    let findings = evaluation.run(&args.output, [&digests[0], &digests[1]], &mut |work| {
        progress.work(&work.measurement, work.done, work.total);
        cancel.flow()
    })?;
    write_report(&findings, &args.output)?;
    progress.finished(&args.output.join("evaluation.md").display().to_string());
    Ok(())
}

impl Args {
    fn config(&self) -> Result<EvaluationConfig, Failure> {
        let samplers = self.samplers.iter().map(|name| name.parse::<SamplerName>());
        Ok(EvaluationConfig {
            seed: self.seed,
            captions: self.captions,
            sampler: (self.sampler.parse()?, self.steps),
            guidances: self.guidances.clone(),
            samples: self.samples,
            samplers: samplers.collect::<Result<_, _>>()?,
            steps: self.distance_steps.clone(),
            guidance: self.distance_guidance,
            batch: self.batch,
        })
    }
}
