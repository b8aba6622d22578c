//! Lists as most of the family answers them: results, and where to go on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "{T}List")]
pub struct ListAnswer<T> {
    /// The objects of this page.
    pub results: Vec<T>,
    /// Where to go on.
    pub pagination_context: NextPage,
}

/// The pagination part of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct NextPage {
    /// The `nextToken` of the next page; absent on the last. It needs no encoding in a URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}
