//! POST …/externalUsers/query: the associations of a provider, all or some, page by page.
//!
//! Sorted by the bytes of `externalUserId`. Pages continue after a key, so an association that exists throughout a
//! walk is returned exactly once, whatever is written meanwhile. `totalCount` counts all that match, over all pages.

use http::StatusCode;
use jackfield_model::ExternalUserId;
use jackfield_model::note::Reading;
use jackfield_model::wire::{Association, LAST_PAGE_TOKEN, PaginationContext, QueryRequest, QueryResponse};

use crate::auth::Provider;
use crate::credential::page_token::{InvalidPageToken, PageTokens};
use crate::error::ApiError;
use crate::response::{self, Reply};

pub(super) async fn handle(
    provider: Provider<'_>,
    body: &[u8],
    reading: &mut Reading,
) -> Result<Reply, ApiError> {
    let request = QueryRequest::parse(body, reading)?;
    let filter = request.external_user_ids.as_deref();
    let tokens = || provider.page_tokens(filter);
    // The token of a last page leads to an empty page without a token, so that a client that goes on until the
    // token is absent ends, too.
    let past_the_end = request.next_token.as_deref() == Some(LAST_PAGE_TOKEN);
    let after = match request.next_token.as_deref() {
        Some(token) if !past_the_end => Some(open(&provider, &tokens(), token).await?),
        _ => None,
    };
    let limit = if past_the_end { 0 } else { request.max_results as usize };
    let page = match filter {
        Some(ids) => filtered_page(&provider, ids, after.as_ref(), limit).await?,
        None => whole_page(&provider, after, limit).await?,
    };
    let next_page_token = match page.associations.last() {
        _ if past_the_end => None,
        Some(last) if page.more => {
            Some(tokens().issue(&provider.signing_keys(), &last.external_user_id).into())
        }
        _ => Some(LAST_PAGE_TOKEN.into()),
    };
    let answer = QueryResponse {
        pagination_context: PaginationContext { total_count: page.total, next_page_token },
        account_associations: page.associations,
    };
    // A vector with room left would need another allocation to become a body. This one has none.
    let json = answer.to_json().into_boxed_slice();
    Ok(response::bytes(StatusCode::OK, &response::JSON, json))
}

/// The last id of the page before. A token that no key of this node made may be of a key that another node has rotated
/// to a moment ago.
async fn open(
    provider: &Provider<'_>,
    tokens: &PageTokens<'_>,
    token: &str,
) -> Result<ExternalUserId, ApiError> {
    let mut opened = tokens.open(&provider.signing_keys(), token);
    if opened == Err(InvalidPageToken::Foreign) && provider.refresh().await? {
        opened = tokens.open(&provider.signing_keys(), token);
    }
    opened.map_err(|error| ApiError::BadRequest(error.to_string()))
}

struct Page {
    associations: Vec<Association>,
    total: u64,
    more: bool,
}

async fn filtered_page(
    provider: &Provider<'_>,
    ids: &[ExternalUserId],
    after: Option<&ExternalUserId>,
    limit: usize,
) -> Result<Page, ApiError> {
    let mut associations = provider.find(ids).await?;
    let total = associations.len() as u64;
    if let Some(after) = after {
        associations.retain(|association| association.external_user_id > *after);
    }
    let more = associations.len() > limit;
    associations.truncate(limit);
    Ok(Page { associations, total, more })
}

async fn whole_page(
    provider: &Provider<'_>,
    after: Option<ExternalUserId>,
    limit: usize,
) -> Result<Page, ApiError> {
    let page = match limit {
        0 => jackfield_store::AssociationPage { associations: Vec::new(), more: false },
        limit => provider.list(after, limit).await?,
    };
    Ok(Page { associations: page.associations, total: provider.count().await?, more: page.more })
}
