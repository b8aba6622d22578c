//! The consent page as plain HTML: no script, nothing from elsewhere, readable on a telephone and in the dark.
//!
//! Every answer forbids scripts, frames, referrers and caches; a form may lead to this service and on to the
//! client's own redirect URI, nowhere else.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, StatusCode, header};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use ring::digest;

use super::authorization_request::Request;
use super::person::Asks;
use crate::response::{self, Reply};

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#767676;--soft:#7671;--go:#0b57d0;--on-go:#fff}\
@media(prefers-color-scheme:dark){:root{--go:#a8c7fa;--on-go:#062e6f}}\
*{box-sizing:border-box}\
body{font:17px/1.5 system-ui,sans-serif;margin:0 auto;max-width:34rem;padding:1.5rem 1.25rem 3rem}\
h1{font-size:1.5rem;line-height:1.25}\
dl{margin:1.25rem 0}dt{font-size:.9rem;margin-top:.75rem}dd{margin:0;overflow-wrap:anywhere}\
ul{margin:0;padding-left:1.2rem}code{font:15px/1.45 ui-monospace,monospace;overflow-wrap:anywhere}\
.actions{display:flex;flex-wrap:wrap;gap:.75rem;margin-top:2rem}\
label{display:block;font-weight:600;margin-top:1.5rem}\
input[type=password]{border:2px solid var(--line);border-radius:.5rem;font:inherit;margin-top:.25rem;min-height:3rem;\
padding:.6rem;width:100%}\
.mistake{border-left:4px solid #b3261e;padding-left:.75rem}\
button{background:none;border:2px solid var(--line);border-radius:.5rem;color:inherit;cursor:pointer;\
flex:1 1 10rem;font:inherit;font-weight:600;min-height:3rem;padding:.6rem 1rem}\
button.allow{background:var(--go);border-color:var(--go);color:var(--on-go)}\
:focus-visible{outline:3px solid var(--go);outline-offset:3px}";

/// The policy names the style by its hash, so that no other can be brought in.
static STYLE_SOURCE: LazyLock<String> = LazyLock::new(|| {
    let hash = digest::digest(&digest::SHA256, STYLE.as_bytes());
    format!("'sha256-{}'", STANDARD.encode(hash))
});

/// Asks a person.
pub(super) fn ask(
    request: &Request,
    fields: &[(&str, &str)],
    token: &str,
    asks: Asks<'_>,
    mistake: Option<&str>,
) -> Reply {
    let (uri, organization) = (&request.redirect.uri, &request.organization.name);
    let content = html! {
        @if let Some(mistake) = mistake { p.mistake role="alert" { (mistake) } }
        p {
            "An application of " strong { (organization) } " asks for access to your organization's account."
        }
        dl {
            dt { "Application" } dd { code { (request.client.id.as_str()) } }
            dt { "Organization" } dd { (organization) }
            dt { "It asks for" }
            dd { ul { @for scope in request.scopes.iter() { li { code { (scope.as_str()) } } } } }
            dt { "Afterwards you go back to" } dd { code { (uri) } }
        }
        form method="post" action="/ap/oa" {
            @for (name, value) in fields.iter().chain(&[("token", token)]) {
                input type="hidden" name=(name) value=(value);
            }
            (asked(asks, organization))
            .actions {
                button.allow name="decision" value="allow" { "Allow" }
                button name="decision" value="deny" formnovalidate { "Deny" }
            }
        }
    };
    finish(StatusCode::OK, "Allow access?", &content, Some(uri))
}

/// What a person has to prove, or is known as.
fn asked(asks: Asks<'_>, organization: &str) -> Markup {
    html! {
        @match asks {
            Asks::Nothing => {},
            Asks::User(user) => p { "You are " strong { (user) } "." },
            Asks::Password => {
                // The field that nobody sees tells password managers whose password it is.
                input type="text" name="username" autocomplete="username" value=(organization) hidden;
                label for="password" { "Consent password of " (organization) }
                input #password name="password" type="password" autocomplete="current-password" required autofocus;
            }
        }
    }
}

/// Says why a request goes no further.
pub(super) fn refusal(status: StatusCode, text: &str) -> Reply {
    let content = html! {
        p role="alert" { (text) }
        p { "Nothing was allowed." }
    };
    finish(status, "This request cannot go on", &content, None)
}

fn finish(status: StatusCode, title: &str, content: &Markup, target: Option<&str>) -> Reply {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width,initial-scale=1";
                meta name="robots" content="noindex";
                title { (title) " · Jackfield" }
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body { main { h1 { (title) } (content) } }
        }
    };
    let mut reply = response::bytes(status, &response::HTML, page.into_string());
    protect(&mut reply, target);
    reply
}

/// The headers of every answer. `target` is where a form may lead beside this service: browsers hold the redirect
/// after a form to the same rule.
pub(super) fn protect(reply: &mut Reply, target: Option<&str>) {
    let form = target.map_or_else(|| "'none'".to_owned(), |uri| format!("'self' {}", source(uri)));
    let policy = format!(
        "default-src 'none'; style-src {}; img-src data:; base-uri 'none'; form-action {form}; frame-ancestors 'none'",
        *STYLE_SOURCE
    );
    let headers = reply.headers_mut();
    let policy = HeaderValue::from_str(&policy).expect("a source has characters of a host only");
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    for (name, value) in [
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// The origin of a URI as a source of a policy; its scheme alone, where the origin cannot be written as one.
fn source(uri: &str) -> String {
    let (scheme, rest) = uri.split_once(':').unwrap_or((uri, ""));
    let authority = rest.strip_prefix("//").unwrap_or_default().split(['/', '?']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let plain = |text: &str, more: &[u8]| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
    };
    match scheme {
        "http" | "https" if plain(host, b".-_:") => format!("{scheme}://{host}"),
        scheme if plain(scheme, b"+-.") => format!("{scheme}:"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_an_origin_or_a_scheme() {
        for (uri, expected) in [
            ("https://example.com/back?x=1", "https://example.com"),
            ("http://127.0.0.1:8123/back", "http://127.0.0.1:8123"),
            ("https://user@example.com", "https://example.com"),
            ("http://[::1]:8123/back", "http:"),
            ("https://a;b/", "https:"),
            ("com.example.app://back", "com.example.app:"),
            ("x y://back", ""),
        ] {
            assert_eq!(source(uri), expected, "{uri}");
        }
    }
}
