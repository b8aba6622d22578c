//! Raw flags, environment and configuration file become one resolved, validated value.
//!
//! A flag wins over its environment variable `JACKFIELD_<FLAG>`, which wins over the file of `--config`.

mod admin_tls;
mod cache_size;
mod consent;
mod cors;
mod issuers;
mod listen;
mod resolve;
mod secret;
mod text;

use std::path::{Path, PathBuf};

use jackfield_store::StoreUrl;
use serde::Deserialize;

pub use admin_tls::AdminTls;
pub use cache_size::CacheSize;
pub use consent::{ConsentLogin, Network};
pub use cors::CorsOrigin;
pub use issuers::IssuerName;
pub use listen::{InvalidListenAddress, ListenAddress};
pub use resolve::{Config, SeedSource};
pub use secret::{InvalidSecret, SecretSetting};
pub(crate) use secret::{trimmed, trimmed_option};
pub(crate) use text::one_line;
pub use text::{FromText, HumanDuration};

use crate::config_error::ConfigError;
use crate::logs::LogFormat;
use crate::sandbox::clock::ClockOffset;
use crate::sandbox::request_log::JournalScope;
use crate::tls::TlsName;

/// What a person says about a server: every setting may be absent. The file of `--config` has the same names.
#[derive(Clone, Debug, Default, clap::Args, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Address of the public API, IP:PORT or NAME:PORT; port 0 picks a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR", env = "JACKFIELD_LISTEN")]
    pub listen: Option<ListenAddress>,
    /// Address of the admin API; port 0 picks a free one. Beyond loopback it wants TLS [default: 127.0.0.1:8081]
    #[arg(long, value_name = "ADDR", env = "JACKFIELD_ADMIN_LISTEN")]
    pub admin_listen: Option<ListenAddress>,
    /// Certificate chain (PEM) that makes the admin listener speak TLS; read again when it changes
    #[arg(long, value_name = "FILE", env = "JACKFIELD_ADMIN_TLS_CERT")]
    pub admin_tls_cert: Option<PathBuf>,
    /// Private key (PEM) of --admin-tls-cert
    #[arg(long, value_name = "FILE", env = "JACKFIELD_ADMIN_TLS_KEY")]
    pub admin_tls_key: Option<PathBuf>,
    /// Directory of a local CA that signs the admin listener's certificates, for this machine and each --admin-host
    #[arg(long, value_name = "DIR", env = "JACKFIELD_ADMIN_TLS_SELF_SIGNED")]
    pub admin_tls_self_signed: Option<PathBuf>,
    /// Certificates (PEM): clients of the admin listener must show one that one of these signed
    #[arg(long, value_name = "FILE", env = "JACKFIELD_ADMIN_CLIENT_CA")]
    pub admin_client_ca: Option<PathBuf>,
    /// Let the admin listener be reached from elsewhere without TLS [default: false]
    #[arg(long, value_name = "BOOL", env = "JACKFIELD_ADMIN_PLAINTEXT", num_args = 0..=1, require_equals = true,
          default_missing_value = "true")]
    pub admin_plaintext: Option<bool>,
    /// Names under which the admin listener answers, beside localhost and IP addresses
    #[arg(long, value_name = "NAME", env = "JACKFIELD_ADMIN_HOST", num_args = 1.., value_delimiter = ',')]
    pub admin_host: Option<Vec<FromText<TlsName>>>,
    /// Certificate chain (PEM) that makes the public listener speak TLS; read again when it changes
    #[arg(long, value_name = "FILE", env = "JACKFIELD_TLS_CERT")]
    pub tls_cert: Option<PathBuf>,
    /// Private key (PEM) of --tls-cert
    #[arg(long, value_name = "FILE", env = "JACKFIELD_TLS_KEY")]
    pub tls_key: Option<PathBuf>,
    /// Directory of a local CA, made when it is not there, that signs the public listener's certificates;
    /// clients trust DIR/ca.pem
    #[arg(long, value_name = "DIR", env = "JACKFIELD_TLS_SELF_SIGNED")]
    pub tls_self_signed: Option<PathBuf>,
    /// Host names and IP addresses that those certificates are good for
    #[arg(long, value_name = "NAME", env = "JACKFIELD_TLS_NAME", num_args = 1.., value_delimiter = ',')]
    pub tls_name: Option<Vec<FromText<TlsName>>>,
    /// Address of a second public listener, without TLS, beside the one with TLS
    #[arg(long, value_name = "ADDR", env = "JACKFIELD_PLAIN_LISTEN")]
    pub plain_listen: Option<ListenAddress>,
    /// Where state lives: embedded:DIR, memory: or postgres://… [default: embedded:./jackfield-data]. The environment
    /// is a better place for a password than the command line
    #[arg(long, value_name = "URL", env = "JACKFIELD_STORE", hide_env_values = true)]
    pub store: Option<SecretSetting>,
    /// How much memory associations and blocks of an embedded store's files may take: a size such as 512MiB, or a share of
    /// what the process may use such as 10% [default: 10%, at least 32MiB]
    #[arg(long, value_name = "SIZE", env = "JACKFIELD_STORE_CACHE")]
    pub store_cache: Option<FromText<CacheSize>>,
    /// Use a data directory that others than its owner can read, where a file system has no modes [default: false]
    #[arg(long, value_name = "BOOL", env = "JACKFIELD_ALLOW_READABLE_DATA", num_args = 0..=1, require_equals = true,
          default_missing_value = "true")]
    pub allow_readable_data: Option<bool>,
    /// Accounts and associations to begin with (TOML), applied at every start
    #[arg(long, value_name = "FILE", env = "JACKFIELD_SEED")]
    pub seed: Option<PathBuf>,
    /// Token of the admin API; else one is made once and kept in the data directory. The environment is a better
    /// place for it than the command line
    #[arg(long, value_name = "TOKEN", env = "JACKFIELD_ADMIN_TOKEN", hide_env_values = true)]
    pub admin_token: Option<SecretSetting>,
    /// Requests a second that a client may send, bursts twice that; 0 for no limit [default: 1000]
    #[arg(long, value_name = "N", env = "JACKFIELD_RATE_LIMIT")]
    pub rate_limit: Option<u32>,
    /// Requests worked on at a time; more get a 503 [default: 4096]
    #[arg(long, value_name = "N", env = "JACKFIELD_MAX_IN_FLIGHT")]
    pub max_in_flight: Option<usize>,
    /// Open connections of each listener; more wait to be accepted [default: 8192]
    #[arg(long, value_name = "N", env = "JACKFIELD_MAX_CONNECTIONS")]
    pub max_connections: Option<usize>,
    /// Of these, connections from one address (IPv6: from one network of 64 bits); more are closed; 0 for no bound
    /// [default: 1024]
    #[arg(long, value_name = "N", env = "JACKFIELD_MAX_CONNECTIONS_PER_ADDRESS")]
    pub max_connections_per_address: Option<usize>,
    /// How long a client may take for the head of a request, or be idle between two [default: 30s]
    #[arg(long, value_name = "TIME", env = "JACKFIELD_HEADER_TIMEOUT")]
    pub header_timeout: Option<HumanDuration>,
    /// How long a client may take to send a body, or not read an answer [default: 10s]
    #[arg(long, value_name = "TIME", env = "JACKFIELD_BODY_TIMEOUT")]
    pub body_timeout: Option<HumanDuration>,
    /// How long changes are remembered, for example 90d; 0s for ever [default: 0s]
    #[arg(long, value_name = "TIME", env = "JACKFIELD_CHANGE_RETENTION")]
    pub change_retention: Option<HumanDuration>,
    /// Requests that the journal keeps in memory; 0 for no journal [default: 1000]
    #[arg(long, value_name = "N", env = "JACKFIELD_JOURNAL")]
    pub journal: Option<usize>,
    /// Which requests the journal keeps: refused or all [default: refused; dev: all]
    #[arg(long, value_name = "WHICH", env = "JACKFIELD_JOURNAL_SCOPE")]
    pub journal_scope: Option<JournalScope>,
    /// How far the clock that tokens live by is from the system's, for example +2h [default: 0s]
    #[arg(long, value_name = "OFFSET", env = "JACKFIELD_CLOCK", allow_hyphen_values = true)]
    pub clock: Option<ClockOffset>,
    /// Let an operator put the seed in place of everything there is [default: false; dev: true]
    #[arg(long, value_name = "BOOL", env = "JACKFIELD_ALLOW_RESET", num_args = 0..=1, require_equals = true,
          default_missing_value = "true")]
    pub allow_reset: Option<bool>,
    /// Where skills and clouds reach the public API: what requests to skills say [default: its address]
    #[arg(long, value_name = "URL", env = "JACKFIELD_PUBLIC_URL")]
    pub public_url: Option<String>,
    /// Collector that gets traces over OTLP (HTTP): its base URL, for example http://127.0.0.1:4318 [default:
    /// OTEL_EXPORTER_OTLP_ENDPOINT, else no traces]
    #[arg(long, value_name = "URL", env = "JACKFIELD_OTLP_ENDPOINT")]
    pub otlp_endpoint: Option<String>,
    /// Traces say paths, which hold ids of objects
    #[arg(long, value_name = "BOOL", env = "JACKFIELD_TRACE_IDS", num_args = 0..=1, require_equals = true,
          default_missing_value = "true")]
    pub trace_ids: Option<bool>,
    /// Whether numbers for ids and token parameters in the query string are taken; false refuses them, as an
    /// organization can for itself [default: true]
    #[arg(long, value_name = "BOOL", env = "JACKFIELD_LENIENT")]
    pub lenient: Option<bool>,
    /// Who issues access tokens: builtin, lwa[=URL], oidc=URL or introspection=URL; builtin may stand beside one
    /// of the others, after a comma [default: builtin]
    #[arg(long, value_name = "ISSUER", env = "JACKFIELD_TOKEN_ISSUER", value_delimiter = ',')]
    pub token_issuer: Option<Vec<FromText<IssuerName>>>,
    /// Whom tokens of another issuer must be for; oidc needs it
    #[arg(long, value_name = "AUDIENCE", env = "JACKFIELD_TOKEN_AUDIENCE")]
    pub token_audience: Option<String>,
    /// How long the answer of another issuer counts before it is asked again [default: 60s]
    #[arg(long, value_name = "TIME", env = "JACKFIELD_TOKEN_RECHECK")]
    pub token_recheck: Option<HumanDuration>,
    /// As whom to ask for an introspection
    #[arg(long, value_name = "ID", env = "JACKFIELD_TOKEN_ISSUER_CLIENT_ID")]
    pub token_issuer_client_id: Option<String>,
    /// The secret to ask with. The environment is a better place for it than the command line
    #[arg(long, value_name = "SECRET", env = "JACKFIELD_TOKEN_ISSUER_CLIENT_SECRET", hide_env_values = true)]
    pub token_issuer_client_secret: Option<SecretSetting>,
    /// Certificates (PEM) to trust beside the system's when another issuer is asked
    #[arg(long, value_name = "FILE", env = "JACKFIELD_TOKEN_ISSUER_CA")]
    pub token_issuer_ca: Option<PathBuf>,
    /// Who may allow on the consent page: open (anybody), password (who knows the organization's) or header=NAME (whom
    /// a proxy in front logged in) [default: password; dev: open]
    #[arg(long, value_name = "HOW", env = "JACKFIELD_CONSENT_LOGIN")]
    pub consent_login: Option<FromText<ConsentLogin>>,
    /// Addresses of the proxies that may say the user's name, and that the browser came by TLS, as ADDR or ADDR/BITS
    /// [default: those of loopback]
    #[arg(long, value_name = "ADDRS", env = "JACKFIELD_CONSENT_PROXY", value_delimiter = ',')]
    pub consent_proxy: Option<Vec<FromText<Network>>>,
    /// Origins whose pages may read the answers of the login and the operations, scheme, name and port; loopback
    /// for every http origin of this machine [default: none; dev: loopback]
    #[arg(long, value_name = "ORIGIN", env = "JACKFIELD_CORS_ORIGIN", value_delimiter = ',')]
    pub cors_origin: Option<Vec<FromText<CorsOrigin>>>,
    /// What to log: error, warn, info, debug, or a filter like info,jackfield::access=debug [default: info]
    #[arg(long, value_name = "FILTER", env = "JACKFIELD_LOG_LEVEL")]
    pub log_level: Option<String>,
    /// Form of the log on standard error: text or json [default: text]
    #[arg(long, value_name = "FORMAT", env = "JACKFIELD_LOG_FORMAT")]
    pub log_format: Option<LogFormat>,
}

impl Settings {
    /// Reads the settings of a file.
    ///
    /// # Errors
    /// [`ConfigError`] when it cannot be read or understood.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|cause| ConfigError::Read { path: path.to_owned(), cause })?;
        toml::from_str(&text)
            .map_err(|error| ConfigError::Parse { path: path.to_owned(), cause: one_line(&error, &text) })
    }

    /// These settings, and where one is absent that of `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            listen: self.listen.or(other.listen),
            admin_listen: self.admin_listen.or(other.admin_listen),
            admin_tls_cert: self.admin_tls_cert.or(other.admin_tls_cert),
            admin_tls_key: self.admin_tls_key.or(other.admin_tls_key),
            admin_tls_self_signed: self.admin_tls_self_signed.or(other.admin_tls_self_signed),
            admin_client_ca: self.admin_client_ca.or(other.admin_client_ca),
            admin_plaintext: self.admin_plaintext.or(other.admin_plaintext),
            admin_host: self.admin_host.or(other.admin_host),
            tls_cert: self.tls_cert.or(other.tls_cert),
            tls_key: self.tls_key.or(other.tls_key),
            tls_self_signed: self.tls_self_signed.or(other.tls_self_signed),
            tls_name: self.tls_name.or(other.tls_name),
            plain_listen: self.plain_listen.or(other.plain_listen),
            store: self.store.or(other.store),
            store_cache: self.store_cache.or(other.store_cache),
            allow_readable_data: self.allow_readable_data.or(other.allow_readable_data),
            seed: self.seed.or(other.seed),
            admin_token: self.admin_token.or(other.admin_token),
            rate_limit: self.rate_limit.or(other.rate_limit),
            max_in_flight: self.max_in_flight.or(other.max_in_flight),
            max_connections: self.max_connections.or(other.max_connections),
            max_connections_per_address: self
                .max_connections_per_address
                .or(other.max_connections_per_address),
            header_timeout: self.header_timeout.or(other.header_timeout),
            body_timeout: self.body_timeout.or(other.body_timeout),
            change_retention: self.change_retention.or(other.change_retention),
            journal: self.journal.or(other.journal),
            journal_scope: self.journal_scope.or(other.journal_scope),
            clock: self.clock.or(other.clock),
            allow_reset: self.allow_reset.or(other.allow_reset),
            public_url: self.public_url.or(other.public_url),
            otlp_endpoint: self.otlp_endpoint.or(other.otlp_endpoint),
            trace_ids: self.trace_ids.or(other.trace_ids),
            lenient: self.lenient.or(other.lenient),
            token_issuer: self.token_issuer.or(other.token_issuer),
            token_audience: self.token_audience.or(other.token_audience),
            token_recheck: self.token_recheck.or(other.token_recheck),
            token_issuer_client_id: self.token_issuer_client_id.or(other.token_issuer_client_id),
            token_issuer_client_secret: self.token_issuer_client_secret.or(other.token_issuer_client_secret),
            token_issuer_ca: self.token_issuer_ca.or(other.token_issuer_ca),
            consent_login: self.consent_login.or(other.consent_login),
            consent_proxy: self.consent_proxy.or(other.consent_proxy),
            cors_origin: self.cors_origin.or(other.cors_origin),
            log_level: self.log_level.or(other.log_level),
            log_format: self.log_format.or(other.log_format),
        }
    }

    /// Whether a secret stands among them.
    #[must_use]
    pub fn hold_secret(&self) -> bool {
        self.admin_token.is_some()
            || self.token_issuer_client_secret.is_some()
            || self.store.as_ref().is_some_and(|store| matches!(store.parse(), Ok(StoreUrl::Postgres(_))))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_file_fills_what_flags_leave_open() {
        let file: Settings = toml::from_str(
            "listen = \"127.0.0.1:1\"\nstore = \"memory:\"\nrate-limit = 7\nchange-retention = \"90d\"\n\
             journal = 5\njournal-scope = \"all\"\nclock = \"-2h\"\nallow-reset = true\nlenient = false",
        )
        .unwrap();
        let flags = Settings { rate_limit: Some(9), ..Settings::default() };
        let config = flags.or(file).resolve().unwrap();
        assert_eq!((config.listen.to_string(), config.rate_limit), ("127.0.0.1:1".to_owned(), 9));
        assert_eq!(config.store, StoreUrl::Memory);
        assert_eq!((config.journal, config.journal_scope, config.allow_reset), (5, JournalScope::All, true));
        assert_eq!((config.clock.seconds(), config.lenient), (-7_200, false));
        assert_eq!(config.change_retention, Some(Duration::from_secs(90 * 24 * 60 * 60)));
    }

    #[test]
    fn mistakes_are_named_on_one_line() {
        let text = "rate-limit = 7\nlisten = \"nowhere\"";
        let error = toml::from_str::<Settings>(text).unwrap_err();
        assert_eq!(
            one_line(&error, text),
            "line 2, column 10: IP:PORT or NAME:PORT is expected, for example 127.0.0.1:8080, [::1]:8080 or localhost:8080"
        );
        let zero = Settings { max_in_flight: Some(0), ..Settings::default() };
        assert_eq!(zero.resolve().unwrap_err().to_string(), "--max-in-flight must be at least 1");
        let settings = Settings { admin_token: Some("hide-me-please".into()), ..Settings::default() };
        assert!(!format!("{settings:?}").contains("hide-me"));
    }

    #[test]
    fn a_file_is_not_quoted() {
        for (text, said) in [
            ("admin-token = 987654321", "invalid type: integer, expected a string"),
            ("admin-token = [\"hush\"]", "invalid type: sequence, expected a string"),
            ("rate-limit = \"hush, expected hush\"", "hush"),
            ("rate-limit = \"hu`sh\"", "invalid type: string, expected u32"),
            ("journal-scope = \"hush\"", "expected "),
            ("admin-token = hush", ""),
            ("admin-token = \"hush", ""),
        ] {
            let error = toml::from_str::<Settings>(text).unwrap_err();
            let line = one_line(&error, text);
            assert!(line.starts_with("line 1, column "), "{line}");
            assert!(said == "hush" || line.contains(said), "{line}");
            assert!(!line.contains("hush") && !line.contains("987"), "{line}");
        }
    }
}
