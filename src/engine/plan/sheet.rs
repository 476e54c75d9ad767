//! What a plan has come across: writes that were not sent, and which steps have an answer that is made up.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value, json};

use super::PlannedWrite;
use super::made_up;
use crate::catalog::{Connector, Method, Operation};
use crate::connector::{Connection, HttpRequest};
use crate::engine::shared::Shared;
use crate::flow::{Flow, FlowId, NodeId, NodeKind};
use crate::record::Request;
use crate::run::{Conclusion, StepKey};

/// So many writes are kept; of the rest there is a number.
const KEPT: usize = 500;

/// Where a plan is written.
#[derive(Debug)]
pub(in crate::engine) struct Sheet {
    flows: BTreeMap<FlowId, Arc<Flow>>,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    writes: Vec<PlannedWrite>,
    more: usize,
    /// The steps and triggers with an answer that is made up.
    made_up: BTreeMap<FlowId, BTreeSet<NodeId>>,
}

/// A call that is not made.
pub(in crate::engine) struct Withheld<'a> {
    pub(in crate::engine) flow: &'a FlowId,
    pub(in crate::engine) step: &'a StepKey,
}

impl Sheet {
    pub(super) fn new(flows: impl Iterator<Item = Arc<Flow>>) -> Self {
        Self { flows: flows.map(|it| (it.id.clone(), it)).collect(), inner: Mutex::default() }
    }

    /// What a step or a trigger gives is made up.
    pub(super) fn made_up(&self, flow: &FlowId, node: &NodeId) {
        self.lock().made_up.entry(flow.clone()).or_default().insert(node.clone());
    }

    /// The writes, and how many more there were.
    pub(super) fn taken(&self) -> (Vec<PlannedWrite>, usize) {
        let mut inner = self.lock();
        (std::mem::take(&mut inner.writes), inner.more)
    }

    /// What a person calls a step.
    pub(super) fn name(&self, flow: &FlowId, node: &NodeId) -> String {
        let node_of = self.flows.get(flow).and_then(|it| it.nodes.get(node));
        node_of.map(|it| it.name.clone()).filter(|it| !it.is_empty()).unwrap_or_else(|| node.to_string())
    }

    /// What a call of an operation comes to, where it is not to be made: it writes, or it asks about what is made up. None where it
    /// may go.
    pub(in crate::engine) async fn instead_of_call(
        &self,
        shared: &Shared,
        of: &Withheld<'_>,
        (connection, connector, operation): (&Connection, &Connector, &Operation),
        input: &Map<String, Value>,
    ) -> Option<Conclusion> {
        let made_up = self.depends(of);
        if operation.is_read() && made_up.is_empty() {
            return None;
        }
        if !operation.is_read() {
            match shared.caller.preview(connection, connector, operation, input).await {
                Ok(request) => self.write(PlannedWrite {
                    flow: of.flow.clone(),
                    step: of.step.clone(),
                    name: self.name(of.flow, &of.step.node),
                    operation: Some(operation.id.clone()),
                    connection: Some(connection.id.clone()),
                    sentence: made_up::sentence(operation, input),
                    request,
                    made_up,
                }),
                Err(failure) => return Some(Conclusion::Failed(failure)),
            }
        }
        self.made_up(of.flow, &of.step.node);
        Some(Conclusion::Succeeded(Arc::new(made_up::answer(connector, operation, input))))
    }

    /// The same of the generic request.
    pub(in crate::engine) async fn instead_of_http(
        &self,
        shared: &Shared,
        of: &Withheld<'_>,
        request: &HttpRequest,
        signer: Option<&Connection>,
    ) -> Option<Conclusion> {
        let made_up = self.depends(of);
        if request.method.is_read() && made_up.is_empty() {
            return None;
        }
        if !request.method.is_read() {
            match shared.caller.preview_http(request.clone(), signer).await {
                Ok(built) => self.write(self.http(of, request.method, signer, built, made_up)),
                Err(failure) => return Some(Conclusion::Failed(failure)),
            }
        }
        self.made_up(of.flow, &of.step.node);
        Some(Conclusion::Succeeded(Arc::new(json!({ "status": 200, "headers": {}, "body": {} }))))
    }

    fn http(
        &self,
        of: &Withheld<'_>,
        method: Method,
        signer: Option<&Connection>,
        request: Request,
        made_up: Vec<String>,
    ) -> PlannedWrite {
        let address = request.url.split('?').next().unwrap_or_default();
        PlannedWrite {
            flow: of.flow.clone(),
            step: of.step.clone(),
            name: self.name(of.flow, &of.step.node),
            operation: None,
            connection: signer.map(|it| it.id.clone()),
            sentence: format!("Would send {} to {address}", method.as_str()),
            request,
            made_up,
        }
    }

    fn write(&self, write: PlannedWrite) {
        let mut inner = self.lock();
        if inner.writes.len() < KEPT {
            inner.writes.push(write);
        } else {
            inner.more += 1;
        }
    }

    /// Whether a step takes one way or another, by what is made up.
    pub(super) fn is_open(&self, flow: &FlowId, node: &NodeId) -> bool {
        let kind = self.flows.get(flow).and_then(|it| it.nodes.get(node)).map(|it| &it.kind);
        let chooses = matches!(kind, Some(NodeKind::Branch { .. } | NodeKind::Switch { .. }));
        chooses && !self.depends(&Withheld { flow, step: &StepKey::new(node.clone()) }).is_empty()
    }

    /// The fields of a step that depend on what is made up.
    fn depends(&self, of: &Withheld<'_>) -> Vec<String> {
        let Some(flow) = self.flows.get(of.flow) else { return Vec::new() };
        let roots = self.lock().made_up.get(of.flow).cloned().unwrap_or_default();
        made_up::fields(flow, &roots, &of.step.node)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
