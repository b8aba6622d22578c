//! How the commands that `jackfield dev` prints reach the server: plain, or with TLS under the names that published
//! clients call.

use std::io::Write;

use jackfield_server::{Server, Settings, Trust};

/// Where the local CA of `--tls` is kept, also beside a store in memory: it is trusted once.
const TLS_DIRECTORY: &str = "./jackfield-dev-tls";
/// The API's name of the first region, and the login's.
const API: &str = "api.amazonalexa.com";
const LOGIN: &str = "api.amazon.com";
/// The names that published clients call: the API's and the login's, of each region.
const TLS_NAMES: [&str; 8] = [
    API,
    "api.eu.amazonalexa.com",
    "api.fe.amazonalexa.com",
    LOGIN,
    "api.amazon.co.uk",
    "api.amazon.co.jp",
    "localhost",
    "127.0.0.1",
];

/// Base URLs, and the beginning of a `curl` for each.
pub(super) struct Reach {
    pub(super) api: String,
    pub(super) login: String,
    pub(super) curl_api: String,
    pub(super) curl_login: String,
    trust: Option<Trust>,
}

/// What `--tls` means where nobody says otherwise.
pub(super) fn with_tls(settings: Settings) -> Settings {
    Settings {
        tls_self_signed: Some(TLS_DIRECTORY.into()),
        tls_name: TLS_NAMES.iter().map(|name| name.parse().ok()).collect(),
        ..settings
    }
}

impl Reach {
    /// # Errors
    /// When the operating system does not tell where the server listens.
    pub(super) fn of(server: &Server) -> std::io::Result<Self> {
        let trust = server.trust();
        let plain = server.public_url()?;
        let origin = |name| trust.as_ref().map_or_else(|| plain.clone(), |trust| trust.origin(name));
        let curl = |name| trust.as_ref().map_or_else(|| "curl".to_owned(), |trust| trust.curl(name));
        Ok(Self {
            api: origin(API),
            login: origin(LOGIN),
            curl_api: curl(API),
            curl_login: curl(LOGIN),
            trust,
        })
    }

    /// Writes what makes other clients reach and trust a server with a local CA. `bold` and `plain` switch a
    /// terminal's letters.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub(super) fn explain(&self, out: &mut dyn Write, bold: &str, plain: &str) -> std::io::Result<()> {
        let Some(trust) = &self.trust else { return Ok(()) };
        if let Some(line) = trust.hosts_line() {
            writeln!(out, "{bold}Names, for /etc/hosts:{plain}\n  {line}\n")?;
        }
        writeln!(out, "{bold}Trust, for Node, OpenSSL and Python:{plain}")?;
        for line in trust.environment() {
            writeln!(out, "  {line}")?;
        }
        writeln!(out, "\n{bold}Try it:{plain}\n  {} -i {}/healthz\n", self.curl_api, self.api)?;
        if trust.port() != 443 {
            writeln!(
                out,
                "Clients that name no port call 443. For them, with the right to listen there: --listen 127.0.0.1:443\n"
            )?;
        }
        Ok(())
    }
}
