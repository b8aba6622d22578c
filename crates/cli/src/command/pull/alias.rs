//! Names in place of names.

use std::collections::BTreeMap;

use jackfield_model::{AmazonId, ExternalUserId, UnitId};

/// What stands for what. The same always stands for the same, so that what two associations share is still seen.
pub(super) struct Aliases {
    replaces: bool,
    /// The number of each text of a kind.
    numbers: BTreeMap<(&'static str, String), usize>,
    /// The last number of each kind.
    last: BTreeMap<&'static str, usize>,
}

impl Aliases {
    /// Aliases that replace what they are given, or leave it as it is.
    pub(super) const fn new(replaces: bool) -> Self {
        Self { replaces, numbers: BTreeMap::new(), last: BTreeMap::new() }
    }

    /// Whether anything is replaced.
    pub(super) const fn replaces(&self) -> bool {
        self.replaces
    }

    /// What stands for an endpoint.
    pub(super) fn endpoint(&mut self, id: ExternalUserId) -> ExternalUserId {
        let alias = self.of("endpoint", id.as_str());
        alias.map_or(id, |text| ExternalUserId::new(&text).expect("a word and a number are allowed"))
    }

    /// What stands for a profile.
    pub(super) fn profile(&mut self, id: AmazonId) -> AmazonId {
        let alias = self.of("profile", id.as_str());
        alias.map_or(id, |text| AmazonId::from_suffix(&text).expect("a word and a number are allowed"))
    }

    /// What stands for a unit.
    pub(super) fn unit(&mut self, id: UnitId) -> UnitId {
        let alias = self.of("unit", id.as_str());
        alias.map_or(id, |text| UnitId::from_suffix(&text).expect("a word and a number are allowed"))
    }

    /// What stands for a name.
    pub(super) fn name(&mut self, name: String) -> String {
        self.of("name", &name).unwrap_or(name)
    }

    fn of(&mut self, kind: &'static str, text: &str) -> Option<String> {
        if !self.replaces {
            return None;
        }
        let last = self.last.entry(kind).or_default();
        let number = self.numbers.entry((kind, text.to_owned())).or_insert_with(|| {
            *last += 1;
            *last
        });
        Some(format!("{kind}-{number:06}"))
    }
}
