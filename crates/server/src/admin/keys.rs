//! The keys that sign tokens: rotated and listed, never shown.

use jackfield_model::admin::{RotateKeys, SigningKey, SigningKeyList};
use jackfield_store::registry::{KEY_SECONDS, KeyInUse, Rotation};
use jackfield_store::{Origin, RegistryCommand, RootKey};

use super::{change, ok, parse_or_default};
use crate::app::App;
use crate::error::{ApiError, time_text};
use crate::response::Reply;

/// A new key signs from now on; what older keys signed is good until it expires, unless the body says otherwise.
pub(super) async fn rotate(app: &App, origin: Origin, body: &[u8]) -> Result<Reply, ApiError> {
    let RotateKeys { revoke } = parse_or_default(body)?;
    let rotation = Rotation { key: RootKey::random(), now: app.clock.seconds(), revoke };
    change(app, RegistryCommand::RotateKeys(rotation), origin).await?;
    let key = app.store.registry().keyring.current();
    tracing::warn!(key, revoke, "the keys that sign tokens were rotated");
    list(app)
}

pub(super) fn list(app: &App) -> Result<Reply, ApiError> {
    let now = app.clock.seconds();
    let keys = app.store.registry().keyring.keys(app.store.root_key());
    ok(&SigningKeyList { items: keys.iter().map(|own| shown(own, now)).collect() })
}

fn shown(own: &KeyInUse, now: u64) -> SigningKey {
    SigningKey {
        id: own.id,
        current: own.retired.is_none(),
        since: own.since.map(time_text),
        age_seconds: own.since.map(|since| now.saturating_sub(since)),
        verifies_until: own.retired.map(|retired| time_text(retired.saturating_add(KEY_SECONDS))),
    }
}
