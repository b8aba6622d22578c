//! Paths that nothing is served at. Those of the vendor's API that Jackfield does not emulate are refused by name, so that
//! nobody looks for a mistake in the path.

use crate::error::ApiError;

/// Words in the paths of what the vendor's API has besides calling, and what it is.
const NOT_EMULATED: [(&str, &str); 14] = [
    ("siptrunk", "SIP trunks"),
    ("sip", "SIP trunks"),
    ("extensions", "extensions of SIP trunks"),
    ("endpoints", "devices"),
    ("devices", "devices"),
    ("skills", "the enablement of skills"),
    ("notifications", "notifications"),
    ("campaigns", "campaigns"),
    ("reminders", "reminders"),
    ("routines", "routines"),
    ("behaviors", "routines"),
    ("consent", "the consent to health data"),
    ("roles", "roles"),
    ("users", "users"),
];

/// The refusal of a path.
pub(super) fn refusal(path: &str) -> ApiError {
    let mut segments = path.split('/').skip(1);
    let versioned = segments
        .next()
        .and_then(|first| first.strip_prefix('v'))
        .is_some_and(|number| number.parse::<u8>().is_ok());
    let named = |segment: &str| {
        let segment = segment.to_ascii_lowercase();
        NOT_EMULATED.iter().find(|(word, _)| segment == *word || segment == format!("{word}s"))
    };
    match segments.find_map(named) {
        Some((_, what)) if versioned => {
            ApiError::NotFound(format!("Jackfield keeps the calling family; it does not emulate {what}."))
        }
        _ => ApiError::NoSuchPath,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_emulated_is_said_by_name() {
        let message = |path| refusal(path).message();
        for (path, what) in [
            ("/v1/communications/sipTrunks", "SIP trunks"),
            ("/v1/communications/sipTrunks/t/extensions", "SIP trunks"),
            ("/v2/endpoints", "devices"),
            ("/v1/skills/s/enablements", "the enablement of skills"),
            ("/v1/alerts/reminders", "reminders"),
        ] {
            assert!(message(path).ends_with(&format!("does not emulate {what}.")), "{path}");
        }
        for path in ["/", "/v1", "/users", "/v1/addressBook", "/v1/communications/profilez"] {
            assert_eq!(message(path), "There is nothing at this path.", "{path}");
        }
    }
}
