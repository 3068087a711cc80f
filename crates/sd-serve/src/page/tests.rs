//! What the page's files must be, before any browser sees them.

use std::collections::{BTreeMap, BTreeSet};
use std::{fs, iter};

use sd_engine::{HiresPass, Job};
use sd_image::Mask;
use sd_pipeline::{ControlImage, Inpaint, Request};

use super::assets::{ASSETS, Asset, INDEX};

fn all() -> impl Iterator<Item = &'static Asset> {
    iter::once(&INDEX).chain(&ASSETS)
}

fn scripts() -> impl Iterator<Item = &'static Asset> {
    ASSETS.iter().filter(|asset| asset.name.ends_with(".js"))
}

/// The texts between `start` and the next `end`.
fn between<'a>(text: &'a str, start: &str, end: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(start).skip(1).filter_map(move |rest| rest.split(end).next())
}

fn ids() -> BTreeSet<&'static str> {
    between(INDEX.text, " id=\"", "\"").collect()
}

#[test]
fn every_file_of_the_folder_is_served() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/page");
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let there: BTreeSet<_> = names.filter(|name| !name.ends_with(".rs")).collect();
    assert_eq!(there, all().map(|asset| asset.name.to_string()).collect());
}

#[test]
fn every_file_that_is_loaded_is_there() {
    let mut loaded: Vec<_> = between(INDEX.text, "\"page/", "\"").collect();
    loaded.extend(scripts().flat_map(|script| between(script.text, " from \"./", "\"")));
    assert!(loaded.len() > ASSETS.len());
    let known: BTreeSet<_> = ASSETS.iter().map(|asset| asset.name).collect();
    assert_eq!(loaded.into_iter().collect::<BTreeSet<_>>(), known);
}

#[test]
fn scripts_do_not_import_each_other_in_a_circle() {
    let imports = |script: &Asset| between(script.text, " from \"./", "\"").map(String::from).collect::<BTreeSet<_>>();
    let mut left: BTreeMap<_, _> = scripts().map(|script| (script.name.to_string(), imports(script))).collect();
    while !left.is_empty() {
        let free: Vec<_> = left.iter().filter(|(_, of)| of.iter().all(|name| !left.contains_key(name))).collect();
        let free: Vec<_> = free.into_iter().map(|(name, _)| name.clone()).collect();
        assert!(!free.is_empty(), "a circle among {:?}", left.keys());
        left.retain(|name, _| !free.contains(name));
    }
}

#[test]
fn nothing_is_loaded_from_elsewhere() {
    for asset in all() {
        let text = asset.text.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
        for sign in ["http:", "https:", "\"//", "@import", "url("] {
            assert!(!text.contains(sign), "{} contains {sign}", asset.name);
        }
    }
}

#[test]
fn the_page_needs_no_inline_script_style_or_html() {
    for tag in between(INDEX.text, "<", ">") {
        assert!(!tag.starts_with("style"), "<{tag}>");
        assert!(!tag.starts_with("script") || tag.contains(" src=\"page/"), "<{tag}>");
        assert!(!tag.contains(" style=") && !tag.contains(" on"), "<{tag}>");
    }
    for script in scripts() {
        for sign in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("] {
            assert!(!script.text.contains(sign), "{} uses {sign}", script.name);
        }
    }
}

#[test]
fn every_id_that_a_script_or_a_label_names_exists_once() {
    let ids = ids();
    assert_eq!(ids.len(), between(INDEX.text, " id=\"", "\"").count(), "an id occurs twice");
    for script in scripts() {
        // An error's own element is made by the script.
        for id in between(script.text, "$(\"", "\")").filter(|id| *id != "field-error") {
            assert!(ids.contains(id), "{}: $(\"{id}\")", script.name);
        }
    }
    for attribute in ["for", "data-of", "data-holds", "aria-labelledby", "aria-describedby"] {
        for id in between(INDEX.text, &format!(" {attribute}=\""), "\"") {
            assert!(ids.contains(id), "{attribute}=\"{id}\"");
        }
    }
}

#[test]
fn every_field_has_a_label() {
    let labelled: BTreeSet<_> = between(INDEX.text, "<label for=\"", "\"").collect();
    for tag in ["input", "select", "textarea"]
        .iter()
        .flat_map(|name| between(INDEX.text, &format!("<{name} "), ">").collect::<Vec<_>>())
    {
        let id = between(&format!(" {tag}"), " id=\"", "\"").next().unwrap_or_default().to_string();
        let wrapped = INDEX.text.contains(&format!("<label class=\"check\"><input {tag}>"))
            || INDEX.text.contains(&format!("<label>Size <input {tag}>"));
        let named = tag.contains("aria-label=") || tag.contains("aria-hidden=\"true\"");
        assert!(labelled.contains(id.as_str()) || wrapped || named, "<{tag}> has no label");
    }
}

#[test]
fn every_setting_is_one_of_the_job() {
    let mask = Mask { width: 1, height: 1, values: vec![255] };
    let inpaint = Some(Inpaint::new(mask));
    let job = Job {
        controls: vec!["canny".into()],
        hires: Some(HiresPass::default()),
        request: Request { inpaint, controls: vec![ControlImage::default()], ..Request::default() },
        ..Job::default()
    };
    let job = serde_json::to_value(job).unwrap();
    let names: Vec<_> =
        between(INDEX.text, " name=\"", "\"").filter(|name| !["viewport", "color-scheme"].contains(name)).collect();
    assert!(names.len() > 20);
    for name in names {
        assert!(job.pointer(&format!("/{}", name.replace('.', "/"))).is_some(), "a job has no `{name}`");
    }
}

/// WCAG 2.2, AA: 4.5 for text, 3 for what shows where a field is.
#[test]
fn colours_have_contrast_in_both_themes() {
    let css = ASSETS.iter().find(|asset| asset.name == "app.css").unwrap().text;
    let mut colours = BTreeMap::new();
    for line in css.lines().filter_map(|line| line.trim().strip_prefix("--")) {
        let Some((name, pair)) = line.split_once(": light-dark(") else { continue };
        let pair: Vec<_> = pair.trim_end_matches(");").split(", ").map(luminance).collect();
        colours.insert(name, [pair[0], pair[1]]);
    }
    let text = ["text", "dim", "accent", "accent-strong", "bad"].into_iter();
    let text = text.flat_map(|text| ["ground", "panel"].map(|under| (text, under, 4.5)));
    let others = [
        ("text", "sunken", 4.5),
        ("dim", "sunken", 4.5),
        ("accent", "wash", 4.5),
        ("on-accent", "accent", 4.5),
        ("on-accent", "accent-strong", 4.5),
        ("edge", "panel", 3.0),
    ];
    for (over, under, least) in text.chain(others) {
        for (theme, (a, b)) in colours[over].iter().zip(&colours[under]).enumerate() {
            let contrast = (a.max(*b) + 0.05) / (a.min(*b) + 0.05);
            assert!(contrast >= least, "{over} on {under}: {contrast:.2} in theme {theme}");
        }
    }
}

/// The relative luminance of `#rrggbb`, as WCAG defines it.
fn luminance(colour: &str) -> f64 {
    let channel = |at: usize| f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
    let linear = |value: f64| if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) };
    0.2126 * linear(channel(1)) + 0.7152 * linear(channel(3)) + 0.0722 * linear(channel(5))
}
