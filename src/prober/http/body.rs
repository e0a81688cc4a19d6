//! Whether a body shows what it must, within its first 5,120 octets.
//!
//! Invariant: no more than those octets, and the frame being read, are held, whatever is sent.

use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};

use crate::health::observation::Failure;
use crate::health::protocol::http::{Pattern, SEARCH_WITHIN, Search};
use crate::prober::exchange::broken;

/// Reads until it is known whether the body shows what is looked for.
pub(super) async fn find(body: Incoming, search: &Search) -> Result<(), Failure> {
    match search {
        Search::Text(text) => find_text(body, text.as_bytes()).await,
        Search::Pattern(pattern) => find_match(body, pattern).await,
    }
}

/// Reads until the text is found, or can no longer lie within the first octets.
async fn find_text(mut body: Incoming, text: &[u8]) -> Result<(), Failure> {
    let mut read = Vec::new();
    while let Some(data) = next(&mut body).await? {
        let searched = read.len().saturating_sub(text.len() - 1);
        let is_full = take(&mut read, &data);
        if read[searched..].windows(text.len()).any(|window| window == text) {
            return Ok(());
        }
        if is_full {
            break;
        }
    }
    Err(Failure::SearchStringAbsent)
}

/// Reads all of the first octets: what matches a part of them need not match them all.
async fn find_match(mut body: Incoming, pattern: &Pattern) -> Result<(), Failure> {
    let mut read = Vec::new();
    while let Some(data) = next(&mut body).await? {
        if take(&mut read, &data) {
            break;
        }
    }
    if pattern.is_match(&read) { Ok(()) } else { Err(Failure::PatternAbsent) }
}

/// The next data; none at the end.
async fn next(body: &mut Incoming) -> Result<Option<Bytes>, Failure> {
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(|error| broken(&error))?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// Keeps of `data` what there is room for. Whether there is no more.
fn take(read: &mut Vec<u8>, data: &[u8]) -> bool {
    read.extend_from_slice(&data[..data.len().min(SEARCH_WITHIN - read.len())]);
    read.len() == SEARCH_WITHIN
}
