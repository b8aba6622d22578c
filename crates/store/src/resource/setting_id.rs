//! The ids of the rows of settings: the name of the setting and the end of the id of the other profile.

use jackfield_model::wire::SettingName;

/// Stands between the name of a setting and the end of a profile's id, which cannot have it.
const BETWEEN: char = ':';

/// The id of the row of a setting about a profile, whose id ends so. With an empty end it is where the rows of the
/// setting begin.
#[must_use]
pub fn setting_id(setting: SettingName, about: &str) -> String {
    format!("{}{BETWEEN}{about}", setting.as_str())
}

/// Where a setting stands, of the row that says that it is about a profile.
pub(super) fn parts_of_about(about: &str, profile: &str) -> (String, String) {
    let (setting, other) = about.split_once(BETWEEN).unwrap_or((about, ""));
    (other.to_owned(), format!("{setting}{BETWEEN}{profile}"))
}
