use sd_prompt::{Fragment, Part, Phase, Prompt, Syntax, Text};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    steps: usize,
    second_steps: usize,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    prompt: String,
    parts: Vec<GoldenPart>,
    comfy: Weighted,
}

#[derive(Deserialize)]
struct GoldenPart {
    weight: f64,
    phases: Vec<(usize, Weighted)>,
    second: Vec<(usize, Weighted)>,
}

/// Texts with their weights, written so that no digit is lost.
type Weighted = Vec<(String, String)>;

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden.json")).unwrap()
}

#[track_caller]
fn assert_text(text: &Text, wanted: &Weighted, prompt: &str) {
    let listed = text.fragments.iter().map(|fragment| match fragment {
        Fragment::Words { text, weight } => (text.clone(), *weight),
        Fragment::Break => ("BREAK".to_owned(), -1.0),
    });
    let wanted = wanted.iter().map(|(text, weight)| (text.clone(), weight.parse().unwrap()));
    assert_eq!(listed.collect::<Vec<_>>(), wanted.collect::<Vec<_>>(), "{prompt:?}");
}

#[track_caller]
fn assert_phases(phases: &[Phase], wanted: &[(usize, Weighted)], prompt: &str) {
    let ends: Vec<_> = phases.iter().map(|phase| phase.last).collect();
    assert_eq!(ends, wanted.iter().map(|(last, _)| *last).collect::<Vec<_>>(), "{prompt:?}");
    phases.iter().zip(wanted).for_each(|(phase, (_, wanted))| assert_text(&phase.text, wanted, prompt));
}

#[test]
fn random_prompts_are_read_as_automatic1111_reads_them() {
    let golden = golden();
    for case in &golden.cases {
        let parts = Prompt::parse(&case.prompt, Syntax::A1111).parts;
        let weights: Vec<_> = parts.iter().map(|part| part.weight).collect();
        assert_eq!(weights, case.parts.iter().map(|part| part.weight).collect::<Vec<_>>(), "{:?}", case.prompt);
        for (part, wanted) in parts.iter().zip(&case.parts) {
            assert_phases(&part.phases(golden.steps), &wanted.phases, &case.prompt);
            let second = part.phases_of_second_pass(golden.second_steps, golden.steps);
            assert_phases(&second, &wanted.second, &case.prompt);
        }
    }
}

#[test]
fn random_prompts_are_read_as_comfyui_reads_them() {
    for case in golden().cases {
        let [part]: [Part; 1] = Prompt::parse(&case.prompt, Syntax::Comfy).parts.try_into().unwrap();
        let [phase]: [Phase; 1] = part.phases(20).try_into().unwrap();
        assert_eq!(phase.last, 20);
        assert_text(&phase.text, &case.comfy, &case.prompt);
    }
}
