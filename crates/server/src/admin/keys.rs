//! The keys that sign tokens: rotated and listed, never shown.

use std::future::ready;

use jackfield_model::admin::{Role, RotateKeys, SigningKey, SigningKeyList};
use jackfield_store::registry::{KEY_SECONDS, KeyInUse, Rotation};
use jackfield_store::{Origin, RegistryCommand, RootKey};

use super::describe::{TOP_ERRORS, describe};
use super::{AdminOperation, change, ok, parse_or_default};
use crate::description::BAD_REQUEST;
use crate::error::{ApiError, time_text};
use crate::response::Reply;
use crate::state::State;

pub(crate) static ROTATE: AdminOperation = AdminOperation::new(
    "rotateKeys",
    Role::Admin,
    describe("Give tokens a new key")
        .text(
            "Access tokens, page tokens, codes and consent forms of older keys are good until \
             they expire, at most a day; with `revoke` they are worthless at once. Client secrets \
             and refresh tokens stay as they are.",
        )
        .optional_request::<RotateKeys>()
        .response::<SigningKeyList>()
        .errors(&[BAD_REQUEST, (409, "Tokens of as many keys as there may be are still good.")]),
    |context| Box::pin(rotate(context.state, context.origin, context.body)),
);

/// A new key signs from now on; what older keys signed is valid until it expires, unless the body says otherwise.
async fn rotate(state: &State, origin: Origin, body: &[u8]) -> Result<Reply, ApiError> {
    let RotateKeys { revoke } = parse_or_default(body)?;
    let rotation = Rotation { key: RootKey::random(), now: state.sandbox.clock.seconds(), revoke };
    change(state, RegistryCommand::RotateKeys(rotation), origin).await?;
    let key = state.store.registry().keyring.current();
    tracing::warn!(key, revoke, "the keys that sign tokens were rotated");
    list(state)
}

pub(crate) static LIST: AdminOperation = AdminOperation::new(
    "listKeys",
    Role::Viewer,
    describe("List the keys that sign tokens")
        .text(
            "The one that signs, and those whose tokens may still be good: numbers and times, \
             never the keys.",
        )
        .response::<SigningKeyList>()
        .errors(TOP_ERRORS),
    |context| Box::pin(ready(list(context.state))),
);

fn list(state: &State) -> Result<Reply, ApiError> {
    let now = state.sandbox.clock.seconds();
    let keys = state.store.registry().keyring.keys(state.store.root_key());
    ok(&SigningKeyList { items: keys.iter().map(|key| to_wire(key, now)).collect() })
}

fn to_wire(key: &KeyInUse, now: u64) -> SigningKey {
    SigningKey {
        id: key.id,
        current: key.retired.is_none(),
        since: key.since.map(time_text),
        age_seconds: key.since.map(|since| now.saturating_sub(since)),
        verifies_until: key.retired.map(|retired| time_text(retired.saturating_add(KEY_SECONDS))),
    }
}
