//! `/v1/events`: what happens, as it happens, as server-sent events (HTML Living Standard, "Server-sent events").
//!
//! Reads what `telemetry::bus` keeps, and changes nothing. A stream ends after [`STREAM_AT_MOST`], and its client comes back
//! with the last id that it has seen. Invariants: at most [`STREAMS_MAX`] at a time; a reader that takes nothing for
//! [`TAKEN_WITHIN`] is dropped, and one that misses events is told `lost`; nobody who reads keeps one who publishes waiting.

use std::fmt::Write;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use hyper::body::Frame;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{sleep, timeout};

use super::Admin;
use super::listen::Stay;
use crate::telemetry::Telemetry;
use crate::telemetry::bus::{Told, Unread};

/// The parameters as they came.
#[derive(Deserialize)]
pub(super) struct Parameters {
    since: Option<String>,
}

/// One stream being written.
struct Stream {
    telemetry: Arc<Telemetry>,
    /// The last id that was written.
    after: u64,
    out: mpsc::Sender<Bytes>,
    stay: Stay,
    /// Held as long as the stream is written.
    _place: OwnedSemaphorePermit,
}

/// What is to be written next.
enum Next {
    Events,
    Heartbeat,
    End,
}

pub(super) async fn answer(
    State(admin): State<Admin>,
    Extension(stay): Extension<Stay>,
    headers: HeaderMap,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Response {
    let after = match read_after(&headers, parameters) {
        Ok(after) => after.unwrap_or_else(|| admin.telemetry.bus().newest()),
        Err(detail) => return (StatusCode::BAD_REQUEST, Json(json!({ "error": detail }))).into_response(),
    };
    let Ok(place) = admin.streams.clone().try_acquire_owned() else {
        let detail = format!("{STREAMS_MAX} streams of events are open, which is the most there may be");
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "10")], Json(json!({ "error": detail })))
            .into_response();
    };
    let (out, written) = mpsc::channel(CHUNKS_WAITING);
    tokio::spawn(Stream { telemetry: admin.telemetry, after, out, stay, _place: place }.write());
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    (headers, Body::new(Written(written))).into_response()
}

/// After which event to begin; none for the next that happens. What a client that comes back says goes before the URL, which
/// is still that of its first request.
fn read_after(headers: &HeaderMap, parameters: Result<Query<Parameters>, QueryRejection>) -> Result<Option<u64>, String> {
    let since = parameters.map_err(|rejection| rejection.body_text())?.0.since;
    let resumed = headers.get("last-event-id").map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned());
    let Some(id) = resumed.filter(|id| !id.is_empty()).or(since) else { return Ok(None) };
    let wrong = |_| format!("{id:?} is no event's id; the number after `id:` is accepted, and 0 for all that are kept");
    id.parse().map(Some).map_err(wrong)
}

impl Stream {
    async fn write(mut self) {
        self.stay.longer(STREAM_AT_MOST);
        let mut newest = self.telemetry.bus().listen();
        let mut end = std::pin::pin!(sleep(STREAM_AT_MOST));
        let mut text = format!("retry: {RETRY_MS}\n\n");
        loop {
            self.put_unread(&mut text);
            if !text.is_empty() && !self.send(std::mem::take(&mut text)).await {
                break;
            }
            let next = tokio::select! {
                biased;
                () = self.stay.stopped() => Next::End,
                () = self.out.closed() => Next::End,
                () = end.as_mut() => Next::End,
                _ = newest.changed() => Next::Events,
                () = sleep(HEARTBEAT_EVERY) => Next::Heartbeat,
            };
            match next {
                Next::Events => {}
                Next::Heartbeat => text.push_str(": nothing has happened\n\n"),
                Next::End => {
                    self.send(": this stream ends; go on with Last-Event-ID\n\n".to_owned()).await;
                    break;
                }
            }
        }
        self.stay.longer(Duration::ZERO);
    }

    fn put_unread(&mut self, text: &mut String) {
        let Unread { events, lost, newest } = self.telemetry.bus().after(self.after);
        if lost {
            let before = events.first().map_or(newest, |first| first.id - 1);
            let after = self.after;
            put(text, before, "lost", &json!({ "event": "lost", "after": after, "before": before + 1 }).to_string());
        }
        for told in events {
            let data = serde_json::to_string(&*told).expect("an event is a structure of texts and numbers");
            put(text, told.id, kind(&told), &data);
        }
        self.after = newest;
    }

    /// Hands a text to the connection; false when nobody takes it.
    async fn send(&self, text: String) -> bool {
        matches!(timeout(TAKEN_WITHIN, self.out.send(text.into())).await, Ok(Ok(())))
    }
}

fn kind(told: &Told) -> &'static str {
    told.event.kind().name
}

fn put(text: &mut String, id: u64, event: &str, data: &str) {
    write!(text, "id: {id}\nevent: {event}\ndata: {data}\n\n").expect("writing to a string can't fail");
}

/// A response's body: what a [`Stream`] hands over.
struct Written(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Written {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let chunk = ready!(self.0.poll_recv(context));
        Poll::Ready(chunk.map(|chunk| Ok(Frame::data(chunk))))
    }
}

/// Streams at a time.
pub(super) const STREAMS_MAX: usize = 32;
/// How long a stream lasts.
const STREAM_AT_MOST: Duration = Duration::from_secs(15 * 60);
/// How long a reader may take nothing of what waits for it.
const TAKEN_WITHIN: Duration = Duration::from_secs(30);
/// How often something is written though nothing happens, so that who goes away is noticed.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(15);
/// When clients come back.
const RETRY_MS: u64 = 1_000;
/// Texts on their way to a connection; what happens meanwhile waits on the bus.
const CHUNKS_WAITING: usize = 1;

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use tokio::sync::{Semaphore, watch};
    use tokio::task::JoinHandle;
    use tokio::time::Instant;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::telemetry::Event;
    use crate::telemetry::bus::EVENTS_KEPT;

    /// A stream, without the connection that it goes to.
    struct Fixture {
        telemetry: Arc<Telemetry>,
        taken: mpsc::Receiver<Bytes>,
        asked: watch::Receiver<Duration>,
        stop: CancellationToken,
        places: Arc<Semaphore>,
        written: JoinHandle<()>,
    }

    /// Streams what comes after `after`, of a telemetry that knows `events` events.
    fn stream(events: usize, after: impl FnOnce(&Telemetry) -> u64) -> Fixture {
        let telemetry = Arc::new(Telemetry::new());
        (0..events).for_each(|_| publish(&telemetry));
        let (out, taken) = mpsc::channel(CHUNKS_WAITING);
        let (stop, places) = (CancellationToken::new(), Arc::new(Semaphore::new(1)));
        let (stay, asked) = Stay::new(stop.clone());
        let (after, _place) = (after(&telemetry), places.clone().try_acquire_owned().unwrap());
        let written = tokio::spawn(Stream { telemetry: telemetry.clone(), after, out, stay, _place }.write());
        Fixture { telemetry, taken, asked, stop, places, written }
    }

    fn publish(telemetry: &Telemetry) {
        telemetry.bus().publish(Timestamp::UNIX_EPOCH, Event::ClockStepped { by_ms: 7 });
    }

    impl Fixture {
        async fn take(&mut self) -> String {
            String::from_utf8(self.taken.recv().await.unwrap_or_default().to_vec()).unwrap()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_beats_while_nothing_happens_ends_in_time_and_says_so() {
        let mut fixture = stream(0, |telemetry| telemetry.bus().newest());
        let began = Instant::now();
        assert_eq!(fixture.take().await, "retry: 1000\n\n");
        assert_eq!(*fixture.asked.borrow_and_update(), STREAM_AT_MOST);
        let mut text = String::new();
        while let Some(chunk) = fixture.taken.recv().await {
            text += std::str::from_utf8(&chunk).unwrap();
        }
        assert_eq!(text.matches(": nothing has happened\n\n").count(), 59);
        assert!(text.ends_with("\n\n: this stream ends; go on with Last-Event-ID\n\n"), "{text}");
        fixture.written.await.unwrap();
        assert!(began.elapsed() >= STREAM_AT_MOST);
        assert_eq!((*fixture.asked.borrow(), fixture.places.available_permits()), (Duration::ZERO, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_is_written_with_its_id_its_kind_and_its_fields() {
        let mut fixture = stream(0, |telemetry| telemetry.bus().newest());
        fixture.take().await;
        publish(&fixture.telemetry);
        let id = fixture.telemetry.bus().newest();
        let data = r#"{"at":"1970-01-01T00:00:00Z","event":"clock_stepped","by_ms":7}"#;
        assert_eq!(fixture.take().await, format!("id: {id}\nevent: clock_stepped\ndata: {data}\n\n"));
        fixture.stop.cancel();
        assert!(fixture.take().await.starts_with(": this stream ends"));
        assert_eq!(fixture.take().await, "");
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_too_late_is_told_what_is_lost_and_goes_on() {
        let mut fixture = stream(EVENTS_KEPT + 9, |telemetry| telemetry.bus().newest() - EVENTS_KEPT as u64 - 5);
        let newest = fixture.telemetry.bus().newest();
        let (after, before) = (newest - EVENTS_KEPT as u64 - 5, newest - EVENTS_KEPT as u64);
        let first = fixture.take().await;
        let data = format!(r#"{{"after":{after},"before":{},"event":"lost"}}"#, before + 1);
        assert!(first.contains(&format!("id: {before}\nevent: lost\ndata: {data}\n\nid: {}\n", before + 1)), "{first}");
        assert!(first.contains(&format!("id: {newest}\n")));
        assert_eq!(first.matches("event: clock_stepped").count(), EVENTS_KEPT);
        // Told once.
        publish(&fixture.telemetry);
        assert!(fixture.take().await.starts_with(&format!("id: {}\nevent: clock_stepped", newest + 1)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_takes_nothing_is_dropped() {
        let fixture = stream(1, |_| 0);
        let began = Instant::now();
        let mut seconds = tokio::time::interval(Duration::from_secs(1));
        let publishing = async {
            loop {
                seconds.tick().await;
                publish(&fixture.telemetry);
            }
        };
        tokio::select! {
            () = publishing => {}
            written = fixture.written => written.unwrap(),
        }
        assert!(began.elapsed() < TAKEN_WITHIN * 2, "{:?}", began.elapsed());
        assert_eq!((*fixture.asked.borrow(), fixture.places.available_permits()), (Duration::ZERO, 1));
    }
}
