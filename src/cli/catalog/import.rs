//! `flowyard catalog import`.
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::catalog::disk::{DiskError, import_files};
use crate::catalog::import::{ImportError, Imported, Options};
use crate::catalog::{AuthKind, Connector, ConnectorId};
use crate::cli::data::DataArgs;
use crate::cli::exit::{Error, Exit};
use crate::cli::print::{DIM, Plain, Printer, WAITING, paint};
use crate::cli::{file, words};

/// Make a service of the catalogue from its OpenAPI 3 documents.
///
/// It is kept in the data directory, and from then on there for every verb and for the window. What a document has wrong is
/// tolerated where it can be, and listed. Documents may refer to others that lie beside them.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// The documents, in JSON
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// The service's id: lower-case letters, digits and underscores. One that was imported before is replaced
    #[arg(long, value_name = "NAME")]
    connector: String,

    /// What a person calls the service; by default made from its id
    #[arg(long, value_name = "TEXT", default_value = "")]
    title: String,

    /// Where the service is; by default what the documents say
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,

    /// A file to write to in place of the data directory, at once or not at all; - is standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// List every fault of the documents, not only how often each kind was met
    #[arg(long)]
    faults: bool,

    #[command(flatten)]
    data: DataArgs,
}

pub(super) fn run(args: &Import, out: &mut Printer) -> Result<Exit, Error> {
    if args.connector.is_empty() {
        return Err(refused(&ImportError::Connector { id: String::new() }.into()));
    }
    let id = ConnectorId::new(&args.connector);
    let options = Options { title: args.title.clone(), base_url: args.base_url.clone(), ..Options::new(id) };
    let imported = import_files(&args.files, &options, &mut |reached| {
        out.status(match reached.operations {
            0 => format!("Reading document {} of {}", reached.documents + 1, reached.of),
            count => format!("{count} operations"),
        });
        ControlFlow::Continue(())
    });
    out.end_status();
    let imported = imported.map_err(|it| refused(&it))?;
    let connector = &imported.connector;
    let place = match &args.output {
        None => args.data.shelf()?.keep(connector).map_err(|it| refused(&it))?,
        Some(path) => {
            let text = connector.to_text().map_err(|error| file::unwritable(path, &error))?;
            written(path, &text, out)?;
            path.clone()
        }
    };
    tell(&imported, args.faults, out);
    if args.output.is_none() {
        next(connector, &place, out);
    }
    Ok(Exit::Done)
}

fn written(path: &Path, text: &str, out: &mut Printer) -> Result<(), Error> {
    if path.as_os_str() == "-" {
        out.bytes(text.as_bytes());
        return Ok(());
    }
    file::replace(path, |file| file.write_all(text.as_bytes()).map_err(|it| file::unwritable(path, &it)))
}

/// The words for what cannot be imported, kept or removed.
pub(super) fn refused(error: &DiskError) -> Error {
    let hint = match error {
        DiskError::Read { .. } => "Check the path.",
        DiskError::Write { .. } => "Check the data directory, its permissions and the free space.",
        DiskError::Shipped { .. } | DiskError::Import(ImportError::Connector { .. }) => "Give --connector another name.",
        _ => "An OpenAPI 3.0 or 3.1 document in JSON is needed.",
    };
    let detail = error.to_string();
    Error::new(Exit::File, Error::file("The documents cannot be imported").detail(detail).hint(hint))
}

fn tell(imported: &Imported, each: bool, out: &mut Printer) {
    let connector = &imported.connector;
    let made = words::count(connector.operations.len(), "operation");
    let shapes = words::count(connector.schemas.len(), "shape");
    out.say(format_args!("{}: {made}, {shapes}.", Plain(&connector.title)));
    let faults: usize = imported.faults.values().sum();
    if faults == 0 {
        return;
    }
    out.say(format_args!("{WAITING}{} tolerated{WAITING:#}", words::count(faults, "fault")));
    if each {
        for it in &imported.tolerated {
            out.say(format_args!("  {}", Plain(&it.to_string())));
        }
    } else {
        for (fault, count) in &imported.faults {
            out.say(format_args!("  {count:>6}  {}", fault.words()));
        }
        out.say(paint(DIM, "  --faults lists each of them."));
    }
}

/// Where it is kept, and what a connection to it needs.
fn next(connector: &Connector, place: &Path, out: &mut Printer) {
    out.say(format_args!("Kept in {}.", place.display()));
    for it in &connector.environments {
        out.say(paint(DIM, format_args!("  {:<10} {}", Plain(&it.id), Plain(&it.base_url))));
    }
    let ways: Vec<String> = connector.auth.iter().map(way).collect();
    out.say(paint(DIM, format_args!("  signed in by {}", Plain(&ways.join(", or ")))));
    out.say(paint(DIM, format_args!("`flowyard catalog list --connector {}` shows what it can do.", connector.id)));
}

fn way(auth: &AuthKind) -> String {
    match auth {
        AuthKind::Bearer => "a token".to_owned(),
        AuthKind::ApiKey { header } => format!("a key in {header}"),
        AuthKind::ApiKeyInQuery { parameter } => format!("a key in the address, as {parameter}"),
        AuthKind::Basic => "user and password".to_owned(),
        AuthKind::OAuth { .. } => "OAuth 2.0".to_owned(),
        AuthKind::None => "nothing".to_owned(),
    }
}
