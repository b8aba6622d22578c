//! The grants that have to do with refresh tokens: `refresh_token` and `authorization_code`.
//!
//! A code is redeemed by the store call that stores its refresh token, so it counts once. The access token of either
//! grant ends with its refresh token.

use std::sync::Arc;

use jackfield_model::admin::{Secret, Token};
use jackfield_model::{ClientId, limit};
use jackfield_store::registry::{Client, GrantCommand, Redemption, RefreshToken, Replacement, SpentCode};
use jackfield_store::{Actor, Origin, RegistryCommand, RegistryOutcome, StoreError, Timestamp};

use super::form::Form;
use super::{Asking, Failure, GrantError, Why, issue_from};
use crate::app::{App, Call};
use crate::auth::access_token;
use crate::auth::code::{Challenge, Code};

/// Scopes that a refresh request names are ignored: the token gets what was granted.
pub(super) async fn refresh(
    app: &App,
    call: &Call,
    asking: &Asking,
    presented: Option<String>,
) -> Result<Token, Failure> {
    let client = &*asking.client;
    let presented = presented
        .ok_or_else(|| GrantError::bad("invalid_request", "refresh_token is missing; it is required."))?;
    let hash = app.keys().hash_refresh_token(&presented);
    let Some(own) = client.refresh_token(&hash) else {
        if presented.starts_with(access_token::PREFIX) {
            let description = "refresh_token is an access token; a refresh token begins with Atzr|.";
            return Err(invalid_grant(description, Why::AccessToken));
        }
        let description = "The refresh token is not valid, was revoked, or belongs to another client.";
        if let Some(successor) = client.replacement_of(&hash) {
            // Somebody kept a copy of a token that was replaced: nobody can tell who is the thief.
            change(app, call, client, GrantCommand::Revoke(successor.id())).await?;
            return Err(invalid_grant(description, Why::ReplacedRefreshToken));
        }
        let others = app.store.registry().client_of_refresh_token(&hash).is_some();
        let why = if others { Why::OthersRefreshToken } else { Why::UnknownRefreshToken };
        return Err(invalid_grant(description, why));
    };
    let next = if asking.proven { presented } else { replace(app, call, client, own).await? };
    let scopes =
        own.scopes.as_ref().map_or_else(|| client.scopes.clone(), |own| own.intersection(&client.scopes));
    let mut token = issue_from(app, client, &scopes, limit::ACCESS_TOKEN_SECONDS, Some(own.id()));
    token.refresh_token = Some(Secret(next));
    app.metrics.token_issued("refresh_token");
    Ok(token)
}

/// A client without a secret proves nothing but the token, so each use replaces it (RFC 9700, section 2.2.2).
async fn replace(app: &App, call: &Call, client: &Client, own: &RefreshToken) -> Result<String, Failure> {
    if own.code.is_none() {
        return Err(GrantError::invalid_client(Why::NoCredentials).into());
    }
    let next = random_refresh_token();
    let replacement = Replacement { old: own.hash, new: app.keys().hash_refresh_token(&next) };
    match change(app, call, client, GrantCommand::Replace(replacement)).await? {
        RegistryOutcome::Done => Ok(next),
        _ => Err(invalid_grant(
            "The refresh token was used or revoked at this moment.",
            Why::UnknownRefreshToken,
        )),
    }
}

pub(super) async fn code(app: &App, call: &Call, asking: &Asking, form: Form) -> Result<Token, Failure> {
    let client = &*asking.client;
    let missing =
        |name: &str| GrantError::bad("invalid_request", format!("{name} is missing; it is required."));
    let presented = form.code.ok_or_else(|| missing("code"))?;
    let code = Code::open(&app.keys().code, &presented).filter(|code| code.client == *client.id);
    let code = code.ok_or_else(|| {
        invalid_grant("The code is not valid, or belongs to another client.", Why::UnknownCode)
    })?;
    if code.has_redirect_uri() && form.redirect_uri.is_none() {
        return Err(missing("redirect_uri").into());
    }
    let now = app.clock.seconds();
    check_code(&code, asking, now, form.redirect_uri.as_deref(), form.code_verifier.as_deref())
        .map_err(|(description, why)| invalid_grant(description, why))?;
    let refresh_token = random_refresh_token();
    let hash = app.keys().hash_refresh_token(&refresh_token);
    let redemption = Redemption {
        code: SpentCode { id: code.id, expires: code.expires },
        token: hash,
        scopes: code.scopes.clone(),
        issued: Timestamp::now(),
        now,
    };
    match change(app, call, client, GrantCommand::Redeem(redemption)).await? {
        RegistryOutcome::Done => {}
        RegistryOutcome::CodeSpent => {
            tracing::warn!(request_id = %call.request_id, client = %client.id, "a code was redeemed a second time");
            return Err(invalid_grant(
                "The code was redeemed before; what it gave is revoked.",
                Why::SpentCode,
            ));
        }
        RegistryOutcome::TooManyRefreshTokens => {
            return Err(invalid_grant(
                "The client holds as many refresh tokens as it may; revoke some.",
                Why::TooManyRefreshTokens,
            ));
        }
        _ => return Err(invalid_grant("The client was changed at this moment.", Why::RevokedCode)),
    }
    let id = RefreshToken::new(hash, Timestamp::default()).id();
    let scopes = code.scopes.intersection(&client.scopes);
    let mut token = issue_from(app, client, &scopes, limit::ACCESS_TOKEN_SECONDS, Some(id));
    token.refresh_token = Some(Secret(refresh_token));
    app.metrics.token_issued("authorization_code");
    Ok(token)
}

/// Whether a code of this client holds at this time; the text is what is wrong.
fn check_code(
    code: &Code,
    asking: &Asking,
    now: u64,
    redirect_uri: Option<&str>,
    verifier: Option<&str>,
) -> Result<(), (&'static str, Why)> {
    if now >= code.expires {
        Err(("The code has expired.", Why::ExpiredCode))
    } else if code.generation != asking.client.token_generation {
        Err(("The code was revoked.", Why::RevokedCode))
    } else if !code.is_for(redirect_uri) {
        Err(("redirect_uri is not the one that the code was asked for with.", Why::OtherRedirectUri))
    } else if !code.challenge.verify(verifier) {
        Err(("code_verifier does not belong to the code_challenge of the code.", Why::WrongVerifier))
    } else if !asking.proven && !matches!(code.challenge, Challenge::S256(_)) {
        // The consent page lets no such code out; the client became public since.
        Err((
            "Without a client secret the code needs a code_challenge of the method S256.",
            Why::WrongVerifier,
        ))
    } else {
        Ok(())
    }
}

/// A fresh refresh token.
pub(crate) fn random_refresh_token() -> String {
    format!("{}{}", access_token::REFRESH_PREFIX, access_token::random_text::<32>())
}

async fn change(
    app: &App,
    call: &Call,
    client: &Client,
    command: GrantCommand,
) -> Result<RegistryOutcome, StoreError> {
    let actor = Actor::Client(Arc::clone(&client.id));
    let origin = Origin { actor, request_id: call.request_id, time: Timestamp::now() };
    app.store
        .change_registry(RegistryCommand::ChangeGrants(ClientId::clone(&client.id), command), origin)
        .await
}

fn invalid_grant(description: &str, why: Why) -> Failure {
    GrantError::bad("invalid_grant", description).because(why).into()
}

#[cfg(test)]
mod tests {
    use jackfield_model::ScopeSet;
    use jackfield_store::registry::SecretHash;

    use super::*;

    fn asking(proven: bool, generation: u32) -> Asking {
        let client = Client {
            id: ClientId::new("amzn1.application-oa2-client.a1").unwrap().into(),
            organization: "amzn1.alexa.unit.did.o".parse().unwrap(),
            secret_hash: SecretHash([0; 32]),
            scopes: ScopeSet::default(),
            rate_limit: None,
            redirect_uris: vec![],
            enabled: true,
            public: true,
            token_generation: generation,
            refresh_tokens: vec![],
            spent_codes: vec![],
        };
        Asking { client: client.into(), proven }
    }

    #[test]
    fn a_code_lives_for_five_minutes() {
        let (proven, uri) = (asking(true, 3), Some("https://example.com/back"));
        let code = Code::new(&proven.client, 1_000, uri, Challenge::None, ScopeSet::default());
        let check = |now| check_code(&code, &proven, now, uri, None);
        assert_eq!((check(1_000), check(1_299)), (Ok(()), Ok(())));
        assert_eq!(
            (check(1_300), check(u64::MAX)),
            (
                Err(("The code has expired.", Why::ExpiredCode)),
                Err(("The code has expired.", Why::ExpiredCode))
            )
        );
        let revoked = check_code(&code, &asking(true, 4), 1_000, uri, None);
        assert_eq!(revoked, Err(("The code was revoked.", Why::RevokedCode)));
    }

    #[test]
    fn a_code_that_was_given_without_a_redirect_uri_is_redeemed_without_one() {
        let (client, uri) = (asking(true, 0), Some("https://example.com/back"));
        for (given, shown, good) in
            [(uri, uri, true), (None, None, true), (uri, None, false), (None, uri, false)]
        {
            let code = Code::new(&client.client, 0, given, Challenge::None, ScopeSet::default());
            assert_eq!(code.has_redirect_uri(), given.is_some());
            let checked = check_code(&code, &client, 0, shown, None).map_err(|(_, why)| why);
            assert_eq!(
                checked,
                if good { Ok(()) } else { Err(Why::OtherRedirectUri) },
                "{given:?} {shown:?}"
            );
        }
    }

    #[test]
    fn without_a_secret_the_method_must_be_s256() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        let (bare, uri) = (asking(false, 0), Some("https://example.com/back"));
        for (method, shown, good) in [("S256", challenge, true), ("plain", verifier, false)] {
            let challenge = Challenge::parse(Some(shown), Some(method)).unwrap();
            let code = Code::new(&bare.client, 0, uri, challenge, ScopeSet::default());
            assert_eq!(check_code(&code, &bare, 0, uri, Some(verifier)).is_ok(), good, "{method}");
            assert!(check_code(&code, &asking(true, 0), 0, uri, Some(verifier)).is_ok());
        }
    }
}
