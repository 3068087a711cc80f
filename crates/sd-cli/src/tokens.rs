use std::fmt::Write;
use std::path::PathBuf;

use sd_pipeline::{Choices, Prompt, Syntax, Token};

use crate::cancel::Cancel;
use crate::failure::Failure;
use crate::model::open_or_builtin;
use crate::print::print;
use crate::progress::Progress;
use crate::reporter::ProgressKind;

/// Show how a prompt is read: its tokens with their ids and weights, its chunks, and what is cut off.
///
/// No weights of the model are read.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The prompt
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    prompt: String,
    /// Model: a folder, a single file, or a name on the Hugging Face hub [default: the built-in model]
    #[arg(long, value_name = "PATH|NAME")]
    model: Option<PathBuf>,
    /// How the prompt is written: a1111, comfy or plain
    #[arg(long, value_name = "SYNTAX", default_value_t = Syntax::default())]
    prompt_syntax: Syntax,
    /// Number of steps, for schedules such as [from:to:0.5]
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    steps: u64,
}

const EXAMPLES: &str = "\
Examples:
  sd tokens \"a (red:1.3) house, BREAK by the sea\"
  sd tokens --model sdxl \"a [cat:dog:0.5]\" --steps 30";

/// Prints the tokens.
pub fn run(args: &Args) -> Result<(), Failure> {
    let (choices, mut progress) = (Choices::default(), Progress::new(ProgressKind::Bar));
    let model = open_or_builtin(args.model.as_deref(), &choices, &mut progress, &Cancel::on_ctrl_c())?;
    if !model.reads_text() {
        return Err(Failure::usage("--model: this model reads no text, so a prompt has no tokens".into()));
    }
    let prompt = Prompt::parse(&args.prompt, args.prompt_syntax);
    let mut text = String::new();
    for lora in &prompt.loras {
        writeln!(text, "LoRA {:?}, weight {}", lora.name, lora.unet_weight).expect("a string grows");
    }
    for tag in &prompt.ignored {
        writeln!(text, "ignored: {tag}").expect("a string grows");
    }
    for (number, part) in (1..).zip(&prompt.parts) {
        if prompt.parts.len() > 1 {
            writeln!(text, "\npart {number}, weight {}", part.weight).expect("a string grows");
        }
        let mut first = 0;
        for phase in part.phases(args.steps as usize) {
            let last = phase.last.min(args.steps as usize - 1);
            if first > last {
                // A schedule that no step reaches.
                break;
            }
            if (first, last) != (0, args.steps as usize - 1) {
                writeln!(text, "\nsteps {} to {}", first + 1, last + 1).expect("a string grows");
            }
            first = last + 1;
            let encoders = model.tokens(&phase.text);
            let count = encoders.len();
            for (number, chunks) in (1..).zip(encoders) {
                if count > 1 {
                    writeln!(text, "\ntext encoder {number}").expect("a string grows");
                }
                list(&mut text, &chunks);
            }
        }
    }
    if args.prompt_syntax == Syntax::Plain
        && let Some(cut) = model.cut(&args.prompt)
    {
        writeln!(text, "\ncut off: {cut:?}").expect("a string grows");
    }
    print(&text.trim_start());
    Ok(())
}

/// Lists the tokens of each chunk, a line each.
fn list(text: &mut String, chunks: &[Vec<Token>]) {
    for (number, chunk) in (1..).zip(chunks) {
        let of = if chunks.len() > 1 { format!("chunk {number} of {}: ", chunks.len()) } else { String::new() };
        let tokens = if chunk.len() == 1 { "token" } else { "tokens" };
        writeln!(text, "\n{of}{} {tokens}", chunk.len()).expect("a string grows");
        if !chunk.is_empty() {
            writeln!(text, "{:>6}  {:>6}  TOKEN", "ID", "WEIGHT").expect("a string grows");
        }
        for Token { id, text: token, weight } in chunk {
            let token = match token.strip_suffix("</w>") {
                // A token without the mark goes on in the next.
                Some(word) => word.to_string(),
                None if token.is_empty() => "(a vector of an added word)".into(),
                None => format!("{token}…"),
            };
            writeln!(text, "{id:>6}  {:>6}  {token}", rounded(*weight)).expect("a string grows");
        }
    }
}

/// A weight with at most three decimals.
fn rounded(weight: f64) -> f64 {
    (weight * 1000.0).round() / 1000.0
}
