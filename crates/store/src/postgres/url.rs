//! The URL of a PostgreSQL store: what libpq understands, and the size of the pool.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// Connections that a node keeps at most, unless the URL says `pool_size`.
pub const POOL_SIZE: usize = 16;
/// Bounds of `pool_size`. A node needs one connection to write, one to read and one for everything else.
const POOL_SIZES: std::ops::RangeInclusive<usize> = 3..=1_000;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const KEEPALIVES_IDLE: Duration = Duration::from_secs(10);
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(10);

/// Where a PostgreSQL database is and how to reach it: `postgres://user:password@host:port,host:port/database?…`
/// with the parameters of libpq's URLs, `pool_size` beside them. The display and debug forms hide the password.
#[derive(Clone)]
pub struct PostgresUrl {
    text: String,
    pub(super) config: Config,
    pub(super) tls: TlsSettings,
    pub(super) pool_size: usize,
}

/// How the server's certificate is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Verify {
    /// Not at all, as libpq does under `prefer` and `require`.
    #[default]
    Nothing,
    /// It must come from a trusted authority.
    Authority,
    /// And be of the host that was asked for.
    Full,
}

#[derive(Clone, Debug, Default)]
pub(super) struct TlsSettings {
    pub(super) verify: Verify,
    /// Trusted authorities; those of the system when there is none.
    pub(super) root_certificates: Option<PathBuf>,
    /// Certificate and key that the client shows.
    pub(super) client_certificate: Option<(PathBuf, PathBuf)>,
}

impl PostgresUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// What is wrong with it, without what stands in it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (base, query) = text.split_once('?').unwrap_or((text, ""));
        let mut tls = TlsSettings::default();
        let (mut certificate, mut key) = (None, None);
        let mut pool_size = POOL_SIZE;
        let mut rest = form_urlencoded::Serializer::new(String::new());
        // libpq's URLs do not write a space as a plus sign.
        for (name, value) in form_urlencoded::parse(query.replace('+', "%2B").as_bytes()) {
            match (&*name, &*value) {
                ("pool_size", value) => {
                    let size = value.parse().ok().filter(|size| POOL_SIZES.contains(size));
                    let (least, most) = POOL_SIZES.into_inner();
                    pool_size =
                        size.ok_or_else(|| format!("pool_size is a number from {least} to {most}"))?;
                }
                ("sslmode", "verify-ca") => tls.verify = Verify::Authority,
                ("sslmode", "verify-full") => tls.verify = Verify::Full,
                ("sslmode", "allow") => {
                    return Err("sslmode is disable, prefer, require, verify-ca or verify-full".to_owned());
                }
                ("sslrootcert", "system") => {}
                ("sslrootcert", file) => tls.root_certificates = Some(file.into()),
                ("sslcert", file) => certificate = Some(PathBuf::from(file)),
                ("sslkey", file) => key = Some(PathBuf::from(file)),
                (name, value) => {
                    rest.append_pair(name, value);
                }
            }
        }
        let query = rest.finish().replace('+', "%20");
        let mut config = Config::from_str(&format!("{base}?{query}")).map_err(|error| cause(&error))?;
        if tls.verify != Verify::Nothing {
            config.ssl_mode(SslMode::Require);
        }
        tls.client_certificate = match (certificate, key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return Err("sslcert and sslkey go together".to_owned()),
        };
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err("a host is missing".to_owned());
        }
        let (ports, hosts) = (config.get_ports().len(), host_count(&config));
        if (ports > 1 && ports != hosts) || !pairs_up(&config) {
            return Err("hosts, hostaddr and ports are not equally many".to_owned());
        }
        set_defaults(&mut config);
        Ok(Self { text: text.to_owned(), config, tls, pool_size })
    }
}

fn host_count(config: &Config) -> usize {
    config.get_hosts().len().max(config.get_hostaddrs().len())
}

fn pairs_up(config: &Config) -> bool {
    let (hosts, addresses) = (config.get_hosts().len(), config.get_hostaddrs().len());
    hosts == 0 || addresses == 0 || hosts == addresses
}

/// The settings for each host alone: an attempt at one must end before the next is tried.
pub(super) fn each_host(all: &Config) -> Vec<Config> {
    (0..host_count(all)).map(|index| one_host(all, index)).collect()
}

fn one_host(all: &Config, index: usize) -> Config {
    let mut one = Config::new();
    match all.get_hosts().get(index) {
        Some(Host::Tcp(name)) => drop(one.host(name)),
        #[cfg(unix)]
        Some(Host::Unix(path)) => drop(one.host_path(path)),
        None => {}
    }
    all.get_hostaddrs().get(index).map(|address| one.hostaddr(*address));
    let ports = all.get_ports();
    ports.get(index).or_else(|| ports.first()).map(|port| one.port(*port));
    all.get_user().map(|user| one.user(user));
    all.get_password().map(|password| one.password(password));
    all.get_dbname().map(|name| one.dbname(name));
    all.get_options().map(|options| one.options(options));
    all.get_application_name().map(|name| one.application_name(name));
    all.get_connect_timeout().map(|timeout| one.connect_timeout(*timeout));
    all.get_tcp_user_timeout().map(|timeout| one.tcp_user_timeout(*timeout));
    all.get_keepalives_interval().map(|interval| one.keepalives_interval(interval));
    all.get_keepalives_retries().map(|retries| one.keepalives_retries(retries));
    one.keepalives(all.get_keepalives()).keepalives_idle(all.get_keepalives_idle());
    one.ssl_mode(all.get_ssl_mode()).ssl_negotiation(all.get_ssl_negotiation());
    one.target_session_attrs(all.get_target_session_attrs()).channel_binding(all.get_channel_binding());
    one
}

/// Bounds that operators rarely think of before they are needed.
fn set_defaults(config: &mut Config) {
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(TCP_USER_TIMEOUT);
    }
    if config.get_keepalives_idle() > Duration::from_secs(3_600) {
        config.keepalives_idle(KEEPALIVES_IDLE);
    }
    if config.get_application_name().is_none() {
        config.application_name("jackfield");
    }
}

/// What is wrong, without what stands in the URL.
fn cause(error: &tokio_postgres::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (base, query) = self.text.split_once('?').unwrap_or((&self.text, ""));
        let (scheme, rest) = base.split_once("://").unwrap_or(("postgres", base));
        write!(f, "{scheme}://")?;
        match rest.rsplit_once('@') {
            Some((account, host)) => {
                let user = account.split_once(':').map_or(account, |(user, _)| user);
                write!(f, "{user}@{host}")?;
            }
            None => f.write_str(rest)?,
        }
        let shown = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("password="));
        for (index, pair) in shown.enumerate() {
            write!(f, "{}{pair}", if index == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({self})")
    }
}

impl PartialEq for PostgresUrl {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for PostgresUrl {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> PostgresUrl {
        PostgresUrl::parse(text).unwrap()
    }

    #[test]
    fn a_url_is_read_as_libpq_reads_it() {
        let url = parse(
            "postgres://jack:s3c%40ret@db1:5433,db2/field?target_session_attrs=read-write&sslmode=verify-full\
             &sslrootcert=/etc/ca.pem&pool_size=7&options=-c%20search_path%3Dhotel",
        );
        assert_eq!((url.config.get_hosts().len(), url.config.get_ports()), (2, &[5433, 5432][..]));
        assert_eq!(url.config.get_password(), Some(&b"s3c@ret"[..]));
        assert_eq!(url.config.get_options(), Some("-c search_path=hotel"));
        assert_eq!(url.config.get_dbname(), Some("field"));
        assert_eq!((url.pool_size, url.tls.verify), (7, Verify::Full));
        assert_eq!(url.tls.root_certificates.as_deref(), Some(std::path::Path::new("/etc/ca.pem")));
        assert_eq!(url.config.get_ssl_mode(), SslMode::Require);
        assert_eq!(url.config.get_connect_timeout(), Some(&CONNECT_TIMEOUT));
        assert_eq!(parse("postgresql://db/field?sslmode=disable").config.get_ssl_mode(), SslMode::Disable);
    }

    #[test]
    fn each_host_alone_keeps_every_other_setting() {
        let text = |hosts: &str| {
            format!(
                "postgres://jack:s3cret@{hosts}/field?target_session_attrs=read-write&sslmode=require&connect_timeout=7\
                 &options=-c%20a%3Db&application_name=n&keepalives=0&keepalives_idle=8&keepalives_interval=9\
                 &keepalives_retries=3&tcp_user_timeout=4&channel_binding=require"
            )
        };
        let each = each_host(&parse(&text("db1:5433,db2")).config);
        let alone = ["db1:5433", "db2:5432"].map(|host| parse(&text(host)).config);
        assert_eq!(each, alone);
        let addressed = each_host(&parse("postgres://db1,db2/f?hostaddr=10.0.0.1,10.0.0.2").config);
        assert_eq!(addressed[1], parse("postgres://db2/f?hostaddr=10.0.0.2").config);
        let both = each_host(&parse("postgres://u@/f?host=/run/db&port=7").config);
        assert_eq!(both, [parse("postgres://u@/f?host=/run/db&port=7").config]);
        let wrong = PostgresUrl::parse("postgres://db1,db2/f?hostaddr=10.0.0.1").unwrap_err();
        assert_eq!(wrong, "hosts, hostaddr and ports are not equally many");
    }

    #[test]
    fn no_form_shows_the_password() {
        let url = parse("postgres://jack:s3cret@db:5433/field?password=0ther&sslmode=require");
        assert_eq!(url.to_string(), "postgres://jack@db:5433/field?sslmode=require");
        assert!(!format!("{url:?}").contains("s3cret") && !format!("{url:?}").contains("0ther"));
        assert_eq!(parse("postgres://db").to_string(), "postgres://db");
    }

    #[test]
    fn what_is_wrong_is_said_without_the_url() {
        let wrong = |text: &str| PostgresUrl::parse(text).unwrap_err();
        assert_eq!(wrong("postgres://db?pool_size=2"), "pool_size is a number from 3 to 1000");
        assert_eq!(wrong("postgres://db?sslcert=a"), "sslcert and sslkey go together");
        assert_eq!(wrong("postgres:///field"), "a host is missing");
        assert!(wrong("postgres://db?sslmode=allow").starts_with("sslmode is disable"));
        for bad in ["postgres://db?s3cret=1", "postgres://u:s3cret@db?sslmode=s3cret", "postgres://db:x/"] {
            let cause = wrong(bad);
            assert!(!cause.is_empty() && (bad.contains("s3cret=") || !cause.contains("s3cret")), "{cause}");
        }
    }
}
