//! What a kind of node looks like and is called: icon, hue, words of its ports. The one place that lists the kinds.
use crate::catalog::{Catalog, ConnectorId, Method, Operation, OperationId};
use crate::flow::{Each, NodeKind, PortId, Trigger, WaitFor};
use crate::ui::theme::{Colors, Ink, icon};

/// Whose a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Hue {
    HighLevel,
    ScheduleIt,
    /// Mail, wait, files, HTTP, and services that were imported.
    Core,
    /// Branch, loop, join, stop.
    Logic,
}

impl Hue {
    /// Of a connector.
    pub(crate) fn of(connector: &ConnectorId) -> Self {
        match connector.as_str() {
            "highlevel" => Self::HighLevel,
            "schedule_it" => Self::ScheduleIt,
            _ => Self::Core,
        }
    }

    /// Its colours.
    pub(crate) fn ink(self, colors: &Colors) -> Ink {
        match self {
            Self::HighLevel => colors.highlevel,
            Self::ScheduleIt => colors.scheduleit,
            Self::Core => colors.core,
            Self::Logic => colors.logic,
        }
    }
}

/// How a kind is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Face {
    pub(crate) icon: char,
    pub(crate) hue: Hue,
    /// "Branch", "Wait": what it is called in lists; an action by its operation.
    pub(crate) title: &'static str,
}

/// How a kind is shown.
pub(crate) fn face(kind: &NodeKind, catalog: &Catalog) -> Face {
    let it = |icon, hue, title| Face { icon, hue, title };
    match kind {
        NodeKind::Trigger(Trigger::Manual { .. }) => it(icon::PLAY, Hue::Core, "By hand or by another flow"),
        NodeKind::Trigger(Trigger::Webhook { .. }) => it(icon::LIGHTNING, Hue::Core, "Webhook"),
        NodeKind::Trigger(Trigger::Schedule { .. }) => it(icon::CALENDAR_DOTS, Hue::Core, "Schedule"),
        NodeKind::Trigger(Trigger::File { watched, .. }) => match watched.each {
            Each::File => it(icon::FOLDER_OPEN, Hue::Core, "New file"),
            Each::Row => it(icon::TABLE, Hue::Core, "New row"),
        },
        NodeKind::Trigger(Trigger::Alert { .. }) => it(icon::BELL, Hue::Core, "Alert"),
        NodeKind::Trigger(Trigger::Failed { .. }) => it(icon::WARNING, Hue::Core, "Flow failed"),
        NodeKind::Trigger(Trigger::Ended { .. }) => it(icon::SKIP_FORWARD, Hue::Core, "Flow ended"),
        NodeKind::Trigger(Trigger::Event { event, .. }) => it(icon::LIGHTNING, Hue::of(event.connector()), "Event"),
        NodeKind::Action { operation, .. } => {
            let found = catalog.operation(operation);
            it(found.map_or(icon::QUESTION, |(_, it)| operation_icon(it)), Hue::of(operation.connector()), "Action")
        }
        NodeKind::Http(_) => it(icon::GLOBE, Hue::Core, "HTTP request"),
        NodeKind::Branch { .. } => it(icon::GIT_BRANCH, Hue::Logic, "Branch"),
        NodeKind::Switch { .. } => it(icon::ARROWS_SPLIT, Hue::Logic, "Switch"),
        NodeKind::ForEach { .. } => it(icon::REPEAT, Hue::Logic, "For each"),
        NodeKind::Join { .. } => it(icon::ARROWS_MERGE, Hue::Logic, "Join"),
        NodeKind::Wait(WaitFor::Duration(_) | WaitFor::Until(_)) => it(icon::CLOCK, Hue::Core, "Wait"),
        NodeKind::Set { .. } => it(icon::BRACKETS_CURLY, Hue::Logic, "Set fields"),
        NodeKind::Lookup { .. } => it(icon::TABLE, Hue::Logic, "Look up"),
        NodeKind::Script { .. } => it(icon::CODE, Hue::Logic, "Script"),
        NodeKind::SubFlow { .. } => it(icon::TREE_STRUCTURE, Hue::Logic, "Run a flow"),
        NodeKind::Respond { .. } => it(icon::PAPER_PLANE_TILT, Hue::Core, "Answer the webhook"),
        NodeKind::Approval { .. } => it(icon::HAND_PALM, Hue::Logic, "Ask a person"),
        NodeKind::Log { .. } => it(icon::NOTE, Hue::Core, "Write to the log"),
        NodeKind::Stop { .. } => it(icon::STOP_CIRCLE, Hue::Logic, "Stop"),
    }
}

/// By what the operation is about, else by what it does.
pub(crate) fn operation_icon(operation: &Operation) -> char {
    let title = operation.title.to_lowercase();
    let group = operation.group.to_lowercase();
    let has = |word: &str| title.contains(word) || group.contains(word);
    match operation.id.connector().as_str() {
        "mail" => return icon::PAPER_PLANE_TILT,
        "files" => return icon::FILE,
        "desktop" => return icon::BELL,
        _ => {}
    }
    if has("task") {
        icon::LIST_CHECKS
    } else if has("note") {
        icon::NOTE_PENCIL
    } else if has("tag") || has("label") {
        icon::TAG
    } else if has("slot") || has("schedule") || has("availab") {
        icon::CALENDAR_DOTS
    } else if has("event") || has("appointment") || has("calendar") {
        match operation.method {
            Method::Post => icon::CALENDAR_PLUS,
            Method::Delete => icon::CALENDAR_X,
            Method::Get | Method::Head => icon::CALENDAR_BLANK,
            Method::Put | Method::Patch => icon::CALENDAR_CHECK,
        }
    } else if has("group") || has("follower") {
        icon::USERS_THREE
    } else if has("contact") || has("resource") || has("user") {
        match operation.method {
            Method::Post => icon::USER_PLUS,
            Method::Get | Method::Head => icon::USERS,
            _ => icon::USER,
        }
    } else if has("workflow") || has("campaign") {
        icon::FLOW_ARROW
    } else {
        match operation.method {
            Method::Get | Method::Head => icon::MAGNIFYING_GLASS,
            Method::Delete => icon::TRASH,
            Method::Post => icon::PLUS_SQUARE,
            Method::Put | Method::Patch => icon::PENCIL_SIMPLE,
        }
    }
}

/// The word at a way out; empty for the plain one.
pub(crate) fn port_word<'a>(kind: &NodeKind, port: &'a PortId) -> &'a str {
    match port.as_str() {
        "out" => "",
        "true" => "Yes",
        "false" => "No",
        "item" => "Each",
        "done" => "Done",
        "approved" => "Approved",
        "declined" => "Declined",
        "error" => "On error",
        "else" if matches!(kind, NodeKind::Lookup { .. }) => "Not found",
        "else" => "Else",
        other => other,
    }
}

/// What a service is called.
pub(crate) fn service<'a>(operation: &'a OperationId, catalog: &'a Catalog) -> &'a str {
    catalog.connector(operation.connector()).map_or_else(|| operation.connector().as_str(), |it| it.title.as_str())
}
