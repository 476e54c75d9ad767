//! Refusals in the shape of the vendor's: `{statusCode, message, error?}`; the trace id is added when they are sent.
use serde_json::json;

use crate::sandbox::call::Refusal;

/// A refusal with one message.
pub(crate) fn plain(status: u16, message: &str) -> Refusal {
    let body = match reason(status) {
        "" => json!({"statusCode": status, "message": message}),
        error => json!({"statusCode": status, "message": message, "error": error}),
    };
    Refusal { status, body, summary: format!("Refused: {message}") }
}

/// 400.
pub(super) fn bad(message: &str) -> Refusal {
    plain(400, message)
}

/// 404 for a record.
pub(super) fn not_found(what: &str, id: &str) -> Refusal {
    plain(404, &format!("{what} with id {id} not found"))
}

/// 422 with a list of what is wrong.
pub(super) fn invalid(problems: &[String]) -> Refusal {
    let body = json!({"statusCode": 422, "message": problems, "error": reason(422)});
    Refusal { status: 422, body, summary: format!("Refused: {}", problems.join("; ")) }
}

/// 422 with one line.
pub(super) fn wrong(problem: &str) -> Refusal {
    invalid(&[problem.to_owned()])
}

/// 400 for a contact that is there already, naming it.
pub(super) fn duplicate(id: &str, name: &str, field: &str) -> Refusal {
    let message = "This location does not allow duplicated contacts.";
    let meta = json!({"contactId": id, "contactName": name, "matchingField": field});
    let body = json!({"statusCode": 400, "message": message, "meta": meta});
    Refusal { status: 400, body, summary: format!("Refused: contact {id} has the same {field}") }
}

/// 404 in the words of the vendor's web framework.
pub(crate) fn unknown_path(method: &str, path: &str) -> Refusal {
    plain(404, &format!("Cannot {method} {path}"))
}

fn reason(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Entity",
        _ => "",
    }
}
