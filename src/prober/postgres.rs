//! PostgreSQL: logs in, and asks whether it is in recovery and takes writes.
//!
//! The protocol is tokio-postgres's, over our own connection, so that every phase has its deadline and every refusal its
//! meaning. Sources: PostgreSQL documentation §55.2.10 (SSL session encryption), appendix A (error codes).

use std::error::Error as _;
use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Config, Error, NoTls, SimpleQueryMessage};

use super::Log;
use super::roles::{Found, Session, broken, said};
use crate::health::observation::{Failure, Outcome};
use crate::health::role::Standing;

/// Logs in to `database`, and says what the server is.
pub(super) async fn ask(
    session: &Session<'_>,
    mut stream: TcpStream,
    database: &str,
    password: Option<Vec<u8>>,
    log: &mut Log,
) -> Result<Found, Outcome> {
    if session.is_encrypted() {
        session.before_tls(request_tls(&mut stream), log).await?;
    }
    let stream = session.secure(stream, log).await?;
    let mut config = Config::new();
    config.user(&session.role.user).dbname(database).application_name("waypost").ssl_mode(SslMode::Disable);
    if let Some(password) = password {
        config.password(password);
    }
    let login = async { config.connect_raw(stream, NoTls).await.map_err(|error| judge(&error)) };
    let (client, mut connection) = session.login(login, log).await?;
    let query = async {
        let told = tokio::select! {
            biased;
            told = client.simple_query(QUESTION) => told.map_err(|error| judge(&error)),
            ended = &mut connection => Err(ended.map_or_else(|error| judge(&error), |()| Failure::ConnectionClosed.into())),
        };
        let told = told?;
        // Says goodbye, as a server may log who does not; what becomes of that is of no interest any more.
        drop(client);
        let _ = connection.await;
        read_answer(&told)
    };
    session.query(query, log).await
}

/// Asks for TLS, which the server grants with one octet; what follows it is the handshake's.
async fn request_tls(stream: &mut TcpStream) -> Result<(), Outcome> {
    stream.write_all(&SSL_REQUEST).await.map_err(|error| broken(&error))?;
    match stream.read_u8().await.map_err(|error| broken(&error))? {
        b'S' => Ok(()),
        b'N' => Err(Failure::TlsHandshake("the server has no TLS".into()).into()),
        _ => Err(Failure::MalformedAnswer("neither yes nor no to the request for TLS".into()).into()),
    }
}

fn read_answer(messages: &[SimpleQueryMessage]) -> Result<Found, Outcome> {
    let row = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some((row.try_get(0).ok()??, row.try_get(1).ok()??)),
        _ => None,
    });
    // in recovery  read-only
    let (standing, words) = match row {
        Some(("f", "off")) => (Standing::Primary, "primary"),
        Some(("f", "on")) => (Standing::Neither, "not in recovery, but read-only"),
        Some(("t", _)) => (Standing::Replica, "replica, in recovery"),
        _ => return Err(Failure::MalformedAnswer("no row says whether it is in recovery".into()).into()),
    };
    Ok(Found { standing, words: words.to_owned() })
}

/// What an error says of the server.
fn judge(error: &Error) -> Outcome {
    if let Some(error) = error.as_db_error() {
        let code = error.code().code();
        let words = format!("{} ({code})", said(error.message().as_bytes()));
        // Class 28, invalid authorization; a database that is not there, or not for this user.
        let is_refusal = code.starts_with("28") || ["3D000", "42501"].contains(&code);
        return if is_refusal { Failure::LoginRefused(words).into() } else { Failure::DatabaseError(words).into() };
    }
    match error.source() {
        _ if error.is_closed() => Failure::ConnectionClosed.into(),
        Some(source) => match source.downcast_ref::<io::Error>() {
            Some(error) => broken(error),
            // The server wants what we do not have: a password, or a method that is not spoken.
            None => Failure::LoginRefused(said(source.to_string().as_bytes())).into(),
        },
        None => Failure::MalformedAnswer(said(error.to_string().as_bytes())).into(),
    }
}

/// A message of 8 octets with the code 80877103.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xD2, 0x16, 0x2F];
const QUESTION: &str = "SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('transaction_read_only')";
