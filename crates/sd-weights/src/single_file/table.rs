use std::collections::HashMap;

use crate::View;

/// What modules are called in a single file, and what in the diffusers layout: read in either direction.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Row>,
    of_single: HashMap<String, Vec<usize>>,
    of_diffusers: HashMap<String, usize>,
}

/// A module, or a tensor, and the view of the single file's that the other layout has.
#[derive(Debug)]
struct Row {
    single: String,
    diffusers: String,
    view: View,
}

impl Table {
    /// Adds a module that both have, or a prefix of several.
    pub(super) fn row(&mut self, single: impl Into<String>, diffusers: impl Into<String>) {
        self.view(single, diffusers, View::Whole);
    }

    /// Adds a tensor of the diffusers layout that is a view of one in a single file.
    pub(super) fn view(&mut self, single: impl Into<String>, diffusers: impl Into<String>, view: View) {
        let row = Row { single: single.into(), diffusers: diffusers.into(), view };
        self.of_single.entry(row.single.clone()).or_default().push(self.rows.len());
        self.of_diffusers.insert(row.diffusers.clone(), self.rows.len());
        self.rows.push(row);
    }

    /// Adds another name that some single files have for a module, or for a tensor that others keep as another view: it is
    /// read, and never written.
    pub(super) fn alias(&mut self, single: impl Into<String>, diffusers: impl Into<String>) {
        let row = Row { single: single.into(), diffusers: diffusers.into(), view: View::Whole };
        self.of_single.entry(row.single.clone()).or_default().push(self.rows.len());
        self.rows.push(row);
    }

    /// The tensors of the diffusers layout that a tensor of a single file makes: none where its module is unknown.
    pub fn to_diffusers(&self, key: &str) -> Vec<(String, View)> {
        let found = ends(key).find_map(|end| Some((end, self.of_single.get(&key[..end])?)));
        let name = |end: usize, row: &Row| (format!("{}{}", row.diffusers, &key[end..]), row.view);
        found.map_or_else(Vec::new, |(end, rows)| rows.iter().map(|row| name(end, &self.rows[*row])).collect())
    }

    /// The tensor of a single file that holds one of the diffusers layout, and the view of it that this one is.
    pub fn to_single(&self, key: &str) -> Option<(String, View)> {
        let (end, row) = ends(key).find_map(|end| Some((end, self.of_diffusers.get(&key[..end])?)))?;
        let row = &self.rows[*row];
        Some((format!("{}{}", row.single, &key[end..]), row.view))
    }
}

/// Where the prefixes of a key end, the longest first: at its end, and before each dot.
fn ends(key: &str) -> impl Iterator<Item = usize> {
    std::iter::once(key.len()).chain(key.rmatch_indices('.').map(|(dot, _)| dot))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_name_of_a_module_counts() {
        let mut table = Table::default();
        table.row("in.1", "down.0");
        table.row("in.1.op", "down.0.sampler");
        assert_eq!(table.to_diffusers("in.1.x.weight"), [("down.0.x.weight".to_string(), View::Whole)]);
        assert_eq!(table.to_diffusers("in.1.op.bias"), [("down.0.sampler.bias".to_string(), View::Whole)]);
        assert_eq!(table.to_diffusers("in.10.op.bias"), []);
        assert_eq!(table.to_single("down.0.sampler.bias"), Some(("in.1.op.bias".to_string(), View::Whole)));
    }

    #[test]
    fn another_name_is_read_and_not_written() {
        let mut table = Table::default();
        table.row("attn.q", "attention.to_q");
        table.alias("attn.query", "attention.to_q");
        assert_eq!(table.to_diffusers("attn.query.bias"), [("attention.to_q.bias".to_string(), View::Whole)]);
        assert_eq!(table.to_single("attention.to_q.bias"), Some(("attn.q.bias".to_string(), View::Whole)));
    }

    #[test]
    fn a_packed_tensor_is_three() {
        let mut table = Table::default();
        (0..3).for_each(|i| table.view("qkv", format!("{i}.weight"), View::Third(i)));
        assert_eq!(table.to_diffusers("qkv")[2], ("2.weight".to_string(), View::Third(2)));
        assert_eq!(table.to_single("1.weight"), Some(("qkv".to_string(), View::Third(1))));
    }
}
