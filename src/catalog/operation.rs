//! One thing that a service can be asked to do.
use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Brief, Choices, OperationId, Schema, phrase, words};

/// An operation: where it is called, what goes in, what comes out, and what repeating it means. All that a [`Brief`] holds
/// is written before the inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// `connector.document.operation`.
    pub id: OperationId,
    /// "Create contact".
    pub title: String,
    /// What it does, in our own words; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub help: String,
    /// What the card says, with `{{input key}}` where a mapped field stands; empty where nobody wrote it, see
    /// [`Operation::says`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sentence: String,
    /// The heading it is listed under: "Contacts", "Tasks".
    pub group: String,
    /// The HTTP method.
    pub method: Method,
    /// The path below the base URL, with `{name}` for path inputs; a trailing `/` counts.
    pub path: String,
    /// Whether the vendor advises against it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deprecated: bool,
    /// Everything that goes in, required first, one flat list over path, query, header and body.
    #[serde(default)]
    pub inputs: Vec<Input>,
    /// How the body travels; none means that there is no body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Encoding>,
    /// The documented answers with a 2xx status.
    #[serde(default)]
    pub success: Vec<Success>,
    /// The scopes that a token needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// The token types that are accepted, by the vendor's names (`Location-Access`, …); empty means any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub access: Vec<String>,
    /// What repeating it means when the answer was lost.
    pub repeat: Repeat,
    /// Whether it is known to change nothing though its method says otherwise, as a search with a body.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reads: bool,
    /// How further pages are asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paging: Option<Paging>,
}

/// One value that goes into a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// The key in a flow's mapping: the name, or `body_<name>` where a parameter has the same name, or `body` for a
    /// whole body that is not an object.
    pub key: String,
    /// The name on the wire; empty for a whole body.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// "First name"; empty means that the key is shown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Where it travels.
    pub place: Place,
    /// Whether the service demands it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// A value that is always sent and never asked for (`Version: 2021-07-28`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed: Option<Value>,
    /// The field of the connection's account that fills it when nothing is mapped (`location_id`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Where its choices are fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choices: Option<Choices>,
    /// Where the account's own name for it is fetched: that of the choice whose value is the input's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named: Option<Choices>,
    /// What it holds in a step that was just added; none leaves it empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<Value>,
    /// The heading that it stands under among the fields ("Address"); empty where it needs none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub section: String,
    /// Its shape.
    pub schema: Schema,
}

/// What a call takes of what the service allows an account, in requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Each call.
    pub call: u32,
    /// More, where an answer was lost and it is looked up whether the call happened.
    pub look_up: u32,
    /// Whether the answer is one page of several, and each further page is a call of its own.
    pub pages: bool,
}

/// Where an input travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// In the path, percent-encoded.
    Path,
    /// In the query string.
    Query,
    /// As a header.
    Header,
    /// A field of the body, or the whole body.
    Body,
}

/// An HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the names are the methods of RFC 9110 and RFC 5789")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
    Head,
}

/// How a body travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// `application/json`.
    Json,
    /// `application/x-www-form-urlencoded`.
    Urlencoded,
    /// `multipart/form-data`.
    Multipart,
}

/// A documented answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Success {
    /// 200–299.
    pub status: u16,
    /// The shape of its body; none where the vendor documents none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Schema>,
}

/// What repeating a call means when its answer was lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "repeat", rename_all = "snake_case")]
pub enum Repeat {
    /// A second call changes nothing more: reads, and writes that set a state.
    Safe,
    /// Repeat only if a look-up shows that the first did not happen.
    SafeWithLookup(Lookup),
    /// Never by itself; a person decides.
    Unsafe,
}

/// How to find out whether a call happened. The texts are expressions: over `input` (what was sent) for `input`, over
/// `input`, `answer` and `started` (RFC 3339 in UTC, when the lost call left) for `found`. An input whose expression gives
/// none is not sent. A look-up that fails says nothing: the call is not repeated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lookup {
    /// A `Safe` operation of the same connector.
    pub operation: OperationId,
    /// Its inputs, each an expression.
    pub input: BTreeMap<String, String>,
    /// An expression: the record that the lost call made, in the shape of that call's own answer, or `none`.
    pub found: String,
}

/// How further pages are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paging {
    /// Dotted path to the list in the answer; empty where the answer is the list.
    pub list: String,
    /// Input key to dotted path in the answer (or in its last item, with the prefix `last.`) that gives its next value.
    /// `+items` is the input's value (0 where it has none) and the number of items of this page.
    pub next: BTreeMap<String, String>,
}

impl Operation {
    /// What is known of it without its inputs and answers.
    pub fn brief(&self) -> Brief {
        Brief {
            id: self.id.clone(),
            title: self.title.clone(),
            sentence: self.sentence.clone(),
            group: self.group.clone(),
            method: self.method,
            path: self.path.clone(),
            deprecated: self.deprecated,
        }
    }

    /// What the card says, with `{{input key}}` where a mapped field stands: what somebody wrote, or what title, path and
    /// inputs make.
    pub fn says(&self) -> Cow<'_, str> {
        if self.sentence.is_empty() { phrase::sentence(self).into() } else { self.sentence.as_str().into() }
    }

    /// What a call takes of what the service allows.
    pub fn cost(&self) -> Cost {
        Cost { call: 1, look_up: u32::from(matches!(self.repeat, Repeat::SafeWithLookup(_))), pages: self.paging.is_some() }
    }

    /// Whether it changes nothing at the service. What is not known to be a read counts as a write.
    pub fn is_read(&self) -> bool {
        self.reads || self.method.is_read()
    }

    /// The input with this key.
    pub fn input(&self, key: &str) -> Option<&Input> {
        self.inputs.iter().find(|it| it.key == key)
    }
}

impl Input {
    /// What a person reads: the title, or one made from the name.
    pub fn label(&self) -> Cow<'_, str> {
        match (self.title.as_str(), self.name.as_str()) {
            ("", "") => words::title(&self.key).into(),
            ("", name) => words::title(name).into(),
            (title, _) => title.into(),
        }
    }
}

impl Method {
    /// `GET`, `POST`, …
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Head => "HEAD",
        }
    }

    /// Whether a call can change nothing (RFC 9110, 9.2.1).
    pub fn is_read(self) -> bool {
        matches!(self, Self::Get | Self::Head)
    }
}
