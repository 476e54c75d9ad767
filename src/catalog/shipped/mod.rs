//! The connectors that ship: their texts are part of the program, and each operation is read when it is first asked for.
//!
//! `highlevel.json` is what [`import`](super::import) makes of the vendor's 41 OpenAPI documents, one operation a line; the
//! overlay beside it holds what people know of it, and is laid over each operation as it is read. Where the vendor's
//! documents are at hand, this makes the first anew:
//!
//! ```text
//! FLOWYARD_HIGHLEVEL_DOCUMENTS=<directory of the documents> FLOWYARD_WRITE_ASSETS=1 cargo test --lib the_highlevel_asset
//! ```
//!
//! Without `FLOWYARD_WRITE_ASSETS` the same test says whether the asset is what the documents say. What a service tells by
//! itself is made anew likewise, with `FLOWYARD_HIGHLEVEL_PAGES`: see `tests/events.rs`.
use std::sync::{Arc, LazyLock};

use super::operations::Operations;
use super::schemas::Schemas;
use super::{Catalog, Connector, Overlay};

/// Made by the importer from the vendor's documents.
const HIGHLEVEL: &str = include_str!("../../../assets/catalog/highlevel.json");
/// Made by hand.
const HIGHLEVEL_OVERLAY: &str = include_str!("../../../assets/catalog/highlevel.overlay.json");
/// Made by hand: the vendor publishes no machine-readable document.
const SCHEDULE_IT: &str = include_str!("../../../assets/catalog/schedule_it.json");
/// Made by hand: what a mail server can be asked for, which speaks SMTP and no HTTP.
const MAIL: &str = include_str!("../../../assets/catalog/mail.json");
/// Made by hand: what can be done with the files of a folder.
const FILES: &str = include_str!("../../../assets/catalog/files.json");
/// Made by hand: what can be shown on the desktop of this computer.
const DESKTOP: &str = include_str!("../../../assets/catalog/desktop.json");

impl Catalog {
    /// The connectors that ship with Flowyard. Read once; cheap after that.
    pub fn shipped() -> Self {
        static SHIPPED: LazyLock<Catalog> = LazyLock::new(Catalog::read_shipped);
        SHIPPED.clone()
    }

    /// Reads the connectors that ship, as [`Catalog::shipped`] does the first time: for measuring.
    pub fn read_shipped() -> Self {
        let by_hand = [SCHEDULE_IT, MAIL, FILES, DESKTOP].map(|it| connector(it, Overlay::default()));
        let connectors = std::iter::once(highlevel()).chain(by_hand);
        // Assets are part of the program; a test holds that each of them can be read.
        connectors.filter_map(Result::ok).collect()
    }
}

fn highlevel() -> Result<Connector, String> {
    let overlay: Overlay = serde_json::from_str(HIGHLEVEL_OVERLAY).map_err(|it| it.to_string())?;
    connector(HIGHLEVEL, overlay)
}

/// A connector out of the text that [`Connector::to_text`] writes: its own facts now, the rest when it is asked for.
fn connector(text: &'static str, mut overlay: Overlay) -> Result<Connector, String> {
    let mut facts = String::new();
    let (mut schemas, mut operations) = (Vec::new(), Vec::new());
    let mut lines = text.lines();
    for line in lines.by_ref().take_while(|it| *it != "\"schemas\":{") {
        facts.push_str(line);
    }
    let entry = |line: &'static str| line.strip_suffix(',').unwrap_or(line);
    schemas.extend(lines.by_ref().take_while(|it| *it != "},").map(entry).filter(|it| !it.is_empty()));
    if lines.next() != Some("\"operations\":[") {
        return Err("the operations do not come after the shapes".to_owned());
    }
    operations.extend(lines.by_ref().take_while(|it| *it != "]").map(entry).filter(|it| !it.is_empty()));
    let facts = facts.strip_suffix(',').unwrap_or(&facts);
    let mut connector: Connector = serde_json::from_str(&format!("{facts}}}")).map_err(|it| it.to_string())?;
    connector.schemas = Schemas::lazy(&schemas)?;
    overlay.lay_facts(&mut connector);
    connector.operations = Operations::lazy(&operations, &Arc::new(overlay))?;
    Ok(connector)
}

#[cfg(test)]
mod tests;
