/// The words and numbers of a name, in lower case: of `dreamshaperXL_lightning4Steps` they are `dreamshaper`, `xl`, `lightning`, `4` and
/// `steps`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Words(Vec<String>);

impl Words {
    pub fn of(name: &str) -> Self {
        let letters: Vec<char> = name.chars().collect();
        let mut words = vec![String::new()];
        for at in 0..letters.len() {
            if !letters[at].is_alphanumeric() || begins(&letters, at) {
                words.push(String::new());
            }
            if let (true, Some(word)) = (letters[at].is_alphanumeric(), words.last_mut()) {
                word.extend(letters[at].to_lowercase());
            }
        }
        Self(words.into_iter().filter(|word| !word.is_empty()).collect())
    }

    pub fn has(&self, word: &str) -> bool {
        self.after(word).is_some()
    }

    /// Whether these words follow one another.
    pub fn has_row(&self, row: &[&str]) -> bool {
        self.0.windows(row.len()).any(|words| words == row)
    }

    /// Whether the name begins with one of these words.
    pub fn begins_with(&self, any: &[&str]) -> bool {
        self.0.first().is_some_and(|first| any.contains(&first.as_str()))
    }

    /// The words behind the first `word`, if there is one.
    pub fn after(&self, word: &str) -> Option<&[String]> {
        self.0.iter().position(|found| found == word).map(|at| &self.0[at + 1..])
    }

    /// The number of steps: a number with `step` behind it.
    pub fn steps(&self) -> Option<usize> {
        /// More steps are not few.
        const MOST: usize = 64;
        let number = |pair: &[String]| pair[0].parse().ok().filter(|_| pair[1].starts_with("step"));
        self.0.windows(2).find_map(number).filter(|steps| (1..=MOST).contains(steps))
    }
}

/// Whether a word begins inside of letters and digits: `XL` in `dreamshaperXL`, `Turbo` in `SDXLTurbo`, `v` in `LCMv2`, and each number.
fn begins(letters: &[char], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).map(|before| letters[before]) else { return false };
    let (here, next) = (letters[at], letters.get(at + 1));
    let after_next = letters.get(at + 2);
    let is_lower = |letter: Option<&char>| letter.is_some_and(|letter| letter.is_lowercase());
    before.is_numeric() != here.is_numeric()
        || (before.is_lowercase() && here.is_uppercase())
        || (before.is_uppercase() && here.is_uppercase() && is_lower(next) && is_lower(after_next))
        || (here.eq_ignore_ascii_case(&'v') && next.is_some_and(|next| next.is_numeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_people_write_them() {
        for (name, words) in [
            ("sdxl_lightning_4step_unet", "sdxl lightning 4 step unet"),
            ("dreamshaperXL_lightningDPMSDE", "dreamshaper xl lightning dpmsde"),
            ("SDXLTurbo", "sdxl turbo"),
            ("photonLCMv2", "photon lcm v 2"),
            ("dmd2_sdxl_4step_lora_fp16", "dmd 2 sdxl 4 step lora fp 16"),
            ("Hyper-SD15-8steps-CFG-lora", "hyper sd 15 8 steps cfg lora"),
            ("juggernautXL_v9Rdphoto2Lightning", "juggernaut xl v 9 rdphoto 2 lightning"),
            ("", ""),
        ] {
            assert_eq!(Words::of(name).0.join(" "), words, "{name}");
        }
    }

    #[test]
    fn the_number_of_steps_has_its_unit() {
        assert_eq!(Words::of("sdxl_lightning_4step").steps(), Some(4));
        assert_eq!(Words::of("Hyper-SD15-12steps-CFG").steps(), Some(12));
        assert_eq!(Words::of("lcm-8-steps").steps(), Some(8));
        assert_eq!(Words::of("dreamshaper_8").steps(), None);
        assert_eq!(Words::of("trained_for_100000_steps").steps(), None);
    }
}
