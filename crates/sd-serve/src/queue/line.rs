use std::collections::{HashMap, VecDeque};

/// Entries of several clients, who take turns: each turn is the first entry of the client who waited longest.
pub struct Line<E> {
    clients: VecDeque<String>,
    entries: HashMap<String, VecDeque<E>>,
}

impl<E> Line<E> {
    /// Nobody waits.
    pub fn new() -> Self {
        Self { clients: VecDeque::new(), entries: HashMap::new() }
    }

    /// Entries that wait.
    pub fn len(&self) -> usize {
        self.entries.values().map(VecDeque::len).sum()
    }

    /// Puts an entry behind the others of its client. A new client comes last.
    pub fn push(&mut self, client: &str, entry: E) {
        self.of(client).push_back(entry);
    }

    /// Puts back an entry that had its turn and is not finished: first of its client, who comes last.
    pub fn put_back(&mut self, client: &str, entry: E) {
        self.of(client).push_front(entry);
        self.clients.retain(|other| other != client);
        self.clients.push_back(client.into());
    }

    /// Takes the next entry.
    pub fn pop(&mut self) -> Option<E> {
        let client = self.clients.pop_front()?;
        let entries = self.entries.get_mut(&client)?;
        let entry = entries.pop_front();
        if entries.is_empty() {
            self.entries.remove(&client);
        } else {
            self.clients.push_back(client);
        }
        entry
    }

    /// Takes out the entries that `wanted` chooses.
    pub fn take(&mut self, wanted: impl Fn(&E) -> bool) -> Vec<E> {
        let mut taken = Vec::new();
        for entries in self.entries.values_mut() {
            let (out, rest) = entries.drain(..).partition(|entry| wanted(entry));
            *entries = rest;
            let out: VecDeque<E> = out;
            taken.extend(out);
        }
        self.entries.retain(|_, entries| !entries.is_empty());
        self.clients.retain(|client| self.entries.contains_key(client));
        taken
    }

    /// Whether other clients than this one wait.
    pub fn others_wait(&self, client: &str) -> bool {
        self.clients.iter().any(|other| other != client)
    }

    /// The entries in the order of their turns.
    pub fn in_order(&self) -> impl Iterator<Item = &E> {
        let longest = self.entries.values().map(VecDeque::len).max().unwrap_or(0);
        (0..longest)
            .flat_map(move |round| self.clients.iter().filter_map(move |client| self.entries[client].get(round)))
    }

    fn of(&mut self, client: &str) -> &mut VecDeque<E> {
        if !self.entries.contains_key(client) {
            self.clients.push_back(client.into());
        }
        self.entries.entry(client.into()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line<String> {
        let mut line = Line::new();
        text.split(' ').for_each(|entry| line.push(&entry[..1], entry.into()));
        line
    }

    fn all(mut line: Line<String>) -> String {
        std::iter::from_fn(|| line.pop()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn clients_take_turns_however_much_each_wants() {
        assert_eq!(all(line("a1 a2 a3 a4 b1 b2 c1")), "a1 b1 c1 a2 b2 a3 a4");
    }

    #[test]
    fn the_foretold_order_is_the_order() {
        let line = line("a1 a2 b1 c1 c2 c3 b2");
        let foretold = line.in_order().cloned().collect::<Vec<_>>().join(" ");
        assert_eq!(foretold, all(line));
    }

    #[test]
    fn an_unfinished_entry_is_its_clients_next_after_the_other_clients() {
        let mut line = line("a1 a2 b1");
        let first = line.pop().unwrap();
        line.put_back("a", first);
        assert_eq!(all(line), "b1 a1 a2");
    }

    #[test]
    fn a_client_whose_last_entry_is_taken_out_has_no_turn() {
        let mut line = line("a1 b1 a2 c1");
        assert_eq!(line.take(|entry| entry == "b1"), ["b1"]);
        assert_eq!(line.len(), 3);
        assert_eq!(all(line), "a1 c1 a2");
    }
}
