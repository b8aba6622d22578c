//! From flags, environment and configuration file to a client that can speak.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use jackfield_client::admin::AdminClient;
use jackfield_client::{
    Client, Endpoint, Grant, Identity, InvalidToken, LoginTokens, Options, StaticToken, Transport,
};
use jackfield_model::ServiceProviderId;
use jackfield_model::admin::Secret;
use jackfield_model::scope::SERVICE_PROVIDER;

use jackfield_server::{ADMIN_TOKEN_FILE, SecretSetting};

use crate::failure::Failure;
use crate::settings::{
    ADMIN_CLIENT_CERT, ADMIN_CLIENT_KEY, ADMIN_ENDPOINT, ADMIN_TOKEN, CA_FILE, CLIENT_ID, CLIENT_SECRET,
    DATA_DIR, ENDPOINT, Key, LOGIN_URL, Layer, Locator, PROVIDER, REFRESH_TOKEN, SCOPE, Settings, TOKEN,
    flag_of, text,
};
use crate::trace;

const DEFAULT_ENDPOINT: &str = "http://127.0.0.1:8080";
const DEFAULT_ADMIN_ENDPOINT: &str = "http://127.0.0.1:8081";
const DEFAULT_DATA_DIR: &str = "./jackfield-data";

/// Flags that every connection has.
#[derive(Args)]
#[command(next_help_heading = "Connection")]
struct CommonArgs {
    /// Trust the certificates in this PEM file too [env: JACKFIELD_CA_FILE]
    #[arg(long, global = true, value_name = "FILE")]
    ca_file: Option<String>,
    /// Take what is not given here or in the environment from this profile of
    /// the configuration file [env: JACKFIELD_PROFILE] [default: default]
    #[arg(long = "profile", global = true, value_name = "NAME")]
    profile_name: Option<String>,
    /// The configuration file [env: JACKFIELD_CLIENT_CONFIG]
    /// [default: ~/.config/jackfield/client.toml]
    #[arg(long, global = true, value_name = "FILE")]
    client_config: Option<PathBuf>,
}

/// Flags of commands that speak the public API.
#[derive(Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct PublicArgs {
    /// Access token; better not as a flag, which others on the machine can read
    /// [env: JACKFIELD_TOKEN]
    #[arg(long, global = true)]
    token: Option<SecretSetting>,
    #[command(flatten)]
    login: LoginArgs,
}

/// Flags of commands that speak to the login service.
#[derive(Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct LoginArgs {
    /// Base URL of the API [env: JACKFIELD_ENDPOINT]
    /// [default: http://127.0.0.1:8080]
    #[arg(long, global = true, value_name = "URL")]
    endpoint: Option<String>,
    /// Base URL of the login service [env: JACKFIELD_LOGIN_URL]
    /// [default: the endpoint]
    #[arg(long, global = true, value_name = "URL")]
    login_url: Option<String>,
    /// Client to get a token for [env: JACKFIELD_CLIENT_ID]
    #[arg(long, global = true, value_name = "CLIENT_ID")]
    client_id: Option<String>,
    /// Its secret; better not as a flag [env: JACKFIELD_CLIENT_SECRET]
    #[arg(long, global = true, value_name = "SECRET")]
    client_secret: Option<SecretSetting>,
    /// Its refresh token, to get an access token with; better not as a flag
    /// [env: JACKFIELD_REFRESH_TOKEN]
    #[arg(long, global = true, value_name = "TOKEN")]
    refresh_token: Option<SecretSetting>,
    /// Scopes to ask for, separated by spaces [env: JACKFIELD_SCOPE]
    /// [default: amazon_communication::service_provider]
    #[arg(long, global = true, value_name = "SCOPES")]
    scope: Option<String>,
    #[command(flatten)]
    common: CommonArgs,
}

/// Flags of commands that speak the admin API.
#[derive(Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct AdminArgs {
    /// Base URL of the admin API [env: JACKFIELD_ADMIN_ENDPOINT]
    /// [default: http://127.0.0.1:8081]
    #[arg(long, global = true, value_name = "URL")]
    admin_endpoint: Option<String>,
    /// Admin token; better not as a flag, which others on the machine can read
    /// [env: JACKFIELD_ADMIN_TOKEN] [default: from the data directory]
    #[arg(long, global = true, value_name = "TOKEN")]
    admin_token: Option<SecretSetting>,
    /// Data directory of the server, which holds its admin token
    /// [env: JACKFIELD_DATA_DIR] [default: ./jackfield-data]
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<String>,
    /// Certificate (PEM) to show to an admin listener that asks for one
    /// [env: JACKFIELD_ADMIN_CLIENT_CERT]
    #[arg(long, global = true, value_name = "FILE")]
    admin_client_cert: Option<String>,
    /// Its private key (PEM) [env: JACKFIELD_ADMIN_CLIENT_KEY]
    #[arg(long, global = true, value_name = "FILE")]
    admin_client_key: Option<String>,
    #[command(flatten)]
    common: CommonArgs,
}

impl PublicArgs {
    /// A client of the public API, and the provider that it is to speak for.
    ///
    /// # Errors
    /// A usage failure that says what is missing or malformed.
    pub(crate) fn connect(self, provider: Option<String>) -> Result<(Client, ServiceProviderId), Failure> {
        let settings = self.login.settings([(TOKEN, secret(self.token)), (PROVIDER, plain(provider))])?;
        let provider = settings.parse(PROVIDER)?.ok_or_else(|| {
            Failure::usage("no service provider is named")
                .hint("--provider, JACKFIELD_PROVIDER, or provider in the configuration file")
        })?;
        let transport = transport(&settings, None)?;
        let endpoint = endpoint(&settings)?;
        let tokens = Tokens::choose(&settings, &transport)?;
        Ok((tokens.client(transport, endpoint), provider))
    }
}

impl LoginArgs {
    /// The login service, with a client's credentials.
    ///
    /// # Errors
    /// A usage failure that says what is missing or malformed.
    pub(crate) fn connect(self) -> Result<LoginTokens, Failure> {
        let settings = self.settings([])?;
        login(&settings, &transport(&settings, None)?)
    }

    fn settings<const N: usize>(self, more: [(Key, Option<OsString>); N]) -> Result<Settings, Failure> {
        let flags = [
            (ENDPOINT, plain(self.endpoint)),
            (LOGIN_URL, plain(self.login_url)),
            (CLIENT_ID, plain(self.client_id)),
            (CLIENT_SECRET, secret(self.client_secret)),
            (REFRESH_TOKEN, secret(self.refresh_token)),
            (SCOPE, plain(self.scope)),
        ];
        self.common.settings(flags.into_iter().chain(more))
    }
}

impl AdminArgs {
    /// The same for the server that has this data directory, unless another one is named.
    pub(crate) fn with_data_dir(mut self, directory: &Path) -> Self {
        self.data_dir.get_or_insert_with(|| directory.display().to_string());
        self
    }

    /// A client of the admin API.
    ///
    /// # Errors
    /// A usage failure that says what is missing or malformed.
    pub(crate) fn connect(self) -> Result<AdminClient, Failure> {
        self.connect_to().map(|(client, _)| client)
    }

    /// The same, and the base URL that it is for.
    ///
    /// # Errors
    /// A usage failure that says what is missing or malformed.
    pub(crate) fn connect_to(self) -> Result<(AdminClient, Endpoint), Failure> {
        let flags = [
            (ADMIN_ENDPOINT, plain(self.admin_endpoint)),
            (ADMIN_TOKEN, secret(self.admin_token)),
            (DATA_DIR, plain(self.data_dir)),
            (ADMIN_CLIENT_CERT, plain(self.admin_client_cert)),
            (ADMIN_CLIENT_KEY, plain(self.admin_client_key)),
        ];
        let settings = self.common.settings(flags)?;
        let endpoint: Endpoint = match settings.parse(ADMIN_ENDPOINT)? {
            Some(endpoint) => endpoint,
            None => DEFAULT_ADMIN_ENDPOINT.parse().expect("the default is a base URL"),
        };
        let token = match settings.secret(ADMIN_TOKEN)? {
            Some(token) => token,
            None => admin_token_file(settings.get(DATA_DIR).unwrap_or(DEFAULT_DATA_DIR))?,
        };
        let transport = transport(&settings, identity(&settings)?)?;
        let client = AdminClient::new(transport, endpoint.clone(), &token)
            .map_err(|error| invalid_token("the admin token", error))?;
        Ok((client, endpoint))
    }
}

impl CommonArgs {
    fn settings(self, flags: impl IntoIterator<Item = (Key, Option<OsString>)>) -> Result<Settings, Failure> {
        let mut layer = Layer::new();
        for (key, value) in flags.into_iter().chain([(CA_FILE, plain(self.ca_file))]) {
            if let Some(value) = value {
                layer.insert(key, text(key, value)?);
            }
        }
        let locator = Locator { profile: self.profile_name, file: self.client_config };
        Settings::read(layer, locator, &|name| std::env::var_os(name))
    }
}

fn plain(flag: Option<String>) -> Option<OsString> {
    flag.map(OsString::from)
}

fn secret(flag: Option<SecretSetting>) -> Option<OsString> {
    flag.map(SecretSetting::into_os_string)
}

/// Where tokens come from.
enum Tokens {
    Static(StaticToken),
    Login(Box<LoginTokens>),
}

impl Tokens {
    /// The nearest place that holds credentials decides between a token and a client's credentials, so that
    /// `--client-id` on the command line is not overruled by a token in the environment. In one place the token
    /// comes first. Id and secret themselves may stand in different places.
    fn choose(settings: &Settings, transport: &Transport) -> Result<Self, Failure> {
        let held = [TOKEN, CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN];
        let deciding =
            settings.layers().into_iter().find(|layer| held.iter().any(|key| layer.contains_key(key)));
        match deciding.map(|layer| layer.get(TOKEN)) {
            None => Err(Failure::usage("no credentials: neither an access token nor a client's id and secret")
                .hint("JACKFIELD_TOKEN, or JACKFIELD_CLIENT_ID and JACKFIELD_CLIENT_SECRET, or a profile in the configuration file")),
            Some(Some(_)) => {
                let token = settings.secret(TOKEN)?.expect("a layer holds it");
                StaticToken::new(&token)
                    .map(Self::Static)
                    .map_err(|error| invalid_token("the access token", error))
            }
            Some(None) => Ok(Self::Login(Box::new(login(settings, transport)?))),
        }
    }

    fn client(self, transport: Transport, endpoint: Endpoint) -> Client {
        let client = match self {
            Self::Static(token) => Client::new(transport, endpoint, token),
            Self::Login(tokens) => Client::new(transport, endpoint, *tokens),
        };
        match trace::traceparent() {
            Some(traceparent) => client.with_traceparent(traceparent),
            None => client,
        }
    }
}

fn login(settings: &Settings, transport: &Transport) -> Result<LoginTokens, Failure> {
    let missing = |key: Key| {
        move || {
            Failure::usage(format!("{} is missing", flag_of(key))).hint(
                "JACKFIELD_CLIENT_ID and JACKFIELD_CLIENT_SECRET, or a profile in the configuration file",
            )
        }
    };
    let id = settings.get(CLIENT_ID).ok_or_else(missing(CLIENT_ID))?.to_owned();
    let secret = settings.secret(CLIENT_SECRET)?.ok_or_else(missing(CLIENT_SECRET))?;
    let grant = match settings.secret(REFRESH_TOKEN)? {
        Some(token) => Grant::RefreshToken(token),
        None => {
            Grant::ClientCredentials { scope: settings.get(SCOPE).unwrap_or(SERVICE_PROVIDER).to_owned() }
        }
    };
    let url = match settings.parse(LOGIN_URL)? {
        Some(url) => url,
        None => endpoint(settings)?,
    };
    Ok(LoginTokens::new(transport.clone(), &url, id, secret, grant))
}

fn endpoint(settings: &Settings) -> Result<Endpoint, Failure> {
    Ok(match settings.parse(ENDPOINT)? {
        Some(endpoint) => endpoint,
        None => DEFAULT_ENDPOINT.parse().expect("the default is a base URL"),
    })
}

fn transport(settings: &Settings, identity: Option<Identity>) -> Result<Transport, Failure> {
    let mut options = Options { identity, ..Options::default() };
    if let Some(pem) = file(settings, CA_FILE)? {
        options.extra_roots_pem = pem;
    }
    Transport::new(&options).map_err(|error| Failure::usage(error.to_string()))
}

/// What is shown to an admin listener that wants to know who calls.
fn identity(settings: &Settings) -> Result<Option<Identity>, Failure> {
    match (file(settings, ADMIN_CLIENT_CERT)?, file(settings, ADMIN_CLIENT_KEY)?) {
        (Some(certificates_pem), Some(key_pem)) => Ok(Some(Identity { certificates_pem, key_pem })),
        (None, None) => Ok(None),
        _ => Err(Failure::usage("--admin-client-cert and --admin-client-key go together")),
    }
}

/// What stands in the file that a setting names.
fn file(settings: &Settings, key: Key) -> Result<Option<Vec<u8>>, Failure> {
    let Some(file) = settings.get(key) else { return Ok(None) };
    let unreadable = |error| Failure::usage(format!("{} {file} cannot be read: {error}", flag_of(key)));
    std::fs::read(file).map(Some).map_err(unreadable)
}

fn admin_token_file(data_dir: &str) -> Result<Secret, Failure> {
    let file = Path::new(data_dir).join(ADMIN_TOKEN_FILE);
    match std::fs::read_to_string(&file) {
        Ok(text) => Ok(Secret(text.trim().to_owned())),
        Err(error) => Err(Failure::usage(format!(
            "no admin token is given, and {} cannot be read: {error}",
            file.display()
        ))
        .hint("--data-dir with the data directory of the server, or JACKFIELD_ADMIN_TOKEN")),
    }
}

fn invalid_token(what: &str, error: InvalidToken) -> Failure {
    Failure::usage(format!("{what} cannot be sent: {error}"))
}
