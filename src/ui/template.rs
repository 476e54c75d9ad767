//! The flows that ship.
use std::sync::OnceLock;

use crate::flow::Flow;

/// A flow to begin with.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) flow: Flow,
    /// Whether it is the one to begin with.
    pub(crate) first: bool,
}

/// The first one is shown at the first start.
const FILES: &[&str] = &[
    include_str!("../../assets/templates/new-contact-to-calendar.flowyard"),
    include_str!("../../assets/templates/status-to-calendar.flowyard"),
    include_str!("../../assets/templates/appointment-to-task.flowyard"),
    include_str!("../../assets/templates/appointment-reminders.flowyard"),
    include_str!("../../assets/templates/no-show-follow-up.flowyard"),
    include_str!("../../assets/templates/weekly-digest.flowyard"),
];

/// All of them; read once.
pub(crate) fn all() -> &'static [Template] {
    static ALL: OnceLock<Vec<Template>> = OnceLock::new();
    ALL.get_or_init(|| {
        let flows = FILES.iter().filter_map(|text| Flow::parse(text.as_bytes()).ok());
        flows.enumerate().map(|(at, flow)| Template { flow, first: at == 0 }).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flow_that_ships_is_in_the_gallery() {
        assert_eq!(all().len(), FILES.len());
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/templates");
        let files = std::fs::read_dir(folder).unwrap().filter(|it| it.as_ref().unwrap().path().extension().is_some());
        assert_eq!(all().len(), files.count());
        assert!(all().iter().all(|it| !it.flow.description.is_empty()));
    }
}
