//! `flowyard catalog show`.
use std::fmt::Write as _;

use clap::Args;
use serde_json::{Value, json};

use super::list;
use crate::catalog::{Connector, Encoding, Input, Kind, Operation, OperationId, Place, Repeat, Schema};
use crate::cli::data::DataArgs;
use crate::cli::exit::{Error, Exit};
use crate::cli::print::{DIM, Plain, Printer, STRONG, WAITING, paint};
use crate::cli::table::Table;
use crate::cli::words;

/// Show one operation: what goes in, what comes out, what it needs.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// The operation's id, for example highlevel.contacts.create-contact
    operation: String,

    /// Print it as one JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    data: DataArgs,
}

pub(super) fn run(args: &Show, out: &mut Printer) -> Result<Exit, Error> {
    let catalog = args.data.catalog(out)?;
    let id = OperationId::new(&args.operation);
    let (connector, operation) = catalog.operation(&id).ok_or_else(|| {
        let name = args.operation.rsplit('.').next().unwrap_or_default();
        let near: Vec<String> = list::find(&catalog, name, 3).into_iter().map(|it| it.to_string()).collect();
        let hint = if near.is_empty() {
            "`flowyard catalog list` shows what there is.".to_owned()
        } else {
            format!("Near to it: {}.", near.join(", "))
        };
        Error::not_found(format!("There is no operation \"{id}\""), hint)
    })?;
    if args.json {
        out.json(&json!({ "connector": connector.id, "service": connector.title, "operation": **operation }));
        return Ok(Exit::Done);
    }
    show(connector, operation, out);
    Ok(Exit::Done)
}

fn show(connector: &Connector, operation: &Operation, out: &mut Printer) {
    out.line(format_args!(
        "{STRONG}{}{STRONG:#}  {}, {}",
        Plain(&operation.title),
        Plain(&connector.title),
        Plain(&operation.group)
    ));
    out.line(paint(DIM, operation.id.as_str()));
    out.line(Plain(&sentence(operation)));
    out.line(format_args!("{} {}", operation.method.as_str(), Plain(&operation.path)));
    if operation.deprecated {
        out.line(paint(WAITING, "The service advises against it."));
    }
    if !operation.help.is_empty() {
        out.line("");
        out.line(Plain(&operation.help));
    }
    out.line("");
    let (asked, sent): (Vec<&Input>, Vec<&Input>) = operation.inputs.iter().partition(|it| it.fixed.is_none());
    if asked.is_empty() {
        out.line("Nothing goes in.");
    } else {
        let mut table = Table::new(["INPUT", "TYPE", "REQUIRED", "UNDER", "TRAVELS IN", "HELP"]);
        for it in asked {
            let required = match (it.required, &it.account) {
                (_, Some(_)) => "by the account",
                (true, None) => "required",
                (false, None) => "",
            };
            table.row([
                it.key.clone(),
                type_words(connector, &it.schema),
                required.to_owned(),
                it.section.clone(),
                place(it.place).to_owned(),
                help(connector, it),
            ]);
        }
        table.print(out);
    }
    out.line("");
    for it in sent {
        out.line(format_args!("{:<10} {}: {}", "Sent", Plain(&it.name), it.fixed.as_ref().map(plain).unwrap_or_default()));
    }
    if let Some(body) = operation.body {
        let words = match body {
            Encoding::Json => "JSON",
            Encoding::Urlencoded => "a form",
            Encoding::Multipart => "a multipart form",
        };
        out.line(format_args!("{:<10} {words}", "Body"));
    }
    for it in &operation.success {
        let shape = it.schema.as_ref().map_or_else(|| "not documented".to_owned(), |it| answer_words(connector, it));
        out.line(format_args!("{:<10} {}: {}", "Answer", it.status, Plain(&shape)));
    }
    if !operation.scopes.is_empty() {
        out.line(format_args!("{:<10} {}", "Scopes", Plain(&operation.scopes.join(", "))));
    }
    if !operation.access.is_empty() {
        out.line(format_args!("{:<10} {}", "Tokens", Plain(&operation.access.join(", "))));
    }
    let repeat = match &operation.repeat {
        Repeat::Safe => "safe: a second call changes nothing more".to_owned(),
        Repeat::SafeWithLookup(it) => format!("after a look-up with {}", it.operation),
        Repeat::Unsafe => "not by itself: where the answer was lost, a person decides".to_owned(),
    };
    out.line(format_args!("{:<10} {repeat}", "Repeating"));
    out.line(format_args!("{:<10} {}", "Costs", cost(operation)));
    if let Some(paging) = &operation.paging {
        let keys: Vec<_> = paging.next.keys().map(String::as_str).collect();
        out.line(format_args!(
            "{:<10} the list is {}, further pages by {}",
            "Pages",
            Plain(&paging.list),
            Plain(&keys.join(", "))
        ));
    }
}

/// What the card says, with the names of fields where their values stand.
fn sentence(operation: &Operation) -> String {
    let says = operation.says();
    let mut text = String::with_capacity(says.len());
    for (at, part) in says.split("{{").enumerate() {
        let (key, rest) = if at == 0 { ("", part) } else { part.split_once("}}").unwrap_or(("", part)) };
        if let Some(input) = operation.input(key) {
            write!(text, "<{}>", input.label().to_lowercase()).unwrap_or_default();
        }
        text.push_str(rest);
    }
    text
}

/// What it takes of what the service allows.
fn cost(operation: &Operation) -> String {
    let cost = operation.cost();
    let mut text = words::count(cost.call as usize, "request");
    if cost.pages {
        text.push_str(" a page");
    }
    if cost.look_up > 0 {
        write!(text, ", and {} more where an answer was lost", cost.look_up).unwrap_or_default();
    }
    text
}

fn help(connector: &Connector, input: &Input) -> String {
    let schema = connector.resolve(&input.schema);
    let help = if input.schema.help.is_empty() { &schema.help } else { &input.schema.help };
    let mut text = help.clone();
    let mut add = |words: String| {
        let separator = if text.is_empty() || text.ends_with(['.', ';']) { " " } else { "; " };
        write!(text, "{separator}{words}").unwrap_or_default();
    };
    if !schema.choices.is_empty() {
        let all: Vec<String> = schema.choices.iter().take(12).map(plain).collect();
        let more = if schema.choices.len() > all.len() {
            format!(" and {} more", schema.choices.len() - all.len())
        } else {
            String::new()
        };
        add(format!("one of {}{more}", all.join(", ")));
    }
    if let Some(choices) = &input.choices {
        let of = choices.within.as_ref().map_or_else(String::new, |it| format!(", of the chosen {}", it.input));
        add(format!("chosen by name from {}{of}", choices.operation));
    }
    if let Some(default) = &schema.default {
        add(format!("by default {}", plain(default)));
    }
    if let Some(preset) = &input.preset {
        add(format!("{} in a new step", plain(preset)));
    }
    text.trim().to_owned()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn place(place: Place) -> &'static str {
    match place {
        Place::Path => "path",
        Place::Query => "query",
        Place::Header => "header",
        Place::Body => "body",
    }
}

/// `text (date-time)`, `list of text`, `object`.
fn type_words(connector: &Connector, schema: &Schema) -> String {
    let words = match &connector.resolve(schema).kind {
        Kind::Any | Kind::Ref { .. } => "any".to_owned(),
        Kind::Boolean => "yes or no".to_owned(),
        Kind::Integer => "whole number".to_owned(),
        Kind::Number => "number".to_owned(),
        Kind::String { format } if format.is_empty() => "text".to_owned(),
        Kind::String { format } => format!("text ({format})"),
        Kind::Array { items } => format!("list of {}", item_words(connector, items)),
        Kind::Object { .. } => "object".to_owned(),
        Kind::OneOf { .. } => "one of several".to_owned(),
    };
    if schema.nullable { format!("{words} or null") } else { words }
}

/// A list of lists is not followed further: shapes may refer to themselves.
fn item_words(connector: &Connector, items: &Schema) -> String {
    match &connector.resolve(items).kind {
        Kind::Array { .. } => "lists".to_owned(),
        _ => type_words(connector, items),
    }
}

fn answer_words(connector: &Connector, schema: &Schema) -> String {
    match &connector.resolve(schema).kind {
        Kind::Object { fields, .. } if !fields.is_empty() => {
            let names: Vec<&str> = fields.iter().take(16).map(|it| it.name.as_str()).collect();
            let more = if fields.len() > names.len() { ", …" } else { "" };
            format!("object with {}{more}", names.join(", "))
        }
        _ => type_words(connector, schema),
    }
}
