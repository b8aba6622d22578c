//! What the operations on resources share: how a refusal is answered, lists and their pages, batches.

use http::StatusCode;
use jackfield_model::limit;
use jackfield_model::wire::{BatchItem, ItemId, ItemResult, ItemResults, ListAnswer, NextPage};
use jackfield_store::resource::{Refusal, ResourceChange};
use schemars::JsonSchema;
use serde::Serialize;

use super::query_parameter;
use crate::auth::Directory;
use crate::description::{BAD_REQUEST, Description, INTERNAL, Status, Tag};
use crate::error::ApiError;
use crate::response::{self, Reply};

/// The description of an operation on resources.
pub(super) const fn describe(tag: Tag, summary: &'static str) -> Description {
    Description { common_errors: COMMON_ERRORS, ..super::describe(tag, summary) }
}

const COMMON_ERRORS: &[Status] = &[
    BAD_REQUEST,
    (
        401,
        "The access token is missing, unknown, expired or revoked, or the object of the path belongs to another \
         organization.",
    ),
    (
        403,
        "The token is valid, the operation not allowed: the scope is missing, there is no calling in the country and \
         vertical, or a bound is reached, which the message names.",
    ),
    super::LIMITED,
    INTERNAL,
    super::UNAVAILABLE,
];

/// Which page of a list.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "it says what a query string may have")]
pub(super) struct PageQuery {
    /// Most objects on the page.
    #[schemars(range(min = 1, max = limit::PAGE_MAX), extend("default" = limit::PAGE_DEFAULT))]
    max_results: Option<u32>,
    /// The `nextToken` of the page before, of the same list, at most 24 hours old.
    next_token: Option<String>,
}

/// A page of a list, as it was asked for.
pub(super) struct Page<'q> {
    list: Vec<&'q str>,
    pub(super) limit: usize,
    token: Option<String>,
}

impl<'q> Page<'q> {
    /// Reads the query string of a list, which is named by `list`: a token is good for the list that it is of.
    pub(super) fn parse(query_string: Option<&str>, list: Vec<&'q str>) -> Result<Self, ApiError> {
        let limit = match query_parameter(query_string, "maxResults")? {
            None => limit::PAGE_DEFAULT,
            Some(text) => {
                text.parse().ok().filter(|number| (1..=limit::PAGE_MAX).contains(number)).ok_or_else(
                    || {
                        ApiError::BadRequest(format!(
                            "maxResults in the query string must be an integer of 1 to {}.",
                            limit::PAGE_MAX
                        ))
                    },
                )?
            }
        };
        let token = query_parameter(query_string, "nextToken")?.filter(|token| !token.is_empty());
        Ok(Self { list, limit: limit as usize, token })
    }

    /// Where the page begins; empty for the first one.
    pub(super) async fn place(&self, directory: &Directory<'_>) -> Result<String, ApiError> {
        match &self.token {
            Some(token) => directory.open_token(&self.list, token).await,
            None => Ok(String::new()),
        }
    }

    /// The answer with these objects. `end` is where the page ends, where others follow.
    pub(super) fn answer<T: Serialize>(
        &self,
        directory: &Directory<'_>,
        results: Vec<T>,
        end: Option<&str>,
    ) -> Reply {
        let next_token = end.map(|end| directory.issue_token(&self.list, end));
        let pagination_context = NextPage { next_token };
        response::json(StatusCode::OK, &ListAnswer { results, pagination_context })
    }

    /// The answer with the first of these objects, of which one more than the limit was read. `id` is where one stands
    /// in the list.
    pub(super) fn answer_first<T, W: Serialize>(
        &self,
        directory: &Directory<'_>,
        mut found: Vec<T>,
        id: impl Fn(&T) -> String,
        to_wire: impl Fn(T) -> W,
    ) -> Reply {
        let more = found.len() > self.limit;
        found.truncate(self.limit);
        let end = found.last().filter(|_| more).map(id);
        self.answer(directory, found.into_iter().map(to_wire).collect(), end.as_deref())
    }
}

/// A parameter of the query string. A published client writes `undefined` for what it was not given.
pub(super) fn optional_parameter(query_string: Option<&str>, name: &str) -> Result<Option<String>, ApiError> {
    Ok(query_parameter(query_string, name)?.filter(|text| text != "undefined"))
}

/// A parameter of the query string that must be there.
pub(super) fn required_parameter(query_string: Option<&str>, name: &str) -> Result<String, ApiError> {
    query_parameter(query_string, name)?.ok_or_else(|| {
        ApiError::BadRequest(format!("{name} is missing in the query string; it is required."))
    })
}

/// Makes the changes of a batch in one commit, and answers with a result for each item.
pub(super) async fn batch<T, W: Serialize>(
    directory: &Directory<'_>,
    items: Vec<BatchItem<T>>,
    kind: &str,
    to_change: impl Fn(&T) -> ResourceChange,
    to_wire: impl Fn(T) -> W,
) -> Result<Reply, ApiError> {
    let good = items.iter().filter_map(|item| item.value.as_ref().ok());
    let mut outcomes = directory.change(good.map(to_change).collect()).await?.into_iter();
    let result = |BatchItem { item_id, value }: BatchItem<T>| match value {
        Err(invalid) => failed(item_id, &invalid.into()),
        Ok(value) => match outcomes.next().expect("one outcome for each change") {
            Ok(()) | Err(Refusal::Exists) => {
                let status = StatusCode::CREATED.as_u16();
                ItemResult { item_id, status, result: Some(to_wire(value)), error: None }
            }
            Err(refused) => failed(item_id, &ApiError::of_resource(refused, kind)),
        },
    };
    let items: Vec<ItemResult<W>> = items.into_iter().map(result).collect();
    let all_good = items.iter().all(|item| item.error.is_none());
    let status = if all_good { StatusCode::OK } else { StatusCode::MULTI_STATUS };
    Ok(response::json(status, &ItemResults { items }))
}

/// The successes of a batch.
pub(super) const BATCH_DONE: &[Status] =
    &[(200, "All items succeeded."), (207, "Some items failed; each says how. The others are stored.")];

fn failed<W>(item_id: ItemId, error: &ApiError) -> ItemResult<W> {
    let (status, body) = error.body();
    ItemResult { item_id, status: status.as_u16(), result: None, error: Some(body) }
}
