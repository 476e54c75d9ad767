//! The parts of a line.
use crate::cli::print::Plain;
use crate::cli::words;
use crate::record::{Exchange, Failure};
use crate::run::{Park, StepKey};

/// What a parked step waits for.
pub(in crate::cli) fn park_words(on: &Park) -> String {
    match on {
        Park::Uncertain => "nobody knows whether it happened: look it up at the service".to_owned(),
        Park::SignIn(connection) => {
            format!("the connection \"{}\" must be signed in again: correct its secret", Plain(connection))
        }
        Park::Approval(question) if question.trim().is_empty() => "a person must agree first".to_owned(),
        Park::Approval(question) => format!("a person must agree first: {}", Plain(question)),
        Park::Breaker(connection) => {
            let name = Plain(connection);
            format!(
                "the connection \"{name}\" was refused too often: look at the failures, then `flowyard connect resume {name}`"
            )
        }
    }
}

/// ` #3`, ` #3.1`; items count from 1 for a person.
pub(in crate::cli) fn item(step: &StepKey) -> String {
    if step.item.is_empty() {
        return String::new();
    }
    let parts: Vec<String> = step.item.0.iter().map(|it| (u64::from(*it) + 1).to_string()).collect();
    format!(" #{}", parts.join("."))
}

pub(super) fn items(count: usize, failed: usize) -> String {
    let failed = if failed == 0 { String::new() } else { format!(", {failed} failed") };
    format!("{}{failed}", words::count(count, "item"))
}

/// `POST https://… → 201`.
pub(in crate::cli) fn request_line(exchange: &Exchange) -> String {
    let answer = match &exchange.answer {
        Some(answer) => answer.status.to_string(),
        None => exchange.error.as_deref().map_or_else(|| "no answer".to_owned(), |it| format!("no answer ({})", Plain(it))),
    };
    format!("{} {} → {answer}", exchange.request.method, Plain(&exchange.request.url))
}

pub(in crate::cli) fn failure_lines(failure: &Failure) -> Vec<String> {
    let at = if failure.at.is_empty() { String::new() } else { format!(" ({})", failure.at) };
    let title = format!("{}{at}", failure.title);
    let texts = [title.as_str(), &failure.detail, &failure.hint].into_iter().flat_map(str::lines);
    texts.filter(|it| !it.trim().is_empty()).map(|it| format!("    {}", Plain(it))).collect()
}
