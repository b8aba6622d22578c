//! The keys that derive from the directory's root key and last as long as the directory: those of hashes and names. Keys
//! that sign are rotated, see `signing`.
//!
//! Client secrets and refresh tokens issued here carry 256 random bits, so a keyed hash suffices: a slow password hash
//! would add no protection and would cost time at every login. The key is in the store beside the hashes; a stolen
//! store therefore lets an attacker test guesses, which is hopeless against 256 bits and is why a short secret in a
//! seed file causes a warning.

use jackfield_model::ClientId;
use jackfield_store::RootKey;
use jackfield_store::registry::{Presented, SecretHash};
use ring::hmac;

use super::refresh_token::Member;
use super::sealing::SealingKey;

/// One key a purpose. `ring`'s debug form shows the algorithm only.
#[derive(Debug)]
pub(crate) struct Keys {
    /// Signs the cookies of the consent page.
    pub(crate) consent_cookie: hmac::Key,
    /// Names the user of a client.
    pub(crate) user: hmac::Key,
    client_secret: hmac::Key,
    refresh_token: hmac::Key,
    /// Signs refresh tokens that say which family they are of.
    refresh_family: hmac::Key,
    admin_token: hmac::Key,
    /// What the keys that sign requests to skills are made of.
    pub(crate) skill_signature: hmac::Key,
    /// Encrypts the secrets of webhooks.
    pub(crate) webhook_secrets: SealingKey,
    /// Names the directory to those who are sent its changes, wherever it moves.
    pub(crate) directory_name: String,
}

impl Keys {
    pub(crate) fn derive(root: &RootKey) -> Self {
        let key = |purpose: &str| derive(root, purpose);
        Self {
            consent_cookie: key("jackfield consent cookie v1"),
            user: key("jackfield user id v1"),
            client_secret: key("jackfield client secret v1"),
            refresh_token: key("jackfield refresh token v1"),
            refresh_family: key("jackfield refresh token family v1"),
            admin_token: key("jackfield admin token v1"),
            skill_signature: key("jackfield skill signature v1"),
            webhook_secrets: SealingKey::new(derived(root, "jackfield webhook secret v1").as_ref()),
            directory_name: directory_name(root),
        }
    }

    /// The hash under which a client's secret is stored. The client id is part of it, so that equal secrets of
    /// two clients have different hashes.
    pub(crate) fn hash_client_secret(&self, client: &ClientId, secret: &str) -> SecretHash {
        hash(&self.client_secret, &secret_message(client, secret))
    }

    /// Whether the secret is the one behind the hash. Takes the same time wherever they differ.
    pub(crate) fn verify_client_secret(&self, client: &ClientId, secret: &str, stored: &SecretHash) -> bool {
        hmac::verify(&self.client_secret, &secret_message(client, secret), &stored.0).is_ok()
    }

    /// The hash under which an admin token is stored and found.
    pub(crate) fn hash_admin_token(&self, token: &str) -> SecretHash {
        hash(&self.admin_token, token.as_bytes())
    }

    /// The hash under which a refresh token is stored and found.
    pub(crate) fn hash_refresh_token(&self, token: &str) -> SecretHash {
        hash(&self.refresh_token, token.as_bytes())
    }

    /// A refresh token for a place in a family.
    pub(crate) fn refresh_token_of(&self, member: Member) -> String {
        member.seal(&self.refresh_family)
    }

    /// What a refresh token is looked up by, and the place in its family that it says.
    pub(crate) fn read_refresh_token(&self, token: &str) -> (Presented, Option<Member>) {
        let member = Member::open(&self.refresh_family, token);
        let family = member.map(|member| member.family);
        (Presented { hash: self.hash_refresh_token(token), family }, member)
    }
}

fn directory_name(root: &RootKey) -> String {
    let name = derived(root, "jackfield directory name v1");
    name.as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The key of a purpose that follows from another key.
pub(super) fn derive(from: &RootKey, purpose: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, derived(from, purpose).as_ref())
}

/// The same as 32 bytes.
pub(super) fn derived(from: &RootKey, purpose: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, from.as_bytes()), purpose.as_bytes())
}

fn secret_message(client: &ClientId, secret: &str) -> Vec<u8> {
    // A zero byte cannot stand in a client id, so the two parts cannot be shifted against each other.
    [client.as_str().as_bytes(), b"\0", secret.as_bytes()].concat()
}

fn hash(key: &hmac::Key, message: &[u8]) -> SecretHash {
    let tag = hmac::sign(key, message);
    SecretHash(tag.as_ref().try_into().expect("HMAC-SHA256 gives 32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_bound_to_its_client() {
        let keys = Keys::derive(&RootKey::random());
        let one = ClientId::new("amzn1.application-oa2-client.a1").unwrap();
        let other = ClientId::new("amzn1.application-oa2-client.b2").unwrap();
        let stored = keys.hash_client_secret(&one, "correct horse");
        assert!(keys.verify_client_secret(&one, "correct horse", &stored));
        assert!(!keys.verify_client_secret(&one, "correct horsf", &stored));
        assert!(!keys.verify_client_secret(&other, "correct horse", &stored));
        let foreign = Keys::derive(&RootKey::random());
        assert!(!foreign.verify_client_secret(&one, "correct horse", &stored));
    }
}
