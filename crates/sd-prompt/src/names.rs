/// How many names a message lists.
const LISTED: usize = 12;

/// Names for a message: all there are, or those closest to the one that was not found.
pub(crate) fn known<'a>(names: impl IntoIterator<Item = &'a str>, wanted: &str) -> String {
    let mut names: Vec<&str> = names.into_iter().collect();
    match names.len() {
        0 => "there are none".into(),
        1..=LISTED => format!("there are: {}", names.join(", ")),
        count => {
            names.sort_by_cached_key(|name| distance(&name.to_lowercase(), &wanted.to_lowercase()));
            format!("closest of {count} are: {}", names[..LISTED].join(", "))
        }
    }
}

/// The edits of single letters between two words (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, other) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_counts_edits() {
        for (a, b, edits) in [("", "", 0), ("", "abc", 3), ("kitten", "sitting", 3), ("häuser", "hauser", 1)] {
            assert_eq!((distance(a, b), distance(b, a)), (edits, edits), "{a} {b}");
        }
    }

    #[test]
    fn few_names_are_all_listed_and_of_many_the_closest() {
        assert_eq!(known([], "x"), "there are none");
        assert_eq!(known(["b", "a"], "x"), "there are: b, a");
        let many: Vec<String> = (0..1000).map(|i| format!("name{i}")).collect();
        let listed = known(many.iter().map(String::as_str), "Name77");
        assert!(listed.starts_with("closest of 1000 are: name77, name7,"), "{listed}");
        assert_eq!(listed.split(", ").count(), LISTED);
    }
}
