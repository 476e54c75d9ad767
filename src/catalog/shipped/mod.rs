//! The connectors that ship: read from the assets once, on first use.
use std::sync::LazyLock;

use super::{Catalog, Connector, Overlay};

/// Made by the importer from the vendor's documents.
const HIGHLEVEL: &str = include_str!("../../../assets/catalog/highlevel.json");
/// Made by hand.
const HIGHLEVEL_OVERLAY: &str = include_str!("../../../assets/catalog/highlevel.overlay.json");
/// Made by hand: the vendor publishes no machine-readable document.
const SCHEDULE_IT: &str = include_str!("../../../assets/catalog/schedule_it.json");

impl Catalog {
    /// The connectors that ship with Flowyard. Read once; cheap after that.
    pub fn shipped() -> Self {
        static SHIPPED: LazyLock<Catalog> = LazyLock::new(|| {
            let connectors = [highlevel(), connector(SCHEDULE_IT)];
            // Assets are part of the program; a test holds that each of them can be read.
            connectors.into_iter().filter_map(Result::ok).collect()
        });
        SHIPPED.clone()
    }
}

fn highlevel() -> Result<Connector, String> {
    let overlay: Overlay = serde_json::from_str(HIGHLEVEL_OVERLAY).map_err(|it| it.to_string())?;
    overlay.apply(connector(HIGHLEVEL)?).map_err(|it| it.to_string())
}

fn connector(text: &str) -> Result<Connector, String> {
    serde_json::from_str(text).map_err(|it| it.to_string())
}

#[cfg(test)]
mod tests;
