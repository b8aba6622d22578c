//! The order of the places, and that no message gives a secret away.

use super::*;

fn none(_: &str) -> Option<OsString> {
    None
}

fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("client.toml");
    std::fs::write(&path, text).unwrap();
    (dir, path)
}

fn message(result: Result<Settings, Failure>) -> String {
    match result {
        Err(failure @ Failure::Usage(_)) => failure.to_string(),
        Err(other) => panic!("not a usage failure: {other}"),
        Ok(_) => panic!("not a failure"),
    }
}

#[test]
fn flags_come_before_the_environment_and_that_before_the_profile() {
    let (_dir, path) = file("[default]\nendpoint = \"p\"\nscope = \"p\"\nprovider = \"p\"\n");
    let environment = |name: &str| match name {
        "JACKFIELD_ENDPOINT" | "JACKFIELD_SCOPE" => Some("e".into()),
        "JACKFIELD_PROVIDER" => Some(OsString::new()),
        _ => None,
    };
    let flags = Layer::from([(ENDPOINT, "f".to_owned())]);
    let settings = Settings::read(flags, Locator { profile: None, file: Some(path) }, &environment)
        .unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(settings.get(ENDPOINT), Some("f"));
    assert_eq!(settings.get(SCOPE), Some("e"));
    assert_eq!(settings.get(PROVIDER), Some("p"), "an empty variable counts as unset");
    assert_eq!(settings.get(TOKEN), None);
}

#[test]
fn the_file_is_found_where_the_system_keeps_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join(".config").join("jackfield");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(config.join("client.toml"), "[default]\ntoken = \"d\"\n[other]\ntoken = \"o\"\n").unwrap();
    let home = dir.path().to_str().unwrap().to_owned();
    for (name, expected) in [(None, "d"), (Some("other"), "o")] {
        let environment = |variable: &str| match variable {
            "HOME" => Some(home.clone().into()),
            "JACKFIELD_PROFILE" => name.map(OsString::from),
            _ => None,
        };
        let settings = Settings::read(Layer::new(), Locator::default(), &environment);
        assert_eq!(settings.unwrap_or_else(|e| panic!("{e}")).get(TOKEN), Some(expected));
    }
    let elsewhere = |variable: &str| match variable {
        "HOME" => Some(home.clone().into()),
        "XDG_CONFIG_HOME" => Some(format!("{home}/nothing-here").into()),
        _ => None,
    };
    let settings = Settings::read(Layer::new(), Locator::default(), &elsewhere);
    assert_eq!(settings.unwrap_or_else(|e| panic!("{e}")).get(TOKEN), None);
}

#[test]
fn what_was_asked_for_must_be_there() {
    let missing = PathBuf::from("/nonexistent/client.toml");
    let text = message(Settings::read(Layer::new(), Locator { profile: None, file: Some(missing) }, &none));
    assert!(text.starts_with("/nonexistent/client.toml cannot be read: "), "{text}");

    let (_dir, path) = file("[default]\n");
    let locator = |profile: &str| Locator { profile: Some(profile.to_owned()), file: Some(path.clone()) };
    let text = message(Settings::read(Layer::new(), locator("prod"), &none));
    assert!(text.ends_with(": there is no profile [prod]"), "{text}");
    assert!(Settings::read(Layer::new(), locator("default"), &none).is_ok());

    let wanted = Locator { profile: Some("prod".to_owned()), file: None };
    assert_eq!(
        message(Settings::read(Layer::new(), wanted, &none)),
        "there is no configuration file to take a profile from"
    );
}

#[test]
fn mistakes_in_the_file_are_named_without_its_values() {
    for (text, expected) in [
        (
            "[default]\ntoken = \"hush\"\ntokn = \"hush\"\n",
            "[default] has an unknown key tokn; known are endpoint,",
        ),
        ("[default]\ntoken = 12345\n", "[default] token is not a string"),
        ("default = \"hush\"\n", "default is not a profile; a profile is a table, [default]"),
        ("[default]\ntoken = hush\n", "line 2 is not TOML"),
        ("[default]\n\n\nclient_secret = \"hush\n", "line 4 is not TOML"),
    ] {
        let (_dir, path) = file(text);
        let found = message(Settings::read(Layer::new(), Locator { profile: None, file: Some(path) }, &none));
        assert!(found.contains(expected), "{found}");
        assert!(!found.contains("hush") && !found.contains("12345"), "{found}");
    }
}

#[test]
fn a_value_of_the_wrong_form_is_named_by_its_setting() {
    let flags = Layer::from([(ADMIN_ENDPOINT, "ftp://hush".to_owned())]);
    let settings = Settings::read(flags, Locator::default(), &none).unwrap_or_else(|e| panic!("{e}"));
    let failure = settings.parse::<jackfield_client::Endpoint>(ADMIN_ENDPOINT).unwrap_err();
    let text = failure.to_string();
    assert!(text.starts_with("admin_endpoint (--admin-endpoint) is not a base URL"), "{text}");
    assert!(!text.contains("hush"));
}

#[test]
fn a_secret_is_trimmed_and_never_repeated() {
    let secret = |value: &str| {
        let value = OsString::from(value);
        let environment = |name: &str| (name == "JACKFIELD_CLIENT_SECRET").then(|| value.clone());
        Settings::read(Layer::new(), Locator::default(), &environment)
            .unwrap_or_else(|e| panic!("{e}"))
            .secret(CLIENT_SECRET)
    };
    assert_eq!(secret("s3cret\n").unwrap().unwrap().0, "s3cret");
    for bad in ["hush hush", "hush\nhush", "h\u{fc}sh", " "] {
        let said = secret(bad).unwrap_err().to_string();
        assert!(said.starts_with("client_secret (--client-secret) must be 1 to "), "{said}");
        assert!(!said.contains("sh"), "{said}");
    }
    let bytes: OsString = std::os::unix::ffi::OsStringExt::from_vec(b"hush\xff".to_vec());
    let environment = |name: &str| (name == "JACKFIELD_TOKEN").then(|| bytes.clone());
    let said = message(Settings::read(Layer::new(), Locator::default(), &environment));
    assert_eq!(said, "token (--token) must be UTF-8");
}
