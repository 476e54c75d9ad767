//! What a feed found starts a run of each flow that waits for it.
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll as Progress;
use std::time::Duration;

use serde_json::Value;

use super::Subscriber;
use super::feed::{Broken, Feed};
use super::read::Found;
use super::sift::digest;
use crate::catalog::{Counts, Event, Poll};
use crate::engine::trigger::fire::{Fate, Fired, fire_with};
use crate::engine::trigger::told;
use crate::journal::Kept;
use crate::record::FailureKind;
use crate::run::{Cause, Via};

/// So many runs begin side by side: they share the commits that each of them waits for.
const AT_ONCE: usize = 256;

impl Feed {
    /// A run of every flow that waits for each of these, begun in order.
    pub(super) async fn start_all(&self, found: &[Found]) -> Result<(), Broken> {
        let all: Vec<(&Found, &Subscriber)> = found.iter().flat_map(|it| std::iter::repeat(it).zip(&it.subscribers)).collect();
        for some in all.chunks(AT_ONCE) {
            let starts = some.iter().map(|(it, subscriber)| {
                let start: Starting<'_> = Box::pin(self.start_one(subscriber, &it.key, &it.version, &it.record));
                start
            });
            side_by_side(starts.collect()).await?;
        }
        Ok(())
    }

    /// A run of a flow that waits.
    pub(super) async fn start_one(
        &self,
        subscriber: &Subscriber,
        key: &str,
        version: &str,
        record: &Value,
    ) -> Result<Fate, Broken> {
        if let (Some(event), Some(poll)) = (subscriber.told, self.event.poll()) {
            return self.make_up_for(subscriber, event, poll, key, version, record).await;
        }
        self.begin_one(subscriber, key, version, record, self.event, None).await
    }

    /// What the service should have told, and perhaps has.
    async fn make_up_for(
        &self,
        subscriber: &Subscriber,
        event: &'static Event,
        poll: &Poll,
        key: &str,
        version: &str,
        record: &Value,
    ) -> Result<Fate, Broken> {
        let Subscriber { deployed, trigger, .. } = subscriber;
        // One that was only made is told as that, and not as changed.
        let field = |it: &Option<String>| it.as_ref().and_then(|it| record.get(it));
        if matches!(poll.counts, Counts::Changed) && field(&poll.added).is_some_and(|it| Some(it) == field(&poll.cursor)) {
            return Ok(Fate::Duplicate);
        }
        let _turn = self.shared.turns.of(key).await;
        let mut memory = told::Memory::of(&self.shared, deployed, trigger, key).await;
        if memory.covers(poll, record) {
            return Ok(Fate::Duplicate);
        }
        let connections = self.shared.connections();
        let Some(connection) = connections.get(&self.id.connection) else { return Ok(Fate::Duplicate) };
        let message = told::as_told(&self.shared, event, connection, record);
        // What lies within the message has its time of change there; elsewhere the message shows it itself.
        let about = if event.item.is_empty() { self.event } else { event };
        memory.found(self.event, record, self.shared.clock.now());
        let kept = memory.kept();
        let fate = self.begin_one(subscriber, key, version, &message, about, Some(&kept)).await?;
        if !matches!(fate, Fate::Run(_))
            && let Err(error) = told::note(&self.shared, &kept).await
        {
            tracing::warn!(%error, "that an event came could not be written down");
        }
        Ok(fate)
    }

    async fn begin_one(
        &self,
        subscriber: &Subscriber,
        key: &str,
        version: &str,
        payload: &Value,
        about: &'static Event,
        kept: Option<&Kept>,
    ) -> Result<Fate, Broken> {
        let delivery = format!("poll:{}:{}:{}:{key}:{version}", subscriber.trigger, self.id.connection, self.event.id);
        // Ids of services are short; whatever is not is told by its digest.
        let delivery =
            if delivery.len() > 400 { format!("poll:{}:{}", subscriber.trigger, digest(&delivery.into())) } else { delivery };
        let via = if subscriber.told.is_some() { Via::Reconcile } else { Via::Poll };
        let cause = Cause { record: key.to_owned(), ..Cause::by(via) };
        let mut wait = Duration::from_millis(200);
        loop {
            let (payload, delivery, cause) = (payload.clone(), delivery.clone(), cause.clone());
            let about = Some((self.id.connection.clone(), about));
            let fired = Fired { trigger: subscriber.trigger.clone(), payload, delivery, cause, about };
            match fire_with(&self.shared, &subscriber.deployed, fired, kept.cloned()).await {
                Ok(fate) => return Ok(fate),
                Err(failure) if failure.kind != FailureKind::Machine || self.shared.is_stopping() => {
                    return Err(Broken::Machine(failure));
                }
                // Too many are under way, or the disk is slow: what was found is not lost, it waits here.
                Err(failure) => {
                    tracing::debug!(%failure, "an event waits");
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(Duration::from_secs(10));
                }
            }
        }
    }
}

/// A run on its way.
type Starting<'a> = Pin<Box<dyn Future<Output = Result<Fate, Broken>> + Send + 'a>>;

/// Goes on with all of these until each is done, always in their order; the first that failed, if one did.
async fn side_by_side(starts: Vec<Starting<'_>>) -> Result<(), Broken> {
    let mut open: Vec<Option<Starting<'_>>> = starts.into_iter().map(Some).collect();
    let mut failed = None;
    poll_fn(|context| {
        for place in &mut open {
            let Some(Progress::Ready(ended)) = place.as_mut().map(|it| it.as_mut().poll(context)) else { continue };
            *place = None;
            if let Err(broken) = ended {
                failed.get_or_insert(broken);
            }
        }
        if open.iter().all(Option::is_none) { Progress::Ready(()) } else { Progress::Pending }
    })
    .await;
    failed.map_or(Ok(()), Err)
}
