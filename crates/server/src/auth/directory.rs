//! The handles of operations on the resources of the calling family: bound to the caller's organization, and to one object
//! of it.

use std::sync::Arc;

use arc_swap::Guard;
use jackfield_model::wire::{AddressBook, Unit, UnitName};
use jackfield_model::{AddressBookId, AmazonId, ContactId, OrganizationId, RequestId, UnitId};
use jackfield_store::resource::{Kind, ListKey, ResourceChange, ResourceOutcome, Table};
use jackfield_store::{
    Origin, StoreError, UnitPath, UnitTree, find_resource, find_resources, list_resources, owner_of, registry,
};

use super::{Caller, Grant};
use crate::credential::list_token::{InvalidListToken, ListTokens};
use crate::credential::signing::SigningKeys;
use crate::error::{ApiError, Unauthorized};
use crate::group::Group;
use crate::state::State;

/// The resources of the caller's organization, and on whose behalf.
pub(crate) struct Directory<'a> {
    state: &'a State,
    id: OrganizationId,
    origin: Origin,
}

/// One object of the caller's organization, with the directory that it stands in.
pub(crate) struct Held<'a, T> {
    pub(crate) directory: Directory<'a>,
    pub(crate) object: T,
}

/// Grants the resources of the caller's organization.
pub(crate) enum OfDirectory {}

/// Grants the object of the path.
pub(crate) struct OfHeld<T>(std::convert::Infallible, std::marker::PhantomData<T>);

/// An object that a path names.
pub(crate) trait Holdable: Sized + Send {
    /// The refusal where it belongs to another organization.
    const OTHERS: Unauthorized;

    /// The refusal where it is not there.
    fn unknown() -> ApiError;

    /// The object that the parameter of the path names, or the organization that has it where that is another.
    fn look_up(
        directory: &Directory<'_>,
        parameter: &str,
    ) -> impl Future<Output = Result<LookUp<Self>, StoreError>> + Send;
}

/// Where an object is.
pub(crate) enum LookUp<T> {
    Own(T),
    Others,
    Nowhere,
}

impl Grant for OfDirectory {
    type Handle<'a> = Directory<'a>;

    async fn grant<'a>(
        state: &'a State,
        caller: &Caller,
        group: Group,
        _: &str,
        request_id: RequestId,
    ) -> Result<Directory<'a>, ApiError> {
        let id = caller.check_organization_access(group)?.id.clone();
        Ok(Directory { state, id, origin: caller.origin(request_id) })
    }
}

impl<T: Holdable + 'static> Grant for OfHeld<T> {
    type Handle<'a> = Held<'a, T>;

    /// The checks are in the order of the contract: object known, object owned, availability.
    async fn grant<'a>(
        state: &'a State,
        caller: &Caller,
        group: Group,
        parameter: &str,
        request_id: RequestId,
    ) -> Result<Held<'a, T>, ApiError> {
        let id = caller.client().organization.clone();
        let directory = Directory { state, id, origin: caller.origin(request_id) };
        let object = match T::look_up(&directory, parameter).await? {
            LookUp::Own(object) => object,
            LookUp::Others => return Err(ApiError::Unauthorized(T::OTHERS)),
            LookUp::Nowhere => return Err(T::unknown()),
        };
        caller.check_organization_access(group)?;
        Ok(Held { directory, object })
    }
}

impl Holdable for Unit {
    const OTHERS: Unauthorized = Unauthorized::OtherUnit;

    fn unknown() -> ApiError {
        ApiError::NotFound("There is no such unit.".to_owned())
    }

    /// The organization is the unit on level 0.
    async fn look_up(directory: &Directory<'_>, parameter: &str) -> Result<LookUp<Self>, StoreError> {
        let Ok(id) = parameter.parse::<UnitId>() else { return Ok(LookUp::Nowhere) };
        let registry = directory.state.store.registry();
        match registry.organizations.get(id.as_str()) {
            Some(own) if own.id == directory.id => {
                let name = UnitName::plain(own.name.clone());
                return Ok(LookUp::Own(Self { parent_id: id.clone(), id, level: 0, name }));
            }
            Some(_) => return Ok(LookUp::Others),
            None => {}
        }
        directory.look_up(id.suffix()).await
    }
}

impl Holdable for AddressBook {
    const OTHERS: Unauthorized = Unauthorized::OtherAddressBook;

    fn unknown() -> ApiError {
        ApiError::NotFound("There is no such address book.".to_owned())
    }

    async fn look_up(directory: &Directory<'_>, parameter: &str) -> Result<LookUp<Self>, StoreError> {
        match parameter.parse::<AddressBookId>() {
            Ok(id) => directory.look_up(id.suffix()).await,
            Err(_) => Ok(LookUp::Nowhere),
        }
    }
}

impl Holdable for registry::Profile {
    const OTHERS: Unauthorized = Unauthorized::OtherProfile;

    fn unknown() -> ApiError {
        super::Profile::unknown()
    }

    async fn look_up(directory: &Directory<'_>, parameter: &str) -> Result<LookUp<Self>, StoreError> {
        let Ok(id) = parameter.parse::<AmazonId>() else { return Ok(LookUp::Nowhere) };
        Ok(match directory.state.store.find_profile(&id).await? {
            Some(found) if found.organization == directory.id => LookUp::Own(found),
            Some(_) => LookUp::Others,
            None => LookUp::Nowhere,
        })
    }
}

impl Directory<'_> {
    /// The organization.
    pub(crate) const fn id(&self) -> &OrganizationId {
        &self.id
    }

    /// A resource that stands in the scope of the organization. Only where there is none, others are asked.
    async fn look_up<K: Kind>(&self, id: &str) -> Result<LookUp<K>, StoreError> {
        if let Some(found) = self.find("", id).await? {
            return Ok(LookUp::Own(found));
        }
        let owner = owner_of(&*self.state.store, K::TABLE, id).await?;
        Ok(if owner.is_some() { LookUp::Others } else { LookUp::Nowhere })
    }

    /// The object with this id, which may be in a body or a query string: like that of a path.
    pub(crate) async fn held<T: Holdable>(&self, id: &str) -> Result<T, ApiError> {
        match T::look_up(self, id).await? {
            LookUp::Own(object) => Ok(object),
            LookUp::Others => Err(ApiError::Unauthorized(T::OTHERS)),
            LookUp::Nowhere => Err(T::unknown()),
        }
    }

    pub(crate) async fn find<K: Kind>(&self, scope: &str, id: &str) -> Result<Option<K>, StoreError> {
        find_resource(&*self.state.store, &self.id, scope, id).await
    }

    /// The resources of which these are the scopes and ids.
    pub(crate) async fn find_all<K: Kind>(
        &self,
        places: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Vec<K>, StoreError> {
        find_resources(&*self.state.store, &self.id, places).await
    }

    pub(crate) async fn list<K: Kind>(
        &self,
        scope: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<K>, StoreError> {
        list_resources(&*self.state.store, &self.id, scope, after, limit).await
    }

    /// Ids of a list that is derived from resources.
    pub(crate) async fn list_ids(
        &self,
        table: Table,
        scope: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let list = ListKey::new(&self.id, table, scope);
        let _step = super::store_step();
        let rows = self.state.store.list_rows(&list, after, limit).await?;
        Ok(rows.into_iter().map(|(id, _)| id).collect())
    }

    /// Whether a row is kept.
    pub(crate) async fn has_row(&self, table: Table, scope: &str, id: &str) -> Result<bool, StoreError> {
        let key = ListKey::new(&self.id, table, scope).row(id);
        let _step = super::store_step();
        Ok(self.state.store.find_rows(&[key]).await?.iter().any(Option::is_some))
    }

    /// Units below one, at most so many levels down.
    pub(crate) async fn list_units(
        &self,
        parent: &UnitId,
        depth: usize,
        after: UnitPath,
        limit: usize,
    ) -> Result<(Vec<Unit>, Option<UnitPath>), StoreError> {
        UnitTree::new(&*self.state.store, &self.id, parent, depth).page(after, limit).await
    }

    /// Makes changes in one commit, each as if alone.
    pub(crate) async fn change(
        &self,
        changes: Vec<ResourceChange>,
    ) -> Result<Vec<ResourceOutcome>, StoreError> {
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        let _step = super::store_step();
        self.state.store.change_resources(&self.id, changes, self.origin.clone()).await
    }

    /// Makes one change.
    pub(crate) async fn change_one(&self, change: ResourceChange) -> Result<ResourceOutcome, StoreError> {
        let mut outcomes = self.change(vec![change]).await?;
        Ok(outcomes.pop().expect("one outcome for each change"))
    }

    /// The id of a new unit.
    pub(crate) async fn new_unit(&self) -> Result<UnitId, StoreError> {
        self.state.sandbox.ids.unit(&*self.state.store).await
    }

    /// The id of a new address book.
    pub(crate) async fn new_address_book(&self) -> Result<AddressBookId, StoreError> {
        self.state.sandbox.ids.address_book(&*self.state.store).await
    }

    /// The id of a new contact.
    pub(crate) async fn new_contact(&self) -> Result<ContactId, StoreError> {
        self.state.sandbox.ids.contact(&*self.state.store, &self.id).await
    }

    /// The place that a page token names in a list of the organization; `list` says which.
    pub(crate) async fn open_token(&self, list: &[&str], token: &str) -> Result<String, ApiError> {
        let tokens = self.tokens(list);
        let mut opened = tokens.open(&self.signing_keys(), token);
        // It may be of a key that another node has rotated to a moment ago.
        if opened == Err(InvalidListToken::Foreign) && self.state.store.refresh().await? {
            opened = tokens.open(&self.signing_keys(), token);
        }
        opened.map_err(|error| ApiError::BadRequest(error.to_string()))
    }

    /// The token of a page that ended at this place of a list.
    pub(crate) fn issue_token(&self, list: &[&str], place: &str) -> String {
        self.tokens(list).issue(&self.signing_keys(), place)
    }

    fn tokens<'l>(&'l self, list: &'l [&'l str]) -> ListTokens<'l> {
        ListTokens::new(self.state.sandbox.clock.seconds(), &self.id, list)
    }

    fn signing_keys(&self) -> Guard<Arc<SigningKeys>> {
        self.state.signing_keys().now(&*self.state.store)
    }
}
