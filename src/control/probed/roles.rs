//! The keys of `postgres`, `mysql` and `redis`: how to log in, and the role that is wanted.
//!
//! Opens no file: `password_file` is read at each probe. Invariant: the limits of `health::role` hold of what is made here.

use super::target::address_of;
use crate::health::check::{Target, TargetHost};
use crate::health::role::{Encryption, Engine, POSTGRES_DATABASE, REDIS_USER, Role, RoleCheck};
use crate::toml_table::{Table, Value};

/// The check of a `target`, whose certificate is for `host` or else for what is connected to.
pub(super) fn named_role(mut check: RoleCheck, host: Option<&str>, target: &Target) -> RoleCheck {
    if let Encryption::On { server_name, .. } = &mut check.encryption {
        let own = match &target.host {
            TargetHost::Address(_) => None,
            TargetHost::Name(name) => Some(name.clone()),
        };
        // SNI holds host names, no addresses (RFC 6066 §3).
        *server_name = host.filter(|host| address_of(host).is_none()).map(str::to_owned).or(own);
    }
    check
}

/// Reads the keys of an engine's type, but for the name in the certificate.
pub(super) fn read_role(word: &str, table: &mut Table<'_>) -> Option<RoleCheck> {
    let wanted = table.optional("role").map_or(Some(Role::Primary), |value| value.word(&ROLES));
    let encryption = table.optional("tls").map_or(Some(Encryption::Off), |value| read_encryption(&value));
    if encryption == Some(Encryption::Off) {
        table.refuse("host", "is the name in the certificate, and means something only with tls = \"on\" or \"verify\"");
    }
    let engine = match word {
        "postgres" => {
            let written = table.optional("database");
            let database = written.map_or(Some(POSTGRES_DATABASE.to_owned()), |value| read_word(&value, "a database"));
            database.map(|database| Engine::Postgres { database })
        }
        "mysql" => Some(Engine::Mysql),
        _ => Some(Engine::Redis),
    };
    let user = match engine {
        Some(Engine::Redis) => table.optional("user").map_or(Some(REDIS_USER.to_owned()), |value| read_word(&value, "a user")),
        _ => table.required("user", "\"waypost\"").and_then(|value| read_word(&value, "a user")),
    };
    let written = table.optional("password_file");
    let password_file = match &written {
        Some(value) => Some(read_path(value)?),
        None => None,
    };
    Some(RoleCheck { engine: engine?, wanted: wanted?, user: user?, password_file, encryption: encryption? })
}

fn read_encryption(value: &Value<'_>) -> Option<Encryption> {
    value.word(&[("off", None), ("on", Some(false)), ("verify", Some(true))]).map(|verify| match verify {
        None => Encryption::Off,
        Some(verify) => Encryption::On { server_name: None, verify },
    })
}

/// What fits where names of users and databases are sent: PostgreSQL has 63 octets for them, MariaDB 128.
fn read_word(value: &Value<'_>, what: &str) -> Option<String> {
    let written = value.string()?;
    if !(1..=128).contains(&written.len()) || written.contains('\0') {
        value.error(format_args!("{what} has a name of 1 to 128 octets without NUL, not {}", written.len()));
        return None;
    }
    Some(written.to_owned())
}

fn read_path(value: &Value<'_>) -> Option<String> {
    let written = value.string()?;
    if !written.starts_with('/') || written.contains('\0') {
        value.wrong(format_args!("{written:?} is no absolute path"), "such as /etc/waypost/postgres.password");
        return None;
    }
    Some(written.to_owned())
}

const ROLES: [(&str, Role); 3] = [("primary", Role::Primary), ("replica", Role::Replica), ("any", Role::Any)];
