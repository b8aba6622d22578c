//! What stands in rows of changes only.

use jackfield_model::ServiceProviderId;

/// What commits since the last one with rows for state and counts have left in the rows of their changes.
#[derive(Default)]
pub(super) struct Recent {
    commits: usize,
    /// The providers whose counts they changed, some of them more than once.
    providers: Vec<ServiceProviderId>,
}

impl Recent {
    /// The commits that the next start may have to look at.
    pub(super) const COMMITS_MAX: usize = 1_000;
    const PROVIDERS_MAX: usize = 4_000;

    /// Whether the next commit has to write rows for all of it.
    pub(super) const fn is_full(&self) -> bool {
        self.commits >= Self::COMMITS_MAX || self.providers.len() >= Self::PROVIDERS_MAX
    }

    pub(super) fn providers(&self) -> &[ServiceProviderId] {
        &self.providers
    }

    /// Takes down what a commit left, see [`Commit`](super::group::Commit).
    pub(super) fn add(&mut self, counted: Option<Vec<ServiceProviderId>>) {
        match counted {
            None => *self = Self::default(),
            Some(counted) => {
                self.commits += 1;
                let last = self.providers.last().copied();
                self.providers.extend(counted.into_iter().filter(|id| Some(*id) != last));
            }
        }
    }
}
