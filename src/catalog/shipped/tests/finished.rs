//! The operations that people use most, held against what they have to have: words, order, help, choices, defaults, a sample.
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::catalog::{Catalog, Choices, Connector, Input, Kind, Operation, OperationId, Place, Reading, Repeat};

/// By document.
const FINISHED: &[(&str, &[&str])] = &[
    (
        "highlevel.contacts",
        &[
            "create-contact",
            "update-contact",
            "upsert-contact",
            "get-contact",
            "delete-contact",
            "get-duplicate-contact",
            "search-contacts-advanced",
            "add-tags",
            "remove-tags",
            "create-task",
            "update-task",
            "update-task-completed",
            "get-task",
            "get-all-tasks",
            "delete-task",
            "create-note",
            "update-note",
            "get-note",
            "get-all-notes",
            "delete-note",
            "get-appointments-for-contact",
            "add-followers-contact",
            "remove-followers-contact",
            "add-contact-to-workflow",
            "delete-contact-from-workflow",
            "add-contact-to-campaign",
            "remove-contact-from-campaign",
        ],
    ),
    (
        "highlevel.calendars",
        &[
            "create-appointment",
            "edit-appointment",
            "get-appointment",
            "delete-event",
            "get-calendar-events",
            "get-slots",
            "create-block-slot",
            "edit-block-slot",
            "get-blocked-slots",
            "get-calendars",
            "get-calendar",
            "get-groups",
            "create-appointment-note",
            "get-appointment-notes",
            "update-appointment-note",
            "delete-appointment-note",
        ],
    ),
    (
        "highlevel.opportunities",
        &[
            "create-opportunity",
            "update-opportunity",
            "Upsert-opportunity",
            "delete-opportunity",
            "get-opportunity",
            "update-opportunity-status",
            "get-pipelines",
            "search-opportunity",
            "add-followers-opportunity",
            "remove-followers-opportunity",
        ],
    ),
    (
        "highlevel.conversations",
        &[
            "send-a-new-message",
            "get-messages",
            "search-conversation",
            "create-conversation",
            "get-conversation",
            "update-conversation",
            "get-message",
            "add-an-inbound-message",
        ],
    ),
    (
        "highlevel.locations",
        &[
            "get-location",
            "search-locations",
            "get-location-tags",
            "create-tag",
            "get-tag-by-id",
            "update-tag",
            "delete-tag",
            "get-custom-fields",
            "get-custom-field",
            "create-custom-field",
            "update-custom-field",
            "delete-custom-field",
            "get-custom-values",
        ],
    ),
    ("highlevel.users", &["get-user", "get-user-by-location", "search-users"]),
    ("highlevel.workflows", &["get-workflow"]),
    ("highlevel.campaigns", &["get-campaigns"]),
    ("schedule_it.events", &["list-events", "get-event", "create-event", "update-event", "delete-event"]),
    ("schedule_it.resources", &["list-resources", "get-resource", "create-resource", "update-resource", "delete-resource"]),
    ("schedule_it.groups", &["list-groups", "get-group", "create-group", "update-group", "delete-group"]),
    ("schedule_it.labels", &["list-labels", "get-label"]),
];

/// Those of them that nobody may repeat but a person: the service cannot be asked whether they happened.
const UNSAFE: &[&str] = &[
    "highlevel.calendars.create-block-slot",
    "highlevel.contacts.add-contact-to-campaign",
    "highlevel.contacts.add-contact-to-workflow",
    "highlevel.conversations.add-an-inbound-message",
    "highlevel.conversations.send-a-new-message",
    "highlevel.opportunities.Upsert-opportunity",
];

/// So many optional fields are seen at once; more stand under headings.
const AT_ONCE: usize = 8;

fn finished(catalog: &Catalog) -> Vec<(Connector, Operation)> {
    let ids = FINISHED.iter().flat_map(|(document, names)| names.iter().map(move |it| format!("{document}.{it}")));
    ids.map(|id| {
        let (connector, operation) = catalog.operation(&OperationId::new(&id)).unwrap_or_else(|| panic!("{id} is there"));
        ((**connector).clone(), (**operation).clone())
    })
    .collect()
}

fn asked(operation: &Operation) -> impl Iterator<Item = &Input> {
    operation.inputs.iter().filter(|it| it.fixed.is_none())
}

#[test]
fn each_has_a_sentence_help_and_fields_that_are_told_apart() {
    let catalog = Catalog::shipped();
    let all = finished(&catalog);
    assert!(all.len() >= 90, "{}", all.len());
    for (_, operation) in &all {
        let id = &operation.id;
        assert!(!operation.sentence.is_empty(), "{id} says nothing on its card");
        assert!(operation.help.ends_with('.') && operation.help.len() > 14, "{id}: {}", operation.help);
        // Whatever the path names is seen on the card.
        for input in asked(operation).filter(|it| it.place == Place::Path && it.account.is_none()) {
            assert!(operation.sentence.contains(&format!("{{{{{}}}}}", input.key)), "{id}: {} is not on the card", input.key);
        }
        let mut labels = BTreeSet::new();
        for input in asked(operation) {
            let help = &input.schema.help;
            assert!(help.ends_with('.') && help.len() > 4, "{id} {}: {help}", input.key);
            assert!(labels.insert(input.label().into_owned()), "{id}: two fields are called {}", input.label());
            assert!(!input.label().contains("ID") || input.key == "startAfterId", "{id} {}: {}", input.key, input.label());
        }
    }
}

#[test]
fn many_fields_stand_under_headings_in_one_order() {
    let catalog = Catalog::shipped();
    for (_, operation) in finished(&catalog) {
        let id = &operation.id;
        let optional: Vec<&Input> = asked(&operation).filter(|it| !it.required).collect();
        let inputs: Vec<bool> = asked(&operation).map(|it| it.required).collect();
        assert!(inputs.is_sorted_by(|a, b| a >= b), "{id}: what is needed comes first");
        if optional.len() <= AT_ONCE {
            continue;
        }
        let mut met: Vec<&str> = Vec::new();
        for input in optional {
            assert!(!input.section.is_empty(), "{id}: {} stands under no heading", input.key);
            if met.last() != Some(&input.section.as_str()) {
                assert!(!met.contains(&input.section.as_str()), "{id}: {} is torn apart by {met:?}", input.section);
                met.push(&input.section);
            }
        }
        assert!(met.len() > 1, "{id}: {met:?}");
    }
}

#[test]
fn what_can_begin_with_a_value_does_and_the_value_fits() {
    let catalog = Catalog::shipped();
    for (connector, operation) in finished(&catalog) {
        for input in asked(&operation) {
            let at = format!("{} {}", operation.id, input.key);
            let simple = matches!(connector.resolve(&input.schema).kind, Kind::Boolean);
            if input.required && input.account.is_none() && simple {
                assert!(input.preset.is_some(), "{at} is needed and begins with nothing");
            }
            for value in [&input.preset, &input.schema.default, &input.schema.example].into_iter().flatten() {
                let reading = if input.place == Place::Body { Reading::Typed } else { Reading::Text };
                assert_eq!(input.schema.check(value, &connector, reading), [], "{at}: {value}");
            }
        }
    }
}

#[test]
fn each_answer_has_a_sample_that_holds_something_and_fits() {
    let catalog = Catalog::shipped();
    for (connector, operation) in finished(&catalog) {
        let id = &operation.id;
        let schema = operation.success.iter().find_map(|it| it.schema.as_ref());
        let schema = schema.unwrap_or_else(|| panic!("{id}: its answer has no shape"));
        let sample = schema.sample(&connector);
        let holds = match &sample {
            Value::Object(fields) => fields.values().any(|it| !it.is_null()),
            Value::Array(items) => items.first().is_some_and(|it| it.as_object().is_some_and(|it| !it.is_empty())),
            _ => false,
        };
        assert!(holds, "{id}: {sample}");
        assert_eq!(schema.check(&sample, &connector, Reading::Typed), [], "{id}: {sample}");
    }
}

#[test]
fn what_repeating_means_is_decided_for_each_and_what_it_costs_follows() {
    let catalog = Catalog::shipped();
    let mut unsafe_ones = Vec::new();
    for (connector, operation) in finished(&catalog) {
        let cost = operation.cost();
        assert_eq!((cost.call, cost.pages), (1, operation.paging.is_some()), "{}", operation.id);
        match &operation.repeat {
            Repeat::Safe => assert_eq!(cost.look_up, 0),
            Repeat::SafeWithLookup(lookup) => {
                assert_eq!(cost.look_up, 1);
                let called = connector.operations.get(&lookup.operation).unwrap_or_else(|| panic!("{}", lookup.operation));
                assert!(called.method.is_read(), "{}: {}", operation.id, called.id);
            }
            Repeat::Unsafe => unsafe_ones.push(operation.id.as_str().to_owned()),
        }
    }
    unsafe_ones.sort();
    assert_eq!(unsafe_ones, UNSAFE);
}

/// The shape of what is chosen: of the input, of an item of its list, or of a field of such an item.
fn chosen_shape<'a>(connector: &'a Connector, input: &'a Input, choices: &Choices) -> Vec<&'a Kind> {
    let shape = connector.resolve(&input.schema);
    let Kind::Array { items } = &shape.kind else { return vec![&shape.kind] };
    let item = connector.resolve(items);
    if choices.item.is_empty() {
        return vec![&item.kind];
    }
    let shapes = match &item.kind {
        Kind::OneOf { of } => of.iter().map(|it| connector.resolve(it)).collect(),
        _ => vec![item],
    };
    let field = |kind: &'a Kind| match kind {
        Kind::Object { fields, .. } => {
            fields.iter().find(|it| it.name == choices.item).map(|it| &connector.resolve(&it.schema).kind)
        }
        _ => None,
    };
    shapes.into_iter().filter_map(|it| field(&it.kind)).collect()
}

#[test]
fn every_list_of_choices_can_be_read_with_what_is_known_and_gives_values_of_the_right_kind() {
    let catalog = Catalog::shipped();
    let mut lists: BTreeMap<OperationId, usize> = BTreeMap::new();
    for connector in catalog.connectors() {
        for operation in connector.operations.values() {
            for input in &operation.inputs {
                let Some(choices) = &input.choices else { continue };
                let at = format!("{} {}", operation.id, input.key);
                *lists.entry(choices.operation.clone()).or_default() += 1;
                let listed = connector.operations.get(&choices.operation).unwrap_or_else(|| panic!("{at}: it is there"));
                assert!(listed.method.is_read() && listed.repeat == Repeat::Safe, "{at}");
                for needed in listed.inputs.iter().filter(|it| it.required && it.fixed.is_none() && it.account.is_none()) {
                    let known = choices.input.contains_key(&needed.key) || choices.with.contains_key(&needed.key);
                    assert!(known, "{at}: {} needs {}", listed.id, needed.key);
                }
                for (key, value) in &choices.with {
                    let with = listed.input(key).unwrap_or_else(|| panic!("{at}: {key}"));
                    assert_eq!(with.schema.check(value, connector, Reading::Text), [], "{at}: {key}");
                }
                assert!(choices.input.keys().all(|it| listed.input(it).is_some()), "{at}");
                let beside = choices.input.values().chain(choices.within.iter().map(|it| &it.input));
                for key in beside {
                    assert!(key != &input.key && operation.input(key).is_some(), "{at}: {key} is beside it");
                }
                let sample = listed.success[0].schema.as_ref().expect("its answer has a shape").sample(connector);
                let first = |key: &str| {
                    let within = choices.within.as_ref().filter(|it| it.input == key)?;
                    let list = choices.list.split('.').filter(|it| !it.is_empty()).fold(&sample, |at, part| &at[part]);
                    Some(list[0][&within.field].clone())
                };
                let offered = choices.of(&sample, &first);
                assert!(!offered.is_empty() && !offered[0].label.is_empty(), "{at}: {sample}");
                let kinds = chosen_shape(connector, input, choices);
                assert!(!kinds.is_empty(), "{at}: nothing is chosen");
                for kind in kinds {
                    assert!(matches!(kind, Kind::String { .. }) && offered[0].value.is_string(), "{at}: {kind:?}");
                }
                assert!(choices.item.is_empty() || matches!(input.schema.kind, Kind::Array { .. }), "{at}");
            }
        }
    }
    for wanted in [
        "highlevel.calendars.get-calendars",
        "highlevel.calendars.get-groups",
        "highlevel.users.get-user-by-location",
        "highlevel.opportunities.get-pipelines",
        "highlevel.opportunities.get-lost-reason",
        "highlevel.locations.get-location-tags",
        "highlevel.locations.get-custom-fields",
        "highlevel.workflows.get-workflow",
        "highlevel.campaigns.get-campaigns",
        "highlevel.contacts.get-all-tasks",
        "highlevel.contacts.get-all-notes",
        "schedule_it.resources.list-resources",
        "schedule_it.groups.list-groups",
        "schedule_it.labels.list-labels",
        "schedule_it.events.list-events",
    ] {
        assert!(lists.contains_key(&OperationId::new(wanted)), "nothing is chosen from {wanted}");
    }
}

#[test]
fn what_has_choices_in_one_place_has_them_wherever_it_is_asked_for() {
    let catalog = Catalog::shipped();
    for (_, operation) in finished(&catalog) {
        for input in asked(&operation) {
            let key = input.key.as_str();
            let named = matches!(
                key,
                "calendarId"
                    | "groupId"
                    | "assignedTo"
                    | "assignedUserId"
                    | "userId"
                    | "pipelineId"
                    | "pipelineStageId"
                    | "pipeline_id"
                    | "pipeline_stage_id"
                    | "tags"
                    | "customFields"
                    | "followers"
                    | "workflowId"
                    | "campaignId"
                    | "tagId"
                    | "taskId"
                    | "noteId"
                    | "owner"
                    | "lostReasonId"
            );
            assert!(!named || input.choices.is_some(), "{} {key} is not chosen by name", operation.id);
        }
    }
}
