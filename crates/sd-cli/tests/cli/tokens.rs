//! `sd tokens`.

use sd_golden::{Kind, TinyModel};

use crate::{Run, stderr, stdout};

/// What `sd tokens` prints.
#[track_caller]
fn tokens(flags: &[&str]) -> String {
    let output = Run::new().sd(&[&["tokens"], flags].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
    stdout(&output)
}

#[cfg(feature = "scenes")]
#[test]
fn tokens_are_listed_by_chunk_with_ids_and_weights() {
    let expected = "\
chunk 1 of 2: 4 tokens
    ID  WEIGHT  TOKEN
   320       1  a
   594     1.3  red
   695       1  house
   267       1  ,

chunk 2 of 2: 3 tokens
    ID  WEIGHT  TOKEN
   564       1  by
   513       1  the
   600       1  sea
";
    assert_eq!(tokens(&["a (red:1.3) house, BREAK by the sea"]), expected);
}

#[cfg(feature = "scenes")]
#[test]
fn schedules_parts_and_loras_are_listed() {
    let text = tokens(&["a [red:blue:0.5] house", "--steps", "20"]);
    let line = |text: &str| text.lines().filter(|line| line.starts_with("steps")).map(String::from).collect::<Vec<_>>();
    assert_eq!(line(&text), ["steps 1 to 11", "steps 12 to 20"]);
    assert!(text.find("red").unwrap() < text.find("blue").unwrap());
    assert_eq!(line(&tokens(&["a [red:blue:0.5] house", "--steps", "2"])), ["steps 1 to 2"; 0]);
    let text = tokens(&["a house <lora:ink:0.5><lora:x:y> AND ((a tree)):0.4"]);
    for part in [
        "LoRA \"ink\", weight 0.5\n",
        "ignored: <lora:x:y>\n",
        "part 1, weight 1\n",
        "part 2, weight 0.4\n",
        "  1.21  tree",
    ] {
        assert!(text.contains(part), "{part}\n\n{text}");
    }
}

#[cfg(feature = "scenes")]
#[test]
fn a_long_prompt_is_several_chunks_or_cut() {
    let prompt = format!("{}a house by the sea", "a red tree, ".repeat(10));
    let text = tokens(&[&prompt]);
    // After a comma, a chunk of 38 ends early.
    assert!(text.starts_with("chunk 1 of 2: 36 tokens\n") && text.contains("\nchunk 2 of 2: 9 tokens\n"), "{text}");
    let text = tokens(&[&prompt, "--prompt-syntax", "plain"]);
    assert!(text.starts_with("38 tokens\n") && text.ends_with("\ncut off: \"tree, a house by the sea\"\n"), "{text}");
    let text = tokens(&["(a:1.3) xyzzy", "--prompt-syntax", "plain"]);
    assert!(text.contains("…\n") && !text.contains("1.3 "), "{text}");
    assert_eq!(tokens(&[""]), "0 tokens\n");
}

#[test]
fn xl_has_two_text_encoders() {
    let model = TinyModel::new(Kind::Sdxl);
    let text = tokens(&["a cat", "--model", model.path().to_str().unwrap()]);
    let [first, second] = ["text encoder 1\n", "\ntext encoder 2\n"].map(|name| text.split_once(name).unwrap().1);
    assert!(first.starts_with("\n") && second.starts_with("\n") && second.contains("  a\n"), "{text}");
}

#[test]
fn what_has_no_tokens_is_refused() {
    let pixels = TinyModel::ddpm();
    for (flags, message) in [
        (&["a", "--model", pixels.path().to_str().unwrap()][..], "error: --model: this model reads no text"),
        (&["a", "--model", "none"], "error: none: no such folder or file"),
        (&["a", "--prompt-syntax", "html"], "a1111, comfy"),
        (&["a", "--steps", "0"], "--steps"),
        (&[], "<TEXT>"),
    ] {
        let output = Run::new().sd(&[&["tokens"], flags].concat());
        assert!(!output.status.success() && stderr(&output).contains(message), "{flags:?}: {}", stderr(&output));
        assert_eq!(stdout(&output), "");
    }
}
