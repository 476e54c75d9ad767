//! Words out of names: titles that a person reads, ids that a file keeps, tokens that a search compares.

/// Short forms that stay in capitals.
const CAPITALS: &[&str] = &[
    "ai", "api", "crm", "csv", "dnd", "faq", "gmb", "html", "http", "https", "id", "ids", "ip", "isv", "json", "pdf", "qr",
    "saas", "seo", "sku", "sms", "sso", "uri", "url", "urls", "utc", "utm", "uuid", "vat",
];

/// The words of a name in lower case: `getAllSchedules` and `get-all-schedules` are both `get`, `all`, `schedules`.
pub(super) fn split(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let letters: Vec<char> = name.chars().collect();
    for (at, letter) in letters.iter().enumerate() {
        if !letter.is_alphanumeric() {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            continue;
        }
        let before = at.checked_sub(1).map(|it| letters[it]);
        let plural = letters.get(at + 1) == Some(&'s') && !letters.get(at + 2).is_some_and(|it| it.is_lowercase());
        let lower_next = letters.get(at + 1).is_some_and(|it| it.is_lowercase()) && !plural;
        let starts = letter.is_uppercase() && before.is_some_and(|it| !it.is_uppercase() || lower_next);
        if starts && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        word.extend(letter.to_lowercase());
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// A title in sentence case: `create-contact` is "Create contact", `locationId` is "Location ID".
pub(super) fn title(name: &str) -> String {
    let mut title = String::with_capacity(name.len() + 4);
    for (at, word) in split(name).iter().enumerate() {
        if at > 0 {
            title.push(' ');
        }
        if CAPITALS.contains(&word.as_str()) {
            let plural = word.len() > 2 && matches!(word.as_str(), "ids" | "urls");
            let stem = if plural { &word[..word.len() - 1] } else { word };
            title.push_str(&stem.to_uppercase());
            if plural {
                title.push('s');
            }
        } else if at == 0 {
            let mut letters = word.chars();
            title.extend(letters.next().into_iter().flat_map(char::to_uppercase));
            title.push_str(letters.as_str());
        } else {
            title.push_str(word);
        }
    }
    title
}

/// A heading out of a tag: its own words and signs, the first letter large, the others small except short forms.
pub(super) fn heading(tag: &str) -> String {
    let words = tag.split_whitespace().take(12).enumerate().map(|(at, word)| {
        let bare = word.trim_matches(|it: char| !it.is_alphanumeric()).to_lowercase();
        let short = word.len() > 1 && word.chars().all(|it| !it.is_lowercase());
        if short || CAPITALS.contains(&bare.as_str()) {
            return word.to_owned();
        }
        if at > 0 {
            return word.to_lowercase();
        }
        let mut letters = word.chars();
        let first = letters.next().into_iter().flat_map(char::to_uppercase);
        first.chain(letters.as_str().to_lowercase().chars()).collect()
    });
    words.collect::<Vec<String>>().join(" ")
}

/// Letters, digits, `-` and `_` only, so that the text can be part of an id.
pub(super) fn slug(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    for letter in text.trim().chars() {
        if letter.is_ascii_alphanumeric() || letter == '_' || letter == '-' {
            slug.push(letter);
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
    }
    let length = slug.trim_end_matches('-').len();
    slug.truncate(length);
    slug
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_read_like_a_sentence() {
        for (name, expected) in [
            ("create-contact", "Create contact"),
            ("getAllSchedules", "Get all schedules"),
            ("get-contacts-by-businessId", "Get contacts by business ID"),
            ("locationId", "Location ID"),
            ("contactIDs", "Contact IDs"),
            ("calendarIds", "Calendar IDs"),
            ("HTTPServer_url", "HTTP server URL"),
            ("date_start", "Date start"),
            ("address1", "Address1"),
            ("", ""),
            ("--", ""),
            ("éCole", "É cole"),
        ] {
            assert_eq!(title(name), expected, "{name}");
        }
    }

    #[test]
    fn slugs_hold_nothing_that_an_id_cannot() {
        for (text, expected) in [("a b.c", "a-b-c"), (" x// ", "x"), ("Get_One", "Get_One"), ("ü", "")] {
            assert_eq!(slug(text), expected, "{text}");
        }
    }
}
