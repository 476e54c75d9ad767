//! A sentence for a card out of an operation's title, path and inputs, where nobody wrote one: `Delete invoice` at
//! `/invoices/{invoiceId}` says "Delete the invoice {{invoiceId}}".
//!
//! Invariant: pure; every `{{key}}` of a sentence is an input that a person fills, and none stands there twice.
use std::fmt::Write as _;

use super::{Input, Operation, Place, words};

/// Verbs whose object does not exist before: "Create a form".
const MAKES: &[&str] = &["create", "generate", "upload", "purchase", "send", "record", "import"];
/// Verbs whose object is looked for among many: "Search contacts".
const LOOKS: &[&str] = &["search", "find", "filter", "check", "bulk", "initiate"];
/// Verbs under which the path names whose things they are, not the thing.
const AMONG: &[&str] = &["list", "create", "add", "search", "upload", "find"];
/// What a thing has, and is not itself: the id beside it is that of the thing.
const ASPECTS: &[&str] = &[
    "reporting",
    "details",
    "metadata",
    "status",
    "settings",
    "statistics",
    "stats",
    "count",
    "transcription",
    "recording",
    "analytics",
    "rebilling",
    "fulfillment",
    "config",
    "payment",
];
/// Words that stand for an article, or suffer none before them.
const BARE: &[&str] =
    &["a", "all", "an", "every", "file", "incoming", "many", "outgoing", "typing", "whether", "crawling", "facebook's"];
/// What is not counted.
const UNCOUNTED: &[&str] = &["inventory", "media", "metadata", "settings", "data"];

/// A value of the path that a person fills.
struct Part<'a> {
    key: &'a str,
    /// What it is the id of: `order` for `orderId`; empty for `id`.
    noun: String,
    /// The parts of the path after it.
    after: Vec<&'a str>,
}

/// The sentence.
pub(super) fn sentence(operation: &Operation) -> String {
    let (title, older) = match operation.title.strip_suffix(" (older)") {
        Some(title) => (title, " (older)"),
        None => (operation.title.as_str(), ""),
    };
    let mut said: Vec<&str> = title.split_whitespace().collect();
    if said.is_empty() {
        return operation.id.to_string();
    }
    let is_bulk = said.len() > 1 && said[0] == "Bulk";
    if is_bulk {
        said.remove(0);
    }
    let is_both = said.starts_with(&["Create", "or", "update"]);
    if is_both {
        said.drain(1..3);
    }
    let verb = if is_both { "upsert".to_owned() } else { said[0].to_lowercase() };
    let turn = said.iter().skip(1).position(|it| words::is_turn(it)).map_or(said.len(), |it| it + 1);
    let (object, mut tail) = (&said[1.min(turn)..turn], said[turn..].to_vec());
    let head = object.last().map(|it| it.to_lowercase()).unwrap_or_default();
    if object.is_empty() && !tail.is_empty() {
        // Two deeds in one title.
        return operation.title.clone();
    }
    let is_many = words::is_plural(&head);
    let mut parts = parts(operation);
    let asked = |it: &&Input| it.required && it.place != Place::Path && is_asked(it);

    // Whose it is, where the title says it: "of invoice" is "of the invoice {{invoiceId}}".
    let mut whose = String::new();
    if let Some(last) = tail.last().map(|it| it.to_lowercase()) {
        let by = tail[0] == "by";
        let fits = |it: &Part<'_>| !it.noun.is_empty() && last_word(&it.noun) == last && !by;
        if let Some(at) = parts.iter().rposition(fits) {
            let of: Vec<&str> = tail[1..].iter().filter(|it| !matches!(**it, "a" | "an" | "the")).copied().collect();
            let part = parts.remove(at);
            whose = format!(" {} the {} {{{{{}}}}}", tail[0], of.join(" "), part.key);
            tail.clear();
        } else if by && !parts.is_empty() || tail == ["by", "location"] {
            // The path says which.
            tail.clear();
        } else if by && let Some(input) = operation.inputs.iter().filter(asked).find(|it| said_by(it, &tail[1..])) {
            whose = format!(" of the {} {{{{{}}}}}", noun(&input.name), input.key);
            tail.clear();
        } else if tail.len() == 2 && matches!(tail[0], "for" | "from" | "to" | "of") && !words::is_plural(&last) {
            tail.insert(1, "the");
        }
    }

    // The thing itself, where the path ends with it, or with what is done to it.
    let is_own = |it: &Part<'_>| {
        if !it.noun.is_empty() && last_word(&it.noun) == head {
            return true;
        }
        let ends = it.after.last().is_none_or(|it| words::split(it).first() == Some(&verb));
        !is_many && !AMONG.contains(&verb.as_str()) && !ASPECTS.contains(&head.as_str()) && ends && whose.is_empty()
    };
    let mut own = if parts.last().is_some_and(is_own) { parts.pop().map(|it| it.key) } else { None };
    if own.is_none() && parts.is_empty() && whose.is_empty() && !is_many && !AMONG.contains(&verb.as_str()) && verb != "send" {
        let is_it = |it: &&Input| it.name == "id" || it.name.ends_with("Id") && last_word(&noun(&it.name)) == head;
        own = operation.inputs.iter().filter(asked).find(is_it).map(|it| it.key.as_str());
    }
    let is_called = (verb == "create" || is_both) && own.is_none();
    let called =
        operation.inputs.iter().filter(|_| is_called).filter(asked).find(|it| matches!(it.name.as_str(), "name" | "title"));

    let mut text = match (is_bulk, is_both) {
        (true, _) => format!("Bulk {verb}"),
        (_, true) => "Create or update".to_owned(),
        _ => said[0].to_owned(),
    };
    if let Some(first) = object.first() {
        let article = if is_bulk || BARE.contains(&first.to_lowercase().as_str()) || LOOKS.contains(&verb.as_str()) {
            ""
        } else if own.is_some() || called.is_some() || !MAKES.contains(&verb.as_str()) {
            "the "
        } else if is_many || UNCOUNTED.contains(&head.as_str()) {
            ""
        } else {
            words::article(first)
        };
        write!(text, " {article}{}", object.join(" ")).unwrap_or_default();
    }
    if let Some(key) = own.or_else(|| called.map(|it| it.key.as_str())) {
        write!(text, " {{{{{key}}}}}").unwrap_or_default();
    }
    for word in tail {
        write!(text, " {word}").unwrap_or_default();
    }
    text.push_str(&whose);
    for part in parts.iter().rev() {
        let known = part.noun.is_empty() || text.to_lowercase().contains(&part.noun);
        let owner = if known { String::new() } else { format!("the {} ", part.noun) };
        let turn = if verb == "add" {
            "to"
        } else if verb == "remove" {
            "from"
        } else {
            "of"
        };
        write!(text, " {turn} {owner}{{{{{}}}}}", part.key).unwrap_or_default();
    }
    text.push_str(older);
    text
}

/// Whether a person fills it.
fn is_asked(input: &Input) -> bool {
    input.fixed.is_none() && input.account.is_none()
}

/// The values of the path, in order.
fn parts(operation: &Operation) -> Vec<Part<'_>> {
    let all: Vec<&str> = operation.path.split('/').filter(|it| !it.is_empty()).collect();
    let mut parts = Vec::new();
    for (at, part) in all.iter().enumerate() {
        let Some(name) = part.strip_prefix('{').and_then(|it| it.strip_suffix('}')) else { continue };
        let is_it = |it: &&Input| it.place == Place::Path && it.name == name && is_asked(it);
        if let Some(input) = operation.inputs.iter().find(is_it) {
            parts.push(Part { key: &input.key, noun: noun(name), after: all[at + 1..].to_vec() });
        }
    }
    parts
}

/// What a name is the id of: `shipping zone` for `shippingZoneId`.
fn noun(name: &str) -> String {
    let mut parts = words::split(name);
    while parts.last().is_some_and(|it| matches!(it.as_str(), "id" | "ids" | "key" | "name")) {
        parts.pop();
    }
    // What a custom object is made by, to those who made the service.
    if parts == ["schema"] { "object".to_owned() } else { parts.join(" ") }
}

fn last_word(text: &str) -> &str {
    text.rsplit(' ').next().unwrap_or_default()
}

/// Whether the end of a title names this input: "funnel ID" and `funnelId`.
fn said_by(input: &Input, tail: &[&str]) -> bool {
    words::split(&input.name).join(" ") == tail.join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::catalog::{Catalog, OperationId};

    #[test]
    fn sentences_read_as_english() {
        let catalog = Catalog::shipped();
        for (id, expected) in [
            ("invoices.delete-invoice", "Delete the invoice {{invoiceId}}"),
            ("invoices.send-invoice", "Send the invoice {{invoiceId}}"),
            ("invoices.record-invoice", "Record a payment of the invoice {{invoiceId}}"),
            ("invoices.create-invoice", "Create the invoice {{name}}"),
            ("products.update-price-by-id-for-product", "Update the price {{priceId}} for the product {{productId}}"),
            ("products.list-prices-for-product", "List the prices for the product {{productId}}"),
            ("payments.get-order-by-id", "Get the order {{orderId}}"),
            ("payments.delete-coupon", "Delete the coupon {{id}}"),
            ("payments.list-order-notes", "List the order notes of {{orderId}}"),
            ("ad-manager.fb-get-campaign-reporting", "Get the Facebook campaign reporting of {{campaignId}}"),
            ("ad-manager.fb-remove-custom-audience-member", "Remove the Facebook custom audience member from {{audienceId}}"),
            ("conversation-ai.get-action-by-id", "Get the action {{actionId}} of the agent {{agentId}}"),
            ("funnels.getPagesByFunnelId", "List the pages of the funnel {{funnelId}}"),
            ("store.create-shipping-zone", "Create the shipping zone {{name}}"),
            ("medias.upload-media-content", "Upload media"),
            ("saas-api.get-saas-plan-deprecated", "Get the SaaS plan {{planId}} (older)"),
            ("ad-manager.google-upsert-audience", "Create or update the Google audience {{name}}"),
            ("objects.get-record-by-id", "Get the record {{id}} of the object {{schemaKey}}"),
            ("invoices.text2pay-invoice", "Create the invoice {{name}} and send it by text"),
            ("brand-boards.getBrandBoardById", "Get the brand board {{id}}"),
            ("custom-fields.get-custom-fields-by-object-key", "List the custom fields of the object {{objectKey}}"),
        ] {
            let id = OperationId::new(&format!("highlevel.{id}"));
            let (_, operation) = catalog.operation(&id).unwrap_or_else(|| panic!("{id} is there"));
            assert_eq!(operation.says(), expected, "{id}");
        }
    }

    #[test]
    fn every_operation_says_something_that_names_only_what_is_filled() {
        for connector in Catalog::shipped().connectors() {
            let mut told = BTreeSet::new();
            for operation in connector.operations.values() {
                let (id, says) = (&operation.id, operation.says());
                let mut keys = BTreeSet::new();
                for part in says.split("{{").skip(1) {
                    let (key, _) = part.split_once("}}").unwrap_or_else(|| panic!("{id}: {says}"));
                    let input = operation.input(key).unwrap_or_else(|| panic!("{id}: {says}"));
                    assert!(is_asked(input), "{id}: {says}");
                    assert!(keys.insert(key.to_owned()), "{id}: {says}");
                }
                assert!(says.starts_with(|it: char| it.is_uppercase() || it == '{'), "{id}: {says}");
                assert!(says.contains(' ') && !says.contains("  ") && !says.ends_with(['.', ' ']), "{id}: {says}");
                assert!(!says.contains(" the the ") && !says.contains(" the a ") && !says.contains(" a the "), "{id}: {says}");
                assert!(told.insert((operation.group.clone(), says.to_string())), "{id}: another says so too: {says}");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn any_title_and_path_make_a_sentence(title in "\\PC{0,40}", path in "(/[a-z{}]{0,12}){0,5}") {
            let mut operation = (**Catalog::shipped().operation(&OperationId::new("highlevel.contacts.get-task")).expect("it ships").1).clone();
            operation.title = title;
            operation.path = path;
            operation.sentence.clear();
            proptest::prop_assert!(!sentence(&operation).is_empty());
        }
    }
}
