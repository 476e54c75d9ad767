//! The pages that a browser shows when it comes back.
use crate::record::Failure;

pub(super) fn signed_in() -> String {
    page(
        "Back to Flowyard",
        "The service has answered. You can close this page: Flowyard goes on by itself and says whether the sign-in worked.",
    )
}

pub(super) fn refused(failure: &Failure) -> String {
    let mut words = failure.title.clone();
    for part in [&failure.detail, &failure.hint] {
        if !part.is_empty() {
            words.push_str(". ");
            words.push_str(part.trim_end_matches('.'));
        }
    }
    words.push('.');
    page("Not signed in", &words)
}

pub(super) fn stray() -> String {
    page("Nothing here", "Flowyard waits for a sign-in at this address, and this page is no answer to it.")
}

fn page(title: &str, words: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"color-scheme\" content=\"light dark\">\
         <title>{title} – Flowyard</title><style>body{{font:16px system-ui,sans-serif;max-width:32em;margin:4em auto;\
         padding:0 1em;line-height:1.5}}</style><h1>{title}</h1><p>{}</p></html>",
        escaped(words)
    )
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for it in text.chars() {
        match it {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            it => out.push(it),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::FailureKind;

    #[test]
    fn what_a_service_says_cannot_become_part_of_the_page() {
        let page = refused(&Failure::new(FailureKind::SignIn, "No").detail("<script>alert('1')</script>").hint("Try again."));
        assert!(page.contains("No. &lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;. Try again."), "{page}");
    }
}
