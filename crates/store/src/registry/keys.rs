//! The signing keys of a directory: its root key first, then the keys that took over from it by rotations.
//!
//! A key signs until the next one takes over, and verifies what it signed for as long as that may be good. Then it is
//! forgotten. Hashes of secrets and of refresh tokens rest on the root key for ever and know nothing of rotations.

use jackfield_model::limit;
use serde::{Deserialize, Serialize};

use super::RegistryOutcome;
use crate::RootKey;
use crate::key::Hex32;

/// The number of the root key. Each rotation counts one up.
pub const FIRST_KEY: u32 = 1;

/// Seconds after which what a key signed is good no more: the longest life of anything signed, and the time that another
/// node may take to hear of the rotation.
pub const KEY_SECONDS: u64 = if limit::ACCESS_TOKEN_MAX_SECONDS > limit::PAGE_TOKEN_SECONDS {
    limit::ACCESS_TOKEN_MAX_SECONDS + limit::KEY_GRACE_SECONDS
} else {
    limit::PAGE_TOKEN_SECONDS + limit::KEY_GRACE_SECONDS
};

/// What rotations left behind. Nothing before the first: then the root key signs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keyring {
    /// The keys that rotations made and that still count, oldest first. Their numbers follow each other.
    keys: Vec<Rotated>,
    /// Whether the root key verifies no more.
    root_is_forgotten: bool,
}

/// A key that a rotation made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Rotated {
    id: u32,
    #[serde(with = "as_hex")]
    key: RootKey,
    /// When it took over, by the token clock, in seconds since 1970.
    since: u64,
}

/// A new key that is to sign from now on.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// The key.
    pub key: RootKey,
    /// The time by the token clock, in seconds since 1970.
    pub now: u64,
    /// Whether what older keys signed is worthless at once.
    pub revoke: bool,
}

/// A key that signs, or verifies what it signed.
#[derive(Clone, Debug)]
pub struct KeyInUse {
    /// Its number.
    pub id: u32,
    /// The key.
    pub key: RootKey,
    /// When it took over; `None` for the root key.
    pub since: Option<u64>,
    /// When the next one took over; `None` for the one that signs.
    pub retired: Option<u64>,
}

impl Keyring {
    /// The keys that count, oldest first; the last one signs.
    #[must_use]
    pub fn keys(&self, root: &RootKey) -> Vec<KeyInUse> {
        let root = KeyInUse { id: FIRST_KEY, key: root.clone(), since: None, retired: None };
        let rotated = self.keys.iter().map(|rotated| {
            let Rotated { id, key, since } = rotated.clone();
            KeyInUse { id, key, since: Some(since), retired: None }
        });
        let root = (!self.root_is_forgotten).then_some(root);
        let mut keys: Vec<KeyInUse> = root.into_iter().chain(rotated).collect();
        for next in (1..keys.len()).rev() {
            keys[next - 1].retired = keys[next].since;
        }
        keys
    }

    /// The number of the key that signs.
    #[must_use]
    pub fn current(&self) -> u32 {
        self.keys.last().map_or(FIRST_KEY, |key| key.id)
    }

    /// How many keys still count beside the one that a rotation at this time makes.
    fn kept(&self, rotation: &Rotation) -> usize {
        if rotation.revoke { 0 } else { self.all().filter(|at| self.counts(*at, rotation.now)).count() }
    }

    pub(super) fn check(&self, rotation: &Rotation) -> RegistryOutcome {
        match self.kept(rotation) < limit::SIGNING_KEYS {
            true => RegistryOutcome::Done,
            false => RegistryOutcome::TooManyKeys,
        }
    }

    /// With the new key, without those that count no more.
    pub(super) fn rotate(&self, rotation: Rotation) -> Self {
        let last = self.keys.last().map_or(0, |key| key.since);
        // A token clock that was moved back does not turn the order round.
        let since = rotation.now.max(last);
        let keep = |at| !rotation.revoke && self.counts(at, rotation.now);
        let kept = (1..=self.keys.len()).filter(|at| keep(*at)).map(|at| self.keys[at - 1].clone());
        let mut keys: Vec<Rotated> = kept.collect();
        keys.push(Rotated { id: self.current() + 1, key: rotation.key, since });
        Self { keys, root_is_forgotten: self.root_is_forgotten || !keep(0) }
    }

    /// The places of the keys: 0 for the root key while it counts, then those of `keys`.
    fn all(&self) -> impl Iterator<Item = usize> {
        usize::from(self.root_is_forgotten)..=self.keys.len()
    }

    /// Whether what the key at this place signed may still be good.
    fn counts(&self, at: usize, now: u64) -> bool {
        self.keys.get(at).is_none_or(|next| now < next.since.saturating_add(KEY_SECONDS))
    }

    /// What the change record says: numbers and times.
    pub(super) fn public_json(&self) -> serde_json::Value {
        let keys = self.keys.iter().map(|key| serde_json::json!({ "id": key.id, "since": key.since }));
        serde_json::json!({
            "current": self.current(),
            "rotated": keys.collect::<Vec<_>>(),
            "root_is_forgotten": self.root_is_forgotten,
        })
    }
}

mod as_hex {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{Hex32, RootKey};

    pub(super) fn serialize<S: Serializer>(key: &RootKey, serializer: S) -> Result<S::Ok, S::Error> {
        Hex32(*key.as_bytes()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RootKey, D::Error> {
        Hex32::deserialize(deserializer).map(|hex| RootKey::new(hex.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rotation(now: u64, revoke: bool) -> Rotation {
        Rotation { key: RootKey::random(), now, revoke }
    }

    fn shape(keyring: &Keyring) -> Vec<(u32, Option<u64>, Option<u64>)> {
        let keys = keyring.keys(&RootKey::new([0; 32]));
        keys.iter().map(|key| (key.id, key.since, key.retired)).collect()
    }

    #[test]
    fn a_key_verifies_until_all_that_it_signed_is_over() {
        let first = Keyring::default();
        assert_eq!((shape(&first), first.current()), (vec![(1, None, None)], 1));
        let second = first.rotate(rotation(1_000, false));
        assert_eq!(shape(&second), [(1, None, Some(1_000)), (2, Some(1_000), None)]);
        let before = second.rotate(rotation(1_000 + KEY_SECONDS - 1, false));
        assert_eq!(before.keys(&RootKey::new([0; 32])).len(), 3);
        let third = second.rotate(rotation(1_000 + KEY_SECONDS, false));
        let at = 1_000 + KEY_SECONDS;
        assert_eq!(shape(&third), [(2, Some(1_000), Some(at)), (3, Some(at), None)]);
        let fourth = third.rotate(rotation(at + KEY_SECONDS, false));
        assert_eq!(shape(&fourth).iter().map(|key| key.0).collect::<Vec<_>>(), [3, 4]);
        let revoked = fourth.rotate(rotation(at + KEY_SECONDS, true));
        assert_eq!(shape(&revoked), [(5, Some(at + KEY_SECONDS), None)]);
        assert_eq!(shape(&revoked.rotate(rotation(at, false)))[1].1, Some(at + KEY_SECONDS), "moved back");
    }

    #[test]
    fn keys_that_count_are_bounded() {
        let mut keyring = Keyring::default();
        for _ in 0..limit::SIGNING_KEYS - 1 {
            assert_eq!(keyring.check(&rotation(1_000, false)), RegistryOutcome::Done);
            keyring = keyring.rotate(rotation(1_000, false));
        }
        assert_eq!(keyring.keys(&RootKey::new([0; 32])).len(), limit::SIGNING_KEYS);
        assert_eq!(keyring.check(&rotation(1_000, false)), RegistryOutcome::TooManyKeys);
        assert_eq!(keyring.check(&rotation(1_000, true)), RegistryOutcome::Done);
        assert_eq!(keyring.check(&rotation(1_000 + KEY_SECONDS, false)), RegistryOutcome::Done);
    }

    #[test]
    fn keys_are_written_and_never_shown() {
        let keyring =
            Keyring::default().rotate(Rotation { key: RootKey::new([0xab; 32]), now: 7, revoke: false });
        let json = serde_json::to_string(&keyring).unwrap();
        assert!(json.contains(&"ab".repeat(32)), "{json}");
        assert_eq!(serde_json::from_str::<Keyring>(&json).unwrap(), keyring);
        let shown = format!("{keyring:?} {}", keyring.public_json());
        assert!(!shown.contains("abab") && !shown.contains("171, 171"), "{shown}");
    }
}
