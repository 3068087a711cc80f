use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::cargo::{cargo, root, target};

const HELP: &str = "\
cargo xtask compare --python PATH [--rounds N] [--sd-cpp PATH --gguf FILE]
                    [unet] [control] [vae] [clip] [unet-xl] [vae-xl] [clip-xl]

Times networks against PyTorch and OpenVINO: those of Stable Diffusion 1.5 at 512x512, and if they are named, those of XL at
1024x1024; control, a step with a ControlNet, against PyTorch alone. Runs the networks and the programs in turn, for N rounds
(default 2), and takes the least time of each. PATH is a Python with torch, diffusers, transformers and openvino. XL's U-Net takes
up to 17 GB of memory, and OpenVINO keeps 5 GB of it in target/compare.

With --sd-cpp, a Python with stable-diffusion-cpp-python, the step of 1.5 is also timed in stable-diffusion.cpp and, with
quantized weights, here. FILE is a model of 1.5 as `sd convert MODEL FILE --quantize q8_0` writes it.";

/// The programs that are compared, and their precisions; ours first.
const PROGRAMS: [[&str; 2]; 8] = [
    ["sd-burn", "f32"],
    ["sd-burn", "bf16"],
    ["OpenVINO", "f32"],
    ["OpenVINO", "bf16"],
    ["PyTorch", "f32"],
    ["PyTorch", "bf16"],
    ["sd-burn", "q8_0"],
    ["sd.cpp", "q8_0"],
];
const NETWORKS: [&str; 7] = ["unet", "control", "vae", "clip", "unet-xl", "vae-xl", "clip-xl"];
/// Those that run if none is named.
const USUAL: usize = 4;

pub fn run(flags: &[String]) -> ExitCode {
    if flags.iter().any(|flag| flag == "--help" || flag == "-h") {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    }
    match Comparison::from_flags(flags) {
        Ok(comparison) => comparison.run().map_or_else(failed, |()| ExitCode::SUCCESS),
        Err(error) => {
            eprintln!("error: {error}\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}

fn failed(error: String) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::FAILURE
}

#[derive(Debug)]
struct Comparison {
    python: PathBuf,
    /// A Python with stable-diffusion.cpp, and its model.
    sd_cpp: Option<[PathBuf; 2]>,
    rounds: usize,
    networks: Vec<&'static str>,
}

impl Comparison {
    fn from_flags(flags: &[String]) -> Result<Self, String> {
        let (mut python, mut sd_cpp, mut gguf) = (None, None, None);
        let (mut rounds, mut networks) = (2, Vec::new());
        let mut flags = flags.iter().map(String::as_str);
        while let Some(flag) = flags.next() {
            let mut value = || flags.next().ok_or(format!("{flag} needs a value"));
            match flag {
                "--python" => python = Some(PathBuf::from(value()?)),
                "--sd-cpp" => sd_cpp = Some(PathBuf::from(value()?)),
                "--gguf" => gguf = Some(PathBuf::from(value()?)),
                "--rounds" => {
                    let text = value()?;
                    rounds = text
                        .parse()
                        .ok()
                        .filter(|rounds| *rounds > 0)
                        .ok_or(format!("--rounds {text}: expected a whole number above 0"))?;
                }
                _ => match NETWORKS.into_iter().find(|network| *network == flag) {
                    Some(network) => networks.push(network),
                    None => return Err(format!("unknown network or flag `{flag}`")),
                },
            }
        }
        if networks.is_empty() {
            networks = NETWORKS[..USUAL].to_vec();
        }
        let python = python
            .ok_or("--python is missing: give the path of a Python with torch, diffusers, transformers and openvino")?;
        let sd_cpp = match (sd_cpp, gguf) {
            (Some(python), Some(model)) => Some([python, model]),
            (None, None) => None,
            _ => return Err("--sd-cpp and --gguf need each other".into()),
        };
        Ok(Self { python, sd_cpp, rounds, networks })
    }

    /// Whether a program runs a network here.
    fn has(&self, [program, precision]: [&str; 2], network: &str) -> bool {
        match program {
            "OpenVINO" => network != "control",
            _ if precision == "q8_0" => network == "unet" && self.sd_cpp.is_some(),
            _ => true,
        }
    }

    fn run(&self) -> Result<(), String> {
        let mut build = cargo();
        // Together with `sd`, so that Burn is built once for both.
        build.args(["build", "--release", "--package", "sd-cli", "--package", "sd-benches", "--bin", "networks"]);
        build.current_dir(root());
        if !build.status().map_err(|error| format!("cargo: {error}"))?.success() {
            return Err("building the benchmark failed, see above".into());
        }
        println!("seconds, least of {} alternating rounds; then ours in f32 and in bf16 as a share of it", self.rounds);
        let mut times = vec![[f64::NAN; PROGRAMS.len()]; self.networks.len()];
        for _ in 0..self.rounds {
            for (network, times) in self.networks.iter().zip(&mut times) {
                for (program, time) in PROGRAMS.iter().zip(times).filter(|(program, _)| self.has(**program, network)) {
                    // The least; `min` ignores the first value, which is not a number.
                    *time = time.min(self.seconds(*program, network)?);
                }
            }
        }
        for (network, times) in self.networks.iter().zip(&times) {
            for ([program, precision], time) in PROGRAMS.iter().zip(times).filter(|(_, time)| time.is_finite()) {
                let shares = [times[0], times[1]].map(|ours| ours / time);
                println!("{network:7} {program:8} {precision:4} {time:8.3} {:6.2} {:6.2}", shares[0], shares[1]);
            }
        }
        let of = |name| self.networks.iter().position(|network| *network == name).map(|i| times[i]);
        if let (Some(without), Some(with)) = (of("unet"), of("control")) {
            println!("a step with a ControlNet, as a share of one without");
            for (i, [program, precision]) in PROGRAMS.iter().enumerate().filter(|(i, _)| with[*i].is_finite()) {
                println!("{program:8} {precision:4} {:6.2}", with[i] / without[i]);
            }
        }
        Ok(())
    }

    /// The seconds that a program prints for a network.
    fn seconds(&self, [program, precision]: [&str; 2], network: &str) -> Result<f64, String> {
        let mut command = if program == "sd-burn" {
            let file = format!("networks{}", std::env::consts::EXE_SUFFIX);
            let mut ours = Command::new(target().join("release").join(file));
            ours.arg(precision);
            ours
        } else {
            let python =
                self.sd_cpp.as_ref().filter(|_| program == "sd.cpp").map_or(&self.python, |[python, _]| python);
            let mut python = Command::new(python);
            python.arg(root().join("benches/compare/networks.py")).args([&program.to_lowercase(), precision]);
            python
        };
        command.arg(network);
        match (program, &self.sd_cpp) {
            ("OpenVINO", _) => command.arg(target().join("compare")),
            ("sd.cpp", Some([_, model])) => command.arg(model),
            _ => &mut command,
        };
        let output = command.output().map_err(|error| format!("{}: {error}", command.get_program().display()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let found = text.lines().find_map(|line| line.strip_prefix(network)?.trim().parse().ok());
        found.ok_or_else(|| {
            let complaint = String::from_utf8_lossy(&output.stderr);
            format!("{program} {precision} {network}: {}", complaint.lines().last().unwrap_or("it printed no time"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(flags: &[&str]) -> Result<Comparison, String> {
        Comparison::from_flags(&flags.iter().map(|flag| flag.to_string()).collect::<Vec<_>>())
    }

    #[test]
    fn the_networks_of_stable_diffusion_1_are_compared_unless_others_are_named() {
        assert_eq!(parse(&["--python", "python3"]).unwrap().networks, ["unet", "control", "vae", "clip"]);
        let some = parse(&["vae-xl", "--rounds", "3", "--python", "python3"]).unwrap();
        assert_eq!((some.networks, some.rounds), (vec!["vae-xl"], 3));
    }

    #[test]
    fn quantized_weights_are_compared_in_the_step_if_stable_diffusion_cpp_is_there() {
        let quantized = |flags: &[&str]| {
            let comparison = parse(&[&["--python", "python3"], flags].concat()).unwrap();
            ["unet", "vae"].map(|network| comparison.has(["sd.cpp", "q8_0"], network))
        };
        assert_eq!(quantized(&[]), [false, false]);
        assert_eq!(quantized(&["--sd-cpp", "python3", "--gguf", "sd15.gguf"]), [true, false]);
    }

    #[test]
    fn wrong_flags_are_named() {
        for (flags, named) in [
            (&["unet"][..], "--python is missing"),
            (&["--python"], "--python needs a value"),
            (&["--python", "p", "--rounds", "0"], "--rounds 0"),
            (&["--python", "p", "unets"], "`unets`"),
            (&["--python", "p", "--gguf", "f"], "--sd-cpp and --gguf"),
        ] {
            let error = parse(flags).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
    }
}
