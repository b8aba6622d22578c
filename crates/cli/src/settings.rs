//! Where a command finds its connection: flags, then the environment, then a profile of the client's
//! configuration file. One place says the names of all three.
//!
//! No message repeats a value: it may be a secret that was put in the wrong place.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use jackfield_model::admin::Secret;
use jackfield_server::SecretSetting;
use toml::Table;

use crate::failure::Failure;

/// A setting: `admin_token` in a profile, `--admin-token` as a flag, `JACKFIELD_ADMIN_TOKEN` in the environment.
pub(crate) type Key = &'static str;

pub(crate) const ENDPOINT: Key = "endpoint";
pub(crate) const LOGIN_URL: Key = "login_url";
pub(crate) const TOKEN: Key = "token";
pub(crate) const CLIENT_ID: Key = "client_id";
pub(crate) const CLIENT_SECRET: Key = "client_secret";
pub(crate) const REFRESH_TOKEN: Key = "refresh_token";
pub(crate) const SCOPE: Key = "scope";
pub(crate) const PROVIDER: Key = "provider";
pub(crate) const ADMIN_ENDPOINT: Key = "admin_endpoint";
pub(crate) const ADMIN_TOKEN: Key = "admin_token";
pub(crate) const DATA_DIR: Key = "data_dir";
pub(crate) const CA_FILE: Key = "ca_file";
pub(crate) const ADMIN_CLIENT_CERT: Key = "admin_client_cert";
pub(crate) const ADMIN_CLIENT_KEY: Key = "admin_client_key";

const KEYS: [Key; 14] = [
    ENDPOINT,
    LOGIN_URL,
    TOKEN,
    CLIENT_ID,
    CLIENT_SECRET,
    REFRESH_TOKEN,
    SCOPE,
    PROVIDER,
    ADMIN_ENDPOINT,
    ADMIN_TOKEN,
    DATA_DIR,
    CA_FILE,
    ADMIN_CLIENT_CERT,
    ADMIN_CLIENT_KEY,
];

/// The environment, given so that tests have their own.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// Settings from one place.
pub(crate) type Layer = BTreeMap<Key, String>;

/// All settings, the nearest first.
pub(crate) struct Settings {
    flags: Layer,
    environment: Layer,
    profile: Layer,
}

/// Which profile to read, as the flags say it.
#[derive(Default)]
pub(crate) struct Locator {
    pub(crate) profile: Option<String>,
    pub(crate) file: Option<PathBuf>,
}

impl Settings {
    /// Collects the settings of all three places.
    ///
    /// # Errors
    /// A usage failure when the file or the profile that was asked for is not there or cannot be read.
    pub(crate) fn read(
        flags: Layer,
        locator: Locator,
        environment: Environment<'_>,
    ) -> Result<Self, Failure> {
        // An empty variable is how many tools unset one.
        let set = |name: &str| environment(name).filter(|value| !value.is_empty());
        let variable = |name: &str| set(name).and_then(|value| value.into_string().ok());
        let mut from_environment = Layer::new();
        for key in KEYS {
            if let Some(value) = set(&variable_of(key)) {
                from_environment.insert(key, text(key, value)?);
            }
        }
        let wanted = locator.profile.or_else(|| variable("JACKFIELD_PROFILE"));
        let named_file = locator.file.or_else(|| variable("JACKFIELD_CLIENT_CONFIG").map(PathBuf::from));
        let file = named_file.clone().or_else(|| default_file(&variable));
        let text = match &file {
            Some(file) => read_file(file, named_file.is_some() || wanted.is_some())?,
            None => None,
        };
        let profile = match (&file, text) {
            (Some(file), Some(text)) => parse(&text, wanted.as_deref())
                .map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?,
            _ if wanted.is_some() => {
                return Err(Failure::usage("there is no configuration file to take a profile from")
                    .hint("--client-config FILE"));
            }
            _ => Layer::new(),
        };
        Ok(Self { flags, environment: from_environment, profile })
    }

    /// A setting, from the nearest place that has it.
    pub(crate) fn get(&self, key: Key) -> Option<&str> {
        self.layers().into_iter().find_map(|layer| layer.get(key)).map(String::as_str)
    }

    /// A setting read as a value of its type.
    ///
    /// # Errors
    /// A usage failure that names the setting.
    pub(crate) fn parse<T>(&self, key: Key) -> Result<Option<T>, Failure>
    where
        T: std::str::FromStr<Err: std::fmt::Display>,
    {
        let wrong = |error| Failure::usage(format!("{} ({}) {error}", key, flag_of(key)));
        self.get(key).map(|text| text.parse().map_err(wrong)).transpose()
    }

    /// A secret, without the white space around it that a file ends with.
    ///
    /// # Errors
    /// A usage failure that names the setting and the rule.
    pub(crate) fn secret(&self, key: Key) -> Result<Option<Secret>, Failure> {
        let wrong = |error| Failure::usage(format!("{} ({}) {error}", key, flag_of(key)));
        self.get(key).map(|text| SecretSetting::from(text).presented().map_err(wrong)).transpose()
    }

    /// The places, the nearest first.
    pub(crate) const fn layers(&self) -> [&Layer; 3] {
        [&self.flags, &self.environment, &self.profile]
    }
}

/// The text of a setting.
///
/// # Errors
/// A usage failure when it is none.
pub(crate) fn text(key: Key, value: OsString) -> Result<String, Failure> {
    value.into_string().map_err(|_| Failure::usage(format!("{key} ({}) must be UTF-8", flag_of(key))))
}

/// How a setting is called as a flag.
pub(crate) fn flag_of(key: Key) -> String {
    format!("--{}", key.replace('_', "-"))
}

/// How a setting is called in the environment.
fn variable_of(key: Key) -> String {
    format!("JACKFIELD_{}", key.to_uppercase())
}

fn default_file(variable: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let config = variable("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| variable("HOME").map(|home| Path::new(&home).join(".config")))?;
    Some(config.join("jackfield").join("client.toml"))
}

/// The text of the file; `None` for a file that nobody asked for and that is not there.
fn read_file(file: &Path, asked_for: bool) -> Result<Option<String>, Failure> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !asked_for => Ok(None),
        Err(error) => Err(Failure::usage(format!("{} cannot be read: {error}", file.display()))),
    }
}

/// The settings of one profile; the profile `default` may be absent unless it was asked for by name.
fn parse(text: &str, wanted: Option<&str>) -> Result<Layer, String> {
    let profiles: Table = text.parse().map_err(|error: toml::de::Error| {
        let before = error.span().map_or(0, |span| span.start).min(text.len());
        let line = text.as_bytes()[..before].iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("line {line} is not TOML")
    })?;
    let name = wanted.unwrap_or("default");
    let profile = match profiles.get(name) {
        Some(toml::Value::Table(profile)) => profile,
        Some(_) => return Err(format!("{name} is not a profile; a profile is a table, [{name}]")),
        None if wanted.is_none() => return Ok(Layer::new()),
        None => return Err(format!("there is no profile [{name}]")),
    };
    let mut layer = Layer::new();
    for (name_of_key, value) in profile {
        let Some(key) = KEYS.iter().find(|key| *key == name_of_key) else {
            return Err(format!("[{name}] has an unknown key {name_of_key}; known are {}", KEYS.join(", ")));
        };
        let Some(value) = value.as_str() else {
            return Err(format!("[{name}] {key} is not a string"));
        };
        layer.insert(key, value.to_owned());
    }
    Ok(layer)
}

#[cfg(test)]
mod tests;
