//! A database asked for its role: is this one the primary?
//!
//! Plain data; the prober logs in and asks. Invariants: `password_file` is an absolute path, and what it holds is in no
//! text made here. Sources: PostgreSQL documentation §9.27.4, `pg_is_in_recovery`; MariaDB and MySQL reference,
//! `read_only`; Redis command reference, `ROLE`.

use std::fmt;

/// How to log in to a database, and the role that passes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleCheck {
    pub engine: Engine,
    pub wanted: Role,
    pub user: String,
    /// Read anew for each probe, so that a password can change; none: no password is sent.
    pub password_file: Option<String>,
    pub encryption: Encryption,
}

/// Whose language is spoken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Engine {
    Postgres {
        database: String,
    },
    /// MariaDB, too.
    Mysql,
    /// Valkey, too.
    Redis,
}

/// What a database has to be for its check to pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It takes writes.
    Primary,
    /// It follows another one; of MySQL: it takes no writes.
    Replica,
    /// It answers.
    Any,
}

/// What a database turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Primary,
    Replica,
    /// It follows nobody and takes no writes, or holds no data.
    Neither,
}

/// Whether TLS is spoken, and what its certificate is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encryption {
    Off,
    /// `server_name` is sent as SNI; none sends none. `verify` checks the certificate for it (or for the address).
    On {
        server_name: Option<String>,
        verify: bool,
    },
}

impl Engine {
    /// The type's word in both notations.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Postgres { .. } => "postgres",
            Self::Mysql => "mysql",
            Self::Redis => "redis",
        }
    }

    /// Where it listens when nothing says another port.
    pub fn port(&self) -> u16 {
        match self {
            Self::Postgres { .. } => 5_432,
            Self::Mysql => 3_306,
            Self::Redis => 6_379,
        }
    }
}

impl Role {
    /// Whether a database of this standing passes.
    pub fn accepts(self, standing: Standing) -> bool {
        match self {
            Self::Primary => standing == Standing::Primary,
            Self::Replica => standing == Standing::Replica,
            Self::Any => true,
        }
    }

    /// The role's word in both notations.
    pub fn word(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Replica => "replica",
            Self::Any => "any",
        }
    }
}

impl Encryption {
    /// The word of `tls` in both notations.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::On { verify: false, .. } => "on",
            Self::On { verify: true, .. } => "verify",
        }
    }
}

/// `role=primary user="waypost" database="postgres" password_file="/etc/waypost/pg" tls=verify sni=db.example.org`
impl fmt::Display for RoleCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "role={} user={:?}", self.wanted.word(), self.user)?;
        if let Engine::Postgres { database } = &self.engine {
            write!(f, " database={database:?}")?;
        }
        if let Some(file) = &self.password_file {
            write!(f, " password_file={file:?}")?;
        }
        write!(f, " tls={}", self.encryption.word())?;
        match &self.encryption {
            Encryption::Off => Ok(()),
            Encryption::On { server_name, .. } => write!(f, " sni={}", server_name.as_deref().unwrap_or("-")),
        }
    }
}

/// The user of Redis whose name need not be told.
pub const REDIS_USER: &str = "default";
/// The database that every PostgreSQL has.
pub const POSTGRES_DATABASE: &str = "postgres";
