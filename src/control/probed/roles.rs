//! The keys of `postgres`, `mysql` and `redis`: how to log in, and the role that is wanted.
//!
//! Opens no file: `password_file` is read at each probe. Invariant: the limits of `health::role` hold of what is made here.

use super::target::{address_of, read_host};
use crate::health::check::{Target, TargetHost};
use crate::health::protocol::Protocol;
use crate::health::role::{Encryption, Engine, POSTGRES_DATABASE, REDIS_USER, Role, RoleCheck};
use crate::toml_table::{Table, Value};

/// A [`RoleCheck`] of which it is not known yet what is connected to.
pub(super) struct RoleSpec {
    check: RoleCheck,
    /// Whom the certificate is for, and in `[check]` what is connected to where nothing else says.
    pub host: Option<String>,
}

impl RoleSpec {
    pub fn default_port(&self) -> u16 {
        match self.check.engine {
            Engine::Postgres { .. } => 5_432,
            Engine::Mysql => 3_306,
            Engine::Redis => 6_379,
        }
    }

    pub fn protocol(&self, target: &Target) -> Protocol {
        let mut check = self.check.clone();
        if let Encryption::On { server_name, .. } = &mut check.encryption {
            let own = match &target.host {
                TargetHost::Address(_) => None,
                TargetHost::Name(name) => Some(name.clone()),
            };
            // SNI holds host names, no addresses (RFC 6066 §3).
            let named = self.host.clone().filter(|host| address_of(host).is_none());
            *server_name = named.or(own);
        }
        Protocol::Role(Box::new(check))
    }
}

/// Reads the keys of an engine's type. `host_key` is the notation's word for the name in the certificate.
pub(super) fn read_role(word: &str, table: &mut Table<'_>, host_key: &'static str) -> Option<RoleSpec> {
    let wanted = table.optional("role").map_or(Some(Role::Primary), |value| value.word(&ROLES));
    let encryption = table.optional("tls").map_or(Some(Encryption::Off), |value| read_encryption(&value));
    // In Route 53's words the domain name is what is probed, encrypted or not.
    if host_key == "host" && encryption == Some(Encryption::Off) {
        table.refuse("host", "is the name in the certificate, and means something only with tls = \"on\" or \"verify\"");
    }
    let host = table.optional(host_key).and_then(|value| read_host(&value));
    let engine = match word {
        "postgres" => {
            let written = table.optional("database");
            let database = written.map_or(Some(POSTGRES_DATABASE.to_owned()), |value| read_word(&value, "a database"));
            database.map(|database| Engine::Postgres { database })
        }
        word => {
            table.refuse("database", "means something only with type = \"postgres\"");
            Some(if word == "mysql" { Engine::Mysql } else { Engine::Redis })
        }
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
    let check = RoleCheck { engine: engine?, wanted: wanted?, user: user?, password_file, encryption: encryption? };
    Some(RoleSpec { check, host })
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
