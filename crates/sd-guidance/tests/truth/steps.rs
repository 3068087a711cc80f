//! Which predictions every step needs.

use sd_guidance::Role::{Degraded, Empty, Negative, Perturbed, Prompt, WithoutImage};
use sd_guidance::{Guidance, Interval, Role, ScaleSchedule, Step};

fn step(index: usize) -> Step {
    Step { index, steps: 10, from: 2.0, to: 1.0 }
}

fn roles(guidance: &Guidance) -> Vec<Role> {
    guidance.roles(&step(0), false)
}

#[test]
fn guidance_needs_the_negative_prompt_only_above_1() {
    for scale in [1.0, 0.5, 0.0, -3.0] {
        assert_eq!(roles(&Guidance { scale, ..Guidance::default() }), [Prompt]);
    }
    assert_eq!(roles(&Guidance { scale: 1.01, ..Guidance::default() }), [Negative, Prompt]);
}

#[test]
fn some_kinds_need_it_at_any_scale() {
    let plus_plus = Guidance { plus_plus: true, scale: 0.6, ..Guidance::default() };
    assert_eq!(roles(&plus_plus), [Negative, Prompt]);
    let perpendicular = Guidance { perpendicular: Some(1.0), scale: 0.6, ..Guidance::default() };
    assert_eq!(roles(&perpendicular), [Empty, Negative, Prompt]);
    let plain = Guidance { scale: 0.6, ..Guidance::default() };
    assert_eq!(plain.roles(&step(0), true), [Negative, Prompt]);
}

#[test]
fn roles_come_in_order() {
    let guidance =
        Guidance { scale: 7.0, image: Some(1.5), pag: 3.0, sag: 0.75, perpendicular: Some(1.0), ..Guidance::default() };
    assert_eq!(roles(&guidance), [WithoutImage, Empty, Negative, Prompt, Perturbed, Degraded]);
    let unguided = Guidance { image: Some(0.5), perpendicular: None, ..guidance };
    assert_eq!(roles(&unguided), [Prompt, Perturbed, Degraded]);
}

#[test]
fn outside_the_interval_the_prompt_is_alone() {
    let interval = Interval { from: 0.2, to: 0.7 };
    let guidance =
        Guidance { scale: 7.0, pag: 3.0, sag: 1.0, perpendicular: Some(1.0), interval, ..Guidance::default() };
    let guided: Vec<usize> = (0..10).filter(|index| guidance.roles(&step(*index), false) != [Prompt]).collect();
    assert_eq!(guided, [2, 3, 4, 5, 6]);
    // A composed prompt is still seen from the empty prompt.
    assert_eq!(guidance.roles(&step(9), true), [Empty, Prompt]);
}

#[test]
fn steps_of_a_schedule_with_scale_1_cost_one_prediction() {
    let guidance = Guidance { schedule: Some("7x3+1x2".parse().unwrap()), ..Guidance::default() };
    let counts: Vec<usize> = (0..10).map(|index| guidance.roles(&step(index), false).len()).collect();
    assert_eq!(counts, [2, 2, 2, 1, 1, 1, 1, 1, 1, 1]);
}

#[test]
fn cfg_plus_plus_divides_its_share_by_the_length_of_the_step() {
    let guidance = Guidance { scale: 0.6, plus_plus: true, ..Guidance::default() };
    assert_eq!(guidance.scale_at(&step(0), false), Some(1.2));
    let last = Step { to: 0.0, ..step(9) };
    assert_eq!(guidance.scale_at(&last, false), Some(0.6));
}

#[test]
fn schedules_are_read_and_written() {
    for text in ["7x5+1x15", "7.5x1", "0.6x3+0x2+1x9"] {
        let schedule: ScaleSchedule = text.parse().unwrap();
        assert_eq!(schedule.to_string(), text);
        let json = serde_json::to_string(&schedule).unwrap();
        assert_eq!(json, format!("\"{text}\""));
        assert_eq!(serde_json::from_str::<ScaleSchedule>(&json).unwrap(), schedule);
    }
    assert_eq!(" 7 x 5 + 1 x 15 ".parse::<ScaleSchedule>().unwrap().to_string(), "7x5+1x15");
}

#[test]
fn the_last_scale_of_a_schedule_continues() {
    let schedule: ScaleSchedule = "7x2+3x1".parse().unwrap();
    let scales: Vec<f64> = (0..6).map(|index| schedule.scale(index)).collect();
    assert_eq!(scales, [7.0, 7.0, 3.0, 3.0, 3.0, 3.0]);
    assert_eq!(schedule.steps(), 3);
    assert_eq!(schedule.scales().collect::<Vec<_>>(), [7.0, 3.0]);
}

#[test]
fn a_text_that_is_no_schedule_is_refused_with_its_part() {
    for (text, part) in [
        ("", ""),
        ("7", "7"),
        ("7x5+", ""),
        ("7x5+1y15", "1y15"),
        ("7x0", "7x0"),
        ("7x-1", "7x-1"),
        ("7x1.5", "7x1.5"),
        ("nanx2", "nanx2"),
        ("infx2", "infx2"),
        ("7x99999999999999999999", "7x99999999999999999999"),
        ("x", "x"),
        ("é+7x5", "é"),
    ] {
        let error = text.parse::<ScaleSchedule>().unwrap_err();
        assert_eq!((error.part.as_str(), error.schedule.as_str()), (part, text));
    }
}
