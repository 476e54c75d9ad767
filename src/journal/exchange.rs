//! Exchanges as bytes. Bodies stand outside of the JSON as they are: nothing to escape when writing, and a search sees them
//! as a person does.
//!
//! `version, (head length, head, request body length, request body, answer body length, answer body)*`, lengths in four bytes,
//! little endian; the head is JSON.
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::StepExchange;
use crate::record::{Answer, Body, Exchange, Request, Timing};
use crate::run::StepKey;

const VERSION: u8 = 1;

/// One exchange within its bytes: the head not yet parsed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) head: &'a [u8],
    pub(super) request: &'a [u8],
    pub(super) answer: &'a [u8],
}

#[derive(Serialize)]
struct HeadOut<'a> {
    s: &'a StepKey,
    a: u32,
    x: ExchangeOut<'a>,
}

#[derive(Serialize)]
struct ExchangeOut<'a> {
    request: RequestOut<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<AnswerOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    started: Timestamp,
    timing: Timing,
}

#[derive(Serialize)]
struct RequestOut<'a> {
    method: &'a str,
    url: &'a str,
    headers: &'a [(String, String)],
    body: BodyOut,
}

#[derive(Serialize)]
struct AnswerOut<'a> {
    status: u16,
    headers: &'a [(String, String)],
    body: BodyOut,
}

#[derive(Serialize)]
struct BodyOut {
    size: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cut: bool,
}

#[derive(Deserialize)]
struct HeadIn {
    s: StepKey,
    a: u32,
    x: Exchange,
}

/// Appends the bytes of an exchange to `out`; the error is in words.
pub(super) fn write(it: &StepExchange, out: &mut Vec<u8>) -> Result<(), String> {
    // Taken apart without `..`, so that a field that joins is not forgotten here.
    let Exchange { request, answer, error, started, timing } = &*it.exchange;
    let Request { method, url, headers, body: asked } = request;
    let (answer, got) = match answer {
        Some(Answer { status, headers, body }) => {
            (Some(AnswerOut { status: *status, headers, body: BodyOut::of(body) }), &*body.text)
        }
        None => (None, ""),
    };
    let exchange = ExchangeOut {
        request: RequestOut { method, url, headers, body: BodyOut::of(asked) },
        answer,
        error: error.as_deref(),
        started: *started,
        timing: *timing,
    };
    if out.is_empty() {
        out.push(VERSION);
    }
    let start = out.len();
    out.extend([0; 4]);
    serde_json::to_writer(&mut *out, &HeadOut { s: &it.step, a: it.attempt, x: exchange }).map_err(|error| error.to_string())?;
    let head = out.len() - start - 4;
    let length = |bytes: usize| {
        u32::try_from(bytes).map(u32::to_le_bytes).map_err(|error| format!("an exchange of {bytes} bytes: {error}"))
    };
    out[start..start + 4].copy_from_slice(&length(head)?);
    for body in [&*asked.text, got] {
        out.extend(length(body.len())?);
        out.extend(body.as_bytes());
    }
    Ok(())
}

/// The exchanges within their bytes; stops with an error where they are damaged.
pub(super) fn frames(bytes: &[u8]) -> impl Iterator<Item = Result<Frame<'_>, String>> {
    let mut rest = match bytes.split_first() {
        None => Ok(bytes),
        Some((&VERSION, rest)) => Ok(rest),
        Some((other, _)) => Err(format!("exchanges of version {other}")),
    };
    std::iter::from_fn(move || match &mut rest {
        Ok([]) => None,
        Ok(bytes) => {
            let frame = part(bytes).and_then(|head| Some(Frame { head, request: part(bytes)?, answer: part(bytes)? }));
            if frame.is_none() {
                *bytes = &[];
            }
            Some(frame.ok_or_else(|| "exchanges that end too early".to_owned()))
        }
        Err(error) => {
            let error = std::mem::take(error);
            rest = Ok(&[]);
            Some(Err(error))
        }
    })
}

impl Frame<'_> {
    /// The exchange; without the bodies' text unless `bodies`.
    pub(super) fn parse(self, bodies: bool) -> Result<StepExchange, String> {
        let HeadIn { s: step, a: attempt, x: mut exchange } =
            serde_json::from_slice(self.head).map_err(|error| format!("an exchange: {error}"))?;
        if bodies {
            exchange.request.body.text = text(self.request)?;
            if let Some(answer) = &mut exchange.answer {
                answer.body.text = text(self.answer)?;
            }
        }
        Ok(StepExchange { step, attempt, exchange: Arc::new(exchange) })
    }
}

impl BodyOut {
    fn of(body: &Body) -> Self {
        let Body { text: _, size, cut } = body;
        Self { size: *size, cut: *cut }
    }
}

fn text(bytes: &[u8]) -> Result<String, String> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|error| format!("a body: {error}"))
}

fn part<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (part, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    *bytes = rest;
    Some(part)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::journal::tests::exchange as sample;

    fn body() -> impl Strategy<Value = Body> {
        (".{0,80}", any::<u64>(), any::<bool>()).prop_map(|(text, size, cut)| Body { text, size, cut })
    }

    proptest! {
        #[test]
        fn exchanges_come_back_as_they_were(
            (asked, got) in (body(), proptest::option::of(body())), url in ".*", error in proptest::option::of(".*"),
            header in (".*", ".*"), times in any::<[u32; 3]>(), attempt in any::<u32>(),
        ) {
            let exchange = Exchange {
                request: Request { method: "POST".to_owned(), url, headers: vec![header.clone()], body: asked },
                answer: got.map(|body| Answer { status: 200, headers: vec![header.clone(), header], body }),
                error,
                started: "2026-03-01T12:00:00.123456789Z".parse().unwrap(),
                timing: Timing { queued_us: times[0].into(), waiting_us: times[1].into(), receiving_us: times[2].into() },
            };
            let all = [StepExchange { step: StepKey::new("a"), attempt, exchange: Arc::new(exchange) }, sample("b", "x")];
            let mut bytes = Vec::new();
            for it in &all {
                write(it, &mut bytes).unwrap();
            }
            let back: Vec<StepExchange> = frames(&bytes).map(|it| it.unwrap().parse(true).unwrap()).collect();
            prop_assert_eq!(&back[..], &all[..]);
            for end in 1..bytes.len() {
                // Cut anywhere: fewer exchanges, or an error, and never a panic.
                let short = frames(&bytes[..end]).filter_map(Result::ok).count();
                prop_assert!(short < all.len());
            }
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for frame in frames(&bytes).take(1000).flatten() {
                frame.parse(true).ok();
            }
        }
    }

    #[test]
    fn a_later_version_is_named() {
        let found: Vec<_> = frames(&[9, 0, 0]).map(|it| it.map(|_| ())).collect();
        assert_eq!(found, [Err("exchanges of version 9".to_owned())]);
    }
}
