//! Redis and Valkey: logs in where there is a password, and asks for the role.
//!
//! The few words of RESP that this takes; reads no further into an answer than the role. Invariant: a line has at most
//! [`LINE_MAX`] octets. Sources: Redis serialization protocol specification (RESP 2); command reference, `AUTH`, `ROLE`.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::Log;
use super::roles::{Found, Session, broken, said};
use crate::health::observation::{Failure, Outcome};
use crate::health::role::{REDIS_USER, Standing};

/// Logs in, and says what the server is.
pub(super) async fn ask(
    session: &Session<'_>,
    stream: TcpStream,
    password: Option<Vec<u8>>,
    log: &mut Log,
) -> Result<Found, Outcome> {
    let mut stream = BufReader::new(session.secure(stream, log).await?);
    let user = session.role.user.as_str();
    let words = match (user, &password) {
        (REDIS_USER, None) => None,
        // So that servers before version 6, which know no users, understand it, too.
        (REDIS_USER, Some(password)) => Some(command(&[b"AUTH", password])),
        (user, password) => Some(command(&[b"AUTH", user.as_bytes(), password.as_deref().unwrap_or_default()])),
    };
    if let Some(words) = words {
        let login = async {
            stream.write_all(&words).await.map_err(|error| broken(&error))?;
            stream.flush().await.map_err(|error| broken(&error))?;
            read_ok(&mut stream).await
        };
        session.login(login, log).await?;
    }
    let query = async {
        stream.write_all(&command(&[b"ROLE"])).await.map_err(|error| broken(&error))?;
        stream.flush().await.map_err(|error| broken(&error))?;
        read_role(&mut stream).await
    };
    session.query(query, log).await
}

/// A command as an array of bulk strings.
fn command(words: &[&[u8]]) -> Vec<u8> {
    let mut octets = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        octets.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        octets.extend_from_slice(word);
        octets.extend_from_slice(b"\r\n");
    }
    octets
}

async fn read_ok(stream: &mut (impl AsyncRead + Unpin)) -> Result<(), Outcome> {
    match &*read_line(stream).await? {
        b"+OK" => Ok(()),
        [b'-', error @ ..] if error.starts_with(b"LOADING") => Err(refused(error)),
        [b'-', error @ ..] => Err(Failure::LoginRefused(said(error)).into()),
        line => Err(malformed("no OK", line)),
    }
}

/// The first of the answer's strings; the rest is about replication.
async fn read_role(stream: &mut (impl AsyncRead + Unpin)) -> Result<Found, Outcome> {
    match &*read_line(stream).await? {
        [b'*', ..] => {}
        [b'-', error @ ..] => return Err(refused(error)),
        line => return Err(malformed("no array", line)),
    }
    match &*read_line(stream).await? {
        [b'$', ..] => {}
        line => return Err(malformed("no string", line)),
    }
    let (standing, words) = match &*read_line(stream).await? {
        b"master" => (Standing::Primary, "primary"),
        b"slave" => (Standing::Replica, "replica"),
        b"sentinel" => (Standing::Neither, "a sentinel, which holds no data"),
        line => return Err(malformed("no role", line)),
    };
    Ok(Found { standing, words: words.to_owned() })
}

/// What an error says of the server.
fn refused(error: &[u8]) -> Outcome {
    let is_login = ["NOAUTH", "NOPERM", "WRONGPASS", "DENIED"].iter().any(|word| error.starts_with(word.as_bytes()));
    if is_login { Failure::LoginRefused(said(error)).into() } else { Failure::DatabaseError(said(error)).into() }
}

/// A line without its end.
async fn read_line(stream: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>, Outcome> {
    let mut line = Vec::new();
    loop {
        line.push(stream.read_u8().await.map_err(|error| broken(&error))?);
        if let Some(whole) = line.strip_suffix(b"\r\n") {
            return Ok(whole.to_vec());
        }
        if line.len() == LINE_MAX {
            return Err(malformed("no end of line", &line));
        }
    }
}

fn malformed(what: &str, line: &[u8]) -> Outcome {
    Failure::MalformedAnswer(format!("{what} in {:?}", said(line))).into()
}

/// Octets of a line; errors are sentences.
const LINE_MAX: usize = 512;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[tokio::test]
    async fn a_role_is_the_first_string_of_an_array() {
        let told = async |octets: &[u8]| match read_role(&mut &*octets).await {
            Ok(found) => found.words,
            Err(outcome) => outcome.to_string(),
        };
        for (octets, expected) in [
            (&b"*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"[..], "primary"),
            (b"*5\r\n$5\r\nslave\r\n", "replica"),
            (b"*2\r\n$8\r\nsentinel\r\n", "a sentinel, which holds no data"),
            (b"-NOAUTH Authentication required.\r\n", "login refused: NOAUTH Authentication required."),
            (b"-LOADING it\r\n", "database error: LOADING it"),
            (b"*3\r\n$5\r\nchief\r\n", "malformed answer: no role in \"chief\""),
            (b"+OK\r\n", "malformed answer: no array in \"+OK\""),
            (b"*3\r\n$6\r\nmast", "connection closed before the response was complete"),
        ] {
            assert_eq!(told(octets).await, expected);
        }
    }

    proptest! {
        #[test]
        fn no_answer_is_read_beyond_its_lines(octets in proptest::collection::vec(any::<u8>(), 0..2_000)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let mut left = &octets[..];
            let read = runtime.block_on(read_role(&mut left));
            prop_assert!(octets.len() - left.len() <= 3 * LINE_MAX);
            prop_assert!(read.is_err() || octets.starts_with(b"*"));
        }
    }
}
