//! ComfyUI's graphs.

use sd_metadata::{ComfyUi, ComfyUiError};
use serde_json::{Value, json};

fn node(class: &str, inputs: Value) -> Value {
    json!({ "class_type": class, "inputs": inputs })
}

/// The graph that the page begins with, changed by `change`.
fn graph(change: impl FnOnce(&mut Value)) -> ComfyUi {
    let mut graph = json!({
        "3": node("KSampler", json!({
            "seed": 156680208700286u64, "steps": 20, "cfg": 8, "sampler_name": "dpmpp_2m", "scheduler": "karras", "denoise": 1,
            "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]
        })),
        "4": node("CheckpointLoaderSimple", json!({ "ckpt_name": "folder/v1-5-pruned.ckpt" })),
        "5": node("EmptyLatentImage", json!({ "width": 512, "height": 768, "batch_size": 1 })),
        "6": node("CLIPTextEncode", json!({ "text": "a red house", "clip": ["4", 1] })),
        "7": node("CLIPTextEncode", json!({ "text": "rain", "clip": ["4", 1] })),
        "8": node("VAEDecode", json!({ "samples": ["3", 0], "vae": ["4", 2] })),
        "9": node("SaveImage", json!({ "filename_prefix": "ComfyUI", "images": ["8", 0] })),
    });
    change(&mut graph);
    ComfyUi::parse(&graph.to_string()).unwrap()
}

fn unclear(found: &ComfyUi) -> Vec<&str> {
    found.unclear.iter().map(String::as_str).collect()
}

#[test]
fn the_first_graph_is_read_whole() {
    let found = graph(|_| {});
    assert_eq!(
        found.parameters.to_string(),
        "a red house\nNegative prompt: rain\nSteps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 8, \
         Seed: 156680208700286, Size: 512x768, Model: folder/v1-5-pruned, RNG: CPU"
    );
    assert!(found.unclear.is_empty(), "{:?}", found.unclear);
}

#[test]
fn loras_are_tags_in_the_order_in_which_they_are_loaded() {
    let found = graph(|graph| {
        graph["10"] = node(
            "LoraLoader",
            json!({
                "lora_name": "one.safetensors", "strength_model": 0.8, "strength_clip": 0.8, "model": ["4", 0], "clip": ["4", 1]
            }),
        );
        graph["11"] =
            node("LoraLoaderModelOnly", json!({ "lora_name": "two.pt", "strength_model": -1, "model": ["10", 0] }));
        graph["3"]["inputs"]["model"] = json!(["11", 0]);
    });
    assert_eq!(found.parameters.prompt, "a red house<lora:one:0.8><lora:two:-1>");
    assert!(found.unclear.is_empty(), "{:?}", found.unclear);
}

#[test]
fn values_come_through_nodes_that_only_hold_them() {
    let found = graph(|graph| {
        graph["20"] = node("PrimitiveNode", json!({ "value": 5 }));
        graph["21"] = node("String Literal", json!({ "string": "a blue house" }));
        graph["22"] = node("CLIPSetLastLayer", json!({ "stop_at_clip_layer": -2, "clip": ["4", 1] }));
        graph["23"] = node("VAELoader", json!({ "vae_name": "better.safetensors" }));
        graph["3"]["inputs"]["seed"] = json!(["20", 0]);
        graph["6"]["inputs"] = json!({ "text": ["21", 0], "clip": ["22", 0] });
        graph["8"]["inputs"]["vae"] = json!(["23", 0]);
    });
    let get = |key| found.parameters.get(key).unwrap_or_default();
    assert_eq!([get("Seed"), get("Clip skip"), get("VAE")], ["5", "2", "better.safetensors"]);
    assert_eq!(found.parameters.prompt, "a blue house");
}

#[test]
fn samplers_made_of_parts_are_read() {
    let found = graph(|graph| {
        graph["3"] = node(
            "SamplerCustomAdvanced",
            json!({
                "noise": ["30", 0], "guider": ["31", 0], "sampler": ["32", 0], "sigmas": ["33", 0], "latent_image": ["5", 0]
            }),
        );
        graph["30"] = node("RandomNoise", json!({ "noise_seed": 9 }));
        graph["31"] =
            node("CFGGuider", json!({ "cfg": 4.5, "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0] }));
        graph["32"] = node("KSamplerSelect", json!({ "sampler_name": "euler_ancestral" }));
        graph["33"] =
            node("BasicScheduler", json!({ "scheduler": "normal", "steps": 12, "denoise": 1.0, "model": ["4", 0] }));
    });
    assert_eq!(
        found.parameters.to_string(),
        "a red house\nNegative prompt: rain\nSteps: 12, Sampler: Euler a, Schedule type: Normal, CFG scale: 4.5, Seed: 9, \
         Size: 512x768, Model: folder/v1-5-pruned, RNG: CPU"
    );
}

#[test]
fn a_second_pass_on_an_enlarged_image_is_hires() {
    let found = graph(|graph| {
        let mut second = graph["3"].clone();
        second["inputs"]["latent_image"] = json!(["41", 0]);
        second["inputs"]["denoise"] = json!(0.5);
        second["inputs"]["steps"] = json!(14);
        graph["40"] = second;
        graph["41"] =
            node("LatentUpscaleBy", json!({ "upscale_method": "nearest-exact", "scale_by": 1.5, "samples": ["3", 0] }));
        graph["8"]["inputs"]["samples"] = json!(["40", 0]);
    });
    let get = |key| found.parameters.get(key).unwrap_or_default();
    let keys = ["Steps", "Size", "Denoising strength", "Hires upscale", "Hires steps", "Hires upscaler"];
    assert_eq!(keys.map(get), ["20", "512x768", "0.5", "1.5", "14", "Latent"]);
}

#[test]
fn a_pass_of_another_checkpoint_is_the_refiner() {
    let found = graph(|graph| {
        for (id, model, start, end) in [("3", "4", 0, 16), ("50", "51", 16, 10000)] {
            graph[id] = node(
                "KSamplerAdvanced",
                json!({
                    "noise_seed": 7, "steps": 20, "cfg": 8, "sampler_name": "euler", "scheduler": "normal",
                    "start_at_step": start, "end_at_step": end, "model": [model, 0], "positive": ["6", 0], "negative": ["7", 0],
                    "latent_image": [if start == 0 { "5" } else { "3" }, 0]
                }),
            );
        }
        graph["51"] = node("CheckpointLoaderSimple", json!({ "ckpt_name": "sd_xl_refiner_1.0.safetensors" }));
        graph["8"]["inputs"]["samples"] = json!(["50", 0]);
    });
    let get = |key| found.parameters.get(key).unwrap_or_default();
    let keys = ["Seed", "Model", "Refiner", "Refiner switch at"];
    assert_eq!(keys.map(get), ["7", "folder/v1-5-pruned", "sd_xl_refiner_1.0", "0.8"]);
}

#[test]
fn what_settings_cannot_say_is_named() {
    let found = graph(|graph| {
        graph["60"] =
            node("ControlNetApplyAdvanced", json!({ "positive": ["6", 0], "negative": ["7", 0], "strength": 1 }));
        graph["61"] = node("FreeU_V2", json!({ "b1": 1.1, "model": ["4", 0] }));
        graph["62"] = node("LoadImage", json!({ "image": "photo.png" }));
        graph["63"] = node("VAEEncode", json!({ "pixels": ["62", 0], "vae": ["4", 2] }));
        let inputs = &mut graph["3"]["inputs"];
        inputs["positive"] = json!(["60", 0]);
        inputs["negative"] = json!(["60", 1]);
        inputs["model"] = json!(["61", 0]);
        inputs["latent_image"] = json!(["63", 0]);
        inputs["denoise"] = json!(0.6);
    });
    assert_eq!((found.parameters.prompt.as_str(), found.parameters.negative_prompt.as_str()), ("a red house", "rain"));
    assert_eq!(found.parameters.get("Denoising strength"), Some("0.6"));
    assert_eq!(
        unclear(&found),
        [
            "the initial image, photo.png",
            "what ControlNetApplyAdvanced does to a prompt",
            "what FreeU_V2 does to the model"
        ]
    );
}

#[test]
fn combined_prompts_are_one_only_if_they_are_the_same() {
    let combined = |text: &str| {
        graph(|graph| {
            graph["70"] = node("CLIPTextEncode", json!({ "text": text, "clip": ["4", 1] }));
            graph["71"] =
                node("ConditioningCombine", json!({ "conditioning_1": ["6", 0], "conditioning_2": ["70", 0] }));
            graph["3"]["inputs"]["positive"] = json!(["71", 0]);
        })
    };
    assert!(unclear(&combined("a red house")).is_empty());
    let found = combined("a garden");
    assert_eq!(found.parameters.prompt, "a red house");
    assert_eq!(unclear(&found), ["how 2 prompts are combined; the first is taken"]);
}

#[test]
fn the_saved_image_counts_and_not_a_preview() {
    let found = graph(|graph| {
        graph["1"] = node("PreviewImage", json!({ "images": ["2", 0] }));
        graph["2"] = node("VAEDecode", json!({ "samples": ["80", 0], "vae": ["4", 2] }));
        let mut other = graph["3"].clone();
        other["inputs"]["seed"] = json!(1);
        graph["80"] = other;
    });
    assert_eq!(found.parameters.get("Seed"), Some("156680208700286"));
    assert!(found.unclear.is_empty(), "{:?}", found.unclear);
}

#[test]
fn rings_end() {
    let found = graph(|graph| {
        graph["90"] = node("LoraLoader", json!({ "lora_name": "a", "strength_model": 1, "model": ["91", 0] }));
        graph["91"] = node("LoraLoader", json!({ "lora_name": "b", "strength_model": 1, "model": ["90", 0] }));
        graph["92"] = node("Text", json!({ "text": ["92", 0] }));
        graph["93"] = node("ConditioningCombine", json!({ "conditioning_1": ["93", 0], "conditioning_2": ["6", 0] }));
        graph["6"]["inputs"]["text"] = json!(["92", 0]);
        let inputs = &mut graph["3"]["inputs"];
        inputs["model"] = json!(["90", 0]);
        inputs["positive"] = json!(["93", 0]);
        inputs["latent_image"] = json!(["8", 0]);
    });
    assert_eq!(found.parameters.prompt, "<lora:b:1><lora:a:1>");
    assert!(unclear(&found).contains(&"the model"), "{:?}", found.unclear);
}

#[test]
fn numbers_that_json_does_not_have_are_read() {
    let text = json!({
        "1": node("KSampler", json!({ "seed": 1, "steps": 2, "sampler_name": "euler", "latent_image": ["2", 0],
            "positive": ["3", 0] })),
        "2": node("EmptyLatentImage", json!({ "width": 64, "height": 64 })),
        "3": node("CLIPTextEncode", json!({ "text": "a \"NaN\" \\" })),
        "4": node("SaveImage", json!({ "images": ["1", 0], "changed": "HERE" })),
    });
    let text = text.to_string().replace("\"HERE\"", "[NaN, Infinity, -Infinity]");
    assert_eq!(ComfyUi::parse(&text).unwrap().parameters.prompt, "a \"NaN\" \\");
}

/// Every node of the second half is an end, from which all of the first half is followed.
#[test]
fn a_graph_of_the_largest_size_is_read() {
    let chain = (0..512).map(|i| (i.to_string(), node("Pass", json!({ "images": [(i + 1).to_string(), 0] }))));
    let ends = (513..1024).map(|i| (i.to_string(), node("SaveImage", json!({ "images": ["0", 0] }))));
    let graph = Value::from(chain.chain(ends).collect::<serde_json::Map<_, _>>());
    assert_eq!(ComfyUi::parse(&graph.to_string()), Err(ComfyUiError::NoSampler));
}

#[test]
fn other_texts_are_refused_with_what_they_are() {
    assert!(matches!(ComfyUi::parse("a house"), Err(ComfyUiError::Json(_))));
    assert_eq!(ComfyUi::parse("[]"), Err(ComfyUiError::NoGraph));
    assert_eq!(ComfyUi::parse(r#"{"nodes": [], "links": []}"#), Err(ComfyUiError::Workflow));
    let many: serde_json::Map<_, _> = (0..5000).map(|i| (i.to_string(), node("Note", json!({})))).collect();
    assert_eq!(ComfyUi::parse(&Value::from(many).to_string()), Err(ComfyUiError::TooLarge(5000, 1024)));
    let idle = json!({ "1": node("SaveImage", json!({})) }).to_string();
    assert_eq!(ComfyUi::parse(&idle), Err(ComfyUiError::NoSampler));
}
