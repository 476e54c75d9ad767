//! A value in a file together with the way that leads to it.
use super::error::{Broken, FileErrorKind};
use super::json::{Field, Item, What};
use crate::flow::nearest::nearest;

/// A value, and the keys above it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot<'a> {
    pub(super) item: &'a Item,
    up: Option<&'a Spot<'a>>,
    key: Key<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Key<'a> {
    Name(&'a str),
    Index(usize),
}

/// An object whose fields are taken one by one; what nobody takes is unknown.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    spot: &'a Spot<'a>,
    all: &'a [Field],
    taken: Vec<bool>,
    asked: Vec<&'static str>,
}

impl<'a> Spot<'a> {
    pub(super) fn root(item: &'a Item) -> Self {
        Self { item, up: None, key: Key::Name("") }
    }

    fn place(&self) -> String {
        let mut keys = Vec::new();
        let mut at = Some(self);
        while let Some(spot) = at {
            match (spot.up, spot.key) {
                (None, _) => {}
                (_, Key::Name(name)) => keys.push(name.to_owned()),
                (_, Key::Index(index)) => keys.push(index.to_string()),
            }
            at = spot.up;
        }
        keys.reverse();
        keys.join(".")
    }

    pub(super) fn broken(&self, message: impl Into<String>) -> Broken {
        Broken::new(FileErrorKind::Content, self.item.at, self.place(), message)
    }

    fn expected(&self, what: &str) -> Broken {
        self.broken(format!("{what} is expected here, not {}", self.item.noun()))
    }

    /// What is not among the words that may stand here.
    pub(super) fn unknown_word(&self, what: &str, found: &str, known: &[&str]) -> Broken {
        let broken = self.broken(format!("there is no {what} \"{found}\""));
        match nearest(found, known.iter().copied()) {
            Some(meant) => broken.hint(format!("Did you mean \"{meant}\"?")),
            None if known.len() <= 8 => broken.hint(format!("It is one of {}.", known.join(", "))),
            None => broken.hint("It may be of a newer Flowyard than this one."),
        }
    }

    pub(super) fn text(&self) -> Result<&'a str, Broken> {
        match &self.item.what {
            What::Text(text) => Ok(text),
            _ => Err(self.expected("text")),
        }
    }

    pub(super) fn flag(&self) -> Result<bool, Broken> {
        match self.item.what {
            What::Bool(flag) => Ok(flag),
            _ => Err(self.expected("true or false")),
        }
    }

    /// A whole number within the bounds of its type.
    pub(super) fn whole<N: TryFrom<i128>>(&self) -> Result<N, Broken> {
        let What::Number(number) = &self.item.what else { return Err(self.expected("a whole number")) };
        let whole = number.as_u64().map(i128::from).or_else(|| number.as_i64().map(i128::from));
        let Some(whole) = whole else { return Err(self.broken(format!("a whole number is expected here, not {number}"))) };
        N::try_from(whole).ok().ok_or_else(|| self.broken(format!("{number} is out of bounds here")))
    }

    pub(super) fn items(&'a self) -> Result<impl ExactSizeIterator<Item = Spot<'a>>, Broken> {
        match &self.item.what {
            What::List(items) => {
                Ok(items.iter().enumerate().map(move |(at, item)| Self { item, up: Some(self), key: Key::Index(at) }))
            }
            _ => Err(self.expected("a list")),
        }
    }

    /// The fields of an object whose keys are free.
    pub(super) fn entries(&'a self) -> Result<impl Iterator<Item = (&'a str, Spot<'a>)>, Broken> {
        match &self.item.what {
            What::Object(fields) => Ok(fields.iter().map(move |it| (it.key.as_str(), self.child(it)))),
            _ => Err(self.expected("an object")),
        }
    }

    /// The fields of an object whose keys are fixed.
    pub(super) fn fields(&'a self) -> Result<Fields<'a>, Broken> {
        match &self.item.what {
            What::Object(fields) => Ok(Fields { spot: self, all: fields, taken: vec![false; fields.len()], asked: Vec::new() }),
            _ => Err(self.expected("an object")),
        }
    }

    fn child(&'a self, field: &'a Field) -> Self {
        Self { item: &field.item, up: Some(self), key: Key::Name(&field.key) }
    }
}

impl<'a> Fields<'a> {
    /// The field with this key, if it is there.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Spot<'a>> {
        self.asked.push(key);
        let at = self.all.iter().position(|it| it.key == key)?;
        self.taken[at] = true;
        Some(self.spot.child(&self.all[at]))
    }

    /// The field with this key.
    pub(super) fn need(&mut self, key: &'static str) -> Result<Spot<'a>, Broken> {
        match self.take(key) {
            Some(spot) => Ok(spot),
            None => Err(self.spot.broken(format!("the field \"{key}\" is missing"))),
        }
    }

    /// Refuses what nobody took.
    pub(super) fn end(self) -> Result<(), Broken> {
        let Some((_, field)) = self.taken.iter().zip(self.all).find(|(taken, _)| !**taken) else { return Ok(()) };
        let mut broken = self.spot.child(field).broken(format!("there is no field \"{}\" here", field.key));
        broken.at = field.at;
        Err(match nearest(&field.key, self.asked.iter().copied()) {
            Some(meant) => broken.hint(format!("Did you mean \"{meant}\"?")),
            None => broken.hint("Nothing is dropped silently: take it out, or open the file with the Flowyard that wrote it."),
        })
    }
}
