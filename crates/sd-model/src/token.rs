/// A token of a prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    /// Its row in the text encoder's table.
    pub id: u32,
    /// Its text in the vocabulary; `</w>` ends a word. Empty for a vector of an added word.
    pub text: String,
    /// Its weight.
    pub weight: f64,
}
