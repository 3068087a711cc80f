//! Preprocessors as text.

use sd_preprocess::Preprocessor;

fn parsed(text: &str) -> Preprocessor {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refused(text: &str) -> String {
    text.parse::<Preprocessor>().map(|preprocessor| panic!("{text} is {preprocessor}")).unwrap_err().to_string()
}

#[test]
fn every_preprocessor_comes_back_from_its_text() {
    for entry in Preprocessor::ALL {
        assert_eq!(parsed(entry.name), entry.default);
        assert_eq!(parsed(&entry.default.to_string()), entry.default);
        assert_eq!(entry.default.entry(), &entry);
        assert_eq!(entry.default.to_string().split(':').count(), 1 + entry.numbers.len());
        let json = serde_json::to_string(&entry.default).unwrap();
        assert_eq!(json, format!("\"{}\"", entry.default));
        assert_eq!(serde_json::from_str::<Preprocessor>(&json).unwrap(), entry.default);
        for alias in entry.aliases {
            assert_eq!(parsed(&alias.replace('-', "_")), entry.default);
        }
    }
    assert_eq!(Preprocessor::default(), parsed("none"));
}

#[test]
fn numbers_are_behind_the_name() {
    assert_eq!(parsed("canny:0:255"), Preprocessor::Canny { low: 0, high: 255 });
    assert_eq!(parsed(" Canny : 7 : 8 "), Preprocessor::Canny { low: 7, high: 8 });
    assert_eq!(parsed("scribble_xdog:9").to_string(), "scribble:9");
    assert_eq!(parsed("blur:2.5").to_string(), "blur:2.5");
    assert_eq!(Preprocessor::ALL[1].usage(), "canny[:LOW:HIGH]");
    assert_eq!(Preprocessor::ALL[0].usage(), "none");
}

#[test]
fn wrong_numbers_are_refused_with_the_right_ones() {
    for (text, message) in [
        ("canny:100", "`canny:100`: write it as `canny[:LOW:HIGH]`"),
        ("invert:1", "`invert:1`: write it as `invert`"),
        ("canny:a:200", "`canny`: the low is `a`, expected a whole number from 0 to 255"),
        ("canny:100:256", "`canny`: the high is `256`, expected a whole number from 0 to 255"),
        ("canny:200:100", "`canny:200:100`: the first threshold is above the second: swap them"),
        ("blur:0", "`blur`: the sigma is 0, expected a number of pixels above 0 and up to 64"),
        ("blur:", "`blur`: the sigma is ``, expected a number of pixels above 0 and up to 64"),
        ("tile:0.5", "`tile`: the factor is 0.5, expected a number from 1 to 64"),
        ("luminance:nan", "`luminance`: the gamma is NaN, expected a number above 0 and up to 10"),
        ("intensity:-1", "`intensity`: the gamma is -1, expected a number above 0 and up to 10"),
    ] {
        assert_eq!(refused(text), message);
    }
    assert!(serde_json::from_str::<Preprocessor>("\"blur:1e9\"").is_err());
}

#[test]
fn networks_are_refused_with_what_to_do() {
    for name in ["depth", "depth_midas", "openpose_full", "pose", "normal_bae", "seg_ofade20k", "dw_openpose_full"] {
        let message = format!(
            "`{name}` needs a network of its own, which is not built in: make its image with another program and use it with `none`"
        );
        assert_eq!(refused(name), message);
    }
    for (name, instead) in [
        ("lineart_anime", "lineart-standard"),
        ("scribble_hed", "scribble"),
        ("softedge_pidinet", "canny"),
        ("hed", "canny"),
        ("mlsd:1", "canny"),
    ] {
        let message = refused(name);
        assert!(message.contains("network") && message.ends_with(&format!("`none`, or take `{instead}`")), "{message}");
    }
}

#[test]
fn unknown_names_are_refused_with_all_names() {
    let message = refused("cany");
    assert!(message.starts_with("unknown preprocessor `cany`: there are none, canny, scribble, "), "{message}");
    assert!(message.ends_with("intensity and inpaint"), "{message}");
    assert!(refused("").starts_with("unknown preprocessor ``"));
}
