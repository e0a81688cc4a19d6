//! `/v1/events` over a connection: how long it may last, how many there are, what is asked for wrongly.

use super::admin::{Http, http_within};
use super::*;

/// A request for events, whose response is read as it comes.
async fn follow(http: &Http, path: &str, header: &str) -> TcpStream {
    let mut stream = TcpStream::connect(http.address).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n{header}\r\n").as_bytes()).await.unwrap();
    stream
}

/// Reads until the text has come.
async fn read_until(stream: &mut TcpStream, text: &str) -> String {
    let mut read = Vec::new();
    let reading = async {
        while !String::from_utf8_lossy(&read).contains(text) {
            let octet = stream.read_u8().await;
            read.push(octet.unwrap_or_else(|error| panic!("{error}, after:\n{}", String::from_utf8_lossy(&read))));
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.unwrap_or_else(|_| panic!("{text} did not come"));
    String::from_utf8(read).unwrap()
}

fn step(http: &Http, by_ms: i64) {
    http.telemetry.tell(Timestamp::UNIX_EPOCH, Event::ClockStepped { by_ms });
}

#[tokio::test]
async fn a_stream_outlives_other_connections_and_ends_when_the_server_does() {
    let http = http_within(HttpLimits { connection: SHORT, ..HttpLimits::default() });
    let mut stream = follow(&http, "/v1/events", "").await;
    let head = read_until(&mut stream, "retry: 1000").await;
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("content-type: text/event-stream\r\n"), "{head}");
    // Longer than a connection that is not wanted for long.
    let _ = tokio::time::timeout(SHORT * 3, std::future::pending::<()>()).await;
    step(&http, 1);
    assert!(read_until(&mut stream, "\"by_ms\":1").await.contains("event: clock_stepped\n"));
    http.stop.cancel();
    read_until(&mut stream, ": this stream ends").await;
    let stopped = tokio::time::timeout(Duration::from_secs(5), http.served).await;
    stopped.expect("no stream keeps the listener").unwrap().unwrap();
}

#[tokio::test]
async fn a_client_that_comes_back_hears_what_it_missed() {
    let http = http_within(HttpLimits::default());
    (1..=3).for_each(|at| step(&http, at));
    let newest = http.telemetry.bus().newest();
    for (path, header, first) in [
        ("/v1/events?since=0", String::new(), 1),
        (&*format!("/v1/events?since={}", newest - 2), String::new(), 2),
        // What it says itself goes before what the URL said first.
        ("/v1/events?since=0", format!("last-event-id: {}\r\n", newest - 1), 3),
    ] {
        let text = read_until(&mut follow(&http, path, &header).await, "\"by_ms\":3}").await;
        let heard = (1..=3).find(|by_ms| text.contains(&format!("\"by_ms\":{by_ms}}}")));
        assert_eq!(heard, Some(first), "{path} {header}: {text}");
    }
}

#[tokio::test]
async fn an_id_that_is_none_is_refused_with_what_is_accepted() {
    let http = http_within(HttpLimits::default());
    for id in ["x", "-1", "1.5", ""] {
        let (status, body) = http.get(&format!("/v1/events?since={id}")).await;
        assert_eq!(status, 400, "{body}");
        assert!(body.contains("the number after `id:`"), "{body}");
    }
}

#[tokio::test]
async fn streams_are_at_most_so_many_and_give_their_places_back() {
    let http = http_within(HttpLimits::default());
    let mut streams = Vec::new();
    for _ in 0..32 {
        let mut stream = follow(&http, "/v1/events", "").await;
        read_until(&mut stream, "retry:").await;
        streams.push(stream);
    }
    let response = reqwest::get(format!("http://{}/v1/events", http.address)).await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (503, &"10".parse().unwrap()));
    assert!(response.text().await.unwrap().contains("32 streams"));
    drop(streams);
    let again = async {
        while http.get_head("/v1/events").await != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, again).await.expect("places are given back");
}

#[test]
fn the_events_page_lists_what_is_streamed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/events.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (found, table) = (admin::table_after(&page, "## Kinds"), catalog::streamed_table());
    if std::env::var_os("UPDATE_CASES").is_some() {
        return std::fs::write(path, page.replace(found, &table)).unwrap();
    }
    assert_eq!(found, table, "UPDATE_CASES=1 cargo test --test server rewrites the table");
}
