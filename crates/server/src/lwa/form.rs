//! The form of a token request.

use std::fmt;

use super::GrantError;

/// The parameters that the token endpoint knows. Others are ignored, `scope[0]` of a published client among them.
#[derive(Default)]
pub(super) struct Form {
    pub(super) grant_type: Option<String>,
    pub(super) client_id: Option<String>,
    pub(super) client_secret: Option<String>,
    pub(super) refresh_token: Option<String>,
    pub(super) code: Option<String>,
    pub(super) redirect_uri: Option<String>,
    pub(super) code_verifier: Option<String>,
    pub(super) scope: Option<String>,
}

impl Form {
    /// Reads a form. A parameter without a value counts as absent, a repeated one is an error (RFC 6749, section 3.2).
    pub(super) fn parse(body: &[u8]) -> Result<Self, GrantError> {
        let mut form = Self::default();
        for (name, value) in form_urlencoded::parse(body) {
            let place = match &*name {
                "grant_type" => &mut form.grant_type,
                "client_id" => &mut form.client_id,
                "client_secret" => &mut form.client_secret,
                "refresh_token" => &mut form.refresh_token,
                "code" => &mut form.code,
                "redirect_uri" => &mut form.redirect_uri,
                "code_verifier" => &mut form.code_verifier,
                "scope" => &mut form.scope,
                _ => continue,
            };
            if value.is_empty() {
                continue;
            }
            if place.is_some() {
                let description = format!("{name} stands more than once; it may stand once.");
                return Err(GrantError::bad("invalid_request", description));
            }
            *place = Some(value.into_owned());
        }
        Ok(form)
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Form").field("grant_type", &self.grant_type).finish_non_exhaustive()
    }
}

/// One form-encoded text.
pub(super) fn decode(text: &str) -> String {
    let plus_to_space = text.replace('+', " ");
    percent_encoding::percent_decode_str(&plus_to_space).decode_utf8_lossy().into_owned()
}
