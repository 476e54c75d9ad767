//! Words out of names: titles that a person reads, ids that a file keeps, tokens that a search compares.

/// Short forms that stay in capitals.
const CAPITALS: &[&str] = &[
    "ai", "api", "crm", "csv", "dnd", "faq", "gmb", "html", "http", "https", "id", "ids", "ip", "isv", "json", "pdf", "qr",
    "seo", "sku", "sms", "sso", "uri", "url", "urls", "utc", "utm", "uuid", "vat",
];

/// Names, and short forms of names, that are written in a way of their own.
const SPELLED: &[(&str, &str)] = &[
    ("e164", "E.164"),
    ("facebook", "Facebook"),
    ("fb", "Facebook"),
    ("google", "Google"),
    ("instagram", "Instagram"),
    ("li", "LinkedIn"),
    ("linkedin", "LinkedIn"),
    ("oauth", "OAuth"),
    ("saas", "SaaS"),
    ("tiktok", "TikTok"),
    ("twitter", "Twitter"),
    ("whatsapp", "WhatsApp"),
];

/// Verbs, and the one that stands for each in a title: one word for one deed, whatever the document calls it.
const VERBS: &[(&str, &str)] = &[
    ("add", "add"),
    ("attach", "attach"),
    ("cancel", "cancel"),
    ("charge", "charge"),
    ("check", "check"),
    ("complete", "complete"),
    ("create", "create"),
    ("delete", "delete"),
    ("disable", "disable"),
    ("disconnect", "disconnect"),
    ("discover", "discover"),
    ("download", "download"),
    ("duplicate", "duplicate"),
    ("edit", "update"),
    ("enable", "enable"),
    ("execute", "execute"),
    ("export", "export"),
    ("fetch", "get"),
    ("filter", "filter"),
    ("find", "search"),
    ("generate", "generate"),
    ("get", "get"),
    ("has", "check"),
    ("import", "import"),
    ("list", "list"),
    ("migrate", "migrate"),
    ("modify", "update"),
    ("patch", "update"),
    ("pause", "pause"),
    ("preview", "preview"),
    ("promote", "promote"),
    ("publish", "publish"),
    ("purchase", "purchase"),
    ("put", "update"),
    ("record", "record"),
    ("remove", "remove"),
    ("resume", "resume"),
    ("retrieve", "get"),
    ("search", "search"),
    ("send", "send"),
    ("set", "set"),
    ("start", "start"),
    ("train", "train"),
    ("uninstall", "uninstall"),
    ("update", "update"),
    ("upload", "upload"),
    ("upsert", "upsert"),
    ("validate", "validate"),
    ("verify", "verify"),
    ("void", "void"),
];

/// Words after which a name no longer says what is dealt with, but how it is chosen.
const TURNS: [&str; 8] = ["by", "for", "of", "in", "from", "with", "on", "to"];
/// Words that end as a plural does and are none, or are one thing all the same.
const SINGLE: [&str; 6] = ["status", "business", "settings", "details", "statistics", "address"];

/// Whether what follows this word of a title no longer names the thing.
pub(super) fn is_turn(word: &str) -> bool {
    TURNS.contains(&word) || matches!(word, "and" | "or")
}

/// Whether a word of lower case stands for several.
pub(super) fn is_plural(word: &str) -> bool {
    word.ends_with('s') && !word.ends_with("ss") && !SINGLE.contains(&word)
}

/// "a " or "an ", by how the word after it is spoken: "an agent", "a user", "an SMS".
pub(super) fn article(word: &str) -> &'static str {
    let lower = word.to_lowercase();
    let spelled = word.len() > 1 && word.chars().all(char::is_uppercase);
    let vowel = if spelled {
        lower.starts_with(['a', 'e', 'f', 'h', 'i', 'l', 'm', 'n', 'o', 'r', 's', 'x'])
    } else {
        lower.starts_with(['a', 'e', 'i', 'o', 'u']) && !["us", "uni", "one"].iter().any(|it| lower.starts_with(it))
    };
    if vowel { "an " } else { "a " }
}

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
        if let Some((_, spelled)) = SPELLED.iter().find(|(it, _)| it == word) {
            title.push_str(spelled);
        } else if CAPITALS.contains(&word.as_str()) {
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

/// What an operation does, as a title: a verb first, one verb for one deed, a list called a list. `fb-get-ads` is "List
/// Facebook ads", `fetch-template` "Get template", `patch-agent` "Update agent".
///
/// `many` says whether the operation may read several records: it reads, and its path names no single one.
pub(super) fn deed(name: &str, reads: bool, many: bool) -> String {
    let mut words = split(name);
    let old = words.len() > 1 && words.last().is_some_and(|it| it == "deprecated");
    if old {
        words.pop();
    }
    while let Some(at) = words.windows(2).position(|it| it[0] == "by" && it[1] == "id").filter(|at| *at > 1) {
        words.drain(at..at + 2);
    }
    let verb = |word: &String| VERBS.iter().find(|(it, _)| it == word).map(|(_, one)| (*one).to_owned());
    // Whose it is may stand before the verb: `google-get-assets`.
    if words.len() > 2 && words[0] != "bulk" && verb(&words[0]).is_none() && verb(&words[1]).is_some() {
        words.swap(0, 1);
    }
    match words.first().and_then(verb) {
        Some(one) => words[0] = one,
        None if reads && !words.is_empty() => words.insert(0, "get".to_owned()),
        None => {}
    }
    let noun = words.iter().skip(1).take_while(|it| !TURNS.contains(&it.as_str())).last();
    let plural = noun.is_some_and(|it| is_plural(it));
    if reads && many && plural && words[0] == "get" {
        "list".clone_into(&mut words[0]);
    }
    if words.len() > 2 && words[0] == "list" && words[1] == "all" {
        words.remove(1);
    }
    let mut title = title(&words.join(" "));
    if old {
        title.push_str(" (older)");
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
            ("saas-api", "SaaS API"),
            ("start-tiktok-oauth", "Start TikTok OAuth"),
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
    fn one_deed_has_one_verb_and_stands_first() {
        for (name, reads, many, expected) in [
            ("create-contact", false, false, "Create contact"),
            ("fb-get-ads", true, true, "List Facebook ads"),
            ("li-get-ad-account", true, false, "Get LinkedIn ad account"),
            ("get-user-by-location", true, true, "Get user by location"),
            ("fetch-template", true, true, "Get template"),
            ("patch-agent", false, false, "Update agent"),
            ("getAllSchedules", true, true, "List schedules"),
            ("get-campaign-by-id", true, false, "Get campaign"),
            ("update-price-by-id-for-product", false, false, "Update price for product"),
            ("locations", true, true, "List locations"),
            ("get-saas-plan-deprecated", true, false, "Get SaaS plan (older)"),
            ("bulk-delete-posts", false, false, "Bulk delete posts"),
            ("get-import-status", true, true, "Get import status"),
            ("hasFunds", true, true, "Check funds"),
            ("get-by-id", true, false, "Get by ID"),
            ("text2pay-invoice", false, false, "Text2pay invoice"),
            ("", true, true, ""),
        ] {
            assert_eq!(deed(name, reads, many), expected, "{name}");
        }
    }

    #[test]
    fn slugs_hold_nothing_that_an_id_cannot() {
        for (text, expected) in [("a b.c", "a-b-c"), (" x// ", "x"), ("Get_One", "Get_One"), ("ü", "")] {
            assert_eq!(slug(text), expected, "{text}");
        }
    }
}
