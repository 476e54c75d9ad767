//! Every operation that nobody wrote a behaviour for, called once with the least and once with all that it takes.
use jiff::Timestamp;
use serde_json::Map;

use super::*;
use crate::catalog::{Catalog, Connector, ConnectorId, Operation, Reading};
use crate::sandbox::oauth::Caller;
use crate::sandbox::options::Options;
use crate::sandbox::route::Routes;
use crate::sandbox::seed::Planting;
use crate::sandbox::server::carry_out;
use crate::sandbox::service::Service;

/// Operations whose answer does not fit what the vendor documents. May only become fewer.
const MISFITS: &[&str] = &[];

/// A request that fits, with samples of what is required or of everything.
fn request(world: &World, target: &Target, path: super::super::route::PathValues, all: bool, now: Timestamp) -> Call {
    let mut call = Call { path, query: Vec::new(), body: Value::Null, now, caller: Caller::Owner };
    let mut fields = Map::new();
    for input in target.operation.inputs.iter().filter(|it| it.required || all) {
        let sample = match input.name.as_str() {
            "locationId" => json!(world.account.location_id),
            name => input.fixed.clone().unwrap_or_else(|| input.schema.sample_as(name, &target.connector)),
        };
        let text = |it: &Value| it.as_str().map_or_else(|| it.to_string(), str::to_owned);
        match (input.place, &sample) {
            (Place::Query, Value::Array(items)) => {
                call.query.extend(items.iter().map(|it| (input.name.clone(), text(it))));
            }
            (Place::Query, one) => call.query.push((input.name.clone(), text(one))),
            (Place::Body, _) if input.name.is_empty() => call.body = sample,
            (Place::Body, _) => drop(fields.insert(input.name.clone(), sample)),
            (Place::Path | Place::Header, _) => {}
        }
    }
    if call.body.is_null() {
        call.body = Value::Object(fields);
    }
    call
}

/// The path with a sample for every name in it.
fn path(world: &World, operation: &Operation, connector: &Connector) -> String {
    let mut path = operation.path.clone();
    for input in operation.inputs.iter().filter(|it| it.place == Place::Path) {
        let sample = match input.name.as_str() {
            "locationId" => json!(world.account.location_id),
            name => input.schema.sample_as(name, connector),
        };
        let text = sample.as_str().map_or_else(|| sample.to_string(), str::to_owned);
        let coded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        path = path.replace(&format!("{{{}}}", input.name), &coded);
    }
    path
}

#[test]
fn every_operation_answers_a_fitting_request_in_its_own_shape() {
    let catalog = Catalog::shipped();
    let service = Service::Highlevel;
    let connector = catalog.connector(&ConnectorId::new(service.connector())).unwrap();
    let routes = Routes::new(connector, service);
    let planting = Planting::new(&Options::default()).unwrap();
    let now: Timestamp = "2026-03-02T14:00:00Z".parse().unwrap();
    let seeded = planting.world(now);
    let (mut called, mut wrong) = (0, Vec::new());
    for operation in connector.operations.values() {
        for all in [false, true] {
            let mut world = seeded.clone();
            let id = &operation.id;
            let found = routes.find(operation.method.as_str(), &path(&world, operation, connector));
            let (target, values) = found.unwrap_or_else(|| panic!("{id} has no route"));
            assert_eq!(target.operation.id, *id, "{} leads to another operation", operation.path);
            let call = request(&world, &target, values, all, now);
            if let Err(refusal) = service.check(&target, &call) {
                wrong.push(format!("{id}: its own sample is refused: {}", refusal.body));
                continue;
            }
            if let (None, Deed::Read(name) | Deed::Update(name) | Deed::Delete(name) | Deed::With(name)) =
                (target.behaviour, &target.shape.deed)
            {
                let below = target.shape.parent.as_ref().map(|it| call.path(it)).unwrap_or_default();
                let record = [("id".to_owned(), json!(call.path(name)))].into_iter().collect();
                world.insert(&target.shape.collection, call.path(name), below, record);
            }
            called += 1;
            match carry_out(&mut world, service, &target, &call) {
                Ok(reply) => {
                    let status = reply.status.unwrap_or_else(|| target.success());
                    assert!((200..300).contains(&status), "{id}: {status}");
                    let documented = operation.success.iter().find(|it| it.status == status).and_then(|it| it.schema.as_ref());
                    let found = documented.map(|it| it.check(&reply.body, connector, Reading::Typed)).unwrap_or_default();
                    if !found.is_empty() && !MISFITS.contains(&id.as_str()) {
                        wrong.push(format!("{id}: {found:?}"));
                    }
                }
                Err(refusal) => {
                    assert!(refusal.status < 500, "{id}: {} {}", refusal.status, refusal.body);
                    assert!(target.behaviour.is_some(), "{id}: {} {}", refusal.status, refusal.body);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {called}:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(called, 2 * 576);
}
