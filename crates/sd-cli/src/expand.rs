use crate::failure::Failure;
use crate::print::print_lines;
use crate::prompt_flags::{PromptFlags, Texts};
use crate::seed::Seed;

/// Show what becomes of a prompt with choices.
///
/// The seed draws one of {red|green|blue}; {0.5::red|2::green} has weights; of {2$$red|green|blue} two are drawn, and joined by
/// commas; {1-2$$ and $$red|green|blue} is one or two, joined by " and ". __colour__ is a line of colour.txt in the folder
/// --wildcards, __*/colour__ that of any such file, and {2$$__colour__} is two lines. Options and lines may have choices
/// themselves. This is the syntax of Dynamic Prompts, without its variables.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, args_override_self = true)]
pub struct Args {
    /// The prompt
    #[arg(value_name = "TEXT")]
    prompt: String,
    /// The negative prompt, which is printed on a line of its own
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    negative_prompt: Option<String>,
    #[command(flatten)]
    flags: PromptFlags,
    /// Random seed; prompt i of --count uses seed + i; -1 is a new seed [default: a new seed]
    #[arg(long, value_name = "S", allow_hyphen_values = true)]
    seed: Option<Seed>,
    /// Number of prompts
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    count: u64,
    /// Print all combinations instead; the last choice varies fastest
    #[arg(long, conflicts_with_all = ["seed", "count"])]
    all: bool,
}

const EXAMPLES: &str = "\
Examples:
  sd expand \"a {red|green} house by the {sea|lake}\" --all
  sd expand \"a __colour__ house\" --wildcards wildcards --seed 7 --count 4
  sd expand \"a house\" --style \"styles.csv:Oil painting\"";

/// Prints what becomes of the prompt.
pub fn run(args: &Args) -> Result<(), Failure> {
    let prompts = args.flags.prompts(Some(&args.prompt), args.negative_prompt.as_deref())?;
    if args.all {
        return print_lines(prompts.all().map(|texts| Ok(lines(texts?))));
    }
    let seed = args.seed.unwrap_or(Seed::New).number();
    print_lines((0..args.count).map(|index| Ok(lines(prompts.draw(seed.wrapping_add(index))?))))
}

fn lines(texts: Texts) -> String {
    let negative_prompt = texts.negative_prompt.map(|text| format!("\nNegative prompt: {text}")).unwrap_or_default();
    texts.prompt.unwrap_or_default() + &negative_prompt
}
