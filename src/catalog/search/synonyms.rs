//! Words that people use for one another.

/// Each row holds words that mean the same, in the singular, the likeliest to be meant first.
const SAME: &[&[&str]] = &[
    &["appointment", "booking", "book", "meeting", "reservation", "visit", "event"],
    &["contact", "lead", "person", "people", "customer", "client"],
    &["task", "todo", "reminder"],
    &["note", "comment", "memo", "remark"],
    &["tag", "label", "category"],
    &["create", "add", "new", "insert", "make"],
    &["update", "edit", "change", "modify", "set", "move", "reschedule"],
    &["delete", "remove", "erase", "cancel", "drop"],
    &["get", "read", "fetch", "show", "retrieve", "load", "view"],
    &["list", "all", "browse", "get"],
    &["search", "find", "query", "filter", "look"],
    &["free", "slot", "availability", "available", "opening"],
    &["block", "busy", "unavailable", "closed"],
    &["calendar", "diary", "agenda"],
    &["resource", "room", "equipment", "staff"],
    &["user", "staff", "team", "member", "employee"],
    &["follower", "watcher"],
    &["upsert", "sync", "merge"],
    &["duplicate", "double", "existing"],
    &["business", "company", "organisation", "organization"],
    &["notification", "alert"],
    &["schedule", "hours", "rota"],
    &["phone", "mobile", "telephone", "number"],
    &["complete", "completed", "done", "finish", "close"],
    &["workflow", "automation"],
    &["group", "folder", "team"],
    &["opportunity", "deal", "sale"],
    &["pipeline", "funnel", "stage"],
    &["invoice", "bill"],
    &["estimate", "quote", "offer"],
    &["payment", "transaction", "charge", "pay"],
    &["product", "item", "article", "goods"],
    &["price", "cost", "rate"],
    &["coupon", "discount", "voucher"],
    &["message", "sms", "text", "chat", "whatsapp"],
    &["conversation", "thread", "chat", "inbox"],
    &["email", "mail"],
    &["media", "file", "image", "picture", "document", "attachment"],
    &["document", "contract", "proposal", "agreement"],
    &["location", "account", "branch", "office"],
    &["survey", "questionnaire", "poll"],
    &["post", "social", "publish", "article"],
    &["blog", "article", "post"],
    &["ad", "advertisement", "campaign", "advert"],
    &["agent", "bot", "assistant"],
    &["call", "phone", "voice"],
    &["shipping", "delivery", "carrier"],
    &["order", "purchase"],
    &["subscription", "plan", "membership"],
    &["review", "rating"],
    &["course", "lesson", "class"],
    &["relation", "association", "link"],
];

/// Every word that means the same as this one, itself left out, with its place in its row.
pub(super) fn of(word: &str) -> impl Iterator<Item = (u32, &'static str)> {
    let rows = SAME.iter().filter(move |row| row.contains(&word));
    rows.flat_map(|row| (0..).zip(row.iter().copied())).filter(move |(_, it)| *it != word)
}

/// Every word with each word that means the same.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    SAME.iter().flat_map(|row| row.iter().flat_map(move |one| row.iter().map(move |other| (*one, *other))))
}
