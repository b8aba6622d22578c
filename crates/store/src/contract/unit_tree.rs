//! Walks the tree of units from the top to the bottom, a page at a time.

use jackfield_model::wire::Unit;
use jackfield_model::{OrganizationId, UnitId};

use super::resource::{ResourceStore, find_resources};
use crate::error::StoreError;
use crate::resource::{ListKey, Table};

/// The units below one, each before those below it, siblings by id.
#[derive(Debug)]
pub struct UnitTree<'a, S: ?Sized> {
    store: &'a S,
    organization: &'a OrganizationId,
    parent: &'a UnitId,
    /// How many levels down.
    depth: usize,
}

/// Where a walk is: the ends of the ids of the units from a child of the topmost one down to the last one seen. Empty
/// before the first.
pub type UnitPath = Vec<String>;

impl<'a, S: ResourceStore + ?Sized> UnitTree<'a, S> {
    /// The units at most `depth` levels below `parent`, which belongs to the organization or is it.
    #[must_use]
    pub const fn new(
        store: &'a S,
        organization: &'a OrganizationId,
        parent: &'a UnitId,
        depth: usize,
    ) -> Self {
        Self { store, organization, parent, depth }
    }

    /// At most `limit` units after a place, and the place of the last one where others follow.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub async fn page(
        &self,
        mut path: UnitPath,
        limit: usize,
    ) -> Result<(Vec<Unit>, Option<UnitPath>), StoreError> {
        let mut ids: Vec<String>;
        let mut end = None;
        if self.depth == 1 {
            // The most common list is read at once.
            let last = path.pop().unwrap_or_default();
            ids = self.children(self.parent.suffix(), &last, limit + 1).await?;
            if ids.len() > limit {
                ids.truncate(limit);
                end = ids.last().map(|last| vec![last.clone()]);
            }
        } else {
            ids = Vec::with_capacity(limit);
            let mut place = path.clone();
            while let Some(id) = self.step(&mut path).await? {
                if ids.len() == limit {
                    end = Some(place);
                    break;
                }
                place.clone_from(&path);
                ids.push(id);
            }
        }
        let places = ids.into_iter().map(|id| (String::new(), id));
        Ok((find_resources(self.store, self.organization, places).await?, end))
    }

    /// Moves on to the next unit.
    async fn step(&self, path: &mut UnitPath) -> Result<Option<String>, StoreError> {
        if path.len() < self.depth {
            let first = self.children(self.at(path), "", 1).await?.pop();
            if let Some(first) = first {
                path.push(first.clone());
                return Ok(Some(first));
            }
        }
        while let Some(last) = path.pop() {
            if let Some(next) = self.children(self.at(path), &last, 1).await?.pop() {
                path.push(next.clone());
                return Ok(Some(next));
            }
        }
        Ok(None)
    }

    fn at<'p>(&'p self, path: &'p UnitPath) -> &'p str {
        path.last().map_or_else(|| self.parent.suffix(), String::as_str)
    }

    async fn children(&self, of: &str, after: &str, limit: usize) -> Result<Vec<String>, StoreError> {
        let list = ListKey::new(self.organization, Table::ChildUnit, of);
        let rows = self.store.list_rows(&list, after, limit).await?;
        Ok(rows.into_iter().map(|(id, _)| id).collect())
    }
}
