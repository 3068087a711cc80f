/// What the files of a job tell when they are opened.
#[derive(Debug, Default, Clone)]
pub struct Notices {
    /// What is worth knowing.
    pub notes: Vec<String>,
    /// What may surprise.
    pub warnings: Vec<String>,
}

impl Notices {
    pub(crate) fn extend(&mut self, more: &Self) {
        self.notes.extend_from_slice(&more.notes);
        self.warnings.extend_from_slice(&more.warnings);
    }
}
