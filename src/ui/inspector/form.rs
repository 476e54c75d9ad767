//! The form of a step: its fields as lines, in the order in which they are shown.
//!
//! Invariant: pure; the same node and catalogue give the same lines. Every field's path leads `flow` to the same place.
use serde_json::Value;

use crate::catalog::{Catalog, Choices, Connector, Kind, Schema};
use crate::flow::{Binding, FieldPath, HttpBody, Mapping, NodeKind, Source, WaitFor};
use crate::ui::canvas::kind::{face, service};
use crate::ui::canvas::sentence::title;
use crate::ui::names::Called;

/// What can be put into a field.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    /// Text; `format` as in OpenAPI, empty if none.
    Text {
        format: String,
    },
    Number {
        whole: bool,
    },
    YesNo,
    /// One of these.
    Choice(Vec<Value>),
    List,
    Object,
    Any,
}

impl Shape {
    fn of(schema: &Schema, connector: &Connector) -> Self {
        let schema = connector.resolve(schema);
        if !schema.choices.is_empty() {
            return Self::Choice(schema.choices.clone());
        }
        match &schema.kind {
            Kind::Boolean => Self::YesNo,
            Kind::Integer => Self::Number { whole: true },
            Kind::Number => Self::Number { whole: false },
            Kind::String { format } => Self::Text { format: format.clone() },
            Kind::Array { .. } => Self::List,
            Kind::Object { .. } => Self::Object,
            Kind::OneOf { of } if of.iter().all(|it| matches!(connector.resolve(it).kind, Kind::Object { .. })) => Self::Object,
            Kind::Any | Kind::OneOf { .. } | Kind::Ref { .. } => Self::Any,
        }
    }

    /// In a word or two.
    pub(super) fn words(&self) -> &'static str {
        match self {
            Self::Text { format } => match format.as_str() {
                "date" => "date",
                "date-time" | "date-time-local" => "date, time",
                "time" => "time",
                "email" => "e-mail",
                "uri" | "url" => "address",
                _ => "text",
            },
            Self::Number { whole: true } => "whole number",
            Self::Number { whole: false } => "number",
            Self::YesNo => "yes or no",
            Self::Choice(_) => "choice",
            Self::List => "list",
            Self::Object => "fields",
            Self::Any => "any",
        }
    }

    /// How a value is written, in grey where the field is empty.
    pub(super) fn hint(&self) -> &'static str {
        match self {
            Self::Text { format } => match format.as_str() {
                "date" => "2026-03-02",
                "date-time" => "2026-03-02T09:30:00Z",
                "date-time-local" => "2026-03-02 09:30:00",
                "time" => "09:30:00",
                _ => "",
            },
            _ => "",
        }
    }

    /// Whether a value is of it, as far as can be told without the service.
    pub(super) fn takes(&self, value: &Value) -> bool {
        match self {
            Self::Text { .. } | Self::Any => !value.is_object() && !value.is_array(),
            Self::Number { .. } => value.is_number() || value.as_str().is_some_and(|it| it.trim().parse::<f64>().is_ok()),
            Self::YesNo => value.is_boolean(),
            Self::Choice(choices) => choices.contains(value),
            Self::List => value.is_array(),
            Self::Object => value.is_object(),
        }
    }
}

/// A line of the form.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Line {
    Field(Box<Field>),
    /// What the fields below it have in common.
    Heading(String),
    /// Adds an item, filled like this.
    AddItem {
        path: FieldPath,
        depth: usize,
        fresh: Binding,
    },
    /// Adds a field by its name.
    AddKey {
        path: FieldPath,
        depth: usize,
        words: &'static str,
    },
}

/// A field.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) path: FieldPath,
    pub(super) label: String,
    /// The name on the wire.
    pub(super) wire: String,
    pub(super) shape: Shape,
    pub(super) needed: bool,
    /// What fills it where a person does not.
    pub(super) stand_in: &'static str,
    pub(super) help: String,
    pub(super) depth: usize,
    pub(super) binding: Option<Binding>,
    pub(super) kept: Kept,
    /// Optional and empty: shown only when asked for.
    pub(super) spare: bool,
    /// The heading that it stands under; empty where it needs none.
    pub(super) section: String,
    /// What the service takes where it is left empty.
    pub(super) default: Option<Value>,
    /// Where its choices are fetched.
    pub(super) offer: Option<Choices>,
    /// The label is the account's own, and says nothing of what the service calls it.
    pub(super) renamed: bool,
}

/// How firmly a field stands where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// It is always there.
    Always,
    /// It can be emptied.
    Optional,
    /// A person added it, may rename it and take it away.
    Named,
    /// An item of a list of so many.
    Item { at: usize, of: usize },
}

/// What a step is: an operation of a service, or a kind.
pub(super) fn kind_words(kind: &NodeKind, catalog: &Catalog) -> String {
    match kind {
        NodeKind::Action { operation, .. } => {
            let name = catalog.operation(operation).map_or("not in the catalogue", |(_, it)| it.title.as_str());
            format!("{} · {name}", service(operation, catalog))
        }
        other => face(other, catalog).title.to_owned(),
    }
}

/// The lines of a step: what is needed first, then what is filled, then what may be.
///
/// `called` is what the account calls inputs of its own, by their keys.
pub(super) fn lines(kind: &NodeKind, catalog: &Catalog, called: &Called) -> Vec<Line> {
    let mut form = Form { lines: Vec::new(), called };
    form.kind(kind, catalog);
    form.lines
}

struct Form<'a> {
    lines: Vec<Line>,
    called: &'a Called,
}

/// What is beside a path known of a field.
struct About<'a> {
    label: String,
    wire: String,
    shape: Shape,
    needed: bool,
    stand_in: &'static str,
    help: &'a str,
    kept: Kept,
    schema: Option<(&'a Schema, &'a Connector)>,
    section: &'a str,
    offer: Option<&'a Choices>,
    renamed: bool,
}

impl<'a> About<'a> {
    fn always(label: &str, shape: Shape, help: &'a str) -> Self {
        Self {
            label: label.to_owned(),
            wire: String::new(),
            shape,
            needed: true,
            stand_in: "",
            help,
            kept: Kept::Always,
            schema: None,
            section: "",
            offer: None,
            renamed: false,
        }
    }

    fn named(key: &str) -> Self {
        Self {
            label: key.to_owned(),
            wire: key.to_owned(),
            shape: Shape::Any,
            needed: false,
            stand_in: "",
            help: "",
            kept: Kept::Named,
            schema: None,
            section: "",
            offer: None,
            renamed: false,
        }
    }
}

fn text() -> Shape {
    Shape::Text { format: String::new() }
}

impl Form<'_> {
    fn kind(&mut self, kind: &NodeKind, catalog: &Catalog) {
        match kind {
            NodeKind::Trigger(_) | NodeKind::Join { .. } => {}
            NodeKind::Action { operation, input, .. } => match catalog.operation(operation) {
                Some((connector, operation)) => self.operation(operation, connector, input),
                None => self.mapping("input", "Fields", "Add a field", input),
            },
            NodeKind::Http(call) => {
                self.field(
                    &FieldPath::new(["url"]),
                    Some(&call.url),
                    0,
                    About::always("Address", text(), "The whole address, with https://."),
                );
                self.mapping("query", "Query", "Add a query field", &call.query);
                self.mapping("headers", "Headers", "Add a header", &call.headers);
                match &call.body {
                    Some(HttpBody::Json(it)) => {
                        self.lines.push(Line::Heading("Body".to_owned()));
                        self.field(&FieldPath::new(["body"]), Some(it), 0, About::always("Body", Shape::Any, "Sent as JSON."));
                    }
                    Some(HttpBody::Text(it)) => {
                        self.lines.push(Line::Heading("Body".to_owned()));
                        self.field(&FieldPath::new(["body"]), Some(it), 0, About::always("Body", text(), "Sent as plain text."));
                    }
                    Some(HttpBody::Form(mapping)) => self.mapping("body", "Body", "Add a field", mapping),
                    None => {}
                }
            }
            NodeKind::Branch { condition } => {
                let help = "The flow takes the way Yes where this is yes, or a value that is not empty.";
                self.field(&FieldPath::new(["condition"]), Some(condition), 0, About::always("Condition", Shape::Any, help));
            }
            NodeKind::Switch { value, cases } => {
                self.field(
                    &FieldPath::new(["value"]),
                    Some(value),
                    0,
                    About::always("Value", Shape::Any, "What the ways compare with."),
                );
                self.lines.push(Line::Heading("Ways".to_owned()));
                for case in cases {
                    let about = About { kept: Kept::Always, ..About::named(case.port.as_str()) };
                    let about = About { label: format!("{} when it is", title(case.port.as_str())), needed: true, ..about };
                    self.field(&FieldPath::new(["cases", case.port.as_str()]), Some(&case.equals), 0, about);
                }
            }
            NodeKind::ForEach { items, collect, .. } => {
                self.field(
                    &FieldPath::new(["items"]),
                    Some(items),
                    0,
                    About::always("Items", Shape::List, "A list; the steps behind “Each” run once for each of it."),
                );
                let help = "Worked out at the end of each item; all results together are given when it is done.";
                let about = About { needed: false, kept: Kept::Optional, ..About::always("Collect", Shape::Any, help) };
                self.field(&FieldPath::new(["collect"]), collect.as_ref(), 0, about);
            }
            NodeKind::Wait(WaitFor::Duration(it)) => {
                let help = "Such as 2 days, 90 minutes or PT15M.";
                self.field(&FieldPath::new(["duration"]), Some(it), 0, About::always("How long", text(), help));
            }
            NodeKind::Wait(WaitFor::Until(it)) => {
                let shape = Shape::Text { format: "date-time".to_owned() };
                self.field(&FieldPath::new(["until"]), Some(it), 0, About::always("Until when", shape, ""));
            }
            NodeKind::Set { fields } => self.mapping("fields", "", "Add a field", fields),
            NodeKind::Lookup { key, .. } => {
                self.field(&FieldPath::new(["key"]), Some(key), 0, About::always("Look for", Shape::Any, ""));
            }
            NodeKind::Script { input, .. } | NodeKind::SubFlow { input, .. } => {
                self.mapping("input", "What it gets", "Add a field", input);
            }
            NodeKind::Respond { status, headers, body } => {
                let help = "From 200 to 599; 200 means that all is well.";
                self.field(
                    &FieldPath::new(["status"]),
                    Some(status),
                    0,
                    About::always("Status", Shape::Number { whole: true }, help),
                );
                self.field(&FieldPath::new(["body"]), Some(body), 0, About::always("Body", Shape::Any, ""));
                self.mapping("headers", "Headers", "Add a header", headers);
            }
            NodeKind::Approval { message } => {
                self.field(
                    &FieldPath::new(["message"]),
                    Some(message),
                    0,
                    About::always("Question", text(), "What the person is asked."),
                );
            }
            NodeKind::Log { message, .. } => {
                self.field(&FieldPath::new(["message"]), Some(message), 0, About::always("Line", text(), ""));
            }
            NodeKind::Stop { message, .. } => {
                let about = About {
                    needed: false,
                    kept: Kept::Optional,
                    ..About::always("Why", text(), "What a person reads in the log.")
                };
                self.field(&FieldPath::new(["message"]), message.as_ref(), 0, about);
            }
        }
    }

    fn operation(&mut self, operation: &crate::catalog::Operation, connector: &Connector, input: &Mapping) {
        let open: Vec<_> = operation.inputs.iter().filter(|it| it.fixed.is_none()).collect();
        let mut sections: Vec<&str> = Vec::new();
        for it in &open {
            if !sections.contains(&it.section.as_str()) {
                sections.push(&it.section);
            }
        }
        let needed = |it: &crate::catalog::Input| it.required && it.account.is_none();
        let shown = |it: &crate::catalog::Input| needed(it) || input.0.contains_key(&it.key);
        // What is needed or filled stands together under its heading; the rest is asked for.
        let rank = |it: &&crate::catalog::Input| {
            let it = *it;
            let section = sections.iter().position(|section| *section == it.section);
            (!shown(it), section.filter(|_| shown(it)), !needed(it))
        };
        let mut sorted = open.clone();
        sorted.sort_by_key(rank);
        let has_headings = sections.len() > 1;
        let mut under = None;
        for it in sorted {
            if has_headings && shown(it) && under != Some(&it.section) {
                under = Some(&it.section);
                let words = if it.section.is_empty() { "Required" } else { it.section.as_str() };
                self.lines.push(Line::Heading(words.to_owned()));
            }
            let called = self.called.get(&it.key);
            let about = About {
                label: called.cloned().unwrap_or_else(|| it.label().into_owned()),
                wire: if it.name.is_empty() { it.key.clone() } else { it.name.clone() },
                shape: Shape::of(&it.schema, connector),
                needed: it.required && it.account.is_none(),
                stand_in: if it.account.is_some() { "from the connection" } else { "" },
                help: &it.schema.help,
                kept: Kept::Optional,
                schema: Some((&it.schema, connector)),
                section: &it.section,
                offer: it.choices.as_ref(),
                renamed: called.is_some(),
            };
            self.field(&FieldPath::new(["input", it.key.as_str()]), input.0.get(&it.key), 0, about);
        }
        for (key, binding) in input.0.iter().filter(|(key, _)| operation.input(key).is_none()) {
            self.field(&FieldPath::new(["input", key.as_str()]), Some(binding), 0, About::named(key));
        }
    }

    fn mapping(&mut self, root: &'static str, heading: &'static str, add: &'static str, mapping: &Mapping) {
        if !heading.is_empty() {
            self.lines.push(Line::Heading(heading.to_owned()));
        }
        for (key, binding) in &mapping.0 {
            self.field(&FieldPath::new([root, key.as_str()]), Some(binding), 0, About::named(key));
        }
        self.lines.push(Line::AddKey { path: FieldPath::new([root]), depth: 0, words: add });
    }

    fn field(&mut self, path: &FieldPath, binding: Option<&Binding>, depth: usize, about: About<'_>) {
        let schema = about.schema;
        let spare = binding.is_none() && !about.needed && about.kept == Kept::Optional && schema.is_some();
        self.lines.push(Line::Field(Box::new(Field {
            path: path.clone(),
            label: about.label,
            wire: about.wire,
            shape: about.shape,
            needed: about.needed,
            stand_in: about.stand_in,
            help: about.help.to_owned(),
            depth,
            binding: binding.cloned(),
            kept: about.kept,
            spare,
            section: about.section.to_owned(),
            default: schema.and_then(|(schema, _)| schema.default.clone()),
            // Of a list of objects it is one of their fields that is chosen.
            offer: about.offer.filter(|it| it.item.is_empty()).cloned(),
            renamed: about.renamed,
        })));
        match binding.map(|it| &it.source) {
            Some(Source::List(items)) => self.items(path, items, depth + 1, schema, about.offer),
            Some(Source::Object(fields)) => self.within(path, fields, depth + 1, schema, about.offer),
            _ => {}
        }
    }

    fn items(
        &mut self,
        path: &FieldPath,
        items: &[Binding],
        depth: usize,
        schema: Option<(&Schema, &Connector)>,
        offer: Option<&Choices>,
    ) {
        let each = schema.and_then(|(schema, connector)| match &connector.resolve(schema).kind {
            Kind::Array { items } => Some((items.as_ref(), connector)),
            _ => None,
        });
        for (at, item) in items.iter().enumerate() {
            let about = About {
                shape: each.map_or(Shape::Any, |(schema, connector)| Shape::of(schema, connector)),
                kept: Kept::Item { at, of: items.len() },
                schema: each,
                offer,
                ..About::named(&format!("Item {}", at + 1))
            };
            self.field(&path.child(at.to_string()), Some(item), depth, about);
        }
        let shape = each.map_or(Shape::Any, |(schema, connector)| Shape::of(schema, connector));
        self.lines.push(Line::AddItem { path: path.child(items.len().to_string()), depth, fresh: fresh(&shape) });
    }

    fn within(
        &mut self,
        path: &FieldPath,
        entries: &std::collections::BTreeMap<String, Binding>,
        depth: usize,
        schema: Option<(&Schema, &Connector)>,
        offer: Option<&Choices>,
    ) {
        let known = schema.map(|(schema, connector)| (parts(schema, connector), connector));
        let mut free = true;
        if let Some((Some((fields, rest)), connector)) = &known {
            free = *rest || fields.is_empty();
            for field in fields {
                let about = About {
                    label: title(&field.name),
                    wire: field.name.clone(),
                    shape: Shape::of(&field.schema, connector),
                    needed: field.required,
                    stand_in: "",
                    help: &field.schema.help,
                    kept: Kept::Optional,
                    schema: Some((&field.schema, connector)),
                    section: "",
                    offer: None,
                    renamed: false,
                };
                let chosen = offer.filter(|it| !it.item.is_empty() && it.item == field.name);
                let own = chosen.map(|it| Choices { item: String::new(), ..it.clone() });
                let about = About { offer: own.as_ref(), needed: about.needed || own.is_some(), ..about };
                self.field(&path.child(field.name.as_str()), entries.get(&field.name), depth, about);
            }
        }
        let is_known = |key: &str| matches!(&known, Some((Some((fields, _)), _)) if fields.iter().any(|it| it.name == key));
        for (key, binding) in entries.iter().filter(|(key, _)| !is_known(key)) {
            self.field(&path.child(key.as_str()), Some(binding), depth, About::named(key));
        }
        if free {
            self.lines.push(Line::AddKey { path: path.clone(), depth, words: "Add a field" });
        }
    }
}

/// The named fields of an object, and whether there may be more. Of several shapes each field once: which of them it is
/// follows from what is filled.
fn parts<'a>(schema: &'a Schema, connector: &'a Connector) -> Option<(Vec<&'a crate::catalog::Field>, bool)> {
    match &connector.resolve(schema).kind {
        Kind::Object { fields, rest } => Some((fields.iter().collect(), rest.is_some())),
        Kind::OneOf { of } => {
            let (mut all, mut open): (Vec<&crate::catalog::Field>, bool) = (Vec::new(), false);
            for one in of {
                let Kind::Object { fields, rest } = &connector.resolve(one).kind else { return None };
                open |= rest.is_some();
                for field in fields {
                    if !all.iter().any(|it| it.name == field.name) {
                        all.push(field);
                    }
                }
            }
            Some((all, open))
        }
        _ => None,
    }
}

/// What a new item is filled with.
pub(super) fn fresh(shape: &Shape) -> Binding {
    let source = match shape {
        Shape::Object => Source::Object(std::collections::BTreeMap::new()),
        Shape::List => Source::List(Vec::new()),
        Shape::YesNo => Source::Value(Value::Bool(true)),
        Shape::Choice(choices) => Source::Value(choices.first().cloned().unwrap_or_default()),
        Shape::Number { .. } => Source::Value(Value::from(0)),
        Shape::Text { .. } | Shape::Any => Source::Value(Value::String(String::new())),
    };
    Binding::from(source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Edit, Flow};

    fn told(lines: &[Line]) -> Vec<String> {
        let tell = |line: &Line| match line {
            Line::Heading(words) => format!("## {words}"),
            Line::AddItem { path, .. } => format!("+ item {path}"),
            Line::AddKey { path, words, .. } => format!("+ {words} {path}"),
            Line::Field(it) => {
                let marks = [(it.needed, "*"), (it.spare, " spare"), (it.kept == Kept::Named, " named")];
                let marks: String = marks.into_iter().filter(|it| it.0).map(|it| it.1).collect();
                format!("{}{}{marks}: {}", "  ".repeat(it.depth), it.label, it.shape.words())
            }
        };
        lines.iter().map(tell).collect()
    }

    #[test]
    fn the_forms_of_the_first_template() {
        let catalog = Catalog::shipped();
        let flow = &crate::ui::template::all()[0].flow;
        let mut all = Vec::new();
        for (id, node) in &flow.nodes {
            all.push(format!("# {id}: {}", kind_words(&node.kind, &catalog)));
            let lines = told(&lines(&node.kind, &catalog, &Called::new()));
            let (spare, shown): (Vec<_>, Vec<_>) = lines.into_iter().partition(|it| it.contains(" spare"));
            all.extend(shown);
            all.push(format!("({} spare)", spare.len()));
        }
        insta::assert_snapshot!("forms", all.join("\n"));
    }

    #[test]
    fn every_field_of_every_kind_leads_to_its_binding_and_can_be_set() {
        let flow = Flow::parse(include_bytes!("../../flow/file/every_kind.flowyard")).unwrap();
        let catalog = Catalog::shipped();
        let mut count = 0;
        for (id, node) in &flow.nodes {
            for line in lines(&node.kind, &catalog, &Called::new()) {
                let Line::Field(field) = line else { continue };
                count += 1;
                assert_eq!(field.path.find(node), field.binding.as_ref(), "{id} {}", field.path);
                let bind = Edit::Bind { node: id.clone(), field: field.path.clone(), binding: Some(Binding::value("x")) };
                flow.clone().apply(bind).unwrap();
            }
        }
        assert!(count > 20, "{count}");
    }

    #[test]
    fn lists_and_objects_are_taken_apart() {
        let kind = NodeKind::Set {
            fields: Mapping::from([("to", Binding::from(Source::List(vec![fresh(&Shape::Object), Binding::value("b")])))]),
        };
        let told = told(&lines(&kind, &Catalog::default(), &Called::new()));
        assert_eq!(
            told,
            [
                "to named: any",
                "  Item 1: any",
                "+ Add a field fields.to.0",
                "  Item 2: any",
                "+ item fields.to.2",
                "+ Add a field fields"
            ]
        );
    }
}
