//! What there is at Schedule it, and which fields it has.

/// A kind of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Event,
    Resource,
    Group,
    Label,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Event, Self::Resource, Self::Group, Self::Label];

    /// The name of its collection, in the path and in the store.
    pub(super) fn collection(self) -> &'static str {
        match self {
            Self::Event => "events",
            Self::Resource => "resources",
            Self::Group => "groups",
            Self::Label => "labels",
        }
    }

    /// What a person calls one.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Resource => "resource",
            Self::Group => "group",
            Self::Label => "label",
        }
    }

    /// The field that a person knows it by.
    pub(super) fn title(self) -> &'static str {
        if self == Self::Event { "title" } else { "name" }
    }

    /// Where its ids begin.
    pub(super) fn first_id(self) -> u64 {
        match self {
            Self::Event => 50_101,
            Self::Resource => 2_001,
            Self::Group => 101,
            Self::Label => 11,
        }
    }

    /// Which records its `owner` names.
    pub(super) fn owner(self) -> Option<Self> {
        match self {
            Self::Event => Some(Self::Resource),
            Self::Resource => Some(Self::Group),
            Self::Group | Self::Label => None,
        }
    }

    /// The fields that a client may send, with what stands there when it does not.
    pub(super) fn fields(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Event => EVENT,
            Self::Resource => RESOURCE,
            Self::Group => GROUP,
            Self::Label => &[("name", ""), ("type", ""), ("group_id", "")],
        }
    }

    /// The fields that may not be emptied.
    pub(super) fn needed(self) -> &'static [&'static str] {
        match self {
            Self::Event => &["title", "owner", "date_start", "date_end"],
            Self::Resource => &["name", "owner"],
            Self::Group | Self::Label => &["name"],
        }
    }

    /// The fields of a list's records, where the client does not name others.
    pub(super) fn listed(self) -> &'static [&'static str] {
        match self {
            Self::Event => &["id", "title", "date_start", "date_start_timezone", "date_start_utc", "timezone", "workspace"],
            Self::Resource => &["id", "name", "email", "workspace"],
            Self::Group => &["id", "name", "workspace"],
            Self::Label => &["id", "name", "type", "group_id"],
        }
    }
}

const EVENT: &[(&str, &str)] = &[
    ("title", ""),
    ("owner", ""),
    ("date_start", ""),
    ("date_end", ""),
    ("notes", ""),
    ("location", ""),
    ("completed", "0"),
    ("priority", "0"),
    ("private", "0"),
    ("locked", "0"),
    ("color_back", ""),
    ("color_text", ""),
    ("style", ""),
    ("starticon", ""),
    ("parentid", "0"),
    ("geonav", ""),
    ("workingduration", ""),
    ("custom1", ""),
    ("custom2", ""),
    ("custom3", ""),
    ("custom4", ""),
    ("custom5", ""),
    ("custom6", ""),
    ("custom7", ""),
    ("custom8", ""),
    ("custom9", ""),
];

const RESOURCE: &[(&str, &str)] = &[
    ("name", ""),
    ("owner", ""),
    ("email", ""),
    ("skills", ""),
    ("geonav", ""),
    ("data1", ""),
    ("data2", ""),
    ("data3", ""),
    ("data4", ""),
    ("data5", ""),
    ("data6", ""),
    ("data7", ""),
    ("data8", ""),
    ("data9", ""),
    ("data10", ""),
];

const GROUP: &[(&str, &str)] = &[
    ("name", ""),
    ("color_back", ""),
    ("positionv", "0"),
    ("min_resources", "0"),
    ("max_resources", "0"),
    ("hide_from_main", "0"),
    ("hide_from_event", "0"),
];
