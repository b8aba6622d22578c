//! The grants that have to do with refresh tokens: `refresh_token` and `authorization_code`.
//!
//! A code is redeemed by the store call that stores its refresh token, so it counts once. The access token of either
//! grant ends with its refresh token.

use std::sync::Arc;

use jackfield_model::admin::{Secret, Token};
use jackfield_model::{ClientId, limit};
use jackfield_store::registry::{
    Client, GrantCommand, Presented, Redemption, RefreshToken, Replacement, SpentCode, Standing,
};
use jackfield_store::{Actor, Origin, RegistryCommand, RegistryOutcome, StoreError, Timestamp};

use super::credentials::{Asking, check_right, guessed};
use super::error::{Failure, GrantError, Why};
use super::form::Form;
use crate::auth::issue_from;
use crate::credential::access_token;
use crate::credential::code::{Challenge, Code};
use crate::credential::refresh_token::Member;
use crate::request::Call;
use crate::state::State;
use crate::throttle::guess::{Attempt, Guess};

/// Scopes that a refresh request names are ignored: the token gets what was granted.
pub(super) async fn refresh(
    state: &State,
    call: &Call,
    asking: &Asking,
    presented: Option<String>,
) -> Result<Token, Failure> {
    let client = &*asking.client;
    let presented = presented
        .ok_or_else(|| GrantError::bad("invalid_request", "refresh_token is missing; it is required."))?;
    let attempt = Attempt { at: Guess::RefreshToken, of: client.id.as_str(), from: call.peer.origin() };
    let (known_by, member) = state.keys().read_refresh_token(&presented);
    let held = match client.standing(&known_by) {
        Standing::Current(held) => {
            check_right(state, attempt, &presented)?;
            held
        }
        Standing::Replaced(successor) => {
            // Another party has a copy of a replaced token: the server cannot tell client and thief apart.
            change(state, call, client, GrantCommand::Revoke(successor.id())).await?;
            return Err(reused(call, client, member));
        }
        Standing::Unknown => return Err(guessed(state, attempt, unknown(state, &presented, &known_by))),
    };
    let next = if asking.proven {
        presented
    } else {
        let member = member.unwrap_or(Member { family: held.id(), number: 0 });
        replace(state, call, client, held, Replaced { old: known_by, member }).await?
    };
    let scopes = held
        .scopes
        .as_ref()
        .map_or_else(|| client.scopes.clone(), |scopes| scopes.intersection(&client.scopes));
    let mut token = issue_from(state, client, &scopes, limit::ACCESS_TOKEN_SECONDS, Some(held.id()));
    token.refresh_token = Some(Secret(next));
    state.metrics.token_issued("refresh_token");
    Ok(token)
}

/// A token that is about to be replaced.
struct Replaced {
    old: Presented,
    member: Member,
}

/// A client without a secret proves only possession of the token, so each use replaces it (RFC 9700, section 2.2.2).
/// The store decides: of two concurrent uses one finds that the token was replaced, which revokes the family.
async fn replace(
    state: &State,
    call: &Call,
    client: &Client,
    held: &RefreshToken,
    Replaced { old, member }: Replaced,
) -> Result<String, Failure> {
    if held.code.is_none() {
        return Err(GrantError::invalid_client(Why::NoCredentials).into());
    }
    let next = state.keys().refresh_token_of(member.next());
    let replacement = Replacement { old, new: state.keys().hash_refresh_token(&next) };
    match change(state, call, client, GrantCommand::Replace(replacement)).await? {
        RegistryOutcome::Done => Ok(next),
        RegistryOutcome::RefreshTokenReused => Err(reused(call, client, Some(member))),
        _ => Err(invalid_grant("The refresh token was revoked at this moment.", Why::UnknownRefreshToken)),
    }
}

const NOT_VALID: &str = "The refresh token is not valid, was revoked, or belongs to another client.";

/// A refresh token that this client does not have, and never had as far as is known.
fn unknown(state: &State, presented: &str, known_by: &Presented) -> Failure {
    if presented.starts_with(access_token::PREFIX) {
        let description = "refresh_token is an access token; a refresh token begins with Atzr|.";
        return invalid_grant(description, Why::AccessToken);
    }
    let others = state.store.registry().client_of_refresh_token(&known_by.hash).is_some();
    invalid_grant(NOT_VALID, if others { Why::OthersRefreshToken } else { Why::UnknownRefreshToken })
}

/// A refresh token that was replaced before; its use revoked the family.
fn reused(call: &Call, client: &Client, member: Option<Member>) -> Failure {
    let number = member.map_or(0, |member| member.number);
    tracing::warn!(
        request_id = %call.request_id, client = %client.id, number,
        "a refresh token was used a second time; what replaced it is revoked"
    );
    invalid_grant(NOT_VALID, Why::ReplacedRefreshToken)
}

pub(super) async fn code(state: &State, call: &Call, asking: &Asking, form: Form) -> Result<Token, Failure> {
    let client = &*asking.client;
    let missing =
        |name: &str| GrantError::bad("invalid_request", format!("{name} is missing; it is required."));
    let presented = form.code.ok_or_else(|| missing("code"))?;
    let code = open_code(state, &presented).filter(|code| code.client == *client.id);
    let attempt = Attempt { at: Guess::Code, of: client.id.as_str(), from: call.peer.origin() };
    let code = code.ok_or_else(|| {
        let description = "The code is not valid, or belongs to another client.";
        guessed(state, attempt, invalid_grant(description, Why::UnknownCode))
    })?;
    if code.has_redirect_uri() && form.redirect_uri.is_none() {
        return Err(missing("redirect_uri").into());
    }
    let now = state.sandbox.clock.seconds();
    check_code(&code, asking, now, form.redirect_uri.as_deref(), form.code_verifier.as_deref()).map_err(
        |(description, why)| match why {
            Why::WrongVerifier => guessed(state, attempt, invalid_grant(description, why)),
            _ => invalid_grant(description, why),
        },
    )?;
    let first = Member::first();
    let refresh_token = state.keys().refresh_token_of(first);
    let redemption = Redemption {
        code: SpentCode { id: code.id, expires: code.expires, by: code.by.clone() },
        token: state.keys().hash_refresh_token(&refresh_token),
        family: first.family,
        scopes: code.scopes.clone(),
        issued: Timestamp::now(),
        now,
    };
    match change(state, call, client, GrantCommand::Redeem(redemption)).await? {
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
                "The client, or who allowed it, has as many refresh tokens or fresh codes as it may; try again later.",
                Why::TooManyRefreshTokens,
            ));
        }
        _ => return Err(invalid_grant("The client was changed at this moment.", Why::RevokedCode)),
    }
    let scopes = code.scopes.intersection(&client.scopes);
    let mut token = issue_from(state, client, &scopes, limit::ACCESS_TOKEN_SECONDS, Some(first.family));
    token.refresh_token = Some(Secret(refresh_token));
    state.metrics.token_issued("authorization_code");
    Ok(token)
}

/// What a code says. The key that signed it may have been retired since.
fn open_code(state: &State, presented: &str) -> Option<Code> {
    let keys = state.signing_keys().now(&*state.store);
    let mut keys = keys.alive(state.sandbox.clock.seconds(), limit::CODE_SECONDS);
    keys.find_map(|key| {
        let could_sign = |code: &Code| key.could_sign_at(code.expires.saturating_sub(limit::CODE_SECONDS));
        Code::open(&key.code, presented).filter(could_sign)
    })
}

/// Whether a code of this client is valid at this time; the text is what is wrong.
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

async fn change(
    state: &State,
    call: &Call,
    client: &Client,
    command: GrantCommand,
) -> Result<RegistryOutcome, StoreError> {
    let actor = Actor::Client(Arc::clone(&client.id));
    let origin = Origin { actor, request_id: call.request_id, time: Timestamp::now() };
    state
        .store
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
