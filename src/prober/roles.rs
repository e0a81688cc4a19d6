//! What asking a database for its role has in common, whosever language is spoken: the password, TLS, and the verdict.
//!
//! Invariants: no more than [`READ_MAX`] octets are taken from an endpoint; a password is never part of an outcome.

use std::fs::{self, File};
use std::io::{self, Read};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{timeout, timeout_at};

use super::{Log, dial, mysql, postgres, redis, tls};
use crate::health::observation::{Failure, NotRun, Outcome, Passed};
use crate::health::protocol::tls::TlsOptions;
use crate::health::role::{Encryption, Engine, RoleCheck, Standing};
use crate::health::timing::Deadlines;

/// One attempt to learn a database's role, on a connection that is there.
pub(super) struct Session<'p> {
    pub tls: &'p tls::Tls,
    pub role: &'p RoleCheck,
    pub address: SocketAddr,
    pub deadlines: Deadlines,
    /// When TLS must be established.
    pub secure_by: Instant,
}

/// What a database said of itself.
pub(super) struct Found {
    pub standing: Standing,
    pub words: String,
}

/// A connection, encrypted or not, that takes no more than it should.
pub(super) type Stream = Bounded<dial::Stream>;

impl Session<'_> {
    /// Logs in, asks, and judges the answer.
    pub async fn ask(&self, stream: TcpStream, log: &mut Log) -> Result<Passed, Outcome> {
        let password = self.password().await?;
        let found = match &self.role.engine {
            Engine::Postgres { database } => postgres::ask(self, stream, database, password, log).await?,
            Engine::Mysql => mysql::ask(self, stream, password.unwrap_or_default(), log).await?,
            Engine::Redis => redis::ask(self, stream, password, log).await?,
        };
        if !self.role.wanted.accepts(found.standing) {
            return Err(Failure::WrongRole { wanted: self.role.wanted.word().to_owned(), found: found.words }.into());
        }
        Ok(Passed::Role(found.words))
    }

    /// What stands in the password file, if there is one.
    async fn password(&self) -> Result<Option<Vec<u8>>, NotRun> {
        let Some(file) = self.role.password_file.clone() else { return Ok(None) };
        let limit = self.deadlines.connect;
        let name = file.clone();
        let reading = tokio::task::spawn_blocking(move || read_password(&file));
        let Ok(read) = timeout(limit, reading).await else {
            return Err(NotRun::OutOfResources(format!("the password file {name} could not be read within {limit:?}")));
        };
        match read.map_err(io::Error::other).flatten() {
            Ok(password) => Ok(Some(password)),
            Err(error) => Err(NotRun::Impossible(format!("reading the password file {name}: {error}"))),
        }
    }

    /// Awaits a step before TLS, which counts as part of it.
    pub async fn before_tls<T>(&self, step: impl Future<Output = Result<T, Outcome>>, log: &mut Log) -> Result<T, Outcome> {
        match timeout_at(self.secure_by.into(), step).await {
            Ok(Ok(value)) => Ok(value),
            ended => {
                log.end("tls");
                ended.unwrap_or_else(|_| Err(Failure::TlsTimeout(self.deadlines.secure()).into()))
            }
        }
    }

    /// Speaks TLS from here on, if that is wanted.
    pub async fn secure(&self, stream: TcpStream, log: &mut Log) -> Result<Stream, Outcome> {
        let Encryption::On { server_name, verify } = &self.role.encryption else {
            return Ok(Bounded::new(Box::new(stream)));
        };
        let options = TlsOptions { server_name: server_name.clone(), verify: *verify, days_left: None };
        let handshake = self.tls.connect(stream, self.address, &options, &[]);
        let secured = timeout_at(self.secure_by.into(), handshake).await;
        log.end("tls");
        let (stream, not_after) = secured.map_err(|_| Failure::TlsTimeout(self.deadlines.secure()))?;
        log.certificate_not_after = not_after;
        Ok(Bounded::new(Box::new(stream?)))
    }

    /// Awaits the login.
    pub async fn login<T>(&self, step: impl Future<Output = Result<T, Outcome>>, log: &mut Log) -> Result<T, Outcome> {
        let limit = self.deadlines.status;
        let ended = timeout(limit, step).await;
        log.end("login");
        ended.unwrap_or_else(|_| Err(Failure::LoginTimeout(limit).into()))
    }

    /// Awaits the answer to the question.
    pub async fn query<T>(&self, step: impl Future<Output = Result<T, Outcome>>, log: &mut Log) -> Result<T, Outcome> {
        let limit = self.deadlines.body;
        let ended = timeout(limit, step).await;
        log.end("query");
        ended.unwrap_or_else(|_| Err(Failure::QueryTimeout(limit).into()))
    }

    pub fn is_encrypted(&self) -> bool {
        self.role.encryption != Encryption::Off
    }
}

/// The file's octets without the line's end.
fn read_password(file: &str) -> io::Result<Vec<u8>> {
    // To open a pipe would wait for who writes into it.
    if !fs::metadata(file)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut password = Vec::new();
    File::open(file)?.take(PASSWORD_MAX + 1).read_to_end(&mut password)?;
    if password.len() as u64 > PASSWORD_MAX {
        return Err(io::Error::other(format!("it has more than {PASSWORD_MAX} octets")));
    }
    if password.pop_if(|octet| *octet == b'\n').is_some() {
        password.pop_if(|octet| *octet == b'\r');
    }
    Ok(password)
}

/// What a broken connection says of the endpoint.
pub(super) fn broken(error: &io::Error) -> Outcome {
    if let Some(error) = tls::rustls_error(error) {
        return tls::judge(error).into();
    }
    match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => Failure::MalformedAnswer(error.to_string()).into(),
        _ => Failure::ConnectionClosed.into(),
    }
}

/// What an endpoint says of itself, as far as it may stand in a log: one line, and not a long one.
pub(super) fn said(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(&text[..text.len().min(SAID_MAX)]);
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect::<String>().trim().to_owned()
}

/// A connection from which no more than [`READ_MAX`] octets, and what is on its way then, are read.
pub(super) struct Bounded<S> {
    stream: S,
    left: usize,
}

impl<S> Bounded<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, left: READ_MAX }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.left == 0 {
            let message = format!("more than {READ_MAX} octets");
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, message)));
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.left = self.left.saturating_sub(buffer.filled().len() - before);
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Octets read from one endpoint in one probe; a login and an answer have a few hundred.
const READ_MAX: usize = 65_536;
/// Octets of a password.
const PASSWORD_MAX: u64 = 4_096;
/// Octets of an endpoint's own words that are kept.
const SAID_MAX: usize = 200;
