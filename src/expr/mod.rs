//! Text and data to value: expressions and `{{ }}` text, what they refer to, and scripts.
//!
//! [`Expr`] is one expression and keeps the type of its value; [`Text`] is text with `{{ }}` and gives text. Both are parsed
//! once and shared. Operators, conditions and loops are `minijinja`'s; the paths, filters, functions and dates are ours.
//! Every filter and function is listed, with an example that is tested, by [`functions`]. [`script`] runs Rhai.
//!
//! Invariant: pure. The time and the zone come from the [`Scope`]; nothing here reads a clock, a file or the network.
//! Invariant: a path that is not there is [`EvalError::Missing`] with its full name; it is never `null` and never empty text,
//! except where the expression itself says so (`default`, `coalesce`, `is defined`, `?`). `null` is there.
//! Invariant: only the roots that an expression names are asked from the scope, and only what it uses is copied.
//! Invariant: everything is bounded: the source (1 MiB), nesting, work (fuel), results (16 MiB), patterns, scripts.
//! Invariant: no input makes it panic.
mod base64;
mod duration;
mod emit;
mod error;
mod expression;
mod function;
mod node;
mod parse;
mod program;
mod reference;
mod scope;
pub mod script;
mod statement;
mod suggest;
mod text;
mod time;
mod token;
mod value;
mod vm;
mod zone;

#[cfg(test)]
mod tests;

pub use self::duration::{DurationError, later, parse_duration};
pub use self::error::{EvalError, ExprError};
pub(crate) use self::error::{clipped, short};
pub use self::expression::Expr;
pub use self::function::{Help, Kind, functions, warm_up};
pub use self::reference::{Reference, Segment};
pub use self::scope::{Data, Scope};
pub use self::text::Text;
pub use self::time::{TimeError, parse_time};
pub use self::value::{to_text, truthy};
pub use self::zone::{ZoneError, parse_zone, zone_names};

/// The longest source, in bytes, of an expression, a text or a script.
pub const MAX_SOURCE: usize = 1024 * 1024;

/// The largest result of an evaluation, in bytes of text.
pub const MAX_OUTPUT: usize = 16 * 1024 * 1024;

/// Work that one evaluation may do: one unit is a step, or 64 bytes of text made or read.
const FUEL: u64 = 1_000_000;

/// How deep parentheses, brackets, conditions and loops may nest.
const MAX_NESTING: usize = 32;

/// How long a chain of operators or filters may be.
const MAX_CHAIN: usize = 128;
