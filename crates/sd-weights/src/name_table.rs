use std::collections::HashMap;

use crate::View;

/// The names of modules in a single file and in the diffusers layout, for translation in both directions.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Row>,
    by_single: HashMap<String, Vec<usize>>,
    by_diffusers: HashMap<String, usize>,
}

/// A module or a tensor, and the view of the single file's tensor that the diffusers layout has.
#[derive(Debug)]
struct Row {
    single: String,
    diffusers: String,
    view: View,
}

impl Table {
    /// Adds a module that both layouts have, or a prefix of several.
    pub(crate) fn row(&mut self, single: impl Into<String>, diffusers: impl Into<String>) {
        self.view(single, diffusers, View::Whole);
    }

    /// Adds a tensor of the diffusers layout that is a view of one in a single file.
    pub(crate) fn view(&mut self, single: impl Into<String>, diffusers: impl Into<String>, view: View) {
        let row = Row { single: single.into(), diffusers: diffusers.into(), view };
        self.by_single.entry(row.single.clone()).or_default().push(self.rows.len());
        self.by_diffusers.insert(row.diffusers.clone(), self.rows.len());
        self.rows.push(row);
    }

    /// Adds another name in some single files of a module, or of a tensor that others keep as another view. It is read, and
    /// never written.
    pub(crate) fn alias(&mut self, single: impl Into<String>, diffusers: impl Into<String>) {
        let row = Row { single: single.into(), diffusers: diffusers.into(), view: View::Whole };
        self.by_single.entry(row.single.clone()).or_default().push(self.rows.len());
        self.rows.push(row);
    }

    /// Returns the tensors of the diffusers layout that a tensor of a single file makes; none if its module is unknown.
    pub fn to_diffusers(&self, key: &str) -> Vec<(String, View)> {
        let found = ends(key).find_map(|end| Some((end, self.by_single.get(&key[..end])?)));
        let name = |end: usize, row: &Row| (format!("{}{}", row.diffusers, &key[end..]), row.view);
        found.map_or_else(Vec::new, |(end, rows)| rows.iter().map(|row| name(end, &self.rows[*row])).collect())
    }

    /// Returns the tensor of a single file that holds one of the diffusers layout, and the view that extracts it.
    pub fn to_single(&self, key: &str) -> Option<(String, View)> {
        let (end, row) = ends(key).find_map(|end| Some((end, self.by_diffusers.get(&key[..end])?)))?;
        let row = &self.rows[*row];
        Some((format!("{}{}", row.single, &key[end..]), row.view))
    }
}

/// Returns the ends of a key's prefixes, the longest first: its own end, and the position of each dot.
fn ends(key: &str) -> impl Iterator<Item = usize> {
    std::iter::once(key.len()).chain(key.rmatch_indices('.').map(|(dot, _)| dot))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_matching_name_wins() {
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
