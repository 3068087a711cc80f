//! The choice among a processor's vector instructions.

/// The instructions for products of bf16 pairs in vectors, `vdpbf16ps`, and in tiles, `tdpbf16ps`.
const PAIRS: &str = "avx512-bf16";
const TILES: &str = "amx";

/// Makers of processors with such instructions, whether these beat single precision on theirs, and the reason.
///
/// A product of pairs has twice as many values as a fused multiply-add. AMD's processors (from Zen 4, the first with it) start
/// it as often as a fused multiply-add, Intel's a quarter as often. Intel's tiles have sixteen times as many values. These are
/// measurements; see docs/performance.md.
const MEASURED: [(&str, &str, bool, &str); 3] = [
    ("AuthenticAMD", PAIRS, true, "it multiplies bf16 at twice the rate of f32"),
    ("GenuineIntel", PAIRS, false, "its avx512-bf16 multiplies at half the rate of f32"),
    ("GenuineIntel", TILES, true, "its tiles multiply bf16 at six times the rate of f32"),
];
const OTHERS: &str = "whether its instructions for bf16 are faster than f32 was not measured";

/// Returns the index of the chosen vectors in `available`, and the reason.
///
/// `available` are the processor's vectors, the plainest first. `maker` is the processor's maker by CPUID; `wanted` are the
/// vectors that a user requests.
pub(crate) fn choose(available: &[&str], maker: &str, wanted: Option<&str>) -> (usize, &'static str) {
    if let Some(place) = available.iter().position(|name| Some(*name) == wanted) {
        return (place, "SD_OPS_VECTORS asks for them");
    }
    let mut refused = None;
    for (place, name) in available.iter().enumerate().rev().filter(|(_, name)| [PAIRS, TILES].contains(name)) {
        let known = MEASURED.iter().find(|known| (known.0, known.1) == (maker, *name));
        match known {
            Some((.., true, reason)) => return (place, reason),
            Some((.., false, reason)) => refused = Some((place, *reason)),
            None => refused = Some((place, OTHERS)),
        }
    }
    refused.map_or((available.len() - 1, "the widest that it has"), |(place, reason)| (place - 1, reason))
}

/// Returns the processor's maker by CPUID; an empty string on other architectures.
pub(crate) fn maker() -> String {
    #[cfg(target_arch = "x86_64")]
    {
        let leaf = std::arch::x86_64::__cpuid(0);
        let bytes = [leaf.ebx, leaf.edx, leaf.ecx].map(u32::to_le_bytes).concat();
        String::from_utf8_lossy(&bytes).into_owned()
    }
    #[cfg(not(target_arch = "x86_64"))]
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [&str; 5] = ["plain", "avx2", "avx512", PAIRS, TILES];
    const NO_TILES: [&str; 4] = ["plain", "avx2", "avx512", PAIRS];

    fn chosen(available: &[&'static str], maker: &str, wanted: Option<&str>) -> &'static str {
        available[choose(available, maker, wanted).0]
    }

    #[test]
    fn pairs_are_chosen_only_where_they_are_known_to_be_faster() {
        assert_eq!(chosen(&NO_TILES, "AuthenticAMD", None), PAIRS);
        assert_eq!(chosen(&NO_TILES, "GenuineIntel", None), "avx512");
        assert_eq!(chosen(&NO_TILES, "CentaurHauls", None), "avx512");
        assert!(choose(&NO_TILES, "GenuineIntel", None).1.contains("half the rate"));
        assert!(choose(&NO_TILES, "AuthenticAMD", None).1.contains("twice the rate"));
        assert!(choose(&NO_TILES, "CentaurHauls", None).1.contains("not measured"));
    }

    #[test]
    fn tiles_are_chosen_only_where_they_are_known_to_be_faster() {
        assert_eq!(chosen(&ALL, "GenuineIntel", None), TILES);
        assert!(choose(&ALL, "GenuineIntel", None).1.contains("six times the rate"));
        // Nobody else has made any yet: what is known of pairs decides.
        assert_eq!(chosen(&ALL, "AuthenticAMD", None), PAIRS);
        assert_eq!(chosen(&ALL, "CentaurHauls", None), "avx512");
        assert!(choose(&ALL, "CentaurHauls", None).1.contains("not measured"));
    }

    #[test]
    fn without_instructions_for_bf16_the_widest_are_chosen_whoever_made_it() {
        for maker in ["AuthenticAMD", "GenuineIntel", ""] {
            for widest in 1..4 {
                assert_eq!(choose(&ALL[..widest], maker, None), (widest - 1, "the widest that it has"));
            }
        }
    }

    #[test]
    fn what_a_person_asks_for_is_taken_where_it_is_there() {
        for wanted in ALL {
            assert_eq!(chosen(&ALL, "GenuineIntel", Some(wanted)), wanted);
        }
        assert_eq!(chosen(&ALL, "GenuineIntel", Some("mmx")), TILES);
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn the_maker_is_twelve_letters() {
        assert!(maker().len() == 12 && maker().is_ascii(), "{}", maker());
    }
}
