//! One stream of queries: DNS over TCP, and over whatever else is a stream of octets.
//!
//! Accepts no connections and knows no sockets. Responses are sent in the order of their queries; those to queries
//! that came together are written together, each length with its message. While a response can't be written
//! nothing is read, so a peer that does not read gets no further memory. Invariant: a message that was received
//! whole is answered, unless the peer does not take the answers. Source: RFC 7766 §6 to §8, RFC 1035 §4.2.2.

use std::cell::RefCell;
use std::net::IpAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::responder::Responder;
use crate::answer::{Asker, Report, Transport};
use crate::clock;
use crate::telemetry::connections::Closed;
use crate::telemetry::counts::{Counts, shared};
use crate::wire::MESSAGE_MAX;

/// How long a stream may take for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamLimits {
    /// Between messages (RFC 7766 §6.2.3).
    pub idle: Duration,
    /// From the first octet of a message to its last.
    pub read: Duration,
    /// For the peer to take the responses to what it sent together: at most about 128 KiB.
    pub write: Duration,
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self { idle: Duration::from_secs(10), read: Duration::from_secs(5), write: Duration::from_secs(5) }
    }
}

/// One peer's stream, apart from its octets.
pub struct Session<'s> {
    pub peer: IpAddr,
    pub transport: Transport,
    pub limits: StreamLimits,
    pub counts: &'s Counts,
    /// Ends the stream once it is between messages.
    pub stop: CancellationToken,
    /// Told whether the stream is between messages, each time that this changes.
    pub idle: &'s (dyn Fn(bool) + Send + Sync),
}

/// Answers the queries of one stream until it ends, and says why it did.
pub async fn serve_stream<S, R>(mut io: S, mut responder: R, session: Session<'_>) -> Closed
where
    S: AsyncRead + AsyncWrite + Unpin,
    R: Responder,
{
    let mut input = Vec::with_capacity(INPUT_AT_FIRST);
    let mut output = Vec::new();
    let closed = loop {
        let progress = answer_whole(&mut input, &mut output, &mut responder, &session);
        if let Err(closed) = write(&mut io, &mut output, session.limits.write).await {
            break closed;
        }
        let step = match progress {
            Progress::Garbage => Err(Closed::Garbage),
            Progress::MoreToAnswer => Ok(()),
            Progress::NeedsInput => read(&mut io, &mut input, &session).await,
        };
        if let Err(closed) = step {
            break closed;
        }
    };
    // A peer that reads nothing gets no goodbye either.
    let _ = timeout(session.limits.write, io.shutdown()).await;
    closed
}

/// What the input allows next.
enum Progress {
    /// There are more whole messages; the output was full.
    MoreToAnswer,
    NeedsInput,
    Garbage,
}

/// Answers the whole messages in `input` and removes them, until `output` is full.
fn answer_whole<R: Responder>(input: &mut Vec<u8>, output: &mut Vec<u8>, responder: &mut R, session: &Session<'_>) -> Progress {
    let mut rest = input.as_slice();
    let mut progress = Progress::NeedsInput;
    if first_message(rest).is_some() {
        let mut respond = responder.batch();
        while let Some((message, after)) = first_message(rest) {
            if output.len() >= OUTPUT_ENOUGH {
                progress = Progress::MoreToAnswer;
                break;
            }
            rest = after;
            if !put_response(message, output, &mut respond, session) {
                progress = Progress::Garbage;
                break;
            }
        }
    }
    let done = input.len() - rest.len();
    input.drain(..done);
    progress
}

/// The first message of `input` and what follows it, when all of it is there.
fn first_message(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = input.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))
}

/// Appends the response to `message` with its length; false when there is none.
fn put_response(
    message: &[u8],
    output: &mut Vec<u8>,
    respond: &mut impl FnMut(&[u8], &Asker, &mut [u8]) -> Report,
    session: &Session<'_>,
) -> bool {
    if message.is_empty() {
        return false;
    }
    let asker = Asker { address: session.peer, transport: session.transport };
    SCRATCH.with_borrow_mut(|scratch| {
        let report = respond(message, &asker, scratch);
        session.counts.record(session.peer, &report, shared);
        if report.len == 0 {
            return false;
        }
        let len = u16::try_from(report.len).expect("a response fits the scratch space, 65,535 octets");
        output.extend_from_slice(&len.to_be_bytes());
        output.extend_from_slice(&scratch[..report.len]);
        true
    })
}

/// Writes all of `output` and empties it.
async fn write<S: AsyncWrite + Unpin>(io: &mut S, output: &mut Vec<u8>, within: Duration) -> Result<(), Closed> {
    if output.is_empty() {
        return Ok(());
    }
    let written = timeout(within, async {
        io.write_all(output).await?;
        io.flush().await
    });
    match written.await {
        Ok(Ok(())) => {
            output.clear();
            output.shrink_to(OUTPUT_KEPT);
            Ok(())
        }
        Ok(Err(_)) => Err(Closed::Failed),
        Err(_) => Err(Closed::WriteDeadline),
    }
}

/// Reads until `input` holds a whole message, within its deadlines.
async fn read<S: AsyncRead + Unpin>(io: &mut S, input: &mut Vec<u8>, session: &Session<'_>) -> Result<(), Closed> {
    if input.is_empty() {
        input.shrink_to(INPUT_AT_FIRST);
        wait_for_message(io, input, session).await?;
    }
    // One deadline for the whole message: octets that trickle in do not move it.
    let deadline = (clock::monotonic() + session.limits.read).into();
    while first_message(input).is_none() {
        match timeout_at(deadline, io.read_buf(input)).await {
            Ok(Ok(0)) => return Err(Closed::ByPeer),
            Ok(Ok(_)) => {}
            Ok(Err(_)) => return Err(Closed::Failed),
            Err(_) => return Err(Closed::ReadDeadline),
        }
    }
    Ok(())
}

/// Waits for the first octets of a message; only here may the stream be stopped.
async fn wait_for_message<S: AsyncRead + Unpin>(io: &mut S, input: &mut Vec<u8>, session: &Session<'_>) -> Result<(), Closed> {
    (session.idle)(true);
    let first = tokio::select! {
        first = timeout(session.limits.idle, io.read_buf(input)) => first.map_err(|_| Closed::Idle),
        () = session.stop.cancelled() => Err(Closed::Stopped),
    };
    let first = match first {
        // What is on its way is answered even when the server stops.
        Err(Closed::Stopped) => timeout(STOP_GRACE, io.read_buf(input)).await.map_err(|_| Closed::Stopped),
        other => other,
    };
    (session.idle)(false);
    match first? {
        Ok(0) => Err(Closed::ByPeer),
        Ok(_) => Ok(()),
        Err(_) => Err(Closed::Failed),
    }
}

thread_local! {
    /// Where a response is built before its length is known: one for each thread, not for each connection.
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; MESSAGE_MAX].into());
}

/// How long a stream that is to stop waits for a query, and a listener for a connection, that was sent before the
/// peer could know.
pub(super) const STOP_GRACE: Duration = Duration::from_millis(50);
/// Octets that a waiting connection keeps for input; a longer message makes it grow as the octets come.
const INPUT_AT_FIRST: usize = 1_024;
/// Octets of responses that are collected before they are written.
const OUTPUT_ENOUGH: usize = 64 << 10;
/// Octets of output space that a connection keeps between writes.
const OUTPUT_KEPT: usize = 1_024;
