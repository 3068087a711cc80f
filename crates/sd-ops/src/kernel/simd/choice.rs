//! The choice among a processor's vector instructions.

/// The vectors that have an instruction for products of bf16 pairs, `vdpbf16ps`.
const PAIRS: &str = "avx512-bf16";

/// Makers of processors with that instruction, whether it beats single precision on theirs, and the reason.
///
/// It multiplies twice as many values as a fused multiply-add. AMD's processors (from Zen 4, the first with it) start it as
/// often as a fused multiply-add, Intel's a quarter as often. These are measurements; see docs/performance.md.
const MAKERS: [(&str, bool, &str); 2] = [
    ("AuthenticAMD", true, "it multiplies bf16 at twice the rate of f32"),
    ("GenuineIntel", false, "its avx512-bf16 multiplies at half the rate of f32"),
];
const OTHERS: (bool, &str) = (false, "whether its avx512-bf16 is faster than f32 was not measured");

/// Returns the index of the chosen vectors in `available`, and the reason.
///
/// `available` are the processor's vectors, the plainest first. `maker` is the processor's maker by CPUID; `wanted` are the
/// vectors that a user requests.
pub(crate) fn choose(available: &[&str], maker: &str, wanted: Option<&str>) -> (usize, &'static str) {
    let widest = available.len() - 1;
    if let Some(place) = available.iter().position(|name| Some(*name) == wanted) {
        return (place, "SD_OPS_VECTORS asks for them");
    }
    if available[widest] != PAIRS {
        return (widest, "the widest that it has");
    }
    let known = MAKERS.iter().find(|(name, ..)| *name == maker);
    let (is_faster, reason) = known.map_or(OTHERS, |(_, is_faster, reason)| (*is_faster, *reason));
    (if is_faster { widest } else { widest - 1 }, reason)
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

    const ALL: [&str; 4] = ["plain", "avx2", "avx512", PAIRS];

    fn chosen(available: &[&'static str], maker: &str, wanted: Option<&str>) -> &'static str {
        available[choose(available, maker, wanted).0]
    }

    #[test]
    fn pairs_are_chosen_only_where_they_are_known_to_be_faster() {
        assert_eq!(chosen(&ALL, "AuthenticAMD", None), PAIRS);
        assert_eq!(chosen(&ALL, "GenuineIntel", None), "avx512");
        assert_eq!(chosen(&ALL, "CentaurHauls", None), "avx512");
        assert!(choose(&ALL, "GenuineIntel", None).1.contains("half the rate"));
        assert!(choose(&ALL, "AuthenticAMD", None).1.contains("twice the rate"));
        assert!(choose(&ALL, "CentaurHauls", None).1.contains("not measured"));
    }

    #[test]
    fn without_pairs_the_widest_are_chosen_whoever_made_it() {
        for maker in ["AuthenticAMD", "GenuineIntel", ""] {
            for widest in 1..ALL.len() {
                assert_eq!(choose(&ALL[..widest], maker, None), (widest - 1, "the widest that it has"));
            }
        }
    }

    #[test]
    fn what_a_person_asks_for_is_taken_where_it_is_there() {
        for wanted in ALL {
            assert_eq!(chosen(&ALL, "GenuineIntel", Some(wanted)), wanted);
        }
        assert_eq!(chosen(&ALL, "GenuineIntel", Some("mmx")), "avx512");
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn the_maker_is_twelve_letters() {
        assert!(maker().len() == 12 && maker().is_ascii(), "{}", maker());
    }
}
