//! The admin pages over HTTP, and the page in `docs/` that explains what they count.

use super::*;

pub struct Http {
    pub address: SocketAddr,
    pub telemetry: Arc<Telemetry>,
    pub stop: CancellationToken,
    readiness: Arc<Readiness>,
    pub served: tokio::task::JoinHandle<io::Result<()>>,
}

fn http() -> Http {
    http_within(HttpLimits::default())
}

pub fn http_within(limits: HttpLimits) -> Http {
    let since = Timestamp::from_second(1_700_000_000).unwrap();
    let id = HealthCheckId::new("fra").unwrap();
    let verdict = Verdict::plain(id, Status::Unhealthy, since, "connection refused".into());
    let snapshot = Snapshot { health: Arc::new(HealthTable::new(vec![verdict])), generation: 3, ..Snapshot::default() };
    let readiness = Arc::new(Readiness::default());
    let telemetry = Arc::new(Telemetry::new());
    let admin = Admin::new(Arc::new(Published::new(snapshot)), telemetry.clone(), readiness.clone());
    let mut listeners = Listeners::bind(&[], Some("127.0.0.1:0".parse().unwrap()), NonZeroUsize::MIN).unwrap();
    let address = listeners.http_address().unwrap();
    let stop = CancellationToken::new();
    let served = tokio::spawn(api::serve(listeners.take_http().unwrap(), admin.router(), limits, stop.clone()));
    Http { address, telemetry, stop, readiness, served }
}

impl Http {
    pub async fn get(&self, path: &str) -> (u16, String) {
        let response = reqwest::get(format!("http://{}{path}", self.address)).await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// The status of a page that may have no end.
    pub async fn get_head(&self, path: &str) -> u16 {
        reqwest::get(format!("http://{}{path}", self.address)).await.unwrap().status().as_u16()
    }
}

#[tokio::test]
async fn readiness_follows_the_servers_life() {
    let http = http();
    assert_eq!(http.get("/healthz").await, (200, "ok\n".to_owned()));
    assert_eq!(http.get("/readyz").await, (503, "starting: the first round of health checks is not over\n".to_owned()));
    http.readiness.set_ready();
    assert_eq!(http.get("/readyz").await, (200, "ready\n".to_owned()));
    http.readiness.set_draining();
    assert_eq!(http.get("/readyz").await, (503, "draining: this server was told to stop\n".to_owned()));
    assert_eq!(http.get("/healthz").await.0, 200);
}

#[tokio::test]
async fn health_is_told_with_its_reason() {
    let expected = r#"{"generation":3,"checks":[{"id":"fra","status":"unhealthy","healthy":false,"since":"2023-11-14T22:13:20Z","because":"connection refused"}]}"#;
    assert_eq!(http().get("/v1/health").await, (200, expected.to_owned()));
}

#[test]
fn what_counts_in_the_place_of_a_status_is_told_beside_it() {
    let id = HealthCheckId::new("fra").unwrap();
    let exception = Exception { kind: ExceptionKind::Down, because: "forced down by ops: moving racks".into() };
    let plain = Verdict::plain(id, Status::Healthy, Timestamp::UNIX_EPOCH, "connected".into());
    let verdict = Verdict { healthy: false, exception: Some(exception), ..plain };
    let snapshot = Snapshot { health: Arc::new(HealthTable::new(vec![verdict])), ..Snapshot::default() };
    let told = serde_json::to_value(HealthReport::of(&snapshot, &Telemetry::new())).unwrap();
    let expected = serde_json::json!({ "kind": "forced_down", "because": "forced down by ops: moving racks" });
    assert_eq!((&told["checks"][0]["status"], &told["checks"][0]["exception"]), (&"healthy".into(), &expected));
}

#[tokio::test]
async fn a_check_is_told_in_full_and_one_that_is_not_there_is_missed() {
    let http = http();
    let event = board::Event {
        id: HealthCheckId::new("fra").unwrap(),
        from: Status::Unknown,
        to: Status::Unhealthy,
        healthy: false,
        because: "connection refused".into(),
        since: Timestamp::from_second(1_700_000_000).unwrap(),
    };
    http.telemetry.histories().record(&[event]);
    let page = async |path: &str| -> serde_json::Value { serde_json::from_str(&http.get(path).await.1).unwrap() };
    let full = page("/v1/checks/fra").await;
    assert_eq!((&full["id"], &full["status"]), (&"fra".into(), &"unhealthy".into()));
    let windows = full["windows"].as_array().unwrap();
    assert_eq!(windows.iter().map(|window| window["window"].as_str().unwrap()).collect::<Vec<_>>(), ["24h", "7d", "30d", "365d"]);
    assert_eq!((&windows[3]["uptime"], &windows[3]["failures"]), (&0.0.into(), &1.into()));
    let history = page("/v1/checks/fra/history").await;
    let transition = serde_json::json!({
        "at": "2023-11-14T22:13:20Z", "from": "unknown", "to": "unhealthy", "because": "connection refused"
    });
    assert_eq!(history, serde_json::json!({ "id": "fra", "transitions": [transition] }));
    for path in ["/v1/checks/nobody", "/v1/checks/nobody/history"] {
        let (status, body) = http.get(path).await;
        assert!(status == 404 && body.contains("there is no health check"), "{status} {body}");
    }
}

#[tokio::test]
async fn metrics_are_openmetrics_text() {
    let http = http();
    let response = reqwest::get(format!("http://{}/metrics", http.address)).await.unwrap();
    let media_type = response.headers()["content-type"].to_str().unwrap().to_owned();
    assert_eq!(media_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let text = response.text().await.unwrap();
    assert_counted(&text, &[r#"waypost_health_status{check="fra"} 0"#, "# EOF"]);
}

#[tokio::test]
async fn an_unknown_path_says_which_there_are() {
    let (status, body) = http().get("/metric").await;
    assert_eq!(
        (status, body.as_str()),
        (
            404,
            r#"{"error":"/metric is no page here; /healthz, /readyz, /metrics, /v1/health, /v1/checks/ID, /v1/checks/ID/history, /v1/events, /v1/explain, /v1/overrides, /v1/audit, /v1/signals, /v1/failback and /v1/failover are"}"#
        )
    );
}

#[tokio::test]
async fn a_header_without_end_is_refused() {
    let mut stream = TcpStream::connect(http().address).await.unwrap();
    let _ = stream.write_all(&[b"GET /healthz HTTP/1.1\r\nx: ".as_slice(), &[b'y'; 32 << 10]].concat()).await;
    let response = read_to_close(&mut stream).await;
    assert!(response.is_empty() || response.starts_with(b"HTTP/1.1 431"), "{}", String::from_utf8_lossy(&response));
}

#[tokio::test]
async fn a_request_that_is_begun_and_not_finished_is_closed() {
    let http = http_within(HttpLimits { header: SHORT, ..HttpLimits::default() });
    for begun in ["", "GET /healthz HTTP/1.1\r\nhost:"] {
        let mut stream = TcpStream::connect(http.address).await.unwrap();
        stream.write_all(begun.as_bytes()).await.unwrap();
        assert!(!read_to_close(&mut stream).await.starts_with(b"HTTP/1.1 200"));
    }
}

#[tokio::test]
async fn connections_beyond_the_bound_wait_for_a_place() {
    let http = http_within(HttpLimits { connections: 1, connection: SHORT, ..HttpLimits::default() });
    let mut first = TcpStream::connect(http.address).await.unwrap();
    assert_eq!(http.get("/healthz").await.0, 200, "answered when the first one's time was over");
    assert_eq!(read_to_close(&mut first).await, NOTHING);
}

/// A connection's time is over while its request is being answered: the answer still comes, and then the end.
#[tokio::test]
async fn a_request_that_is_being_answered_outlives_its_connections_time() {
    let limits = HttpLimits { connection: Duration::from_secs(2), ..HttpLimits::default() };
    let longer = limits.connection * 3 / 2;
    let late = move || async move {
        let _ = tokio::time::timeout(longer, std::future::pending::<()>()).await;
        "late"
    };
    let router = axum::Router::new().route("/late", axum::routing::get(late));
    let mut listeners = Listeners::bind(&[], Some("127.0.0.1:0".parse().unwrap()), NonZeroUsize::MIN).unwrap();
    let address = listeners.http_address().unwrap();
    tokio::spawn(api::serve(listeners.take_http().unwrap(), router, limits, CancellationToken::new()));
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /late HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let response = String::from_utf8(read_to_close(&mut stream).await).unwrap();
    assert!(response.starts_with("HTTP/1.1 200") && response.ends_with("late"), "{response}");
}

#[tokio::test]
async fn the_listener_stops_although_a_connection_idles() {
    let http = http();
    let mut stream = TcpStream::connect(http.address).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    stream.read_u8().await.unwrap();
    http.stop.cancel();
    tokio::time::timeout(Duration::from_secs(5), http.served).await.expect("it stops").unwrap().unwrap();
}

#[test]
fn the_operations_page_lists_every_metric_and_event() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operations.md");
    let page = std::fs::read_to_string(path).unwrap();
    let tables = [("## Metrics", catalog::metrics_table()), ("## Log", catalog::events_table())];
    if std::env::var_os("UPDATE_CASES").is_some() {
        let updated = tables.iter().fold(page, |page, (section, table)| page.replace(table_after(&page, section), table));
        return std::fs::write(path, updated).unwrap();
    }
    for (section, table) in tables {
        assert_eq!(table_after(&page, section), table, "UPDATE_CASES=1 cargo test --test server rewrites the table");
    }
}

/// The first table after a heading.
pub fn table_after<'p>(page: &'p str, heading: &str) -> &'p str {
    let section = &page[page.find(heading).unwrap_or_else(|| panic!("{heading} is missing"))..];
    let start = section.find("\n|").unwrap_or_else(|| panic!("{heading} has no table")) + 1;
    let end = section[start..].find("\n\n").map_or(section.len(), |end| start + end + 1);
    &section[start..end]
}
