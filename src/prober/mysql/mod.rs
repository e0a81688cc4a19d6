//! MySQL and MariaDB: logs in, and asks whether the server takes writes.
//!
//! The handful of packets that this takes; no crate speaks them over a connection that is there already. What packets
//! hold is in `packet`, how a password is proved in `proof`. Invariant: each loop over packets has an end.
//! Sources: MySQL internals, "Client/Server Protocol"; MariaDB knowledge base, "Connecting".

mod packet;
mod proof;

use tokio::net::TcpStream;

use self::packet::{Auth, Channel, Greeting, read_auth, read_error, read_row};
use super::Log;
use super::roles::{Found, Session, said};
use crate::health::observation::{Failure, NotRun, Outcome};
use crate::health::role::Standing;

/// Logs in, and says what the server is.
pub(super) async fn ask(session: &Session<'_>, stream: TcpStream, password: Vec<u8>, log: &mut Log) -> Result<Found, Outcome> {
    let mut channel = Channel::new(stream);
    let mut greeting = None;
    if session.is_encrypted() {
        greeting = Some(session.before_tls(greet_for_tls(&mut channel), log).await?);
    }
    let (stream, sequence) = channel.into_parts();
    let mut channel = Channel::resume(session.secure(stream, log).await?, sequence);
    let login = async {
        let greeting = match greeting {
            Some(greeting) => greeting,
            None => Greeting::read(&channel.receive().await?)?,
        };
        log_in(&mut channel, session, greeting, &password).await
    };
    session.login(login, log).await?;
    session.query(question(&mut channel), log).await
}

/// Reads the greeting, and asks for TLS.
async fn greet_for_tls(channel: &mut Channel<TcpStream>) -> Result<Greeting, Outcome> {
    let greeting = Greeting::read(&channel.receive().await?)?;
    if !greeting.has_tls {
        return Err(Failure::TlsHandshake("the server has no TLS".into()).into());
    }
    channel.send(&packet::ssl_request()).await?;
    Ok(greeting)
}

/// Proves the password by the method that the server wants.
async fn log_in<S: packet::Wire>(
    channel: &mut Channel<S>,
    session: &Session<'_>,
    greeting: Greeting,
    password: &[u8],
) -> Result<(), Outcome> {
    let is_encrypted = session.is_encrypted();
    // Any of the two that fit into a login will do: a server that wants another for this user says so.
    let mut method = if greeting.method == proof::CACHING { greeting.method } else { packet::NATIVE.to_owned() };
    let mut nonce = greeting.nonce;
    let proof = proof::of_method(&method, password, &nonce, is_encrypted)?.unwrap_or_default();
    channel.send(&packet::login(&session.role.user, &proof, &method, is_encrypted)).await?;
    for _ in 0..ROUNDS_MAX {
        match read_auth(&channel.receive().await?)? {
            Auth::Passed => return Ok(()),
            Auth::Refused(outcome) => return Err(outcome),
            Auth::Switch { method: wanted, nonce: fresh } => {
                (method, nonce) = (wanted, fresh);
                let proof = proof::of_method(&method, password, &nonce, is_encrypted)?.ok_or_else(|| unspoken(&method))?;
                channel.send(&proof).await?;
            }
            Auth::More(data) if method == proof::CACHING => match &data[..] {
                [PROOF_TAKEN] => {}
                [PASSWORD_WANTED] if is_encrypted => channel.send(&[password, b"\0"].concat()).await?,
                [PASSWORD_WANTED] => channel.send(&[KEY_WANTED]).await?,
                key => channel.send(&proof::encrypted(password, &nonce, key)?).await?,
            },
            Auth::More(_) => return Err(packet::malformed("more data than the method has")),
        }
    }
    Err(packet::malformed("a login without an end"))
}

fn unspoken(method: &str) -> Outcome {
    let detail = format!("the server wants the login method {method:?}; spoken are {}", proof::SPOKEN.join(", "));
    NotRun::Impossible(detail).into()
}

/// Asks whether the server takes writes, and says goodbye.
async fn question<S: packet::Wire>(channel: &mut Channel<S>) -> Result<Found, Outcome> {
    channel.begin();
    channel.send(&[&[COM_QUERY], QUESTION].concat()).await?;
    let count = channel.receive().await?;
    if let Some(outcome) = read_error(&count) {
        return Err(outcome);
    }
    if *count != [1] {
        return Err(packet::malformed("not one column"));
    }
    // The column's definition and the end of definitions say nothing new.
    channel.receive().await?;
    channel.receive().await?;
    let row = channel.receive().await?;
    let value = read_row(&row)?;
    let (standing, words) = match value {
        b"0" | b"OFF" => (Standing::Primary, "primary".to_owned()),
        _ => (Standing::Replica, format!("replica: read_only is {}", said(value))),
    };
    channel.begin();
    // The answer is there: a goodbye that is not heard changes nothing.
    let _ = channel.send(&[COM_QUIT]).await;
    Ok(Found { standing, words })
}

/// `super_read_only` implies it.
const QUESTION: &[u8] = b"SELECT @@global.read_only";
const COM_QUIT: u8 = 1;
const COM_QUERY: u8 = 3;
/// Packets of one login.
const ROUNDS_MAX: usize = 8;
/// caching_sha2_password: the proof is of a password that the server remembers.
const PROOF_TAKEN: u8 = 3;
/// The same: the server remembers none, and has to be told the password.
const PASSWORD_WANTED: u8 = 4;
/// The same: asks for the key to encrypt it with.
const KEY_WANTED: u8 = 2;
