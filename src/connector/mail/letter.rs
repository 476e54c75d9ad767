//! A letter, from its fields to what is sent.
use lettre::message::{Mailbox, Mailboxes, MultiPart, SinglePart};
use lettre::{Address, Message};
use serde_json::Value;

/// No letter goes to more; lists of readers are for those who keep lists.
const MOST: usize = 100;

/// A letter that is ready to be sent.
#[derive(Debug, Clone)]
pub(super) struct Letter {
    /// `<…@…>`, by which it is known everywhere.
    pub(super) id: String,
    pub(super) from: Address,
    pub(super) to: Vec<Address>,
    /// As it is sent (RFC 5322).
    pub(super) text: Vec<u8>,
}

/// A field that cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) field: &'static str,
    pub(super) message: String,
    pub(super) hint: &'static str,
}

impl Letter {
    /// From the fields `from`, `to`, `cc`, `bcc`, `reply_to`, `subject`, `text` and `html`; addresses stand with commas between.
    pub(super) fn new(fields: &Value) -> Result<Self, Wrong> {
        let from = mailboxes(fields, "from")?;
        let [from] = &from[..] else { return Err(wrong("from", "it needs one sender", ADDRESS)) };
        let (to, cc, bcc) = (mailboxes(fields, "to")?, mailboxes(fields, "cc")?, mailboxes(fields, "bcc")?);
        let all: Vec<Address> = to.iter().chain(&cc).chain(&bcc).map(|it| it.email.clone()).collect();
        if to.is_empty() {
            return Err(wrong("to", "it has no reader", ADDRESS));
        }
        if all.len() > MOST {
            let message = format!("it has {} readers, and {MOST} are the most", all.len());
            return Err(wrong("to", &message, "Send it in parts, with a for-each."));
        }
        let id = format!("<{:032x}@{}>", fastrand::u128(..), from.email.domain());
        let mut message = Message::builder().message_id(Some(id.clone())).from(from.clone()).date_now();
        for it in to {
            message = message.to(it);
        }
        for it in cc {
            message = message.cc(it);
        }
        for it in mailboxes(fields, "reply_to")? {
            message = message.reply_to(it);
        }
        let subject = one_line(text(fields, "subject"));
        let (plain, html) = (text(fields, "text"), text(fields, "html"));
        let message = message.subject(subject);
        let message = match (plain, html) {
            (plain, "") => message.singlepart(SinglePart::plain(plain.to_owned())),
            ("", html) => message.singlepart(SinglePart::html(html.to_owned())),
            (plain, html) => message.multipart(MultiPart::alternative_plain_html(plain.to_owned(), html.to_owned())),
        };
        let message = message.map_err(|error| wrong("text", &format!("it cannot be written as mail: {error}"), ""))?;
        Ok(Self { id, from: from.email.clone(), to: all, text: message.formatted() })
    }

    /// Everybody whom it goes to.
    pub(super) fn recipients(&self) -> Vec<String> {
        self.to.iter().map(ToString::to_string).collect()
    }
}

const ADDRESS: &str = "Write addresses as ann@example.com or Ann <ann@example.com>, with commas between.";

fn wrong(field: &'static str, message: &str, hint: &'static str) -> Wrong {
    Wrong { field, message: message.to_owned(), hint }
}

fn text<'a>(fields: &'a Value, name: &str) -> &'a str {
    fields.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A header is one line; what would begin another one is a space.
fn one_line(text: &str) -> String {
    text.split(['\r', '\n']).map(str::trim).filter(|it| !it.is_empty()).collect::<Vec<_>>().join(" ")
}

fn mailboxes(fields: &Value, name: &'static str) -> Result<Vec<Mailbox>, Wrong> {
    let given = text(fields, name).trim().trim_end_matches(',');
    if given.is_empty() {
        return Ok(Vec::new());
    }
    let read = given.parse::<Mailboxes>().map_err(|error| {
        let shown: String = one_line(given).chars().take(80).collect();
        wrong(name, &format!("\"{shown}\" is no mail address ({error})"), ADDRESS)
    })?;
    Ok(read.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lines(letter: &Letter) -> Vec<String> {
        String::from_utf8(letter.text.clone()).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_letter_has_its_heads_and_whom_it_goes_to() {
        let letter = Letter::new(&json!({
            "from": "Desk <desk@shop.example>", "to": "Ann Äpfel <ann@x.example>, bo@x.example,", "cc": "cy@x.example",
            "bcc": "di@x.example", "reply_to": "help@shop.example", "subject": "Grüße", "text": "Hello\nAnn"
        }))
        .unwrap();
        assert_eq!(letter.recipients(), ["ann@x.example", "bo@x.example", "cy@x.example", "di@x.example"]);
        let lines = lines(&letter);
        let has = |start: &str| lines.iter().any(|it| it.starts_with(start));
        assert!(has("From: Desk <desk@shop.example>") || has("From: \"Desk\" <desk@shop.example>"), "{lines:#?}");
        assert!(has("Cc: cy@x.example") && has("Reply-To: help@shop.example") && has("Date: "), "{lines:#?}");
        assert!(has(&format!("Message-ID: {}", letter.id)) && letter.id.ends_with("@shop.example>"), "{lines:#?}");
        assert!(lines.iter().all(|it| it.is_ascii() && !it.contains("di@x.example")), "hidden readers stay hidden: {lines:#?}");
    }

    #[test]
    fn words_of_others_add_no_heads_and_no_readers() {
        let letter = Letter::new(&json!({
            "from": "a@x.example", "to": "b@x.example", "subject": "Hi\r\nBcc: evil@x.example\r\n\r\nbody", "text": "x\r\n.\r\nMAIL FROM:<e@x>"
        }))
        .unwrap();
        assert_eq!(letter.recipients(), ["b@x.example"]);
        assert!(lines(&letter).iter().all(|it| !it.starts_with("Bcc")), "{:#?}", lines(&letter));
        for to in ["b@x.example\r\nRCPT TO:<c@x.example>", "b@x.example>\n<c", "no address", "<>", "a@b@c"] {
            let refused = Letter::new(&json!({ "from": "a@x.example", "to": to, "subject": "s" }));
            assert_eq!(refused.map(|it| it.recipients()).map_err(|it| it.field), Err("to"), "{to}");
        }
    }

    #[test]
    fn a_letter_without_sender_or_reader_or_with_very_many_is_refused() {
        let of = |from: &str, to: &str| Letter::new(&json!({ "from": from, "to": to })).map(|_| ()).map_err(|it| it.field);
        assert_eq!(of("", "b@x.example"), Err("from"));
        assert_eq!(of("a@x.example, c@x.example", "b@x.example"), Err("from"));
        assert_eq!(of("a@x.example", " , "), Err("to"));
        assert_eq!(of("a@x.example", &"b@x.example,".repeat(MOST + 1)), Err("to"));
        assert_eq!(of("a@x.example", &"b@x.example,".repeat(MOST)), Ok(()));
    }
}
