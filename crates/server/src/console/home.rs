//! The first page of the public listener: what this is, and where to read on. Plain HTML without scripts.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use maud::{DOCTYPE, PreEscaped, html};
use ring::digest;

use super::protect;
use crate::response::{self, Reply};

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#7675;--go:#0b57d0}\
@media(prefers-color-scheme:dark){:root{--go:#a8c7fa}}\
*{box-sizing:border-box}\
body{font:17px/1.55 system-ui,sans-serif;margin:0 auto;max-width:42rem;padding:2.5rem 1.25rem 4rem}\
h1{font-size:1.6rem;margin:0 0 .25rem}h2{font-size:1.05rem;margin:2rem 0 .5rem}\
a{color:var(--go)}code,pre{font:15px/1.5 ui-monospace,monospace}\
pre{border:1px solid var(--line);border-radius:.5rem;overflow-x:auto;padding:.75rem 1rem}\
ul{padding-left:1.2rem}li{margin:.25rem 0}";

static PAGE: LazyLock<Bytes> = LazyLock::new(|| {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width,initial-scale=1";
                title { "Jackfield" }
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body { main {
                h1 { "Jackfield" }
                p {
                    "An account association service for WebRTC calling in smart properties: it maps the endpoints of a \
                     telephone network to Alexa communication profiles. This is the API for clients."
                }
                h2 { "Read" }
                ul {
                    li { a href="/docs" { "The reference of the API" } ", the four operations on associations first" }
                    li { a href="/openapi.json" { "The same for programs" } ", OpenAPI 3.1" }
                    li { a href="/readyz" { "Whether it is ready" } }
                }
                h2 { "Call" }
                p { "A client gets an access token at " code { "/auth/o2/token" } " and shows it to the operations:" }
                pre tabindex="0" { code {
                    "POST /auth/o2/token\n"
                    "POST /v1/communications/serviceProviders/{serviceProviderId}/externalUsers\n"
                    "POST /v1/communications/serviceProviders/{serviceProviderId}/externalUsers/query"
                } }
                h2 { "Operate" }
                p { "The console for operators is on the admin listener; " code { "jackfield console" } " prints a link to it." }
            } }
        }
    };
    page.into_string().into()
});

/// The policy names the style by its hash, so that no other can be brought in.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = STANDARD.encode(digest::digest(&digest::SHA256, STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).expect("a hash is base64")
});

pub(super) fn page() -> Reply {
    let mut reply = response::bytes(StatusCode::OK, &response::HTML, PAGE.clone());
    protect(&mut reply, POLICY.clone());
    reply
}
