//! The edge of this room: the one place of it that touches a disk. It reads OpenAPI documents, and keeps the connectors that
//! are made of them, one file each in `catalog/` of the data directory.
//!
//! Invariant: at any moment, also after a crash or a full disk, a file holds either the old connector or the new one, whole.
//! Invariant: a connector that ships is never hidden by one that was imported.
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::import::{Document, ImportError, Imported, Limits, Options, import_watched};
use super::{Catalog, Connector, ConnectorId};

/// The longest file of a connector that is read, in bytes; the largest known service needs a hundredth.
const LONGEST: u64 = 128 << 20;

/// Why a connector was not imported, kept, read or removed.
#[derive(Debug, Error)]
pub enum DiskError {
    /// The disk refused to give it.
    #[error("cannot read {}: {}", path.display(), words(source))]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Longer than any honest one.
    #[error("cannot read {}: it is longer than {longest} bytes", path.display())]
    TooLong {
        /// Which file.
        path: PathBuf,
        /// How long it may be, in bytes.
        longest: u64,
    },
    /// It was read, and is no connector of that name.
    #[error("{} is not a service of the catalogue: {why}", path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The documents cannot be made into a connector.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The name belongs to a service that comes with Flowyard.
    #[error("\"{id}\" is a service that comes with Flowyard: choose another name")]
    Shipped {
        /// The name.
        id: ConnectorId,
    },
    /// The disk refused to take it, or to let it go; what was there is as it was.
    #[error("cannot write {}: {}", path.display(), words(source))]
    Write {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The usual system errors, in words.
fn words(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no such file or folder".to_owned(),
        ErrorKind::PermissionDenied => "no permission".to_owned(),
        ErrorKind::IsADirectory => "it is a folder".to_owned(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "the disk is full".to_owned(),
        ErrorKind::ReadOnlyFilesystem => "the disk is read-only".to_owned(),
        ErrorKind::InvalidData => "it is not text in UTF-8".to_owned(),
        _ => error.to_string(),
    }
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reached {
    /// Documents that were read.
    pub documents: usize,
    /// Of so many.
    pub of: usize,
    /// Operations that were made.
    pub operations: usize,
}

/// Imports documents from files. They may refer to others that lie beside them. Where the options name no connector, the
/// first document's own title does. `watch` is told how far it is, and may end it.
///
/// # Errors
/// If a document cannot be read or made into a connector, or the watch ends it ([`ImportError::Cancelled`]).
pub fn import_files(
    files: &[PathBuf],
    options: &Options,
    watch: &mut dyn FnMut(Reached) -> ControlFlow<()>,
) -> Result<Imported, DiskError> {
    let mut reached = Reached { of: files.len(), ..Reached::default() };
    let mut documents = Vec::with_capacity(files.len());
    for path in files {
        if watch(reached).is_break() {
            return Err(ImportError::Cancelled.into());
        }
        documents.push(document(path, &options.limits)?);
        reached.documents += 1;
    }
    let mut options = options.clone();
    if let Some(first) = documents.first().filter(|_| options.connector.as_str().is_empty()) {
        options.connector = first.suggested_id();
        if options.title.is_empty() {
            options.title = first.title().unwrap_or_default().to_owned();
        }
    }
    let mut load = |path: &str| beside(path, files, &options.limits);
    Ok(import_watched(&documents, &options, &mut load, &mut |operations| watch(Reached { operations, ..reached }))?)
}

fn document(path: &Path, limits: &Limits) -> Result<Document, DiskError> {
    let text = read(path, limits.bytes as u64)?;
    Ok(Document::parse(&path.to_string_lossy(), text.as_bytes(), limits)?)
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

fn read(path: &Path, longest: u64) -> Result<String, DiskError> {
    let failed = |source| DiskError::Read { path: path.to_owned(), source };
    // Asked before it is opened: opening a pipe would wait for a writer.
    let about = fs::metadata(path).map_err(failed)?;
    if !about.is_file() {
        return Err(failed(io::Error::other("it is not a file")));
    }
    let mut bytes = Vec::new();
    if about.len() <= longest {
        File::open(path).and_then(|file| file.take(longest + 1).read_to_end(&mut bytes)).map_err(failed)?;
    }
    // It may have grown meanwhile.
    if about.len() > longest || bytes.len() as u64 > longest {
        return Err(DiskError::TooLong { path: path.to_owned(), longest });
    }
    String::from_utf8(bytes).map_err(|_text| failed(ErrorKind::InvalidData.into()))
}

/// The connectors that a person imported.
#[derive(Debug, Clone)]
pub struct Shelf {
    dir: PathBuf,
}

/// What stands on the shelf.
#[derive(Debug, Default)]
pub struct Shelved {
    /// Those that could be read, by name.
    pub connectors: Vec<Connector>,
    /// Why the others could not.
    pub broken: Vec<DiskError>,
}

impl Shelf {
    /// The one of a data directory, which need not exist.
    pub fn of(data: &Path) -> Self {
        Self { dir: data.join("catalog") }
    }

    fn path(&self, id: &ConnectorId) -> PathBuf {
        self.dir.join(format!("{id}.json"))
    }

    /// The names of the connectors that stand there, in order. None where there is no such directory.
    pub fn names(&self) -> Vec<ConnectorId> {
        let Ok(entries) = fs::read_dir(&self.dir) else { return Vec::new() };
        let name = |path: PathBuf| Some(path.file_name()?.to_str()?.strip_suffix(".json")?.to_owned());
        let mut names: Vec<String> = entries.filter_map(|it| name(it.ok()?.path())).filter(|it| is_name(it)).collect();
        names.sort();
        names.iter().map(|it| ConnectorId::new(it)).collect()
    }

    /// All that stands there.
    pub fn read(&self) -> Shelved {
        let mut shelved = Shelved::default();
        for id in self.names() {
            match self.one(&id) {
                Ok(connector) => shelved.connectors.push(connector),
                Err(error) => shelved.broken.push(error),
            }
        }
        shelved
    }

    fn one(&self, id: &ConnectorId) -> Result<Connector, DiskError> {
        let path = self.path(id);
        let text = read(&path, LONGEST)?;
        let connector: Connector =
            serde_json::from_str(&text).map_err(|error| DiskError::Content { path: path.clone(), why: error.to_string() })?;
        let strange = connector.operations.keys().find(|it| it.connector() != id);
        match strange {
            _ if is_shipped(id) => Err(DiskError::Shipped { id: id.clone() }),
            _ if connector.id != *id => Err(DiskError::Content { path, why: format!("it says that it is \"{}\"", connector.id) }),
            Some(strange) => Err(DiskError::Content { path, why: format!("\"{strange}\" is no operation of it") }),
            None => Ok(connector),
        }
    }

    /// Puts a connector there, in the place of one of the same name.
    ///
    /// # Errors
    /// If its name is taken by one that ships, or it cannot be written.
    pub fn keep(&self, connector: &Connector) -> Result<PathBuf, DiskError> {
        if is_shipped(&connector.id) {
            return Err(DiskError::Shipped { id: connector.id.clone() });
        }
        if !is_name(connector.id.as_str()) {
            return Err(ImportError::Connector { id: connector.id.to_string() }.into());
        }
        let path = self.path(&connector.id);
        let failed = |source: io::Error| DiskError::Write { path: path.clone(), source };
        let text = connector.to_text().map_err(|error| failed(io::Error::other(error)))?;
        fs::create_dir_all(&self.dir).map_err(failed)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(".flowyard-").suffix(".tmp");
        let mut beside = builder.tempfile_in(&self.dir).map_err(failed)?;
        beside.write_all(text.as_bytes()).map_err(failed)?;
        beside.as_file().sync_all().map_err(failed)?;
        beside.persist(&path).map_err(|error| failed(error.error))?;
        Ok(path)
    }

    /// Takes a connector away; false where there is none of that name.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn remove(&self, id: &ConnectorId) -> Result<bool, DiskError> {
        if !is_name(id.as_str()) {
            return Ok(false);
        }
        let path = self.path(id);
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(source) => Err(DiskError::Write { path, source }),
        }
    }
}

/// Whether a text can be a connector's name, and so a file's.
fn is_name(text: &str) -> bool {
    let plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_';
    !text.is_empty() && text.len() <= 100 && text.bytes().all(plain)
}

fn is_shipped(id: &ConnectorId) -> bool {
    Catalog::shipped().connector(id).is_some()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog::AuthKind;

    fn written(dir: &Path, name: &str, text: &str) -> PathBuf {
        let path = dir.join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn pets() -> String {
        let schema = json!({"$ref": "shapes.json#/Pet"});
        json!({"openapi": "3.0.3", "info": {"title": "Pet Shop (v2)", "version": "1"},
            "servers": [{"url": "https://pets.example/api"}, {"url": "https://test.pets.example/api", "description": "Test"}],
            "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Pet-Key"}, "other": {"type": "apiKey", "in": "query", "name": "pet_key"}}},
            "paths": {"/pets": {"get": {"operationId": "list-pets", "responses": {"200": {"description": "",
                "content": {"application/json": {"schema": schema}}}}}}}})
        .to_string()
    }

    fn go(_: Reached) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn no_name() -> Options {
        Options::new(ConnectorId::new(""))
    }

    #[test]
    fn documents_become_a_connector_that_is_kept_read_again_and_removed() {
        let home = tempfile::tempdir().unwrap();
        let path = written(home.path(), "pets.json", &pets());
        written(
            home.path(),
            "shapes.json",
            &json!({"Pet": {"type": "object", "properties": {"name": {"type": "string"}}}}).to_string(),
        );
        let connector = import_files(&[path], &no_name(), &mut go).unwrap().connector;
        assert_eq!((connector.id.as_str(), connector.title.as_str()), ("pet_shop_v2", "Pet Shop (v2)"));
        assert_eq!(connector.auth[0], AuthKind::ApiKey { header: "X-Pet-Key".to_owned() });
        assert_eq!(connector.auth[1], AuthKind::ApiKeyInQuery { parameter: "pet_key".to_owned() });
        let environments: Vec<_> = connector.environments.iter().map(|it| (it.id.as_str(), it.base_url.as_str())).collect();
        assert_eq!(environments, [("live", "https://pets.example/api"), ("test", "https://test.pets.example/api")]);

        let shelf = Shelf::of(home.path());
        assert!(shelf.names().is_empty() && shelf.read().connectors.is_empty());
        shelf.keep(&connector).unwrap();
        shelf.keep(&connector).unwrap();
        let shelved = shelf.read();
        assert!(shelved.connectors == [connector.clone()] && shelved.broken.is_empty(), "{:?}", shelved.broken);
        assert!(shelf.remove(&connector.id).unwrap() && !shelf.remove(&connector.id).unwrap());
        assert_eq!(fs::read_dir(home.path().join("catalog")).unwrap().count(), 0, "nothing is left beside it");
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told_and_the_others_are_read() {
        let home = tempfile::tempdir().unwrap();
        let shelf = Shelf::of(home.path());
        let path = written(home.path(), "pets.json", &pets());
        let named = |id: &str| import_files(std::slice::from_ref(&path), &Options::new(ConnectorId::new(id)), &mut go);
        let connector = named("pets").unwrap().connector;
        shelf.keep(&connector).unwrap();
        let text = connector.to_text().unwrap();
        let dir = home.path().join("catalog");
        written(&dir, "broken.json", "{");
        written(&dir, "other.json", &text);
        written(&dir, "highlevel.json", &text.replace("\"pets", "\"highlevel"));
        written(&dir, "stranger.json", &text.replace("\"id\":\"pets\"", "\"id\":\"stranger\""));
        written(&dir, "Not a name.json", "");
        let shelved = shelf.read();
        assert_eq!(shelved.connectors.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), ["pets"]);
        let told: Vec<String> = shelved.broken.iter().map(ToString::to_string).collect();
        for (told, words) in
            told.iter().zip(["EOF", "comes with Flowyard", "it says that it is \"pets\"", "is no operation of it"])
        {
            assert!(told.contains(words), "{told}");
        }
        assert_eq!(told.len(), 4, "{told:?}");
    }

    #[test]
    fn names_that_are_taken_or_no_names_are_refused() {
        let home = tempfile::tempdir().unwrap();
        let shelf = Shelf::of(home.path());
        let path = written(home.path(), "pets.json", &pets());
        let named = |id: &str| import_files(std::slice::from_ref(&path), &Options::new(ConnectorId::new(id)), &mut go);
        let shipped = named("highlevel").unwrap().connector;
        assert!(shelf.keep(&shipped).unwrap_err().to_string().contains("choose another name"));
        for name in ["Pets", "../pets", "a b", "ü"] {
            assert!(named(name).unwrap_err().to_string().contains("cannot be a connector's id"), "{name}");
            assert!(!shelf.remove(&ConnectorId::new(name)).unwrap());
        }
        assert!(!home.path().join("catalog").exists());
    }

    #[test]
    fn whoever_watches_can_end_it_between_documents_and_between_operations() {
        let home = tempfile::tempdir().unwrap();
        let files = [written(home.path(), "a.json", &pets()), written(home.path(), "b.json", &pets())];
        let mut seen = Vec::new();
        import_files(&files, &no_name(), &mut |it| {
            seen.push((it.documents, it.of, it.operations));
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!(seen, [(0, 2, 0), (1, 2, 0), (2, 2, 0), (2, 2, 1)]);
        for until in 0..seen.len() {
            let mut left = until;
            let ended = import_files(&files, &no_name(), &mut |_| {
                let end = left == 0;
                left = left.saturating_sub(1);
                if end { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            assert!(matches!(ended, Err(DiskError::Import(ImportError::Cancelled))), "{until}");
        }
    }

    #[test]
    fn what_is_no_document_is_told_in_words() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("folder");
        fs::create_dir(&folder).unwrap();
        let small = Options { limits: Limits { bytes: 1_000, ..Limits::default() }, ..no_name() };
        fs::write(home.path().join("bytes"), [0xff, 0xfe]).unwrap();
        for (path, words) in [
            (home.path().join("gone.json"), "there is no such file"),
            (folder, "it is not a file"),
            (written(home.path(), "a.txt", "openapi: 3.0.0"), "in YAML has to be converted"),
            (written(home.path(), "a.json", "{}"), "is not an OpenAPI 3 document"),
            (written(home.path(), "b.json", &json!({"swagger": "2.0"}).to_string()), "but Swagger 2.0"),
            (written(home.path(), "c.json", &json!({"openapi": "3.0.0"}).to_string()), "no operation that can be called"),
            (written(home.path(), "d.json", &"x".repeat(2_000)), "is longer than"),
            (home.path().join("bytes"), "not text in UTF-8"),
        ] {
            let error = import_files(&[path], &small, &mut go).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
