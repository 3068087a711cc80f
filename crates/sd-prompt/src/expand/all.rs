use super::choices::{Choices, join};
use super::survey::Survey;
use super::template::{Piece, Template};
use super::{Budget, ExpandError, Wildcards};

impl Template {
    /// Lists the texts of all choices, lazily. Equal ones are repeated if different choices lead to them.
    ///
    /// The last choice varies fastest. Options and entries come in their order; fewer of them before more, and
    /// `{2$$a|b|c}` as `a,b`, `a,c`, `b,a`, `b,c`, `c,a`, `c,b`. Weights play no part.
    ///
    /// # Errors
    ///
    /// The only item is an error if [`draw`](Self::draw) fails; the last one is, if the next text becomes too long.
    pub fn all<'a>(&'a self, wildcards: &'a Wildcards) -> All<'a> {
        let survey = Survey::new(self, wildcards);
        All { next: Some(survey.map(|survey| Listing { survey, pieces: &self.pieces, places: None })) }
    }
}

/// The texts of [`Template::all`].
pub struct All<'a> {
    /// None after the last text, and after an error.
    next: Option<Result<Listing<'a>, ExpandError>>,
}

struct Listing<'a> {
    survey: Survey<'a>,
    pieces: &'a [Piece],
    /// The state of the last text; none before the first one.
    places: Option<Vec<Place<'a>>>,
}

impl Iterator for All<'_> {
    type Item = Result<String, ExpandError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut listing = match self.next.take()? {
            Ok(listing) => listing,
            Err(error) => return Some(Err(error)),
        };
        let text = listing.next()?;
        if text.is_ok() {
            self.next = Some(Ok(listing));
        }
        Some(text)
    }
}

impl std::iter::FusedIterator for All<'_> {}

impl Listing<'_> {
    fn next(&mut self) -> Option<Result<String, ExpandError>> {
        let mut budget = Budget::new();
        let is_new = match &mut self.places {
            Some(places) => advance(places, &self.survey, &mut budget),
            None => first(self.pieces, &self.survey, &mut budget).map(|places| {
                self.places = Some(places);
                true
            }),
        };
        match is_new {
            Ok(false) => None,
            Ok(true) => Some(text(self.places.as_ref()?, &mut Budget::new())),
            Err(error) => Some(Err(error)),
        }
    }
}

/// A piece, and what is chosen for it.
enum Place<'a> {
    Text(&'a str),
    Chosen {
        choices: Choices<'a>,
        /// Indices of different options.
        picks: Vec<usize>,
        /// The pieces of each of them.
        inside: Vec<Vec<Place<'a>>>,
    },
}

/// The first choices everywhere.
fn first<'a>(pieces: &'a [Piece], survey: &Survey<'a>, budget: &mut Budget) -> Result<Vec<Place<'a>>, ExpandError> {
    let place = |piece: &'a Piece| {
        budget.spend(0)?;
        Ok(match (piece, survey.choices(piece)) {
            (_, Some(choices)) => {
                let picks: Vec<usize> = (0..choices.least).collect();
                let inside = picked(&choices, &picks, survey, budget)?;
                Place::Chosen { choices, picks, inside }
            }
            (Piece::Text(text), None) => Place::Text(text),
            (_, None) => unreachable!("all but text has choices"),
        })
    };
    pieces.iter().map(place).collect()
}

fn picked<'a>(
    choices: &Choices<'a>,
    picks: &[usize],
    survey: &Survey<'a>,
    budget: &mut Budget,
) -> Result<Vec<Vec<Place<'a>>>, ExpandError> {
    let inside = |&option: &usize| {
        budget.spend(0)?;
        first(choices.options.pieces(option), survey, budget)
    };
    picks.iter().map(inside).collect()
}

/// Goes on to the next choices, the last place first. After the last ones come the first ones again, and false.
fn advance<'a>(places: &mut [Place<'a>], survey: &Survey<'a>, budget: &mut Budget) -> Result<bool, ExpandError> {
    for place in places.iter_mut().rev() {
        let Place::Chosen { choices, picks, inside } = place else { continue };
        for pieces in inside.iter_mut().rev() {
            if advance(pieces, survey, budget)? {
                return Ok(true);
            }
        }
        let is_new = next_picks(picks, choices);
        *inside = picked(choices, picks, survey, budget)?;
        if is_new {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Goes on to the next picks: the next ones in the order of words, then one more. After the last ones come the first ones
/// again, and false.
fn next_picks(picks: &mut Vec<usize>, choices: &Choices<'_>) -> bool {
    let count = choices.options.len();
    let mut is_taken = vec![false; count];
    picks.iter().for_each(|&option| is_taken[option] = true);
    for place in (0..picks.len()).rev() {
        is_taken[picks[place]] = false;
        if let Some(next) = (picks[place] + 1..count).find(|&option| !is_taken[option]) {
            picks[place] = next;
            is_taken[next] = true;
            let smallest = (0..count).filter(|&option| !is_taken[option]);
            picks[place + 1..].iter_mut().zip(smallest).for_each(|(pick, option)| *pick = option);
            return true;
        }
    }
    let is_more = picks.len() < choices.most;
    let length = if is_more { picks.len() + 1 } else { choices.least };
    *picks = (0..length).collect();
    is_more
}

fn text(places: &[Place<'_>], budget: &mut Budget) -> Result<String, ExpandError> {
    let mut whole = String::new();
    for place in places {
        match place {
            Place::Text(part) => {
                budget.spend(part.len())?;
                whole += part;
            }
            Place::Chosen { choices, inside, .. } => {
                let part = |pieces: &Vec<Place<'_>>| {
                    budget.spend(choices.separator.len())?;
                    text(pieces, budget)
                };
                let parts: Vec<String> = inside.iter().map(part).collect::<Result<_, _>>()?;
                whole += &join(&parts, choices.separator);
            }
        }
    }
    Ok(whole)
}
