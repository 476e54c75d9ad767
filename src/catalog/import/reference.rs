//! Follows `$ref` within a document and to other documents.
use std::rc::Rc;

use super::document::{Document, Tree};
use super::words;

/// Documents that were read because another referred to them, at most.
const LOADED: usize = 256;

/// What gives a document that another refers to, by its path.
pub(super) type Load<'a> = &'a mut dyn FnMut(&str) -> Option<Document>;

/// Every document in reach, and how to get more.
pub(super) struct Library<'a> {
    documents: Vec<Rc<Document>>,
    /// Paths that were asked for in vain, so that they are asked for once.
    missing: Vec<String>,
    load: Load<'a>,
    /// Bytes that further documents may have.
    left: usize,
}

/// Where a reference leads: a document and a JSON pointer in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Target {
    pub(super) document: usize,
    pub(super) pointer: String,
}

impl<'a> Library<'a> {
    pub(super) fn new(documents: &[Document], load: Load<'a>, bytes: usize) -> Self {
        let mut library = Self { documents: Vec::new(), missing: Vec::new(), load, left: bytes };
        for it in documents {
            library.add(it.clone());
        }
        library
    }

    /// Adds a document under a name that no other has.
    fn add(&mut self, mut document: Document) -> usize {
        let stem = document.name.clone();
        let mut number = 2;
        while self.documents.iter().any(|it| it.name == document.name) {
            document.name = format!("{stem}-{number}");
            number += 1;
        }
        self.documents.push(Rc::new(document));
        self.documents.len() - 1
    }

    pub(super) fn document(&self, at: usize) -> Rc<Document> {
        Rc::clone(&self.documents[at])
    }

    /// Where a reference found in document `from` leads; none if nowhere that may be read.
    pub(super) fn target(&mut self, from: usize, reference: &str) -> Option<Target> {
        let (path, pointer) = reference.split_once('#').unwrap_or((reference, ""));
        let document = if path.is_empty() { from } else { self.open(from, path)? };
        let pointer = percent_encoding::percent_decode_str(pointer).decode_utf8().ok()?.into_owned();
        let target = Target { document, pointer };
        self.documents[document].root.pointer(&target.pointer)?;
        Some(target)
    }

    /// A name for a target, in the manner of `document.SchemaName`.
    pub(super) fn name(&self, target: &Target) -> String {
        let short = target.pointer.strip_prefix("/components/schemas/").unwrap_or_else(|| target.pointer.trim_start_matches('/'));
        let short = short.replace("~1", "/").replace("~0", "~");
        let parts: Vec<String> = short.split('/').map(words::slug).filter(|it| !it.is_empty()).collect();
        let name = &self.documents[target.document].name;
        if parts.is_empty() { name.clone() } else { format!("{name}.{}", parts.join(".")) }
    }

    fn open(&mut self, from: usize, path: &str) -> Option<usize> {
        let decoded = percent_encoding::percent_decode_str(path).decode_utf8().ok()?;
        let path = join(&self.documents[from].path, &decoded)?;
        if let Some(at) = self.documents.iter().position(|it| it.path == path) {
            return Some(at);
        }
        if self.missing.contains(&path) || self.documents.len() + self.missing.len() >= LOADED {
            return None;
        }
        let left = self.left;
        let Some(mut document) = (self.load)(&path).filter(|it| it.bytes <= left) else {
            self.missing.push(path);
            return None;
        };
        self.left -= document.bytes;
        document.path = path;
        Some(self.add(document))
    }
}

/// The path that `reference` means when it stands in the file at `base`; none for a host or an absolute path.
fn join(base: &str, reference: &str) -> Option<String> {
    let reference = reference.replace('\\', "/");
    if reference.starts_with('/') || reference.contains(':') {
        return None;
    }
    let mut parts: Vec<&str> = base.split('/').collect();
    parts.pop();
    for part in reference.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|it| *it != "..") => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The reference that stands in a value, if it is one.
pub(super) fn reference(node: &Tree) -> Option<&str> {
    node.text("$ref")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_resolved_against_the_referring_file_and_never_leave_for_a_host() {
        for (base, reference, expected) in [
            ("apps/contacts.json", "../common/x.json", Some("common/x.json")),
            ("contacts.json", "../common/x.json", Some("../common/x.json")),
            ("contacts.json", "../../x.json", Some("../../x.json")),
            ("a/b/c.json", "./d.json", Some("a/b/d.json")),
            ("a.json", "https://example.com/x.json", None),
            ("a.json", "file:///etc/passwd", None),
            ("a.json", "/etc/passwd", None),
            ("a.json", "C:\\x.json", None),
        ] {
            assert_eq!(join(base, reference).as_deref(), expected, "{base} + {reference}");
        }
    }
}
