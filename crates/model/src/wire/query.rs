//! The query of associations: its body, its answer and its pages.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::external_user_id::{self, ExternalUserIdInRequest};
use super::plain::{self, PlainQuery};
use super::{AmazonIdType, Association, ignore_others};
use crate::json::{InvalidRequest, Json, Object};
use crate::note::Reading;
use crate::{ExternalUserId, limit};

/// The `nextPageToken` of a last page.
pub const LAST_PAGE_TOKEN: &str = "0";

/// The body of a query.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(with = "Body<'static>")]
pub struct QueryRequest {
    /// The endpoints asked for, sorted and without repeats; nothing means all of the provider's.
    pub external_user_ids: Option<Vec<ExternalUserId>>,
    /// Most associations on the page, 1 to [`limit::PAGE_MAX`].
    pub max_results: u32,
    /// The token of the previous page.
    pub next_token: Option<String>,
}

/// The wire form of a query: `filters` always, the rest only where it says something.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    /// Which associations.
    filters: Filters<'a>,
    /// Which page of them.
    #[schemars(with = "Option<PageRequest<'static>>")]
    pagination_context: PageRequest<'a>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
struct Filters<'a> {
    /// The endpoints. Absent: all of the provider's associations. Repeats collapse.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<ExternalUserIdInRequest>>", length(min = 1, max = limit::QUERY_IDS))]
    external_user_ids: Option<&'a [ExternalUserId]>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
struct PageRequest<'a> {
    /// Most associations on the page.
    #[schemars(
        with = "Option<u32>",
        range(min = 1, max = limit::PAGE_MAX),
        extend("default" = limit::PAGE_DEFAULT)
    )]
    max_results: u32,
    /// The `nextPageToken` of the page before, for the same provider and filter, at most 24 hours old.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<&'a str>,
    /// Another name of `nextToken`. Where both are there they must be the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<&'a str>,
}

/// The answer to a query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueryResponse {
    /// How many match and where to go on.
    pub pagination_context: PaginationContext,
    /// The associations of this page, sorted by the bytes of `externalUserId`.
    #[schemars(length(max = limit::PAGE_MAX))]
    pub account_associations: Vec<Association>,
}

/// The pagination part of an answer to a query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct PaginationContext {
    /// Associations that match the filter, over all pages.
    pub total_count: u64,
    /// Opaque while more pages follow, `"0"` on the last page, absent in the answer to that.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next_page_token: Option<Cow<'static, str>>,
}

/// What stands around the parts of an answer to a query, quotes of texts included.
mod around {
    pub(super) const TOTAL: &str = r#"{"paginationContext":{"totalCount":"#;
    pub(super) const PAGE_TOKEN: &str = r#","nextPageToken":""#;
    pub(super) const LAST_PAGE_TOKEN: &str = r#","nextPageToken":"0""#;
    pub(super) const ASSOCIATIONS: &str = r#"},"accountAssociations":["#;
    pub(super) const EXTERNAL_USER_ID: &str = r#"{"externalUserId":""#;
    pub(super) const AMAZON_ID: &str = r#"","amazonId":""#;
    pub(super) const END_OF_ASSOCIATION: &str = r#"","amazonIdType":"communication-profile"}"#;
    pub(super) const END: &str = "]}";
}

impl QueryResponse {
    /// The answer as JSON, as its `Serialize` has it. Only the parts that come from outside can have anything to
    /// escape: looking through the others as well, as serializing does, makes a query of 30 ids dearer by two fifths
    /// (`make instructions`).
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let PaginationContext { total_count, next_page_token } = &self.pagination_context;
        let mut json = Vec::with_capacity(self.json_bytes());
        json.extend(around::TOTAL.as_bytes());
        put_json(&mut json, total_count);
        match next_page_token.as_deref() {
            None => {}
            Some(LAST_PAGE_TOKEN) => json.extend(around::LAST_PAGE_TOKEN.as_bytes()),
            Some(token) => {
                json.extend(around::PAGE_TOKEN.as_bytes());
                put_within_quotes(&mut json, token);
                json.push(b'"');
            }
        }
        json.extend(around::ASSOCIATIONS.as_bytes());
        for (place, association) in self.account_associations.iter().enumerate() {
            let Association { external_user_id, amazon_id, amazon_id_type } = association;
            if place > 0 {
                json.push(b',');
            }
            json.extend(around::EXTERNAL_USER_ID.as_bytes());
            put_within_quotes(&mut json, external_user_id.as_str());
            json.extend(around::AMAZON_ID.as_bytes());
            // Its alphabet has nothing to escape.
            json.extend(amazon_id.as_str().as_bytes());
            let AmazonIdType::CommunicationProfile = amazon_id_type;
            json.extend(around::END_OF_ASSOCIATION.as_bytes());
        }
        json.extend(around::END.as_bytes());
        json
    }

    /// The length of the answer as JSON where nothing is escaped, as in nearly all: then it is written into memory that it
    /// fills.
    pub(super) fn json_bytes(&self) -> usize {
        const OF_ASSOCIATION: usize =
            around::EXTERNAL_USER_ID.len() + around::AMAZON_ID.len() + around::END_OF_ASSOCIATION.len();
        const OF_TOKEN: usize = around::PAGE_TOKEN.len() + r#"""#.len();
        const OF_ALL: usize = around::TOTAL.len() + around::ASSOCIATIONS.len() + around::END.len();
        let PaginationContext { total_count, next_page_token } = &self.pagination_context;
        let digits = total_count.checked_ilog10().map_or(1, |log| log as usize + 1);
        let token = next_page_token.as_ref().map_or(0, |token| OF_TOKEN + token.len());
        let text =
            |found: &Association| found.external_user_id.as_str().len() + found.amazon_id.as_str().len();
        let found = &self.account_associations;
        let associations: usize = found.iter().map(|association| OF_ASSOCIATION + text(association)).sum();
        OF_ALL + digits + token + associations + found.len().saturating_sub(1)
    }
}

/// Which bytes of a text cannot stand in JSON as they are.
static IS_ESCAPED: [bool; 256] = {
    let (mut table, mut byte) = ([false; 256], 0);
    while byte < 256 {
        table[byte] = byte < b' ' as usize || byte == b'"' as usize || byte == b'\\' as usize;
        byte += 1;
    }
    table
};

/// Puts a text behind its opening quote.
fn put_within_quotes(json: &mut Vec<u8>, text: &str) {
    // All of it is looked at: that is fewer instructions than to stop at the first.
    if text.bytes().fold(false, |found, byte| found | IS_ESCAPED[usize::from(byte)]) {
        // That has quotes of its own.
        json.pop();
        put_json(json, text);
        json.pop();
    } else {
        json.extend(text.as_bytes());
    }
}

fn put_json(json: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    serde_json::to_writer(json, value).expect("texts and numbers can be written to memory");
}

impl QueryRequest {
    /// Reads the body of a query.
    ///
    /// # Errors
    /// [`InvalidRequest`] naming the property and the rule.
    pub fn parse(body: &[u8], reading: &mut Reading) -> Result<Self, InvalidRequest> {
        match plain::query(body) {
            Some(PlainQuery { external_user_ids, max_results, next_token }) => {
                Ok(Self { external_user_ids, max_results, next_token })
            }
            None => Self::parse_any(body, reading),
        }
    }

    /// Reads a body of any form.
    pub(super) fn parse_any(body: &[u8], reading: &mut Reading) -> Result<Self, InvalidRequest> {
        let object = Object::parse(body)?;
        let external_user_ids = match object.get("filters")? {
            None => return Err(InvalidRequest("filters is missing; it is required.".to_owned())),
            Some(Json::Object(filters)) => filter_ids(filters, reading)?,
            Some(other) => return Err(other.wrong_type("filters", "an object")),
        };
        let context = match object.get("paginationContext")? {
            None => &Object::default(),
            Some(Json::Object(context)) => context,
            Some(other) => return Err(other.wrong_type("paginationContext", "an object")),
        };
        ignore_others(&object, &["filters", "paginationContext"], reading);
        ignore_others(context, &["maxResults", "nextToken", "nextPageToken"], reading);
        Ok(Self {
            external_user_ids,
            max_results: max_results(context)?,
            next_token: next_token(context)?.map(str::to_owned),
        })
    }
}

impl Serialize for QueryRequest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Body {
            filters: Filters { external_user_ids: self.external_user_ids.as_deref() },
            pagination_context: PageRequest {
                max_results: self.max_results,
                next_token: self.next_token.as_deref(),
                next_page_token: None,
            },
        }
        .serialize(serializer)
    }
}

fn filter_ids(
    filters: &Object<'_>,
    reading: &mut Reading,
) -> Result<Option<Vec<ExternalUserId>>, InvalidRequest> {
    const NAME: &str = "filters.externalUserIds";
    ignore_others(filters, &["externalUserIds"], reading);
    let values = match filters.get("externalUserIds").map_err(|e| InvalidRequest(format!("filters.{e}")))? {
        None => return Ok(None),
        Some(Json::Array(values)) => values,
        Some(other) => return Err(other.wrong_type(NAME, "an array of strings")),
    };
    if !(1..=limit::QUERY_IDS).contains(&values.len()) {
        return Err(InvalidRequest(format!(
            "{NAME} holds {len} ids; 1 to {max} are allowed.",
            len = values.len(),
            max = limit::QUERY_IDS
        )));
    }
    let mut ids = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        ids.push(external_user_id::read(value, reading, || format!("{NAME}[{index}]"))?);
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(Some(ids))
}

fn max_results(context: &Object<'_>) -> Result<u32, InvalidRequest> {
    const NAME: &str = "paginationContext.maxResults";
    match context.get("maxResults").map_err(|e| InvalidRequest(format!("paginationContext.{e}")))? {
        None => Ok(limit::PAGE_DEFAULT),
        Some(Json::Integer(number)) => {
            u32::try_from(*number).ok().filter(|n| (1..=limit::PAGE_MAX).contains(n)).ok_or_else(|| {
                InvalidRequest(format!("{NAME} is {number}; 1 to {} are allowed.", limit::PAGE_MAX))
            })
        }
        Some(other) => Err(other.wrong_type(NAME, "an integer")),
    }
}

/// The page token, under the name of the reference's request (`nextToken`) or of its response (`nextPageToken`).
fn next_token<'a>(context: &'a Object<'_>) -> Result<Option<&'a str>, InvalidRequest> {
    let token = |name: &str| match context.get(name) {
        Ok(None) => Ok(None),
        Ok(Some(Json::Text(text))) => Ok(Some(text.as_ref())),
        Ok(Some(other)) => Err(other.wrong_type(&format!("paginationContext.{name}"), "a string")),
        Err(error) => Err(InvalidRequest(format!("paginationContext.{error}"))),
    };
    match (token("nextToken")?, token("nextPageToken")?) {
        (Some(one), Some(other)) if one != other => Err(InvalidRequest(
            "paginationContext.nextToken and paginationContext.nextPageToken differ; one of them is enough."
                .to_owned(),
        )),
        (one, other) => Ok(one.or(other)),
    }
}
