//! Bodies in the form in which nearly all clients send them, read straight into the request: by derived code, without
//! a tree of values in between.
//!
//! Such a body has the properties of the request once each, strings without escapes, and nothing that would be noted or
//! refused. Whatever else is read by way of [`Json`](crate::json::Json), which can name what is wrong. So nothing here
//! decides what a client is told. What is plain must be read as the other way reads it: a property test compares them.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{AMAZON_ID_TYPE, Association};
use crate::{AmazonId, ExternalUserId, limit};

/// What a plain query has.
pub(super) struct PlainQuery {
    /// Sorted and without repeats.
    pub(super) external_user_ids: Option<Vec<ExternalUserId>>,
    pub(super) max_results: u32,
    pub(super) next_token: Option<String>,
}

/// The query that a body is, if it is a plain one.
pub(super) fn query(body: &[u8]) -> Option<PlainQuery> {
    let Object(Query { filters: Object(filters), page: Object(page) }) = read(body)?;
    if page.next_token.is_some() && page.next_page_token.is_some() {
        return None;
    }
    Some(PlainQuery {
        external_user_ids: filters.external_user_ids.map(|ids| ids.0),
        max_results: page.max_results,
        next_token: page.next_token.or(page.next_page_token).map(str::to_owned),
    })
}

/// Reads a body in UTF-8: looked at once, that costs less than text by text. Derived code is as quick as it gets: a reader by
/// hand cost a query of one id 4 % more instructions, and one of 30 ids 3 %.
fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Option<T> {
    serde_json::from_str(std::str::from_utf8(body).ok()?).ok()
}

/// The association that the body of a create or an update is, if it is a plain one.
pub(super) fn association(body: &[u8]) -> Option<Association> {
    let Object(change) = read::<Object<Change<'_>>>(body)?;
    let amazon_id = AmazonId::new(change.amazon_id).ok()?;
    let is_known = change.amazon_id_type == AMAZON_ID_TYPE;
    is_known.then(|| Association::new(change.external_user_id.0, amazon_id))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Change<'a> {
    external_user_id: Id,
    amazon_id: &'a str,
    amazon_id_type: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Query<'a> {
    filters: Object<Filters>,
    #[serde(borrow, default, rename = "paginationContext")]
    page: Object<Page<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Filters {
    #[serde(default, deserialize_with = "there")]
    external_user_ids: Option<Ids>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Page<'a> {
    #[serde(deserialize_with = "page_length")]
    max_results: u32,
    #[serde(borrow, deserialize_with = "there")]
    next_token: Option<&'a str>,
    #[serde(borrow, deserialize_with = "there")]
    next_page_token: Option<&'a str>,
}

impl Default for Page<'_> {
    fn default() -> Self {
        Self { max_results: limit::PAGE_DEFAULT, next_token: None, next_page_token: None }
    }
}

/// A value that is written as an object. Derived code takes an array of the values, too.
#[derive(Default)]
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData)).map(Self)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

/// A value of a property that is there: `null` is not the same as nothing.
fn there<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

fn page_length<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let length = u32::deserialize(deserializer)?;
    if (1..=limit::PAGE_MAX).contains(&length) { Ok(length) } else { Err(not_plain()) }
}

/// The reason is found by the other way of reading.
fn not_plain<E: Error>() -> E {
    E::custom("")
}

/// A valid id whose characters a person sees.
struct Id(ExternalUserId);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&str>::deserialize(deserializer)?;
        ExternalUserId::plain(text).map(Self).ok_or_else(not_plain)
    }
}

/// As many ids as a query may have, sorted and without repeats.
struct Ids(Vec<ExternalUserId>);

impl<'de> Deserialize<'de> for Ids {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(IdsVisitor)
    }
}

struct IdsVisitor;

impl<'de> Visitor<'de> for IdsVisitor {
    type Value = Ids;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ids")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Ids, A::Error> {
        let mut ids = Vec::with_capacity(limit::QUERY_IDS);
        while let Some(Id(id)) = sequence.next_element()? {
            if ids.len() == limit::QUERY_IDS {
                return Err(not_plain());
            }
            ids.push(id);
        }
        if ids.is_empty() {
            return Err(not_plain());
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(Ids(ids))
    }
}
