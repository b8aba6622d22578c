//! The console: pages for people, served as they stand in `assets`, and the first page of each listener.
//!
//! The files are static and the same for everybody. They speak the admin API as any client does; what may be seen and
//! done is decided there. Nothing is loaded from another origin, and no script or style stands within a page
//! ([decision 30](../../../../docs/adr/0030-console.md)).

mod home;

use std::fmt;
use std::future::ready;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderValue, StatusCode, header};

use crate::description::{Content, Description, Status, Tag, Text};
use crate::endpoint::{Endpoint, Incoming, Outcome};
use crate::error::ApiError;
use crate::response::{self, HTML, Reply};
use crate::router::{Listener, Operation};

static SCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");
static STYLE: HeaderValue = HeaderValue::from_static("text/css; charset=utf-8");

/// Scripts, styles and requests of this origin alone.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

macro_rules! files {
    ($($kind:ident $name:literal;)*) => {
        &[$(($name, &$kind, include_bytes!(concat!("assets/", $name)))),*]
    };
}

/// A file: its name, its type and its content.
type File = (&'static str, &'static HeaderValue, &'static [u8]);

/// Every file. The first is the page.
static FILES: &[File] = files! {
    HTML   "index.html";
    STYLE  "style.css";
    ICON   "icon.svg";
    SCRIPT "main.js";
    SCRIPT "api.js";
    SCRIPT "dom.js";
    SCRIPT "format.js";
    SCRIPT "sign-in.js";
    SCRIPT "chart.js";
    SCRIPT "scope.js";
    SCRIPT "associations.js";
    SCRIPT "import.js";
    SCRIPT "import-job.js";
    SCRIPT "calls.js";
    SCRIPT "device.js";
    SCRIPT "phone.js";
    SCRIPT "transcript.js";
    SCRIPT "journal.js";
    SCRIPT "faults.js";
    SCRIPT "accounts.js";
    SCRIPT "changes.js";
    SCRIPT "stream.js";
    SCRIPT "home.js";
};

/// The files of the reference, which both listeners serve.
static DOCS_FILES: &[File] = files! {
    STYLE  "docs.css";
    SCRIPT "docs.js";
};

static ICON: HeaderValue = HeaderValue::from_static("image/svg+xml");

/// A page for people.
pub(crate) struct Page {
    operation: Operation,
    run: fn(&Incoming<'_>) -> Outcome,
}

pub(crate) static PAGE: Page = Page::new(
    "getConsole",
    describe("The console")
        .text("A page for operators. It signs in with an admin token and speaks the admin API."),
    |_| Ok(file(&FILES[0])),
);

pub(crate) static FILE: Page = Page::new(
    "getConsoleFile",
    describe("A file of the console").errors(&[(404, "There is no such file.")]),
    |incoming| find(FILES, incoming),
);

pub(crate) static DOCS_FILE: Page = Page::new(
    "getDocsFile",
    describe("A file of the page of this document").errors(&[(404, "There is no such file.")]),
    |incoming| find(DOCS_FILES, incoming),
);

pub(crate) static HOME: Page = Page::new(
    "getHome",
    describe("What this is")
        .text("On the public listener a page that says it; the admin listener leads to the console.")
        .successes(&[(200, "The page."), LEADS_ON]),
    |incoming| match incoming.call.listener {
        Listener::Public => Ok(home::page()),
        Listener::Admin => {
            let mut reply = response::empty(StatusCode::FOUND);
            reply.headers_mut().insert(header::LOCATION, HeaderValue::from_static("/console/"));
            Ok(reply)
        }
    },
);

const LEADS_ON: Status = (302, "The console, on the admin listener.");

const fn describe(summary: &'static str) -> Description {
    Description::new(Tag::Server, summary).response_as(Content::new::<Text>("text/html"))
}

impl Page {
    const fn new(id: &'static str, description: Description, run: fn(&Incoming<'_>) -> Outcome) -> Self {
        Self { operation: Operation::for_anyone(id, "docs", description), run }
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.operation.fmt(f)
    }
}

impl Endpoint for Page {
    fn operation(&self) -> &Operation {
        &self.operation
    }

    fn serve<'a>(&'static self, incoming: Incoming<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(ready((self.run)(&incoming)))
    }
}

fn find(files: &'static [File], incoming: &Incoming<'_>) -> Outcome {
    let wanted = files.iter().find(|(name, ..)| *name == incoming.parameter);
    wanted.map(file).ok_or(ApiError::NoSuchPath)
}

fn file(&(_, kind, content): &File) -> Reply {
    let mut reply = response::bytes(StatusCode::OK, kind, Bytes::from_static(content));
    protect(&mut reply, HeaderValue::from_static(POLICY));
    // A browser asks each time, so that an upgrade of the server is one of the console.
    reply.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    reply
}

/// The headers that keep a page to itself.
fn protect(reply: &mut Reply, policy: HeaderValue) {
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    for (name, value) in [
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    /// What a browser loads of all pages together, compressed, stays small.
    #[test]
    fn the_scripts_are_small() {
        let scripts = FILES.iter().chain(DOCS_FILES).filter(|(_, kind, _)| **kind == SCRIPT);
        let compressed = |content: &[u8]| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
            encoder.write_all(content).unwrap();
            encoder.finish().unwrap().len()
        };
        let bytes: usize = scripts.map(|(.., content)| compressed(content)).sum();
        assert!(bytes > 1_024 && bytes < 100 * 1_024, "{bytes} bytes");
    }

    /// A file that nobody serves or asks for would be dead, and one that is missing breaks a page.
    #[test]
    fn every_file_is_served_and_asked_for() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/src/console/assets");
        let mut there: Vec<String> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        there.sort();
        let files = || FILES.iter().chain(DOCS_FILES);
        let mut served: Vec<&str> = files().map(|(name, ..)| *name).collect();
        served.sort_unstable();
        assert_eq!(there, served);
        let all: Vec<&str> =
            FILES.iter().map(|(.., content)| std::str::from_utf8(content).unwrap()).collect();
        // The page of the reference is made by the server, and names its own.
        for name in served.iter().filter(|name| **name != "index.html" && !name.starts_with("docs.")) {
            assert!(all.iter().any(|text| text.contains(&format!("/{name}"))), "{name} is asked for nowhere");
        }
        for (name, _, content) in files() {
            let text = std::str::from_utf8(content).unwrap();
            for bad in ["innerHTML", "eval(", "http://", "https://", "document.write", "style=", "onclick="] {
                let svg =
                    *name == "icon.svg" || bad == "http://" && text.contains("http://www.w3.org/2000/svg");
                assert!(svg || !text.contains(bad), "{name} has {bad}");
            }
        }
    }
}
