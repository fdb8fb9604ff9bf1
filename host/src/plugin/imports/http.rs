//! `http`: requests of a guest, sent by the host with the endpoint's client. The guest says what
//! is to be authenticated how; the secret is put in here, and looked for in every answer.

use std::sync::atomic::AtomicU64;

use futures_util::{StreamExt, stream};
use portolan_bindings::v0_1::portolan::adapter::{
    http::{Host, Request, Response},
    types::TransportError,
};
use tokio::time::Instant;

use crate::{
    net,
    plugin::{bound::Bound, instance::State},
};

mod exchange;
mod login;
mod prepare;
mod redirect;
mod template;

use exchange::Failure;

/// Requests of one `send-all` under way at once.
const AT_ONCE: usize = 8;

type Answer = Result<Response, TransportError>;

/// Why a request is not sent or has no answer: the kind of `types.transport-error`.
fn transport(kind: &str, message: impl Into<String>) -> TransportError {
    TransportError { kind: kind.to_owned(), message: message.into() }
}

impl Host for State {
    async fn send(&mut self, request: Request) -> wasmtime::Result<Answer> {
        let mut answers = self.send_all(vec![request]).await?;
        answers.pop().ok_or_else(|| wasmtime::format_err!("a request without an answer"))
    }

    async fn send_all(&mut self, requests: Vec<Request>) -> wasmtime::Result<Vec<Answer>> {
        #[cfg(all(test, feature = "daemon"))]
        let _away = crate::plugin::instance::work::Away::begin();
        let bound = self.bound()?;
        self.spend(&bound, requests.len())?;
        let deadline = guest_deadline(self.deadline);
        let room = AtomicU64::new(bound.limits.memory as u64);
        let client = bound.memory.client.within(&self.budgets);
        let (bound, room) = ((&*bound, &client), &room);
        let work = requests.into_iter().map(|request| one(bound, request, room, deadline));
        let done: Vec<_> = stream::iter(work).buffered(AT_ONCE).collect().await;
        done.into_iter().map(|result| self.answer(result)).collect()
    }
}

async fn one(
    (bound, client): (&Bound, &net::Client),
    request: Request,
    room: &AtomicU64,
    deadline: Instant,
) -> Result<Response, Failure> {
    let prepared = prepare::prepare(bound, request).map_err(Failure::Transport)?;
    exchange::exchange((bound, client), prepared, room, deadline).await
}

/// A little before the call's own end, so that the guest can still report a slow registry.
fn guest_deadline(end: Instant) -> Instant {
    let left = end.saturating_duration_since(Instant::now());
    end - left / 20
}

impl State {
    fn spend(&mut self, bound: &Bound, requests: usize) -> wasmtime::Result<()> {
        let left = u32::try_from(requests).ok().and_then(|count| self.requests.checked_sub(count));
        match left {
            Some(left) => {
                self.requests = left;
                Ok(())
            }
            None => {
                let detail = format!("it sent more than {} requests", bound.limits.requests);
                Err(self.trip("requests", detail))
            }
        }
    }

    fn answer(&mut self, result: Result<Response, Failure>) -> wasmtime::Result<Answer> {
        match result {
            Ok(response) => Ok(Ok(response)),
            Err(Failure::Transport(error)) => Ok(Err(error)),
            Err(Failure::TooLarge(error)) => {
                // The guest may live with it; if not, the caller is told which limit it was.
                self.trip("response-bytes", error.message.clone());
                Ok(Err(error))
            }
            Err(Failure::Echo(detail)) => Err(self.trip("secret-echo", detail)),
        }
    }
}
