//! Which contact has an e-mail or a phone.
use std::collections::HashMap;

use serde_json::Value;

use crate::sandbox::call::texts;
use crate::sandbox::store::Fields;

/// Finds contacts by e-mail and phone without looking at all of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct ContactIndex(HashMap<(Way, String), Vec<String>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Way {
    Email,
    SecondEmail,
    Phone,
}

impl ContactIndex {
    /// Enters a contact.
    pub(super) fn add(&mut self, id: &str, fields: &Fields) {
        for key in keys(fields) {
            self.0.entry(key).or_default().push(id.to_owned());
        }
    }

    /// Takes a contact out, as it was entered.
    pub(super) fn drop(&mut self, id: &str, fields: &Fields) {
        for key in keys(fields) {
            if let Some(ids) = self.0.get_mut(&key) {
                ids.retain(|it| it != id);
                if ids.is_empty() {
                    self.0.remove(&key);
                }
            }
        }
    }

    /// The oldest contact whose primary e-mail this is.
    pub(super) fn by_email(&self, email: &str) -> Option<&str> {
        self.first(Way::Email, email.to_lowercase())
    }

    /// The oldest contact that has this as one of its further e-mails.
    pub(super) fn by_second_email(&self, email: &str) -> Option<&str> {
        self.first(Way::SecondEmail, email.to_lowercase())
    }

    /// The oldest contact with this phone, which is in E.164.
    pub(super) fn by_phone(&self, phone: &str) -> Option<&str> {
        self.first(Way::Phone, phone.to_owned())
    }

    fn first(&self, way: Way, text: String) -> Option<&str> {
        self.0.get(&(way, text))?.first().map(String::as_str)
    }
}

fn keys(fields: &Fields) -> Vec<(Way, String)> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).filter(|it| !it.is_empty());
    let mut keys = Vec::new();
    keys.extend(text("email").map(|it| (Way::Email, it.to_lowercase())));
    keys.extend(text("phone").map(|it| (Way::Phone, it.to_owned())));
    let further = texts(fields.get("additionalEmails"));
    keys.extend(further.iter().map(|it| (Way::SecondEmail, it.to_lowercase())));
    keys
}
