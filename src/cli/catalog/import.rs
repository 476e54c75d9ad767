//! `flowyard catalog import`.
use std::path::{Path, PathBuf};

use clap::Args;

use crate::catalog::ConnectorId;
use crate::catalog::import::{Document, ImportError, Imported, Limits, Options, import_with};
use crate::cli::exit::{Error, Exit};
use crate::cli::print::{DIM, Plain, Printer, WAITING, paint};
use crate::cli::{file, read, words};

/// Make a service of the catalogue from its OpenAPI 3 documents.
///
/// What a document has wrong is tolerated where it can be, and listed. Documents may refer to others that lie beside them.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// The documents, in JSON
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// The service's id: lower-case letters, digits and underscores
    #[arg(long, value_name = "NAME")]
    connector: String,

    /// What a person calls the service; by default made from its id
    #[arg(long, value_name = "TEXT", default_value = "")]
    title: String,

    /// Where the service is; by default what the documents say
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,

    /// A file to write to, at once or not at all; by default standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// List every fault of the documents, not only how often each kind was met
    #[arg(long)]
    faults: bool,
}

pub(super) fn run(args: &Import, out: &mut Printer) -> Result<Exit, Error> {
    let limits = Limits::default();
    let documents = args.files.iter().map(|path| document(path, &limits)).collect::<Result<Vec<_>, _>>()?;
    let id = ConnectorId::new(&args.connector);
    let options = Options { title: args.title.clone(), base_url: args.base_url.clone(), limits, ..Options::new(id) };
    let imported =
        import_with(&documents, &options, &mut |path| beside(path, &args.files, &limits)).map_err(|it| refused(&it))?;
    let text = imported.connector.to_text().map_err(|error| refused_with(error.to_string()))?;
    match &args.output {
        Some(path) => file::replace(path, |file| {
            std::io::Write::write_all(file, text.as_bytes()).map_err(|it| file::unwritable(path, &it))
        })?,
        None => out.bytes(text.as_bytes()),
    }
    tell(&imported, args.faults, out);
    Ok(Exit::Done)
}

fn document(path: &Path, limits: &Limits) -> Result<Document, Error> {
    let text = read::text(path, limits.bytes as u64)?;
    Document::parse(&path.to_string_lossy(), text.as_bytes(), limits).map_err(|it| refused(&it))
}

/// A file that a document refers to, if it lies where one of the documents lies or below the folder above that.
fn beside(wanted: &str, documents: &[PathBuf], limits: &Limits) -> Option<Document> {
    let found = Path::new(wanted).canonicalize().ok()?;
    let is_near = |document: &PathBuf| {
        let folder = document.canonicalize().ok().and_then(|it| it.parent().map(Path::to_owned));
        folder.is_some_and(|it| found.starts_with(it.parent().unwrap_or(&it)))
    };
    documents.iter().any(is_near).then(|| document(Path::new(wanted), limits).ok()).flatten()
}

fn refused(error: &ImportError) -> Error {
    refused_with(error.to_string())
}

fn refused_with(detail: String) -> Error {
    let hint = "An OpenAPI 3.0 or 3.1 document in JSON is needed.";
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
