//! A folder whose files are records: what is written in the sandbox touches no disk.
use serde_json::{Map, Value, json};

use super::call::{Behaviour, Call, Outcome, Refusal, Reply};
use super::highlevel::refusal;
use super::store::Fields;
use super::world::World;

/// The collection of everything that was written.
const FILES: &str = "files";

/// What is written by hand, by method and path.
pub(super) fn behaviour(key: &str) -> Option<Behaviour> {
    Some(match key {
        "POST files/save" => |world, call| put(world, call, |_, call| Ok(text(call, "text").to_owned()), "Saved"),
        "POST files/lines" => {
            |world, call| put(world, call, |old, call| Ok([old, text(call, "text"), "\n"].concat()), "Added a line to")
        }
        "POST files/rows" => |world, call| put(world, call, with_row, "Added a row to"),
        "GET files/read" => read,
        "GET files/last" => last,
        "GET folder" => list,
        _ => return None,
    })
}

/// Of the body, or of the query of what only reads.
fn given<'a>(call: &'a Call, name: &str) -> Option<&'a str> {
    call.text(name).or_else(|| call.query(name))
}

fn text<'a>(call: &'a Call, name: &str) -> &'a str {
    given(call, name).unwrap_or_default()
}

/// A name as a folder would take it.
fn name(call: &Call) -> Result<String, Refusal> {
    let name = text(call, "file").replace('\\', "/");
    if name.split('/').any(|it| it.is_empty() || it.chars().all(|it| it == '.')) || name.contains(':') {
        return Err(refusal::plain(422, "file cannot be the name of a file: it must not lead out of the folder"));
    }
    Ok(name)
}

fn put(world: &mut World, call: &Call, make: fn(&str, &Call) -> Result<String, Refusal>, did: &str) -> Outcome {
    let name = name(call)?;
    let old = world.store.of(FILES).get(&name).map(|it| it.text("text").to_owned());
    let text = make(old.as_deref().unwrap_or_default(), call)?;
    let answer = json!({ "file": name, "bytes": text.len() });
    let mut fields = Fields::new();
    fields.insert("id", json!(name));
    fields.insert("name", json!(name));
    fields.insert("text", json!(text));
    fields.insert("modified", json!(call.now.to_string()));
    let summary = format!("{did} {name}");
    let reply = if old.is_some() {
        world.replace(FILES, &name, fields);
        Reply::updated(answer, summary)
    } else {
        world.insert(FILES, &name, "", fields);
        Reply::created(answer, summary)
    };
    Ok(reply.about(FILES, &name))
}

fn row(call: &Call) -> Map<String, Value> {
    match call.field("row") {
        Some(Value::Object(row)) => row.clone(),
        _ => call.query("row").and_then(|it| serde_json::from_str(it).ok()).unwrap_or_default(),
    }
}

/// As the connection to a real folder writes it, plainly: what has to stand in quotes does.
fn line<'a>(columns: impl Iterator<Item = &'a str>, separator: &str) -> String {
    let quoted = |text: &str| {
        let is_plain = !text.contains(['"', '\n', '\r']) && !text.contains(separator);
        if is_plain { text.to_owned() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
    };
    [&columns.map(quoted).collect::<Vec<_>>().join(separator), "\r\n"].concat()
}

fn row_line(call: &Call, columns: &[&str], separator: &str) -> Result<String, Refusal> {
    let row = row(call);
    if let Some(unknown) = row.keys().find(|it| !columns.contains(&it.as_str())) {
        return Err(refusal::plain(422, &format!("row has {unknown}, and the table has {}", columns.join(", "))));
    }
    let texts: Vec<String> = columns
        .iter()
        .map(|it| match row.get(*it) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        })
        .collect();
    Ok(line(texts.iter().map(String::as_str), separator))
}

fn separator<'a>(head: &str, call: &'a Call) -> &'a str {
    match [";", "\t", ","].into_iter().find(|it| head.contains(it)) {
        Some(found) => found,
        None => given(call, "separator").filter(|it| !it.is_empty()).unwrap_or(","),
    }
}

fn with_row(old: &str, call: &Call) -> Result<String, Refusal> {
    let head = old.lines().next().unwrap_or_default();
    let separator = separator(head, call);
    if old.is_empty() {
        let row = row(call);
        let named: Vec<&str> = text(call, "columns").split(',').map(str::trim).filter(|it| !it.is_empty()).collect();
        let columns = if named.is_empty() { row.keys().map(String::as_str).collect() } else { named };
        return Ok([line(columns.iter().copied(), separator), row_line(call, &columns, separator)?].concat());
    }
    let columns: Vec<&str> = head.split(separator).map(|it| it.trim_matches('"')).collect();
    Ok([old, &row_line(call, &columns, separator)?].concat())
}

fn read(world: &mut World, call: &Call) -> Outcome {
    let name = name(call)?;
    let answer = match world.store.of(FILES).get(&name) {
        Some(file) => {
            let text = file.text("text");
            json!({ "file": name, "exists": true, "bytes": text.len(), "modified": file.text("modified"), "text": text })
        }
        None => json!({ "file": name, "exists": false }),
    };
    Ok(Reply::read(answer, format!("Read {name}")))
}

fn last(world: &mut World, call: &Call) -> Outcome {
    let name = name(call)?;
    let file = world.store.of(FILES).get(&name);
    let is_since = |at: &str| given(call, "since").is_none_or(|since| since.parse::<jiff::Timestamp>().ok() <= at.parse().ok());
    let found = file.filter(|it| is_since(it.text("modified"))).and_then(|it| {
        let whole = it.text("text");
        let head = whole.lines().next().unwrap_or_default();
        let separator = separator(head, call);
        let columns: Vec<&str> = head.split(separator).map(|it| it.trim_matches('"')).collect();
        let wanted = match given(call, "text") {
            Some(text) => Some([text, "\n"].concat()),
            None => row_line(call, &columns, separator).ok(),
        };
        wanted.filter(|it| whole.ends_with(it.as_str())).map(|_| json!({ "file": name, "bytes": whole.len() }))
    });
    Ok(Reply::read(json!({ "found": found.is_some(), "written": found }), format!("Looked at the end of {name}")))
}

#[expect(clippy::unnecessary_wraps, reason = "as behaviours are")]
fn list(world: &mut World, call: &Call) -> Outcome {
    let below = match call.query("below").unwrap_or_default().trim_matches('/') {
        "" | "." => String::new(),
        below => format!("{below}/"),
    };
    let files: Vec<Value> = world
        .store
        .of(FILES)
        .rows()
        .filter_map(|it| {
            let name = it.id().strip_prefix(&below).filter(|it| !it.contains('/'))?;
            Some(json!({ "file": name, "bytes": it.text("text").len(), "modified": it.text("modified") }))
        })
        .collect();
    Ok(Reply::read(json!({ "folder": "sandbox", "files": files }), "Listed the files"))
}
