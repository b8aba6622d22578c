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
    let hash = app.keys.hash_refresh_token(&presented);
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
    let replacement = Replacement { old: own.hash, new: app.keys.hash_refresh_token(&next) };
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
    let redirect_uri = form.redirect_uri.ok_or_else(|| missing("redirect_uri"))?;
    let code = Code::open(&app.keys.code, &presented).filter(|code| code.client == *client.id);
    let code = code.ok_or_else(|| {
        invalid_grant("The code is not valid, or belongs to another client.", Why::UnknownCode)
    })?;
    let now = app.clock.seconds();
    if now >= code.expires {
        return Err(invalid_grant("The code has expired.", Why::ExpiredCode));
    }
    if code.generation != client.token_generation {
        return Err(invalid_grant("The code was revoked.", Why::RevokedCode));
    }
    if !code.is_for(&redirect_uri) {
        return Err(invalid_grant(
            "redirect_uri is not the one that the code was asked for with.",
            Why::OtherRedirectUri,
        ));
    }
    if !code.challenge.verify(form.code_verifier.as_deref()) {
        return Err(invalid_grant(
            "code_verifier does not belong to the code_challenge of the code.",
            Why::WrongVerifier,
        ));
    }
    if !asking.proven && !matches!(code.challenge, Challenge::S256(_)) {
        // The consent page lets no such code out; the client became public since.
        return Err(invalid_grant(
            "Without a client secret the code needs a code_challenge of the method S256.",
            Why::WrongVerifier,
        ));
    }
    let refresh_token = random_refresh_token();
    let hash = app.keys.hash_refresh_token(&refresh_token);
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
