//! Changes of resources, decided over rows: what is stored, what is recorded, or why not.

use std::collections::BTreeMap;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jackfield_model::{AmazonId, OrganizationId, UnitId};

use super::{
    Bound, Kind, ListKey, Reference, Refusal, Resource, ResourceChange, ResourceOutcome, RowKey, Table,
    each_kind, every_kind, to_json,
};
use crate::change::{Operation, Subject};
use crate::registry::{Profile, Quotas, Registry};

/// Rows that are read at once where all of a list are.
const PAGE_ROWS: usize = 1_000;

/// The rows of a store as they are now, for whoever decides on a change: nobody else changes them meanwhile.
pub(crate) trait ReadRows: Sync {
    type Error: Send;

    fn get(&self, key: &RowKey) -> impl Future<Output = Result<Option<String>, Self::Error>> + Send;

    /// Reads rows ahead that will be asked for: a batch then costs one round trip.
    fn get_all(
        &self,
        keys: Vec<RowKey>,
    ) -> impl Future<Output = Result<Vec<(RowKey, Option<String>)>, Self::Error>> + Send;

    /// At most `limit` rows of a list whose id is greater than `after`.
    fn scan(
        &self,
        list: &ListKey,
        after: &str,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<(String, String)>, Self::Error>> + Send;

    fn profile(&self, id: &AmazonId) -> impl Future<Output = Result<Option<Profile>, Self::Error>> + Send;

    fn profile_of_unit(
        &self,
        unit: &UnitId,
    ) -> impl Future<Output = Result<Option<Profile>, Self::Error>> + Send;

    /// The error for a row that cannot be understood.
    fn corrupt(cause: String) -> Self::Error;
}

/// What the rules come to over rows that are read without waiting.
pub(crate) fn at_once<T, E>(deciding: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    deciding.now_or_never().expect("the rules wait for nothing but rows")
}

/// What is to be stored in one commit.
#[derive(Debug, Default)]
pub(crate) struct Decided {
    /// The outcome of each change, in their order.
    pub(crate) outcomes: Vec<ResourceOutcome>,
    /// Rows to store, or to remove.
    pub(crate) rows: Vec<(RowKey, Option<String>)>,
    /// What goes into the change record.
    pub(crate) subjects: Vec<(Operation, Subject)>,
}

/// Decides on changes, each as if it came alone after those before it.
pub(crate) async fn decide<R: ReadRows>(
    rows: &R,
    registry: &Registry,
    organization: &OrganizationId,
    changes: Vec<ResourceChange>,
) -> Result<Decided, R::Error> {
    let Some(record) = registry.organizations.get(organization) else {
        let outcomes = vec![Err(Refusal::NoSuchOrganization); changes.len()];
        return Ok(Decided { outcomes, ..Decided::default() });
    };
    let mut pending = Pending::new(rows, registry, organization, record.quotas);
    if changes.len() > 1 {
        pending.read_ahead(&changes).await?;
    }
    let mut outcomes = Vec::with_capacity(changes.len());
    for change in changes {
        let decided = pending.subjects.len();
        let outcome = pending.apply(change).await?;
        debug_assert!(
            outcome.is_ok() || pending.subjects.len() == decided,
            "a refusal comes before the first write"
        );
        outcomes.push(outcome);
    }
    Ok(pending.decided(outcomes))
}

/// Decides what goes with a communication profile: see [`References::of_profile`]. Nothing where that is more than `most`
/// objects.
pub(crate) async fn decide_profile_removal<R: ReadRows>(
    rows: &R,
    registry: &Registry,
    organization: &OrganizationId,
    id: &AmazonId,
    most: usize,
) -> Result<Option<Decided>, R::Error> {
    let quotas = registry.organizations.get(organization).map(|found| found.quotas).unwrap_or_default();
    let mut pending = Pending::new(rows, registry, organization, quotas);
    let profile = id.suffix();
    let mut left = most;
    every_kind!(K => {
        for (scope, id) in K::of_profile(&pending, profile, most).await? {
            let Some(less) = left.checked_sub(1) else { return Ok(None) };
            left = less;
            pending.remove_at::<K>(&scope, &id).await?;
        }
    });
    Ok(Some(pending.decided(Vec::new())))
}

/// The row of a resource and the rows that are derived from it.
pub(super) fn rows_of<K: References>(one: &K, organization: &OrganizationId) -> Vec<(RowKey, String)> {
    let mut rows = vec![(one.key(organization), to_json(one))];
    rows.extend(one.derived(organization));
    rows
}

/// The rules of a kind of resource about what it refers to and what refers to it.
pub(super) trait References: Kind {
    /// The rows that are derived from it.
    fn derived(&self, organization: &OrganizationId) -> Vec<(RowKey, String)>;

    /// What it refers to.
    fn references(&self, organization: &OrganizationId) -> Vec<Reference>;

    /// The lists that a new one makes longer, with their bounds.
    fn bounds(&self, organization: &OrganizationId, quotas: &Quotas) -> Vec<Bound>;

    /// Whether what it refers to is there. `before` is what it takes the place of.
    fn admit<R: ReadRows>(
        &mut self,
        before: Option<&Self>,
        pending: &mut Pending<'_, R>,
    ) -> impl Future<Output = Result<ResourceOutcome, R::Error>> + Send;

    /// Whether it may go, taking along what cannot be without it.
    fn release<R: ReadRows>(
        &self,
        pending: &mut Pending<'_, R>,
    ) -> impl Future<Output = Result<ResourceOutcome, R::Error>> + Send {
        let _ = pending;
        async { Ok(Ok(())) }
    }

    /// Those of this kind that go with a communication profile: scopes and ids. It may stop beyond `most`.
    fn of_profile<R: ReadRows>(
        pending: &Pending<'_, R>,
        profile: &str,
        most: usize,
    ) -> impl Future<Output = Result<Vec<(String, String)>, R::Error>> + Send {
        let _ = (pending, profile, most);
        async { Ok(Vec::new()) }
    }

    /// Those of this kind that go with a contact: scopes and ids.
    fn of_contact<R: ReadRows>(
        pending: &Pending<'_, R>,
        contact: &str,
    ) -> impl Future<Output = Result<Vec<(String, String)>, R::Error>> + Send {
        let _ = (pending, contact);
        async { Ok(Vec::new()) }
    }
}

/// The rows of a store with what was decided so far.
pub(super) struct Pending<'r, R> {
    pub(super) rows: &'r R,
    pub(super) registry: &'r Registry,
    pub(super) organization: &'r OrganizationId,
    quotas: Quotas,
    /// Rows that were read ahead.
    known: BTreeMap<RowKey, Option<String>>,
    written: BTreeMap<RowKey, Option<String>>,
    subjects: Vec<(Operation, Subject)>,
}

impl<'r, R: ReadRows> Pending<'r, R> {
    fn new(rows: &'r R, registry: &'r Registry, organization: &'r OrganizationId, quotas: Quotas) -> Self {
        let (known, written) = (BTreeMap::new(), BTreeMap::new());
        Self { rows, registry, organization, quotas, known, written, subjects: Vec::new() }
    }

    fn decided(self, outcomes: Vec<ResourceOutcome>) -> Decided {
        Decided { outcomes, rows: self.written.into_iter().collect(), subjects: self.subjects }
    }

    async fn apply(&mut self, change: ResourceChange) -> Result<ResourceOutcome, R::Error> {
        match change {
            ResourceChange::Create(new) => each_kind!(new, one => self.store(one, Some(false)).await),
            ResourceChange::Update(new) => each_kind!(new, one => self.store(one, Some(true)).await),
            ResourceChange::Put(new) => each_kind!(new, one => self.store(one, None).await),
            ResourceChange::Delete(gone) => each_kind!(gone, one => self.remove(&one).await),
        }
    }

    /// Reads what a batch will ask for.
    async fn read_ahead(&mut self, changes: &[ResourceChange]) -> Result<(), R::Error> {
        let mut keys = Vec::new();
        for change in changes {
            let (ResourceChange::Create(one)
            | ResourceChange::Update(one)
            | ResourceChange::Put(one)
            | ResourceChange::Delete(one)) = change;
            keys.extend(one.rows(self.organization).into_iter().map(|(key, _)| key));
            each_kind!(one, one => {
                keys.extend(one.bounds(self.organization, &self.quotas).iter().map(|bound| bound.list.count()));
            });
        }
        keys.sort_unstable();
        keys.dedup();
        self.known = self.rows.get_all(keys).await?.into_iter().collect();
        Ok(())
    }

    /// Stores a resource, new or in the place of the one that is there; `there` says which of the two it must be.
    async fn store<K: References>(
        &mut self,
        mut one: K,
        there: Option<bool>,
    ) -> Result<ResourceOutcome, R::Error> {
        let before = self.find::<K>(one.scope(), &one.id()).await?;
        match (there, &before) {
            (Some(false), Some(_)) => return Ok(Err(Refusal::Exists)),
            (Some(true), None) => return Ok(Err(Refusal::NotFound)),
            _ => {}
        }
        if let Err(refusal) = one.admit(before.as_ref(), self).await? {
            return Ok(Err(refusal));
        }
        if before.as_ref() == Some(&one) {
            return Ok(Ok(()));
        }
        if before.is_none() {
            for Bound { list, of, most } in one.bounds(self.organization, &self.quotas) {
                if self.count(&list).await? >= u64::from(most) {
                    return Ok(Err(Refusal::LimitReached { of, most }));
                }
            }
        }
        let mut rows: BTreeMap<RowKey, Option<String>> = BTreeMap::new();
        for (key, _) in before.iter().flat_map(|before| rows_of(before, self.organization)) {
            rows.insert(key, None);
        }
        for (key, value) in rows_of(&one, self.organization) {
            rows.insert(key, Some(value));
        }
        for (key, value) in rows {
            self.write(key, value).await?;
        }
        let operation = if before.is_some() { Operation::Update } else { Operation::Create };
        let subject = K::subject(self.organization, before.as_ref(), Some(&one));
        self.subjects.push((operation, subject));
        Ok(Ok(()))
    }

    async fn remove<K: References>(&mut self, one: &K) -> Result<ResourceOutcome, R::Error> {
        match self.find::<K>(one.scope(), &one.id()).await? {
            Some(found) => self.remove_found(&found).await,
            None => Ok(Err(Refusal::NotFound)),
        }
    }

    /// Removes a resource that goes with another, if it is there.
    pub(super) async fn remove_at<K: References>(&mut self, scope: &str, id: &str) -> Result<(), R::Error> {
        if let Some(found) = self.find::<K>(scope, id).await? {
            let removed = self.remove_found(&found).await?;
            debug_assert!(removed.is_ok(), "what goes with another is not refused");
        }
        Ok(())
    }

    async fn remove_found<K: References>(&mut self, found: &K) -> Result<ResourceOutcome, R::Error> {
        if let Err(refusal) = found.release(self).await? {
            return Ok(Err(refusal));
        }
        for (key, _) in rows_of(found, self.organization) {
            self.write(key, None).await?;
        }
        self.subjects.push((Operation::Delete, K::subject(self.organization, Some(found), None)));
        Ok(Ok(()))
    }

    /// The resource that stands there.
    pub(super) async fn find<K: Kind>(&self, scope: &str, id: &str) -> Result<Option<K>, R::Error> {
        let key = ListKey::new(self.organization, K::TABLE, scope).row(id);
        let Some(text) = self.get(&key).await? else { return Ok(None) };
        // What the reader says could repeat a name or a number.
        serde_json::from_str(&text).map(Some).map_err(|_| R::corrupt(format!("{key}: not a {}", K::NAME)))
    }

    pub(super) async fn get(&self, key: &RowKey) -> Result<Option<String>, R::Error> {
        match self.written.get(key).or_else(|| self.known.get(key)) {
            Some(known) => Ok(known.clone()),
            None => self.rows.get(key).await,
        }
    }

    /// Every row of a list of the organization; more than `most`, but not all, of one that has more.
    pub(super) async fn list(
        &self,
        table: Table,
        scope: &str,
        most: usize,
    ) -> Result<Vec<(String, String)>, R::Error> {
        let list = ListKey::new(self.organization, table, scope);
        let mut rows: BTreeMap<String, String> = BTreeMap::new();
        let mut after = String::new();
        loop {
            let page = self.rows.scan(&list, &after, PAGE_ROWS).await?;
            let full = page.len() == PAGE_ROWS;
            after = page.last().map(|(id, _)| id.clone()).unwrap_or_default();
            rows.extend(page);
            if !full || rows.len() > most.saturating_add(self.written.len()) {
                break;
            }
        }
        let of_list = self.written.range(list.clone().row("")..).take_while(|(key, _)| key.list == list);
        for (key, value) in of_list {
            match value {
                Some(value) => rows.insert(key.id.clone(), value.clone()),
                None => rows.remove(&key.id),
            };
        }
        Ok(rows.into_iter().collect())
    }

    /// Whether a list of the organization has a row.
    pub(super) async fn has_rows(&self, table: Table, scope: &str) -> Result<bool, R::Error> {
        let list = ListKey::new(self.organization, table, scope);
        let of_list = || self.written.range(list.clone().row("")..).take_while(|(key, _)| key.list == list);
        if of_list().any(|(_, value)| value.is_some()) {
            return Ok(true);
        }
        let gone = of_list().count();
        let found = self.rows.scan(&list, "", gone + 1).await?;
        Ok(found.iter().any(|(id, _)| !self.written.contains_key(&list.clone().row(id))))
    }

    /// How many rows a list has that is counted.
    async fn count(&self, list: &ListKey) -> Result<u64, R::Error> {
        let key = list.count();
        let Some(text) = self.get(&key).await? else { return Ok(0) };
        text.parse().map_err(|_| R::corrupt(format!("{key}: not a number")))
    }

    async fn write(&mut self, key: RowKey, value: Option<String>) -> Result<(), R::Error> {
        if key.list.table.is_counted() {
            let more = i64::from(value.is_some()) - i64::from(self.get(&key).await?.is_some());
            if more != 0 {
                let count = self.count(&key.list).await?.saturating_add_signed(more);
                self.written.insert(key.list.count(), (count > 0).then(|| count.to_string()));
            }
        }
        self.written.insert(key, value);
        Ok(())
    }

    /// Whether the organization has this profile.
    pub(super) async fn has_profile(&self, id: &AmazonId) -> Result<bool, R::Error> {
        let found = self.rows.profile(id).await?;
        Ok(found.is_some_and(|found| found.organization == *self.organization))
    }

    /// Removes what goes with a contact: see [`References::of_contact`].
    pub(super) fn remove_with_contact<'a>(
        &'a mut self,
        contact: &'a str,
    ) -> BoxFuture<'a, Result<(), R::Error>> {
        // Boxed, because what goes may take others along in the same way.
        async move {
            every_kind!(K => {
                for (scope, id) in K::of_contact(self, contact).await? {
                    self.remove_at::<K>(&scope, &id).await?;
                }
            });
            Ok(())
        }
        .boxed()
    }
}
