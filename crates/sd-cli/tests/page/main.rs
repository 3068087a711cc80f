//! The page of `sd serve` in a real browser, with the built-in model.
#![cfg(all(feature = "serve", feature = "scenes", target_os = "linux"))]

mod browser;
mod served;

use serde_json::json;

use self::browser::{Browser, CONTROL, ENTER, ESCAPE, RIGHT};
use self::served::{Pixels, Served};

/// A server and a browser that shows its page.
fn opened() -> (Served, Browser) {
    let (served, browser) = (Served::new(&[]), Browser::open());
    browser.go(&served.url("/"));
    browser.wait("document.querySelector('#prompt-tokens').textContent");
    (served, browser)
}

/// Draws with so many steps, and waits for the finished image.
fn draw(browser: &Browser, prompt: &str, steps: &str) {
    let images = browser.count("#gallery li");
    browser.fill("#prompt", prompt);
    browser.fill("#steps", steps);
    browser.press(&[CONTROL, ENTER]);
    browser.wait(&format!("document.querySelectorAll('#gallery li').length > {images}"));
    browser.wait_for_no("#progress");
}

/// Drops a file on the page.
fn drop_file(browser: &Browser, name: &str, file: &[u8]) {
    let script = "const [name, bytes] = arguments, data = new DataTransfer(); \
        data.items.add(new File([new Uint8Array(bytes)], name, { type: 'image/png' })); \
        document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }))";
    browser.run(script, json!([name, file]));
    browser.wait_for("#opened[open]");
}

/// Whether a screen reader can name whatever can be used, in every part of the page.
fn everything_is_named(browser: &Browser) {
    const USED: &str =
        ":is(button, a[href], input:not([aria-hidden]), select, textarea, canvas, pre, fieldset, img:not([alt='']))";
    let show = "document.querySelectorAll('details').forEach((details) => (details.open = true)); \
        document.querySelectorAll('#job [hidden]').forEach((part) => (part.hidden = false))";
    browser.run(show, json!([]));
    let named = |selector: &str, least: usize| {
        let names = browser.names(selector);
        assert!(names.len() >= least, "{selector}: {}", names.len());
        assert!(names.iter().all(|(name, _)| !name.is_empty()), "{selector}: {names:?}");
    };
    named(USED, 60);
    for dialog in ["viewer", "painter", "opened", "key"] {
        browser.run("document.getElementById(arguments[0]).showModal()", json!([dialog]));
        named(&format!("#{dialog}, #{dialog} {USED}"), 3);
        browser.run("document.getElementById(arguments[0]).close()", json!([dialog]));
    }
}

#[test]
fn a_prompt_becomes_an_image_that_can_be_drawn_again_to_the_pixel() {
    let (served, browser) = opened();
    browser.run(
        "new MutationObserver(() => (window.previews ??= new Set()).add(document.querySelector('#picture').src)) \
        .observe(document.querySelector('#picture'), { attributes: true })",
        json!([]),
    );
    draw(&browser, "a white lighthouse by the sea at sunset", "12");
    browser.wait("document.querySelector('#gallery img').naturalWidth === 64");
    let previews =
        browser.run("return [...window.previews].filter((source) => source.startsWith('blob:')).length", json!([]));
    assert!(previews.as_u64().unwrap() > 0, "no preview was shown");
    // By keyboard: into the gallery, and open.
    browser.run("document.querySelector('#gallery button').focus()", json!([]));
    browser.press(&[ENTER]);
    browser.wait_for("#viewer[open]");
    browser.wait("document.querySelector('#viewer-image').naturalWidth === 64");
    let said = browser.text("#viewer .about");
    assert!(said.contains("a white lighthouse by the sea at sunset"), "{said}");
    assert!(["Seed", "Steps\n12", "Sampler", "64 × 64"].iter().all(|word| said.contains(word)), "{said}");
    browser.photograph("viewer");
    browser.click("#again");
    browser.wait("document.querySelectorAll('#gallery li').length === 2");
    let [again, first] = served.two_images();
    assert!(served.pixels(&again) == served.pixels(&first), "the second image differs");
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn a_painted_mask_changes_no_pixel_outside() {
    let (served, browser) = opened();
    draw(&browser, "a green meadow under a blue sky", "8");
    browser.click("#gallery button");
    browser.click("#use-mask");
    browser.wait_for("#painter[open]");
    browser.drag("#canvas", &[[0.3, 0.6], [0.5, 0.5], [0.7, 0.6]]);
    browser.photograph("painter");
    browser.click("#paint-done");
    browser.wait_for("#mask-image");
    browser.fill("#strength", "1");
    draw(&browser, "a red house", "8");
    let [after, before] = served.two_images();
    let job = served.get(&format!("/v1/jobs/{}", after["job"].as_str().unwrap()))["job"].clone();
    let mask = Pixels::of_base64(job["request"]["inpaint"]["mask"].as_str().unwrap());
    let (before, after) = (served.pixels(&before), served.pixels(&after));
    let white = |at: usize| mask.rgb[3 * at] > 0;
    let (inside, outside): (Vec<usize>, Vec<usize>) = (0..64 * 64).partition(|at| white(*at));
    assert!(inside.len() > 50 && outside.len() > 2000, "{} pixels are painted", inside.len());
    let same = |at: &usize| before.at(*at) == after.at(*at);
    assert!(outside.iter().all(same), "pixels outside the mask changed");
    assert!(!inside.iter().all(same), "nothing changed inside the mask");
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn escape_cancels_the_drawing() {
    let (served, browser) = opened();
    browser.fill("#prompt", "a city");
    browser.fill("#steps", "900");
    browser.press(&[CONTROL, ENTER]);
    browser.wait("document.querySelector('#step').textContent.startsWith('Step')");
    browser.photograph("drawing");
    browser.press(&[ESCAPE]);
    browser.wait_for_no("#progress");
    assert_eq!(served.get("/v1/jobs")["jobs"][0]["state"], "cancelled");
    assert_eq!(browser.count("#gallery li"), 0);
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn a_dropped_image_gives_its_settings_back() {
    let (served, browser) = opened();
    browser.fill("#seed", "18446744073709551615");
    browser.fill("#negative", "rain");
    draw(&browser, "palms in a desert", "5");
    let file = served.file(&served.images()[0]);
    for field in ["#prompt", "#negative", "#seed", "#steps"] {
        browser.fill(field, "1");
    }
    drop_file(&browser, "mine.png", &file);
    browser.photograph("dropped");
    assert!(browser.text("#opened-text").contains("palms in a desert"), "{}", browser.text("#opened"));
    browser.click("#opened-settings");
    browser.wait("document.querySelector('#prompt').value === 'palms in a desert'");
    let found: Vec<_> = ["#negative", "#seed", "#steps"].iter().map(|field| browser.text(field)).collect();
    assert_eq!(found, ["rain", "18446744073709551615", "5"]);
    drop_file(&browser, "mine.png", &file);
    browser.click("#opened-init");
    browser.wait_for("#init-image");
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn a_wrong_setting_is_said_beside_its_field() {
    let (_served, browser) = opened();
    browser.fill("#steps", "5000");
    browser.wait_for("#steps[aria-invalid] ~ .error");
    assert!(browser.text("#steps ~ .error").contains("at most 1000"), "{}", browser.text("#steps ~ .error"));
    browser.fill("#steps", "20");
    browser.wait_for_no(".error");
}

#[test]
fn a_key_is_asked_for_and_kept_by_the_tab_alone() {
    let served = Served::new(&["--api-key-file", "key"]);
    let browser = Browser::open();
    browser.go(&served.url("/"));
    browser.wait_for("#key[open]");
    browser.fill("#key-text", "another");
    browser.press(&[ENTER]);
    browser.wait_for("#key-error");
    browser.fill("#key-text", served::KEY);
    browser.press(&[ENTER]);
    browser.wait("document.querySelector('#prompt-tokens').textContent");
    draw(&browser, "a house", "3");
    // An `img` cannot send the key, so the image is a copy.
    browser.wait("document.querySelector('#gallery img').src.startsWith('blob:')");
    browser.wait("document.querySelector('#gallery img').naturalWidth === 64");
    let kept = browser.run("return Object.values(localStorage).join()", json!([]));
    assert!(!kept.as_str().unwrap().contains(served::KEY), "{kept}");
    let severe: Vec<_> = browser.complaints().into_iter().filter(|line| !line.contains("401")).collect();
    assert_eq!(severe, [""; 0]);
}

#[test]
fn everything_has_a_name_and_fits_a_phone_and_both_themes() {
    let (_served, browser) = opened();
    for prompt in
        ["a white lighthouse by the sea at night", "two sailing boats and mountains at sunset", "a rainbow over a lake"]
    {
        draw(&browser, prompt, "25");
    }
    for scheme in ["light", "dark"] {
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        browser.chromium("Emulation.setEmulatedMedia", media);
        browser.photograph(scheme);
        let ground = browser.run("return getComputedStyle(document.body).backgroundColor", json!([]));
        assert_eq!(ground, if scheme == "light" { "rgb(246, 244, 240)" } else { "rgb(22, 21, 19)" });
    }
    everything_is_named(&browser);
    let phone = json!({ "width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": true });
    browser.resize(phone);
    browser.run("scrollTo(0, 0)", json!([]));
    let width = || browser.run("return document.documentElement.scrollWidth", json!([]));
    assert_eq!(width(), 360);
    browser.run("document.querySelector('#settings').open = false", json!([]));
    browser.photograph("phone");
    browser.run("document.querySelector('#gallery button').focus()", json!([]));
    browser.press(&[RIGHT]);
    browser.press(&[ENTER]);
    browser.wait_for("#viewer[open]");
    assert_eq!(browser.text("#viewer-title"), "Image 2");
    browser.photograph("phone-viewer");
    assert_eq!(width(), 360);
    assert_eq!(browser.complaints(), [""; 0]);
}
