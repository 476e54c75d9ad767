//! Everything that the sandbox knew at one moment.
use std::fmt;
use std::sync::Arc;

use super::world::World;

/// A moment of a sandbox, for [`Handle::restore`](super::Handle::restore); cheap to clone. It belongs to the sandbox that it
/// was taken of, or to one with the same seed and `random`: in any other nobody could sign in to its account.
#[derive(Clone)]
pub struct Snapshot(Arc<World>);

impl Snapshot {
    pub(crate) fn of(world: &World) -> Self {
        Self(Arc::new(world.clone()))
    }

    /// Of a world that is not needed any more.
    pub(crate) fn whole(world: World) -> Self {
        Self(Arc::new(world))
    }

    /// Copied only where somebody else has the snapshot too.
    pub(crate) fn into_world(self) -> World {
        Arc::unwrap_or_clone(self.0)
    }

    pub(crate) fn world(&self) -> World {
        World::clone(&self.0)
    }
}

// Nobody's records.
impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").finish_non_exhaustive()
    }
}
