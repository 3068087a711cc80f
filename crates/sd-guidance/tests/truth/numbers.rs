//! Numbers that make no sense, and guidance in files.

use sd_guidance::{Apg, Guidance, GuidanceError, Interval, Threshold};

#[test]
fn sensible_numbers_pass() {
    let apg = Some(Apg::published(65536));
    let threshold = Some(Threshold { percentile: 1.0, mimic: 7.0 });
    let guidance =
        Guidance { scale: 12.0, apg, threshold, perpendicular: Some(0.0), rescale: 1.0, ..Guidance::default() };
    assert_eq!(guidance.check(), Ok(()));
    assert_eq!(Guidance::default().check(), Ok(()));
    assert_eq!(Guidance { scale: -2.0, image: Some(0.0), ..Guidance::default() }.check(), Ok(()));
}

#[test]
fn each_wrong_number_is_named() {
    let own = Guidance::default;
    let apg = |eta, norm, momentum| Guidance { apg: Some(Apg { eta, norm, momentum }), ..own() };
    let threshold = |percentile, mimic| Guidance { threshold: Some(Threshold { percentile, mimic }), ..own() };
    for (wanted, guidance) in [
        ("scale", Guidance { scale: f64::NAN, ..own() }),
        ("scale", Guidance { scale: 1.1, plus_plus: true, ..own() }),
        ("schedule", Guidance { schedule: Some("0.5x2+7x1".parse().unwrap()), plus_plus: true, ..own() }),
        ("image", Guidance { image: Some(f64::INFINITY), ..own() }),
        ("rescale", Guidance { rescale: 1.1, ..own() }),
        ("apg.eta", apg(f64::NAN, None, 0.0)),
        ("apg.norm", apg(0.0, Some(0.0), 0.0)),
        ("apg.momentum", apg(0.0, None, -1.0)),
        ("pag", Guidance { pag: -0.1, ..own() }),
        ("sag", Guidance { sag: f64::NAN, ..own() }),
        ("threshold.percentile", threshold(0.0, 7.0)),
        ("threshold.percentile", threshold(1.01, 7.0)),
        ("threshold.mimic", threshold(0.9, f64::NAN)),
        ("perpendicular", Guidance { perpendicular: Some(-1.0), ..own() }),
    ] {
        let Err(error @ GuidanceError::Number { field, .. }) = guidance.check() else { panic!("{wanted} passed") };
        assert_eq!(field, wanted);
        assert!(error.to_string().starts_with(wanted));
    }
}

#[test]
fn an_interval_must_have_steps() {
    for (from, to) in [(0.5, 0.5), (0.6, 0.2), (-0.1, 1.0), (0.0, 1.1), (f64::NAN, 1.0), (0.0, f64::NAN)] {
        let guidance = Guidance { interval: Interval { from, to }, ..Guidance::default() };
        assert!(matches!(guidance.check(), Err(GuidanceError::Interval { .. })), "{from} to {to}");
    }
}

#[test]
fn cfg_plus_plus_does_not_guide_images() {
    let guidance = Guidance { scale: 0.5, plus_plus: true, image: Some(1.5), ..Guidance::default() };
    assert_eq!(guidance.check(), Err(GuidanceError::PlusPlusImage));
}

#[test]
fn guidance_is_written_and_read_and_unknown_fields_are_refused() {
    let guidance = Guidance {
        schedule: Some("7x5+1x15".parse().unwrap()),
        apg: Some(Apg::published(16384)),
        threshold: Some(Threshold { percentile: 0.995, mimic: 7.0 }),
        ..Guidance::default()
    };
    let json = serde_json::to_string(&guidance).unwrap();
    assert_eq!(serde_json::from_str::<Guidance>(&json).unwrap(), guidance);
    assert_eq!(serde_json::from_str::<Guidance>("{}").unwrap(), Guidance::default());
    for json in [r#"{"scales": 7}"#, r#"{"interval": {"from": 0, "to": 1, "by": 2}}"#, r#"{"schedule": "7"}"#] {
        assert!(serde_json::from_str::<Guidance>(json).is_err(), "{json}");
    }
}
