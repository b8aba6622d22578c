//! Walking over the pages of a query.

use serde_json::{Value, json};

use crate::tenant::Tenant;

/// What a walk over all pages found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    /// `externalUserId` and `amazonId` of each association, in the order of the pages.
    pub found: Vec<(String, String)>,
    /// Pages that were fetched.
    pub pages: usize,
    /// `totalCount` of the last page.
    pub total_count: u64,
}

/// Fetches all pages of a query with `filters`, `max_results` on each.
///
/// # Panics
/// When an answer is not a page: not sorted, more than asked for, or a last page that does not say so.
pub async fn walk(tenant: &Tenant, filters: &Value, max_results: u32) -> Walk {
    let mut walk = Walk::default();
    let mut token: Option<String> = None;
    loop {
        let mut context = json!({"maxResults": max_results});
        if let Some(token) = &token {
            context["nextToken"] = json!(token);
        }
        let page =
            tenant.query(&json!({"filters": filters, "paginationContext": context})).await.expect(200).json();
        let found = ids(&page);
        assert!(found.len() <= max_results as usize, "at most {max_results} on a page, not {}", found.len());
        walk.found.extend(found);
        walk.pages += 1;
        walk.total_count = page["paginationContext"]["totalCount"].as_u64().expect("totalCount is a number");
        let next = page["paginationContext"]["nextPageToken"].as_str().expect("every page has a token");
        if next == "0" {
            break;
        }
        assert_ne!(token.as_deref(), Some(next), "a walk gets on");
        token = Some(next.to_owned());
    }
    let sorted = walk.found.windows(2).all(|pair| pair[0].0.as_bytes() < pair[1].0.as_bytes());
    assert!(sorted, "associations are sorted by the bytes of externalUserId, without repeats");
    walk
}

/// `externalUserId` and `amazonId` of the associations of an answer.
///
/// # Panics
/// When the answer is not one to a query.
#[must_use]
pub fn ids(page: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("ids are text").to_owned();
    let associations = page["accountAssociations"].as_array().expect("an array of associations");
    associations.iter().map(|one| (text(&one["externalUserId"]), text(&one["amazonId"]))).collect()
}
