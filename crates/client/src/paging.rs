//! Walks over the pages of a query.

use std::collections::VecDeque;

use jackfield_model::wire::{Association, LAST_PAGE_TOKEN, QueryRequest, QueryResponse};
use jackfield_model::{ServiceProviderId, limit};

use crate::client::Client;
use crate::error::Error;

/// The pages of a query, one a call of [`Self::next`].
///
/// ```
/// # use jackfield_client::testing::{ScriptedServer, Step};
/// # use jackfield_client::{Client, Options, StaticToken, Transport};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let page = |next| format!(r#"{{"paginationContext":{{"totalCount":0,"nextPageToken":"{next}"}},"accountAssociations":[]}}"#);
/// # let server = ScriptedServer::start([Step::json(200, &page("a")), Step::json(200, &page("0"))]).await;
/// # let token = StaticToken::new(&jackfield_model::admin::Secret("Atza|t".to_owned()))?;
/// # let client = Client::new(Transport::new(&Options::default())?, server.endpoint(), token);
/// # let provider = "amzn1.comms.csp.id.6f1b9a52-6c5e-4d0c-9a5b-2f3f0a8f6f10".parse()?;
/// use jackfield_model::wire::QueryRequest;
///
/// let first = QueryRequest { external_user_ids: None, max_results: 100, next_token: None };
/// let mut pages = client.pages(provider, first);
/// let mut count = 0;
/// while let Some(page) = pages.next().await? {
///     count += 1;
///     assert!(page.account_associations.len() <= 100);
/// }
/// assert_eq!(count, 2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Pages {
    client: Client,
    provider: ServiceProviderId,
    /// The request for the next page; `None` after the last one.
    upcoming: Option<QueryRequest>,
}

/// The associations on all pages of a query, one a call of [`Self::next`].
#[derive(Debug)]
pub struct Associations {
    pages: Pages,
    fetched: VecDeque<Association>,
}

impl Client {
    /// All pages of a query, from the one that `first` asks for on.
    #[must_use]
    pub fn pages(&self, provider: ServiceProviderId, first: QueryRequest) -> Pages {
        Pages { client: self.clone(), provider, upcoming: Some(first) }
    }

    /// All associations of the provider, sorted by the bytes of `externalUserId`.
    #[must_use]
    pub fn associations(&self, provider: ServiceProviderId) -> Associations {
        let all = QueryRequest { external_user_ids: None, max_results: limit::PAGE_MAX, next_token: None };
        Associations { pages: self.pages(provider, all), fetched: VecDeque::new() }
    }
}

impl Pages {
    /// The next page; `None` after the one whose `nextPageToken` is `"0"` or absent. After an error the same page
    /// can be asked for again.
    ///
    /// # Errors
    /// [`Error`]; also when a page names itself as the next one, which would never end.
    pub async fn next(&mut self) -> Result<Option<QueryResponse>, Error> {
        let Some(request) = &self.upcoming else {
            return Ok(None);
        };
        let page = self.client.query(self.provider, request).await?;
        self.upcoming = next_request(request, &page)?;
        Ok(Some(page))
    }
}

impl Associations {
    /// The next association; `None` after the last one. Pages are fetched when they are needed.
    ///
    /// # Errors
    /// As [`Pages::next`].
    pub async fn next(&mut self) -> Result<Option<Association>, Error> {
        loop {
            if let Some(association) = self.fetched.pop_front() {
                return Ok(Some(association));
            }
            match self.pages.next().await? {
                Some(page) => self.fetched.extend(page.account_associations),
                None => return Ok(None),
            }
        }
    }
}

/// The request for the page after `page`, which answered `request`; `None` after the last one.
///
/// # Errors
/// A page names itself as the next one, which would never end.
pub(crate) fn next_request(
    request: &QueryRequest,
    page: &QueryResponse,
) -> Result<Option<QueryRequest>, Error> {
    match &page.pagination_context.next_page_token {
        None => Ok(None),
        Some(token) if token == LAST_PAGE_TOKEN => Ok(None),
        Some(token) if request.next_token.as_deref() == Some(token) => Err(Error::UnexpectedAnswer {
            reason: "the page names itself as the next one".to_owned(),
            request_id: None,
        }),
        Some(token) => {
            Ok(Some(QueryRequest { next_token: Some(token.clone().into_owned()), ..request.clone() }))
        }
    }
}
