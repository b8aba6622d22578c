//! The cookie of a session of the console, and which requests may come with it.
//!
//! Its name has the port of the listener, because browsers send the cookies of a host to all of its ports. Where the
//! browser speaks TLS the name begins with `__Host-`, by which no other host can set it.
//!
//! A page of another origin cannot use it: the cookie is `SameSite=Strict`, and a request with it needs a header that a
//! page of another origin may not send without asking (Fetch standard, CORS), which this listener never allows. Where the
//! browser says from where a request comes (`Sec-Fetch-Site`), that has to be the same origin.

use http::header::{COOKIE, HOST};
use http::uri::Authority;
use http::{HeaderName, HeaderValue};
use jackfield_model::limit;

use crate::request::Call;

static CONSOLE: HeaderName = HeaderName::from_static("x-jackfield-console");
static FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The session that a request shows.
pub(super) fn session(call: &Call) -> Option<&str> {
    let name = name(call);
    let headers = call.head.headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = headers.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(candidate, _)| *candidate == name).map(|(_, session)| session)
}

/// Whether a request can only come from the console itself.
pub(super) fn is_of_console(call: &Call) -> bool {
    let headers = &call.head.headers;
    let same_origin = headers.get(&FETCH_SITE).is_none_or(|site| site == "same-origin");
    same_origin && headers.contains_key(&CONSOLE)
}

/// Sets the cookie of a session in a browser.
pub(super) fn give(call: &Call, session: &str) -> HeaderValue {
    header(call, session, limit::SESSION_SECONDS)
}

/// Removes the cookie of a session from a browser.
pub(super) fn take(call: &Call) -> HeaderValue {
    header(call, "", 0)
}

fn header(call: &Call, session: &str, seconds: u64) -> HeaderValue {
    let secure = if call.peer.secure { "; Secure" } else { "" };
    let name = name(call);
    let text = format!("{name}={session}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    let mut value = HeaderValue::try_from(text).expect("a name, digits and base64url");
    value.set_sensitive(true);
    value
}

fn name(call: &Call) -> String {
    let header = || call.head.headers.get(HOST)?.to_str().ok()?.parse().ok();
    let host: Option<Authority> = call.head.uri.authority().cloned().or_else(header);
    let port = host.and_then(|host| host.port_u16()).unwrap_or_default();
    let prefix = if call.peer.secure { "__Host-" } else { "" };
    format!("{prefix}jackfield-console-{port}")
}

#[cfg(test)]
mod tests {
    use http::Request;
    use jackfield_model::RequestId;

    use super::*;
    use crate::router::Listener;
    use crate::transport::peer::Peer;

    fn call(secure: bool, headers: &[(&str, &str)]) -> Call {
        let request = headers
            .iter()
            .fold(Request::get("/admin/v1/session"), |request, (name, value)| request.header(*name, *value));
        let head = request.body(()).unwrap().into_parts().0;
        let peer = Peer { secure, ..Peer::LOCAL };
        Call::new(head, RequestId::random(), Listener::Admin, peer, None)
    }

    #[test]
    fn a_session_is_that_of_its_port() {
        let host = ("host", "localhost:8081");
        for (cookies, found) in [
            ("jackfield-console-8081=abc", Some("abc")),
            ("x=1; jackfield-console-8081=abc", Some("abc")),
            ("jackfield-console-8082=abc", None),
            ("jackfield-console-8081", None),
            ("__Host-jackfield-console-8081=abc", None),
        ] {
            assert_eq!(session(&call(false, &[host, ("cookie", cookies)])), found, "{cookies}");
        }
        let secure = call(true, &[host, ("cookie", "__Host-jackfield-console-8081=abc")]);
        assert_eq!(session(&secure), Some("abc"));
        let given = give(&secure, "abc");
        let given = given.to_str().unwrap();
        for part in ["__Host-jackfield-console-8081=abc;", "HttpOnly", "SameSite=Strict", "Secure", "Path=/;"]
        {
            assert!(given.contains(part), "{given}");
        }
        assert!(!give(&call(false, &[host]), "abc").to_str().unwrap().contains("Secure"));
    }

    #[test]
    fn only_the_console_itself_uses_it() {
        let own = ("x-jackfield-console", "1");
        assert!(is_of_console(&call(false, &[own])));
        assert!(is_of_console(&call(false, &[own, ("sec-fetch-site", "same-origin")])));
        assert!(!is_of_console(&call(false, &[])));
        for site in ["same-site", "cross-site", "none", ""] {
            assert!(!is_of_console(&call(false, &[own, ("sec-fetch-site", site)])), "{site}");
        }
    }
}
