use std::path::PathBuf;

use sd_device::{DType, Tuning, device_by_name};
use sd_evaluate::{Classifier, Evaluation, EvaluationConfig, digest, digest_files, write_report};
use sd_pipeline::{Choices, SamplerName};

use crate::builtin;
use crate::cancel::Cancel;
use crate::driver;
use crate::failure::{Failure, on_device};
use crate::outputs;
use crate::progress::{Kind, Progress};

/// Measure how well a model of the scenes draws what it is asked for.
///
/// A classifier, trained by `sd train-classifier`, looks at images of held-out scenes: at real renders of them, at what
/// the model's autoencoder makes of these, and at what the model draws from their captions. It says how often they show
/// what the captions tell, and how far the model's images are as a set from real ones.
///
/// What is measured is kept in the output folder, a file for each number. Stop with Ctrl-C and run the same command again
/// to go on; run it with more --guidances, --samplers or --distance-steps to add to what is there.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, args_override_self = true)]
pub struct Args {
    /// Folder of a model that was trained on scenes [default: the built-in model]
    #[arg(long, value_name = "PATH")]
    model: Option<PathBuf>,
    /// Folder of the classifier
    #[arg(long, value_name = "PATH")]
    classifier: PathBuf,
    /// Folder for the numbers and the report: evaluation.md and its plots
    #[arg(long, value_name = "PATH")]
    output: PathBuf,
    /// Captions whose images are judged; 0 judges none
    #[arg(long, value_name = "N", default_value_t = 500)]
    captions: u64,
    /// Guidance of those images, with commas
    #[arg(long, value_name = "F,F", value_delimiter = ',', default_values_t = [1.0, 3.0, 5.0, 7.5])]
    guidances: Vec<f64>,
    /// Sampler of those images
    #[arg(long, value_name = "NAME", default_value = "dpm++2m")]
    sampler: String,
    /// Steps of those images
    #[arg(long, value_name = "N", default_value_t = 20)]
    steps: usize,
    /// Images in each set that a distance is between; 0 measures no distances
    ///
    /// This is what takes time: each sampler draws them with each number of steps. Distances between sets of other sizes
    /// cannot be compared; below about a thousand they tell more of the size than of the model.
    #[arg(long, value_name = "N", default_value_t = 5000)]
    samples: u64,
    /// Samplers whose distances are measured, with commas; `sd samplers` lists them
    #[arg(
        long,
        value_name = "NAME,NAME",
        value_delimiter = ',',
        default_value = "ddim,ddpm,ddpm-hat-sigma,plms,dpm++2m"
    )]
    samplers: Vec<String>,
    /// Numbers of steps that distances are measured in, with commas
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_values_t = [5, 10, 20, 50, 100])]
    distance_steps: Vec<usize>,
    /// Guidance of those images; 1 leaves the distribution as it was learnt, and halves the work
    #[arg(long, value_name = "F", default_value_t = 1.0)]
    distance_guidance: f64,
    /// Names the held-out scenes and the noise
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// Images that are drawn at a time
    #[arg(long, value_name = "N", default_value_t = 16)]
    batch: usize,
    /// Device: flex, ndarray, wgpu, vulkan, metal, cuda or rocm, as built; wgpu:1 is the second one
    #[arg(long, value_name = "NAME", default_value = "flex")]
    device: String,
    /// How progress is shown
    #[arg(long, value_enum, default_value_t = Kind::Bar)]
    progress: Kind,
}

const EXAMPLES: &str = "\
Examples:
  sd evaluate --classifier classifier --output evaluation
  sd evaluate --model scenes --classifier classifier --output quick --captions 100 --samples 500 --distance-steps 5,20

Exit codes: 0 measured, 1 failed, 2 wrong usage, 130 cancelled with Ctrl-C or SIGTERM.";

/// Measures what the flags ask for.
pub fn run(args: &Args) -> Result<(), Failure> {
    driver::set_up(Tuning::Thorough, args.progress);
    on_device(&args.device, || measure(args))
}

fn measure(args: &Args) -> Result<(), Failure> {
    let device = device_by_name(&args.device)?;
    let config = args.config()?;
    outputs::check_folder("--output", &args.output)?;
    let classifier = Classifier::from_folder(&args.classifier, &device)?;
    let mut progress = Progress::new(args.progress);
    let cancel = Cancel::on_ctrl_c();
    let path = args.model.as_deref();
    progress.busy(&format!("loading {}", builtin::name(path)));
    let pipeline = builtin::open(path, &Choices::default())?.load(&device, DType::F32)?;
    sd_pipeline::keep_memory();
    let of_model = path.map_or_else(|| Ok(digest_files(builtin::weights())), digest)?;
    let digests = [of_model, digest(&args.classifier)?];
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
