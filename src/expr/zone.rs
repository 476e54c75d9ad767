//! Zones by their IANA names.
use std::sync::LazyLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::suggest::nearest;

/// The zones that come with the program: the same everywhere, and no file is read.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A name that is no zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}{hint}", if .hint.is_empty() { "" } else { "; " })]
pub struct ZoneError {
    /// What is wrong, in plain words.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// The names of all zones that are places, and `UTC`, in order.
pub fn zone_names() -> impl Iterator<Item = String> {
    let places = ZONES.available().map(|it| it.as_str().to_owned()).filter(|it| it.contains('/') && !it.starts_with("Etc/"));
    std::iter::once("UTC".to_owned()).chain(places)
}

/// A zone by its name in the IANA database, such as `Europe/London`, or `UTC`. Upper and lower case are the same.
///
/// # Errors
/// A name that the database does not know: abbreviations such as `EST`, offsets, and misspellings, with the nearest name.
pub fn parse_zone(name: &str) -> Result<TimeZone, ZoneError> {
    let name = name.trim();
    if name.eq_ignore_ascii_case("utc") || name == "Z" {
        return Ok(TimeZone::UTC);
    }
    let plausible = name.len() <= 64 && name.bytes().all(|it| it.is_ascii_alphanumeric() || b"/_+-".contains(&it));
    if plausible
        && name.contains('/')
        && let Ok(zone) = ZONES.get(name)
    {
        return Ok(zone);
    }
    let shown: String = name.chars().take(64).collect();
    let message = format!("there is no zone '{shown}'");
    // The database lists about 600 names; only an error looks through them.
    let names: Vec<String> = if plausible { ZONES.available().map(|it| it.as_str().to_owned()).collect() } else { Vec::new() };
    let city =
        names.iter().find(|it| it.rsplit('/').next().is_some_and(|last| !name.is_empty() && last.eq_ignore_ascii_case(name)));
    let near = city.map(String::as_str).or_else(|| nearest(name, names.iter().map(String::as_str).filter(|it| it.contains('/'))));
    let hint = near.map_or_else(
        || "a zone has a name such as 'Europe/London', 'America/New_York' or 'UTC'".to_owned(),
        |it| format!("did you mean '{it}'?"),
    );
    Err(ZoneError { message, hint })
}
