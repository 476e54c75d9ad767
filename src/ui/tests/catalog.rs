//! The page of the catalogue: found by words, narrowed by heading, opened for its details.
use super::desk::Desk;

#[test]
fn a_heading_narrows_the_list_and_an_operation_shows_what_it_takes() {
    let mut desk = Desk::first();
    desk.press("Catalog");
    assert!(desk.has("Everything  603") && desk.has("HighLevel  576") && desk.has("Schedule it  17"));
    desk.press("Campaigns  1");
    assert!(desk.has("List campaigns, HighLevel"));
    assert!(!desk.has("Book appointment, HighLevel"));
    assert!(!desk.has("What goes in"));
    desk.press("List campaigns, HighLevel");
    assert!(desk.has("What goes in") && desk.has("When an answer is lost"));
    assert!(desk.has("campaigns.readonly"));
    // A second press closes it again.
    desk.press("List campaigns, HighLevel");
    assert!(!desk.has("What goes in"));
}

#[test]
fn words_narrow_the_counts_and_where_nothing_is_found_it_says_what_to_do() {
    let mut desk = Desk::first();
    desk.press("Catalog");
    desk.press("Find in the catalog");
    desk.type_text("lost reason");
    assert!(desk.has("Get lost reason, HighLevel"));
    assert!(desk.has("Schedule it  0") && !desk.has("HighLevel  576"));
    desk.type_text(" zzzzzz");
    assert!(desk.has_containing("Nothing is called that."));
}
