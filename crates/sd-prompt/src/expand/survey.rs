use std::collections::HashMap;
use std::sync::Arc;

use super::choices::{Choices, Options};
use super::template::{Group, Piece, Template};
use super::{ExpandError, MAX_DEPTH, Wildcards};

impl Template {
    /// Counts the texts that [`all`](Self::all) lists. [`u128::MAX`] also stands for more.
    ///
    /// # Errors
    ///
    /// Fails as [`draw`](Self::draw) does.
    pub fn count(&self, wildcards: &Wildcards) -> Result<u128, ExpandError> {
        Ok(Survey::new(self, wildcards)?.count())
    }
}

/// All that a template may lead to: every wildcard is known, has entries and does not contain itself, and nothing is nested too
/// deeply.
pub(super) struct Survey<'a> {
    wildcards: &'a Wildcards,
    found: HashMap<&'a str, Found<'a>>,
    /// The wildcards that are being looked at, each inside the one before.
    open: Vec<&'a str>,
    count: u128,
}

/// A wildcard.
struct Found<'a> {
    entries: Arc<[&'a Template]>,
    /// How many texts each entry has.
    counts: Vec<u128>,
    /// How deeply braces and wildcards are nested inside.
    depth: usize,
}

/// What pieces lead to.
#[derive(Clone, Copy)]
struct Extent {
    /// How many texts there are.
    count: u128,
    /// How deeply braces and wildcards are nested.
    depth: usize,
}

impl<'a> Survey<'a> {
    pub fn new(template: &'a Template, wildcards: &'a Wildcards) -> Result<Self, ExpandError> {
        let mut survey = Self { wildcards, found: HashMap::new(), open: Vec::new(), count: 0 };
        survey.count = survey.template(template, 0)?.count;
        Ok(survey)
    }

    /// How many texts there are; [`u128::MAX`] also stands for more.
    pub fn count(&self) -> u128 {
        self.count
    }

    /// The choices of a piece; none if it is text.
    pub fn choices(&self, piece: &'a Piece) -> Option<Choices<'a>> {
        let (options, picks, separator) = match piece {
            Piece::Text(_) => return None,
            Piece::Wildcard(name) => (Options::Entries(self.found[name.as_str()].entries.clone()), &(1..=1), ""),
            Piece::Group(group) => match group.sole_wildcard() {
                Some(name) => {
                    (Options::Entries(self.found[name].entries.clone()), &group.picks, group.separator.as_str())
                }
                None => (Options::Group(&group.choices), &group.picks, group.separator.as_str()),
            },
        };
        let least = *picks.start().min(&options.len());
        let most = *picks.end().min(&options.len());
        Some(Choices { options, least, most, separator })
    }

    /// Looks at a template, which is inside of `outside` levels.
    fn template(&mut self, template: &'a Template, outside: usize) -> Result<Extent, ExpandError> {
        if let Some(text) = &template.unsupported {
            return Err(ExpandError::Unsupported { text: text.clone() });
        }
        check_depth(outside + template.depth)?;
        self.pieces(&template.pieces, outside)
    }

    fn pieces(&mut self, pieces: &'a [Piece], outside: usize) -> Result<Extent, ExpandError> {
        let mut all = Extent { count: 1, depth: 0 };
        for piece in pieces {
            let Extent { count, depth } = match piece {
                Piece::Text(_) => continue,
                Piece::Wildcard(name) => {
                    let found = self.wildcard(name, outside)?;
                    Extent { count: arrangements(&found.counts, 1, 1), depth: found.depth + 1 }
                }
                Piece::Group(group) => self.group(group, outside)?,
            };
            all = Extent { count: all.count.saturating_mul(count), depth: all.depth.max(depth) };
        }
        Ok(all)
    }

    fn group(&mut self, group: &'a Group, outside: usize) -> Result<Extent, ExpandError> {
        let (least, most) = (*group.picks.start(), *group.picks.end());
        if let Some(name) = group.sole_wildcard() {
            let found = self.wildcard(name, outside + 1)?;
            return Ok(Extent { count: arrangements(&found.counts, least, most), depth: found.depth + 2 });
        }
        let (mut counts, mut depth) = (Vec::new(), 0);
        for choice in &group.choices {
            let extent = self.pieces(&choice.pieces, outside + 1)?;
            counts.push(extent.count);
            depth = depth.max(extent.depth);
        }
        Ok(Extent { count: arrangements(&counts, least, most), depth: depth + 1 })
    }

    fn wildcard(&mut self, name: &'a str, outside: usize) -> Result<&Found<'a>, ExpandError> {
        if let Some(found) = self.found.get(name) {
            check_depth(outside + 1 + found.depth)?;
        } else {
            let found = self.look_up(name, outside + 1)?;
            self.found.insert(name, found);
        }
        Ok(&self.found[name])
    }

    fn look_up(&mut self, name: &'a str, outside: usize) -> Result<Found<'a>, ExpandError> {
        check_depth(outside)?;
        if self.open.contains(&name) {
            let names = self.open.iter().copied().chain([name]).map(String::from).collect();
            return Err(ExpandError::Recursive { names });
        }
        let entries = self.wildcards.entries(name, self.open.last().copied())?;
        self.open.push(name);
        let (mut counts, mut depth) = (Vec::new(), 0);
        for &entry in &entries {
            let extent = self.template(entry, outside)?;
            counts.push(extent.count);
            depth = depth.max(extent.depth);
        }
        self.open.pop();
        Ok(Found { entries: entries.into(), counts, depth })
    }
}

fn check_depth(depth: usize) -> Result<(), ExpandError> {
    if depth > MAX_DEPTH { Err(ExpandError::TooDeep) } else { Ok(()) }
}

/// The number of texts of `least` to `most` different options in any order, where each option has one or more texts itself:
/// the sum over k of k! times the elementary symmetric polynomial of degree k.
fn arrangements(counts: &[u128], least: usize, most: usize) -> u128 {
    /// 35! is more than [`u128::MAX`].
    const MOST: usize = 35;
    let (least, most) = (least.min(counts.len()), most.min(counts.len()));
    if most >= MOST {
        return u128::MAX;
    }
    let mut polynomials = vec![0_u128; most + 1];
    polynomials[0] = 1;
    for count in counts {
        for k in (1..=most).rev() {
            polynomials[k] = polynomials[k].saturating_add(polynomials[k - 1].saturating_mul(*count));
        }
    }
    let mut factorial = 1_u128;
    let mut sum = 0_u128;
    for (k, polynomial) in polynomials.into_iter().enumerate() {
        factorial = factorial.saturating_mul(k.max(1) as u128);
        if k >= least {
            sum = sum.saturating_add(factorial.saturating_mul(polynomial));
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_counted_in_every_order() {
        assert_eq!(arrangements(&[1, 1, 1], 1, 1), 3);
        assert_eq!(arrangements(&[1, 1, 1], 0, 3), 1 + 3 + 6 + 6);
        assert_eq!(arrangements(&[2, 3, 5], 2, 2), 2 * (2 * 3 + 2 * 5 + 3 * 5));
        assert_eq!(arrangements(&[1; 34], 34, 34), (1..=34).product());
        assert_eq!(arrangements(&[1; 35], 35, 35), u128::MAX);
        assert_eq!(arrangements(&[u128::MAX, 2], 1, 2), u128::MAX);
        assert_eq!(arrangements(&[1, 1], 9, usize::MAX), 2);
    }
}
