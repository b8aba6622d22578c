//! Resolves settings to a configuration: complete, within their limits, and consistent.

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jackfield_model::admin::Demo;
use jackfield_model::admin::Secret;
use jackfield_model::limit;
use jackfield_store::StoreUrl;

use super::{
    AdminTls, CacheSize, ConfigError, ConsentLogin, CorsOrigin, FromText, HumanDuration, InvalidSecret,
    ListenAddress, Network, SecretSetting, Settings, admin_tls, issuers,
};
use crate::imports::ImportRunner;
use crate::issuer::ForeignIssuer;
use crate::logs::{self, LogFormat};
use crate::sandbox::clock::ClockOffset;
use crate::sandbox::request_log::JournalScope;
use crate::tls::{TlsFlags, TlsName, TlsSource};

/// A server's settings, complete and valid.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the public API is served.
    pub listen: ListenAddress,
    /// Where the admin API is served.
    pub admin_listen: ListenAddress,
    /// TLS of the admin listener; `None`: it speaks plain HTTP.
    pub admin_tls: Option<AdminTls>,
    /// Whether it may be reached from elsewhere without TLS.
    pub admin_plaintext: bool,
    /// Names under which the admin listener answers, beside those of this machine.
    pub admin_hosts: Vec<TlsName>,
    /// Where the certificate of the public listener comes from; `None`: it speaks plain HTTP.
    pub tls: Option<TlsSource>,
    /// Address of a plain public listener beside the one with TLS.
    pub plain_listen: Option<ListenAddress>,
    /// Where state lives.
    pub store: StoreUrl,
    /// How much memory an embedded store's cache may take; `None`: the default.
    pub store_cache: Option<CacheSize>,
    /// Whether a data directory may be one that others than its owner can read.
    pub allow_readable_data: bool,
    /// Files of the operator that hold secrets.
    pub secret_files: Vec<PathBuf>,
    /// The content to create at the start.
    pub seeds: Vec<SeedSource>,
    /// What runs imports; the program that starts the server sets it.
    pub imports: Option<Arc<dyn ImportRunner>>,
    /// The credentials of the demo data, for people to copy.
    pub demo: Option<Demo>,
    /// The admin token; `None`: the one of the data directory, made when it is not there.
    pub admin_token: Option<Secret>,
    /// Requests a second for each client; 0 for no limit.
    pub rate_limit: u32,
    /// Requests in flight.
    pub max_in_flight: usize,
    /// Open connections of each listener.
    pub max_connections: usize,
    /// Of these, connections from one address; 0 for no bound.
    pub max_connections_per_address: usize,
    /// Files that the process may have open, connections included; `None`: no limit is known. The program that starts
    /// the server sets it.
    pub open_files: Option<u64>,
    /// For the head of a request, and between two.
    pub header_timeout: Duration,
    /// For a body, and for an answer that is not read.
    pub body_timeout: Duration,
    /// How long changes are remembered; `None` for ever.
    pub change_retention: Option<Duration>,
    /// Requests that the journal keeps; 0 for no journal.
    pub journal: usize,
    /// Which requests it keeps.
    pub journal_scope: JournalScope,
    /// How far the token clock is from the system's.
    pub clock: ClockOffset,
    /// Whether an operator may reset the directory to its seed.
    pub allow_reset: bool,
    /// Where skills and clouds reach the public API; `None`: at its address.
    pub public_url: Option<String>,
    /// The collector of traces; `None`: the one of `OTEL_EXPORTER_OTLP_ENDPOINT`, if any.
    pub otlp_endpoint: Option<String>,
    /// Whether traces say paths.
    pub trace_ids: bool,
    /// Whether numbers for ids and token parameters in the query string are taken.
    pub lenient: bool,
    /// Whether the server accepts access tokens of this service.
    pub builtin_tokens: bool,
    /// Who else issues access tokens.
    pub foreign_tokens: Option<ForeignIssuer>,
    /// Who may approve on the consent page.
    pub consent_login: ConsentLogin,
    /// The proxies trusted for the user's name.
    pub consent_proxies: Vec<Network>,
    /// Origins whose pages may read responses of the public listener.
    pub cors_origins: Vec<CorsOrigin>,
    /// What to log.
    pub log_level: String,
    /// Form of the log.
    pub log_format: LogFormat,
}

/// Where a seed comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeedSource {
    /// A file of the operator.
    File(PathBuf),
    /// The text of a seed that the program brings along.
    BuiltIn(&'static str),
}

impl Settings {
    /// The complete configuration.
    ///
    /// # Errors
    /// [`ConfigError::Value`] naming the flag and the rule.
    pub fn resolve(self) -> Result<Config, ConfigError> {
        let (builtin_tokens, foreign_tokens) = issuers::resolve(&self)?;
        let secret_files =
            self.tls_key.iter().chain(&self.admin_tls_key).chain(&self.seed).cloned().collect();
        let admin_listen = self.admin_listen.unwrap_or_else(|| loopback(8081));
        let admin_hosts = values(self.admin_host);
        let admin_tls = admin_tls::resolve(admin_tls::Flags {
            cert: self.admin_tls_cert,
            key: self.admin_tls_key,
            self_signed: self.admin_tls_self_signed,
            client_ca: self.admin_client_ca,
            plaintext: self.admin_plaintext.unwrap_or_default(),
            names: admin_tls::names(&admin_listen, &admin_hosts),
        })?;
        let tls = TlsFlags {
            cert: self.tls_cert,
            key: self.tls_key,
            self_signed: self.tls_self_signed,
            names: values(self.tls_name),
        };
        let tls = tls.resolve()?;
        if self.plain_listen.is_some() && tls.is_none() {
            return Err(wrong("plain-listen", "wants TLS on --listen, which is plain as it is"));
        }
        let (store, store_cache) = store(self.store, self.store_cache)?;
        let log_level = self.log_level.unwrap_or_else(|| "info".to_owned());
        logs::check_filter(&log_level).map_err(|rule| wrong("log-level", rule))?;
        Ok(Config {
            listen: self.listen.unwrap_or_else(|| loopback(8080)),
            admin_listen,
            admin_tls,
            admin_plaintext: self.admin_plaintext.unwrap_or_default(),
            admin_hosts,
            tls,
            plain_listen: self.plain_listen,
            store,
            store_cache,
            allow_readable_data: self.allow_readable_data.unwrap_or_default(),
            secret_files,
            imports: None,
            demo: None,
            seeds: self.seed.map(SeedSource::File).into_iter().collect(),
            admin_token: admin_token(self.admin_token)?,
            rate_limit: at_most("rate-limit", self.rate_limit.unwrap_or(1_000), limit::RATE_LIMIT_MAX)?,
            max_in_flight: at_least_one("max-in-flight", self.max_in_flight, 4_096)?,
            max_connections: at_least_one("max-connections", self.max_connections, 8_192)?,
            max_connections_per_address: self.max_connections_per_address.unwrap_or(1_024),
            open_files: None,
            header_timeout: positive("header-timeout", self.header_timeout, Duration::from_secs(30))?,
            body_timeout: positive("body-timeout", self.body_timeout, Duration::from_secs(10))?,
            change_retention: self.change_retention.map(|span| span.0).filter(|span| !span.is_zero()),
            journal: at_most("journal", self.journal.unwrap_or(1_000), limit::JOURNAL_MAX)?,
            journal_scope: self.journal_scope.unwrap_or_default(),
            clock: self.clock.unwrap_or_default(),
            allow_reset: self.allow_reset.unwrap_or_default(),
            public_url: self.public_url.map(|url| public_url(&url)).transpose()?,
            otlp_endpoint: self.otlp_endpoint.map(|url| otlp_endpoint(&url)).transpose()?,
            trace_ids: self.trace_ids.unwrap_or_default(),
            lenient: self.lenient.unwrap_or(true),
            builtin_tokens,
            foreign_tokens,
            consent_login: self.consent_login.map(|text| text.0).unwrap_or_default(),
            consent_proxies: self
                .consent_proxy
                .map_or_else(|| Network::LOOPBACK.to_vec(), |networks| values(Some(networks))),
            cors_origins: values(self.cors_origin),
            log_level,
            log_format: self.log_format.unwrap_or_default(),
        })
    }
}

fn wrong(flag: &'static str, rule: impl Into<String>) -> ConfigError {
    ConfigError::Value { flag, rule: rule.into() }
}

fn wrong_secret(flag: &'static str) -> impl FnOnce(InvalidSecret) -> ConfigError {
    move |error| wrong(flag, error.to_string())
}

/// Where state lives, and what its blocks may take in memory.
fn store(
    url: Option<SecretSetting>,
    cache: Option<FromText<CacheSize>>,
) -> Result<(StoreUrl, Option<CacheSize>), ConfigError> {
    let url = url.map(|url| url.parse().map_err(wrong_secret("store"))).transpose()?;
    let url = url.unwrap_or_else(|| StoreUrl::Embedded("./jackfield-data".into()));
    if cache.is_some() && !matches!(url, StoreUrl::Embedded(_)) {
        return Err(wrong("store-cache", format!("is for a store embedded:DIR; this one is {}", url.kind())));
    }
    Ok((url, cache.map(|text| text.0)))
}

fn admin_token(token: Option<SecretSetting>) -> Result<Option<Secret>, ConfigError> {
    token.map(|token| token.to_secret().map_err(wrong_secret("admin-token"))).transpose()
}

/// A base URL: paths are put behind it.
fn public_url(text: &str) -> Result<String, ConfigError> {
    let bare = |uri: &http::Uri| matches!(uri.path(), "" | "/");
    let rule = "is no URL; http or https, a name and nothing after it are expected";
    base_url(text, bare).ok_or_else(|| wrong("public-url", rule))
}

/// A base URL that may have a path.
fn otlp_endpoint(text: &str) -> Result<String, ConfigError> {
    let rule = "is no URL; http or https, a name and maybe a path are expected";
    base_url(text, |_| true).ok_or_else(|| wrong("otlp-endpoint", rule))
}

fn base_url(text: &str, good: impl FnOnce(&http::Uri) -> bool) -> Option<String> {
    let uri = text.parse::<http::Uri>().ok()?;
    let good = matches!(uri.scheme_str(), Some("http" | "https")) && uri.query().is_none() && good(&uri);
    good.then(|| text.trim_end_matches('/').to_owned())
}

fn loopback(port: u16) -> ListenAddress {
    ListenAddress::Ip(SocketAddr::from(([127, 0, 0, 1], port)))
}

fn values<T>(texts: Option<Vec<FromText<T>>>) -> Vec<T> {
    texts.unwrap_or_default().into_iter().map(|text| text.0).collect()
}

fn at_most<T: Copy + Ord + Display>(flag: &'static str, value: T, most: T) -> Result<T, ConfigError> {
    if value > most {
        return Err(wrong(flag, format!("is {value}; at most {most} is allowed")));
    }
    Ok(value)
}

fn at_least_one(flag: &'static str, value: Option<usize>, default: usize) -> Result<usize, ConfigError> {
    match value.unwrap_or(default) {
        0 => Err(wrong(flag, "must be at least 1")),
        value => Ok(value),
    }
}

fn positive(
    flag: &'static str,
    value: Option<HumanDuration>,
    default: Duration,
) -> Result<Duration, ConfigError> {
    match value.map_or(default, |value| value.0) {
        Duration::ZERO => Err(wrong(flag, "must be more than nothing")),
        value => Ok(value),
    }
}
