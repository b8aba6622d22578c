//! What the API document says of all operations of the admin API, and the query strings of lists.

use jackfield_model::limit;
use schemars::JsonSchema;

use crate::description::{BAD_REQUEST, Description, INTERNAL, Status, Tag};

pub(super) const NOT_FOUND: Status = (404, "There is no such object.");
pub(super) const CONFLICT: Status = (409, "It is there already, or in use.");

/// Refusals of an operation on all objects of a kind.
pub(super) const TOP_ERRORS: &[Status] = &[BAD_REQUEST];
/// Refusals of an operation on one object.
pub(super) const ITEM_ERRORS: &[Status] = &[BAD_REQUEST, NOT_FOUND];
/// Refusals of a change that others can stand in the way of.
pub(super) const WRITE_ERRORS: &[Status] = &[BAD_REQUEST, NOT_FOUND, CONFLICT];
/// Refusals of a change that adds to an organization.
pub(super) const ADD_ERRORS: &[Status] =
    &[BAD_REQUEST, (403, "The organization has as many of them as its quota allows."), NOT_FOUND, CONFLICT];

const COMMON_ERRORS: &[Status] = &[
    (401, "The admin token is missing or wrong."),
    (403, "The role of the admin token is too low, or the `Host` or `Origin` header names another site."),
    (429, "Too many wrong admin tokens came from this address."),
    INTERNAL,
    (
        503,
        "The store cannot be read or written. Nothing was changed, unless the message says that this is not known.",
    ),
];

/// The description of an operation of the admin API.
pub(super) const fn describe(summary: &'static str) -> Description {
    Description {
        security: &["adminToken"],
        common_errors: COMMON_ERRORS,
        ..Description::new(Tag::Admin, summary)
    }
}

/// How long a page is.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it says what a query string may have")]
pub(super) struct LimitQuery {
    /// Most entries on the page.
    #[schemars(
        range(min = 1, max = limit::ADMIN_PAGE_MAX),
        extend("default" = limit::ADMIN_PAGE_DEFAULT)
    )]
    limit: Option<u32>,
}

/// Which page of a list.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it says what a query string may have")]
pub(super) struct PageQuery {
    /// Only what sorts after this: the `next_after` of the page before.
    after: Option<String>,
    #[schemars(flatten)]
    limit: LimitQuery,
}
