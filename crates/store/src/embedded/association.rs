//! Associations of the embedded store: read from the last commit, written by the writer.

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use jackfield_model::wire::Association;
use jackfield_model::{ExternalUserId, ServiceProviderId};

use super::EmbeddedStore;
use super::codec;
use super::counts::ProviderCounts;
use super::layout::{self, Space};
use super::row_cache::{Lookup, RowCache};
use super::view::View;
use crate::change::Origin;
use crate::contract::{
    AssociationPage, AssociationRange, AssociationStore, CreateOutcome, DeleteOutcome, UpdateOutcome,
    WriteAssociation,
};
use crate::error::StoreError;

impl View {
    fn find_associations(
        &self,
        cache: &RowCache,
        provider: ServiceProviderId,
        ids: &[ExternalUserId],
    ) -> Result<Vec<Association>, StoreError> {
        let Some(ProviderCounts { number, .. }) = self.counts.provider(provider) else {
            return Ok(Vec::new());
        };
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            let target = match cache.get(self.number, number, id.as_str(), codec::decode_target_again) {
                Lookup::Found(target) => target?,
                Lookup::Absent => continue,
                Lookup::NotCached => match self.get(Space::Association, &layout::association(number, id))? {
                    Some(value) => {
                        let target = codec::decode_target(&value)?.amazon_id;
                        cache.keep(self.number, number, id.as_str(), &value);
                        target
                    }
                    None => continue,
                },
            };
            found.push(Association::new(id.clone(), target));
        }
        Ok(found)
    }
}

#[async_trait]
impl AssociationStore for EmbeddedStore {
    // As `async_trait` would write it, but that the write, which is large, does not go into the box of the future first.
    fn create_association<'s, 'f>(
        &'s self,
        write: WriteAssociation,
    ) -> BoxFuture<'f, Result<CreateOutcome, StoreError>>
    where
        's: 'f,
        Self: 'f,
    {
        Box::pin(self.write(move |group| group.create(write)))
    }

    async fn update_association(&self, write: WriteAssociation) -> Result<UpdateOutcome, StoreError> {
        self.write(move |group| group.update(write)).await
    }

    async fn delete_association(
        &self,
        provider: ServiceProviderId,
        external_user_id: ExternalUserId,
        origin: Origin,
    ) -> Result<DeleteOutcome, StoreError> {
        self.write(move |group| group.delete(provider, external_user_id, origin)).await
    }

    async fn find_associations(
        &self,
        provider: ServiceProviderId,
        ids: &[ExternalUserId],
    ) -> Result<Vec<Association>, StoreError> {
        let view = self.shared.view().await?;
        view.find_associations(&self.shared.row_cache, provider, ids)
    }

    fn find_associations_now(
        &self,
        provider: ServiceProviderId,
        ids: &[ExternalUserId],
    ) -> Option<Result<Vec<Association>, StoreError>> {
        let view = self.shared.open_view()?;
        Some(view.find_associations(&self.shared.row_cache, provider, ids))
    }

    async fn list_associations(
        &self,
        provider: ServiceProviderId,
        range: &AssociationRange,
    ) -> Result<AssociationPage, StoreError> {
        let view = self.shared.view().await?;
        let mut page = AssociationPage { associations: Vec::new(), more: false };
        let Some(ProviderCounts { number, .. }) = view.counts.provider(provider) else { return Ok(page) };
        let prefix = layout::association_prefix(number, &range.prefix);
        let after = range.after.as_ref().map(|id| layout::association(number, id));
        for row in view.rows(Space::Association, &prefix, after) {
            let (key, value) = row?;
            if page.associations.len() == range.limit {
                page.more = true;
                break;
            }
            let id = codec::decode_external_user_id(&key[layout::PROVIDER_BYTES..])?;
            page.associations.push(Association::new(id, codec::decode_target(&value)?.amazon_id));
        }
        Ok(page)
    }

    async fn count_associations(&self, provider: ServiceProviderId) -> Result<u64, StoreError> {
        Ok(self.shared.view().await?.counts.associations(provider))
    }
}
