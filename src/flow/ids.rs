//! Names within a flow. Text that is shared, so that cloning one costs nothing.
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// From text.
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }
    };
}

id! {
    /// A flow's id: unique among the flows of a data directory, stable over renames and moves.
    FlowId
}

impl FlowId {
    /// Stands between a flow's id and the account that a copy of it is for.
    pub const ACCOUNT: char = '@';

    /// The id of the flow of which this is a copy for one account; its own where it is none.
    pub fn original(&self) -> &str {
        self.0.rsplit_once(Self::ACCOUNT).map_or(&*self.0, |it| it.0)
    }

    /// Whether it is this flow, or a copy of it for one account.
    pub fn is_of(&self, flow: &Self) -> bool {
        self == flow || self.original() == flow.as_str()
    }
}

id! {
    /// A node's id within its flow: a lower-case identifier (`create_contact`), which is also the name by which expressions
    /// speak of its output. The name a person sees is `Node::name` and may change freely.
    NodeId
}
id! {
    /// A named way out of a node: `out`, `true`, `false`, `item`, `done`, `error`, a switch's case.
    PortId
}
id! {
    /// A note on the canvas.
    NoteId
}
id! {
    /// A group on the canvas.
    GroupId
}
id! {
    /// A place for a connection: `crm`, `calendar`.
    SlotId
}

impl PortId {
    /// The plain way out.
    pub fn out() -> Self {
        Self::new("out")
    }

    /// The way out after a failure.
    pub fn error() -> Self {
        Self::new("error")
    }
}

impl NodeId {
    /// Whether the text is a lower-case identifier that expressions can speak of: `[a-z_][a-z0-9_]*`, at most 64 bytes,
    /// and not a name that expressions keep for themselves.
    pub fn is_valid(&self) -> bool {
        let text = self.as_str();
        let head = text.bytes().next().is_some_and(|it| it.is_ascii_lowercase() || it == b'_');
        let rest = text.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_');
        head && rest && text.len() <= 64 && !Self::RESERVED.contains(&text)
    }

    /// Names with a meaning of their own in expressions.
    pub const RESERVED: &'static [&'static str] = &[
        "item", "index", "run", "error", "now", "true", "false", "none", "null", "and", "or", "not", "in", "is", "if", "else",
        "loop", "self", "input", "answer", "started",
    ];
}
