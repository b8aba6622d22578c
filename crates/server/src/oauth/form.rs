//! The parameters of a token request: those of the form and those of the query string.
//!
//! The vendor's published skill sample posts an empty body and puts everything into the query string.

use std::fmt;

use jackfield_model::ClientId;
use schemars::JsonSchema;

use super::error::GrantError;

/// The parameters that the token endpoint knows. Others are ignored, `scope[0]` of a published client among them.
#[derive(Default, JsonSchema)]
#[schemars(rename = "TokenRequest", description = "A request for a token. Other parameters are ignored.")]
pub(super) struct Form {
    /// What the token is given for.
    #[schemars(required, extend("enum" = ["client_credentials", "refresh_token", "authorization_code"]))]
    pub(super) grant_type: Option<String>,
    /// The client, unless HTTP Basic names it.
    #[schemars(with = "Option<ClientId>")]
    pub(super) client_id: Option<String>,
    /// Its secret, unless HTTP Basic has it.
    pub(super) client_secret: Option<String>,
    /// Required for `refresh_token`.
    pub(super) refresh_token: Option<String>,
    /// From the consent page; required for `authorization_code`.
    pub(super) code: Option<String>,
    /// The one that the code was asked for with.
    pub(super) redirect_uri: Option<String>,
    /// Required where the code was asked for with a `code_challenge`.
    pub(super) code_verifier: Option<String>,
    /// Scopes separated by spaces; required for `client_credentials`, ignored for `refresh_token`.
    pub(super) scope: Option<String>,
    /// Whether one of them stood in the query string.
    #[schemars(skip)]
    pub(super) in_query: bool,
}

impl Form {
    /// Reads the form and the query string. A parameter without a value counts as absent (RFC 6749, section 3.1). One
    /// that stands more than once, here or there, has the same value everywhere.
    pub(super) fn parse(query: Option<&str>, body: &[u8]) -> Result<Self, GrantError> {
        if let Some(other) = other_than_form(body) {
            return Err(GrantError::bad(
                "invalid_request",
                format!("A form (application/x-www-form-urlencoded) is expected; the body is {other}."),
            ));
        }
        let mut form = Self::default();
        form.read(body)?;
        form.in_query = form.read(query.unwrap_or_default().as_bytes())?;
        Ok(form)
    }

    /// Reads parameters; answers whether there was one.
    fn read(&mut self, text: &[u8]) -> Result<bool, GrantError> {
        let mut any = false;
        for (name, value) in form_urlencoded::parse(text).filter(|(_, value)| !value.is_empty()) {
            let Some(place) = self.place(&name) else { continue };
            if place.as_ref().is_some_and(|other| *other != value) {
                let description =
                    format!("{name} stands more than once, with different values; it may stand once.");
                return Err(GrantError::bad("invalid_request", description));
            }
            *place = Some(value.into_owned());
            any = true;
        }
        Ok(any)
    }

    fn place(&mut self, name: &str) -> Option<&mut Option<String>> {
        Some(match name {
            "grant_type" => &mut self.grant_type,
            "client_id" => &mut self.client_id,
            "client_secret" => &mut self.client_secret,
            "refresh_token" => &mut self.refresh_token,
            "code" => &mut self.code,
            "redirect_uri" => &mut self.redirect_uri,
            "code_verifier" => &mut self.code_verifier,
            "scope" => &mut self.scope,
            _ => return None,
        })
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Form").field("grant_type", &self.grant_type).finish_non_exhaustive()
    }
}

/// What a body is that is no form, for the one who sent it. An empty object says nothing: clients make one of "no
/// body".
fn other_than_form(body: &[u8]) -> Option<&'static str> {
    let text = body.trim_ascii();
    match text {
        b"{}" | b"[]" => None,
        [b'{' | b'[', 0, ..] | [0, b'{' | b'[', ..] | [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            Some("text in UTF-16")
        }
        [b'{' | b'[', ..] => Some("JSON"),
        [b'<', ..] => Some("XML or HTML"),
        [b'-', b'-', ..] if text.windows(9).any(|part| part.eq_ignore_ascii_case(b"form-data")) => {
            Some("multipart/form-data")
        }
        _ => None,
    }
}

/// One form-encoded text.
pub(super) fn decode(text: &str) -> String {
    let plus_to_space = text.replace('+', " ");
    percent_encoding::percent_decode_str(&plus_to_space).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(query: Option<&str>, body: &[u8]) -> String {
        Form::parse(query, body).unwrap_err().description
    }

    #[test]
    fn parameters_come_from_the_form_and_the_query_string() {
        let form = Form::parse(Some("code=c&scope="), b"client_id=a&client_secret=&code=c&code=c").unwrap();
        assert_eq!((form.client_id.as_deref(), form.code.as_deref()), (Some("a"), Some("c")));
        assert_eq!((form.client_secret, form.scope), (None, None), "without a value is absent");
        assert!(form.in_query && !Form::parse(Some("code=&state=x"), b"code=c").unwrap().in_query);
        for body in [&b""[..], b"{}", b"[]", b" {} "] {
            assert_eq!(Form::parse(Some("code=c"), body).unwrap().code.as_deref(), Some("c"));
        }
    }

    #[test]
    fn different_values_are_an_error_that_names_the_parameter() {
        for (query, body) in
            [(Some("code=c"), &b"code=d"[..]), (None, b"code=c&code=d"), (Some("code=c&code=d"), b"")]
        {
            let refusal = refusal(query, body);
            assert!(refusal.starts_with("code stands more than once"), "{refusal}");
        }
        assert!(Form::parse(Some("state=a"), b"state=b").is_ok(), "nobody reads it");
    }

    #[test]
    fn what_is_no_form_is_named() {
        for (body, name) in [
            (&b"{\"grant_type\":\"refresh_token\"}"[..], "JSON"),
            (b" [1]", "JSON"),
            (b"{\0}\0", "UTF-16"),
            (b"\xff\xfeg\0", "UTF-16"),
            (b"<html>", "XML"),
            (
                b"--x\r\nContent-Disposition: Form-Data; name=\"code\"\r\n\r\nc\r\n--x--",
                "multipart/form-data",
            ),
        ] {
            let refusal = refusal(Some("code=c"), body);
            assert!(refusal.contains(name), "{refusal}");
        }
    }
}
