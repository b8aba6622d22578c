//! What is asked: ids, profiles and the bytes of requests, all made from a number, so that any answer can be checked
//! without keeping what was written.
//!
//! External ids are 7 to 20 bytes and come in no order, amazon ids are 71 bytes.

use std::io::Write as _;

use anyhow::{Context as _, ensure};
use serde_json::Value;

/// What every `amazonId` begins with.
const AMAZON_ID_PREFIX: &str = "amzn1.alexa.communications.profile.did.";
const AMAZON_ID_TYPE: &str = "communication-profile";
const ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
const ID_BYTES_MIN: usize = 7;
const ID_BYTES_MAX: usize = 20;

/// Whose associations are asked for, and with which token.
#[derive(Clone, Debug)]
pub struct Directory {
    /// How many service providers share the associations: number `n` belongs to provider `n % providers`.
    pub providers: u64,
    /// The bearer token.
    pub token: String,
}

/// One request: its bytes, and the numbers of the associations that its answer must hold.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Ready to be sent.
    pub bytes: Vec<u8>,
    /// The numbers of the associations that are asked for, or made.
    pub numbers: Vec<u64>,
    body: Vec<u8>,
}

impl Request {
    /// A query for the association with this number alone.
    #[must_use]
    pub fn query_of(directory: &Directory, number: u64) -> Self {
        let mut request = Self { numbers: vec![number], ..Self::default() };
        directory.query(&mut request);
        request
    }

    /// Its body alone.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

/// A well-mixed number, other for each number.
const fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The `externalUserId` of an association: other for each number below 2^32.
pub fn external_user_id(number: u64, out: &mut Vec<u8>) {
    // An odd factor permutes the numbers, so that neighbours are far apart.
    let mut rest = (number as u32).wrapping_mul(2_654_435_761);
    for _ in 0..ID_BYTES_MIN {
        out.push(ALPHABET[(rest % 36) as usize]);
        rest /= 36;
    }
    let mut filler = mix(number);
    let more = (filler % (ID_BYTES_MAX - ID_BYTES_MIN + 1) as u64) as usize;
    for _ in 0..more {
        filler = filler.rotate_left(7);
        out.push(ALPHABET[(filler % 36) as usize]);
    }
}

/// The same as text.
#[must_use]
pub fn external_user_id_text(number: u64) -> String {
    let mut id = Vec::new();
    external_user_id(number, &mut id);
    String::from_utf8(id).expect("the alphabet is ASCII")
}

/// The `amazonId` of an association.
#[must_use]
pub fn amazon_id(number: u64) -> String {
    format!("{AMAZON_ID_PREFIX}{:016x}{:016x}", mix(number), mix(!number))
}

/// The id of a service provider.
#[must_use]
pub fn provider_id(number: u64) -> String {
    format!("amzn1.comms.csp.id.{number:08x}-0000-4000-8000-000000000000")
}

/// Bytes of the id and the profile of the associations with numbers below `count`, on average.
#[must_use]
pub fn raw_bytes(count: u64) -> f64 {
    let sample = count.clamp(1, 10_000);
    let bytes: usize = (0..sample).map(|n| external_user_id_text(n).len() + amazon_id(n).len()).sum();
    bytes as f64 / sample as f64
}

/// The answer to a query for these numbers, as a fixed answer gives it.
#[must_use]
pub fn answer(numbers: &[u64]) -> String {
    let mut found: Vec<_> = numbers.iter().map(|&n| (external_user_id_text(n), amazon_id(n))).collect();
    found.sort();
    let found: Vec<String> = found
        .into_iter()
        .map(|(id, amazon_id)| {
            format!(
                r#"{{"externalUserId":"{id}","amazonId":"{amazon_id}","amazonIdType":"{AMAZON_ID_TYPE}"}}"#
            )
        })
        .collect();
    format!(
        r#"{{"paginationContext":{{"totalCount":{},"nextPageToken":"0"}},"accountAssociations":[{}]}}"#,
        numbers.len(),
        found.join(",")
    )
}

impl Directory {
    /// Makes a query for the associations in `request.numbers`, which are all of one provider.
    pub fn query(&self, request: &mut Request) {
        let Request { bytes, numbers, body } = request;
        body.clear();
        body.extend_from_slice(br#"{"filters":{"externalUserIds":["#);
        for (index, &number) in numbers.iter().enumerate() {
            body.extend_from_slice(if index == 0 { b"\"" } else { b",\"" });
            external_user_id(number, body);
            body.push(b'"');
        }
        body.extend_from_slice(b"]}}");
        self.post(numbers[0], "/query", body, bytes);
    }

    /// Makes the create of an association.
    pub fn create(&self, number: u64, request: &mut Request) {
        let Request { bytes, numbers, body } = request;
        numbers.clear();
        numbers.push(number);
        body.clear();
        body.extend_from_slice(br#"{"externalUserId":""#);
        external_user_id(number, body);
        let amazon_id = amazon_id(number);
        write!(body, r#"","amazonId":"{amazon_id}","amazonIdType":"{AMAZON_ID_TYPE}"}}"#)
            .expect("memory takes all");
        self.post(number, "", body, bytes);
    }

    /// A query for a page of a provider's associations.
    #[must_use]
    pub fn page(&self, provider: u64, token: Option<&str>) -> Vec<u8> {
        let token = token.map(|token| format!(r#","nextToken":"{token}""#)).unwrap_or_default();
        let body = format!(r#"{{"filters":{{}},"paginationContext":{{"maxResults":100{token}}}}}"#);
        let mut bytes = Vec::new();
        self.post(provider, "/query", body.as_bytes(), &mut bytes);
        bytes
    }

    fn post(&self, number: u64, path: &str, body: &[u8], out: &mut Vec<u8>) {
        out.clear();
        write!(
            out,
            "POST /v1/communications/serviceProviders/{}/externalUsers{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\
             Authorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            provider_id(number % self.providers),
            self.token,
            body.len()
        )
        .expect("memory takes all");
        out.extend_from_slice(body);
    }
}

/// Checks that the answer to a query holds exactly the associations with these numbers.
///
/// # Errors
/// What is wrong with it.
pub fn check_answer(body: &[u8], numbers: &[u64]) -> anyhow::Result<()> {
    let answer: Value = serde_json::from_slice(body).context("the answer is no JSON")?;
    let context = &answer["paginationContext"];
    ensure!(context["totalCount"] == numbers.len(), "totalCount is wrong: {answer}");
    ensure!(context["nextPageToken"] == "0", "nextPageToken is wrong: {answer}");
    let mut wanted: Vec<_> = numbers.iter().map(|&n| (external_user_id_text(n), amazon_id(n))).collect();
    wanted.sort();
    let found = answer["accountAssociations"].as_array().context("no associations")?;
    ensure!(found.len() == wanted.len(), "{} associations instead of {}", found.len(), wanted.len());
    for (found, (id, amazon_id)) in found.iter().zip(wanted) {
        ensure!(
            found["externalUserId"] == id
                && found["amazonId"] == amazon_id
                && found["amazonIdType"] == AMAZON_ID_TYPE,
            "not the association {id}: {found}"
        );
    }
    Ok(())
}

/// A token of the usual length for systems that know no better.
#[must_use]
pub fn made_up_token() -> String {
    (0..355).fold("Atza|".to_owned(), |mut token, n| {
        token.push(char::from(ALPHABET[(mix(n) % 36) as usize]));
        token
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_differ_and_keep_their_bounds() {
        let ids: BTreeSet<String> = (0..100_000).map(external_user_id_text).collect();
        assert_eq!(ids.len(), 100_000);
        assert!(ids.iter().all(|id| (ID_BYTES_MIN..=ID_BYTES_MAX).contains(&id.len())));
        assert_eq!(made_up_token().len(), 360);
        assert_eq!(amazon_id(1).len(), 71);
    }

    #[test]
    fn only_the_right_answer_passes() {
        let right = answer(&[7, 3, 5]);
        check_answer(right.as_bytes(), &[3, 5, 7]).unwrap();
        assert!(check_answer(right.as_bytes(), &[3, 5]).is_err());
        assert!(check_answer(right.as_bytes(), &[3, 5, 8]).is_err());
        assert!(check_answer(right.replace("\"0\"", "\"1\"").as_bytes(), &[3, 5, 7]).is_err());
        assert!(check_answer(b"{}", &[3]).is_err());
    }
}
