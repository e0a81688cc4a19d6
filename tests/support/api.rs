//! A client of the Route 53 API of a server that runs: octets over a socket, signed or not, and what came back.
//!
//! Says nothing that it was not told to say, so that what is wrong can be said too. Its signatures are made here, by
//! another hand than what verifies them. Source: AWS IAM User Guide, "Create a signed AWS API request".

#![allow(dead_code, reason = "each test file uses its part")]

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use aws_lc_rs::{digest, hmac};

use crate::serve::PATIENCE;
use crate::texts::{element, root};

/// A server on ports that the system chooses, with one worker, the API, and its log as JSON.
pub const CONFIG: &str = r#"
[server]
listen  = ["127.0.0.1:0"]
workers = 1

[http]
listen = "127.0.0.1:0"

[log]
format = "json"
"#;

/// What makes the server keep its account.
pub const STORE: &str = "\n[store]\npath = \"waypost.redb\"\n";

/// An access key.
#[derive(Clone, Copy)]
pub struct Key {
    pub id: &'static str,
    pub secret: &'static str,
}

/// What was answered.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    /// The status line and the headers.
    pub head: String,
    pub body: String,
}

/// The API at one address, as asked by one key or by none.
#[derive(Clone, Copy)]
pub struct Api {
    pub at: SocketAddr,
    pub key: Option<Key>,
}

impl Api {
    pub fn new(at: SocketAddr) -> Self {
        Self { at, key: None }
    }

    pub fn with(at: SocketAddr, key: Key) -> Self {
        Self { at, key: Some(key) }
    }

    /// Asks for `path` below the API's version, with a body that is sent as it is.
    #[track_caller]
    pub fn ask(&self, method: &str, path: &str, body: &str) -> Response {
        let request = self.request(method, &format!("/2013-04-01/{path}"), body.as_bytes());
        exchange(self.at, &request).unwrap_or_else(|| panic!("{method} {path}: no response"))
    }

    /// The octets of a request, signed now where there is a key.
    pub fn request(&self, method: &str, target: &str, body: &[u8]) -> Vec<u8> {
        let signed = self.key.map(|key| sign(key, method, target, body, &now())).unwrap_or_default();
        let len = body.len();
        let head =
            format!("{method} {target} HTTP/1.1\r\nHost: waypost\r\nConnection: close\r\nContent-Length: {len}\r\n{signed}\r\n");
        [head.as_bytes(), body].concat()
    }

    /// As [`Api::ask`], of what must be accepted: the body of the response.
    #[track_caller]
    pub fn ok(&self, method: &str, path: &str, body: &str) -> String {
        let response = self.ask(method, path, body);
        assert!(response.status < 300, "{method} {path}: {response:?}");
        response.body
    }

    /// As [`Api::ask`], of what must be refused: `status code`.
    #[track_caller]
    pub fn refused(&self, method: &str, path: &str, body: &str) -> String {
        self.ask(method, path, body).refusal()
    }

    /// Makes a public zone; its id.
    #[track_caller]
    pub fn zone(&self, name: &str) -> String {
        let body = root("CreateHostedZone", &format!("<Name>{name}</Name><CallerReference>{name}</CallerReference>"));
        element(&self.ok("POST", "hostedzone", &body), "Id").trim_start_matches("/hostedzone/").to_owned()
    }

    /// Sends a batch of changes.
    #[track_caller]
    pub fn change(&self, zone: &str, changes: &str) -> Response {
        self.ask("POST", &format!("hostedzone/{zone}/rrset/"), &batch(changes))
    }
}

impl Response {
    /// `status code` of an error, which has to be one as the API gives them: XML with a code, a message and the id of the
    /// request, the same in its header.
    #[track_caller]
    pub fn refusal(&self) -> String {
        assert!(self.status >= 400, "not refused: {self:?}");
        assert!(self.head.to_lowercase().contains("content-type: text/xml"), "{self:?}");
        assert!(self.body.contains("<ErrorResponse xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\">"), "{self:?}");
        let _ = element(&self.body, "Message");
        let id = element(&self.body, "RequestId");
        assert!(self.head.to_lowercase().contains(&format!("x-amzn-requestid: {id}")), "{self:?}");
        format!("{} {}", self.status, element(&self.body, "Code"))
    }
}

/// Sends these octets and reads to the end; none when there is nobody, or the connection was closed without a response.
pub fn exchange(at: SocketAddr, request: &[u8]) -> Option<Response> {
    let mut stream = TcpStream::connect(at).ok().map(patient)?;
    // A server that refuses before it has read all of it may not be told the rest.
    let _ = stream.write_all(request);
    read_response(&mut stream)
}

pub fn connect(at: SocketAddr) -> TcpStream {
    patient(TcpStream::connect(at).unwrap())
}

fn patient(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Says that no more comes, and reads to the end.
pub fn end_and_read(mut stream: TcpStream) -> Option<Response> {
    let _ = stream.shutdown(Shutdown::Write);
    read_response(&mut stream)
}

fn read_response(stream: &mut TcpStream) -> Option<Response> {
    let (mut page, mut part) = (Vec::new(), [0; 65_536]);
    loop {
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(len) => page.extend_from_slice(&part[..len]),
            // What was received before the connection was reset is a response too.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => break,
            Err(error) => panic!("after {} octets: {error}", page.len()),
        }
    }
    let page = String::from_utf8(page).expect("responses are UTF-8");
    let (head, body) = page.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a response has a status");
    Some(Response { status, head: head.to_owned(), body: body.to_owned() })
}

/// The headers that sign a request.
pub fn sign(key: Key, method: &str, target: &str, body: &[u8], stamp: &str) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut pairs: Vec<String> = query.split('&').filter(|pair| !pair.is_empty()).map(with_equals).collect();
    pairs.sort();
    let (date, query) = (&stamp[..8], pairs.join("&"));
    let path = path.replace('%', "%25");
    let hash = hex(digest::digest(&digest::SHA256, body).as_ref());
    let canonical = format!("{method}\n{path}\n{query}\nhost:waypost\nx-amz-date:{stamp}\n\nhost;x-amz-date\n{hash}");
    let scope = format!("{date}/us-east-1/route53/aws4_request");
    let digest = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    let mac = |key: &[u8], text: &str| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec();
    let first = format!("AWS4{}", key.secret).into_bytes();
    let signing_key = [date, "us-east-1", "route53", "aws4_request"].iter().fold(first, |key, step| mac(&key, step));
    let signature = hex(&mac(&signing_key, &format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}")));
    let credential = format!("{}/{scope}", key.id);
    format!(
        "X-Amz-Date: {stamp}\r\nAuthorization: AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host;x-amz-date, Signature={signature}\r\n"
    )
}

/// A parameter as it is signed.
fn with_equals(pair: &str) -> String {
    if pair.contains('=') { pair.to_owned() } else { format!("{pair}=") }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        write!(text, "{octet:02x}").unwrap();
        text
    })
}

/// The time as it is signed.
#[expect(clippy::disallowed_methods, reason = "the server that verifies has the real clock too")]
pub fn now() -> String {
    jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// The body of a batch of changes.
pub fn batch(changes: &str) -> String {
    root("ChangeResourceRecordSets", &format!("<ChangeBatch><Changes>{changes}</Changes></ChangeBatch>"))
}

/// One change of a record set with a TTL of a minute.
pub fn change(action: &str, name: &str, kind: &str, values: &[&str]) -> String {
    let records: String = values.iter().map(|value| format!("<ResourceRecord><Value>{value}</Value></ResourceRecord>")).collect();
    format!(
        "<Change><Action>{action}</Action><ResourceRecordSet><Name>{name}</Name><Type>{kind}</Type><TTL>60</TTL><ResourceRecords>{records}</ResourceRecords></ResourceRecordSet></Change>"
    )
}
