//! How much memory rows and blocks of an embedded store's files may take.

use std::str::FromStr;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;

/// The size of the store's cache, as a person says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheSize {
    /// So many bytes, at least [`CacheSize::LEAST`].
    Bytes(u64),
    /// A share of the memory that the process may use, in hundredths; at least [`CacheSize::LEAST`].
    Percent(u8),
}

impl CacheSize {
    /// The least that is accepted, and what is taken where the memory is not known.
    pub const LEAST: u64 = 32 * MIB;
    /// The share where nothing is said.
    const DEFAULT_PERCENT: u8 = 10;
    /// The greatest share.
    const MOST_PERCENT: u8 = 75;

    /// The size in bytes. `said` is nothing where the default holds; `memory` are the bytes that the process may use,
    /// where that is known.
    pub(crate) fn bytes(said: Option<Self>, memory: Option<u64>) -> u64 {
        let share =
            |percent: u8| memory.map_or(0, |memory| memory / 100 * u64::from(percent)).max(Self::LEAST);
        match said {
            Some(Self::Bytes(bytes)) => bytes,
            Some(Self::Percent(percent)) => share(percent),
            // It never takes more than the store has.
            None => share(Self::DEFAULT_PERCENT),
        }
    }
}

impl FromStr for CacheSize {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const RULE: &str = "a size in KiB, MiB or GiB of at least 32MiB is expected, for example 512MiB, or a share of \
                            memory from 1% to 75%, for example 10%";
        let size = if let Some(percent) = text.strip_suffix('%') {
            let percent = whole(percent).filter(|percent| (1..=Self::MOST_PERCENT.into()).contains(percent));
            percent.and_then(|percent| u8::try_from(percent).ok()).map(Self::Percent)
        } else {
            let units = [("KiB", KIB), ("MiB", MIB), ("GiB", GIB)];
            let number = units.iter().find_map(|(unit, bytes)| Some((text.strip_suffix(unit)?, *bytes)));
            let bytes = number.and_then(|(number, unit)| whole(number)?.checked_mul(unit));
            bytes.filter(|bytes| *bytes >= Self::LEAST).map(Self::Bytes)
        };
        size.ok_or(RULE)
    }
}

/// A whole number in digits alone: the library's parser takes a sign as well.
fn whole(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_shares_are_read() {
        assert_eq!("512MiB".parse(), Ok(CacheSize::Bytes(512 * MIB)));
        assert_eq!("3GiB".parse(), Ok(CacheSize::Bytes(3 * GIB)));
        assert_eq!("32768KiB".parse(), Ok(CacheSize::Bytes(CacheSize::LEAST)));
        assert_eq!(("1%".parse(), "75%".parse()), (Ok(CacheSize::Percent(1)), Ok(CacheSize::Percent(75))));
        for bad in [
            "",
            "%",
            "MiB",
            "512",
            "512MB",
            "512 MiB",
            "-1GiB",
            "+1GiB",
            "1.5GiB",
            "31MiB",
            "32767KiB",
            "0%",
            "76%",
            "257%",
            "+5%",
            "17179869184GiB",
            "99999999999999999999GiB",
            "much",
        ] {
            assert!(bad.parse::<CacheSize>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_share_has_a_floor() {
        let default = |memory| CacheSize::bytes(None, memory);
        assert_eq!(default(Some(1000 * MIB)), 100 * MIB);
        assert_eq!(default(Some(64 * MIB)), CacheSize::LEAST);
        assert_eq!(default(Some(400 * GIB)), 40 * GIB);
        assert_eq!(default(None), CacheSize::LEAST);

        let said = |text: &str, memory| CacheSize::bytes(Some(text.parse().unwrap()), memory);
        assert_eq!(said("50%", Some(400 * GIB)), 200 * GIB);
        assert_eq!(said("1%", Some(GIB)), CacheSize::LEAST);
        assert_eq!(said("50%", None), CacheSize::LEAST);
        assert_eq!(said("2GiB", Some(GIB)), 2 * GIB);
    }
}
