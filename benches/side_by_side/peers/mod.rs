//! The servers that are compared: where each is from, and how it is made to serve one case alike.
//!
//! One worker each, no rate limit, minimal responses, no query log, one address of loopback. Knows nothing of load.
//! Invariant: a configuration says only what is needed for that.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use crate::check::Answerer;
use crate::content::Content;

mod gdnsd;
mod knot;
mod nsd;
mod pdns;
mod waypost;
mod yadifa;

/// A server that can be compared.
pub struct Peer {
    pub name: &'static str,
    /// Debian's packages of it; none for ours.
    pub packages: &'static [&'static str],
    /// What is there when they are.
    pub files: &'static [&'static str],
    pub answerer: Answerer,
    /// Writes what it needs into the site's folder, and says how it is started; nothing when it can't serve that.
    configure: fn(&Site<'_>) -> io::Result<Option<Command>>,
}

/// Where one server serves one case.
pub struct Site<'s> {
    /// Its own folder.
    pub folder: &'s Path,
    /// The folder of the master files, which is all servers'.
    pub zones: &'s Path,
    pub content: Content,
    pub address: SocketAddr,
    /// What health checks connect to.
    pub endpoint: SocketAddr,
    /// Another build of waypost.
    pub before: Option<&'s Path>,
}

/// All of them, the socket's limit and ours first.
pub const PEERS: [Peer; 8] = [
    Peer { name: "echo", packages: &[], files: &[], answerer: Answerer::Echo, configure: echo },
    Peer { name: "waypost", packages: &[], files: &[], answerer: Answerer::Server, configure: waypost::configure },
    Peer { name: "before", packages: &[], files: &[], answerer: Answerer::Server, configure: waypost::configure_before },
    Peer {
        name: "gdnsd",
        packages: &["gdnsd"],
        files: &["/usr/sbin/gdnsd"],
        answerer: Answerer::Server,
        configure: gdnsd::configure,
    },
    Peer {
        name: "yadifa",
        packages: &["yadifa"],
        files: &["/usr/sbin/yadifad"],
        answerer: Answerer::Server,
        configure: yadifa::configure,
    },
    Peer {
        name: "knot",
        packages: &["knot", "knot-module-geoip"],
        files: &["/usr/sbin/knotd", "/usr/share/doc/knot-module-geoip"],
        answerer: Answerer::Server,
        configure: knot::configure,
    },
    Peer { name: "nsd", packages: &["nsd"], files: &["/usr/sbin/nsd"], answerer: Answerer::Server, configure: nsd::configure },
    Peer {
        name: "pdns",
        packages: &["pdns-server", "pdns-backend-bind"],
        files: &["/usr/sbin/pdns_server", "/usr/share/doc/pdns-backend-bind"],
        answerer: Answerer::Server,
        configure: pdns::configure,
    },
];

impl Peer {
    /// Whether it is there: its program, or whatever else shows that all of its packages are.
    pub fn is_installed(&self) -> bool {
        self.files.iter().all(|file| Path::new(file).exists())
    }

    /// Makes it ready to serve the site's case; nothing when it can't.
    ///
    /// # Errors
    /// When a file can't be written.
    pub fn configure(&self, site: &Site<'_>) -> io::Result<Option<Command>> {
        (self.configure)(site)
    }
}

impl Site<'_> {
    /// Writes a file of the server's own; gives its path.
    fn write(&self, file: &str, text: &str) -> io::Result<PathBuf> {
        let path = self.folder.join(file);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, text)?;
        Ok(path)
    }

    /// As [`Site::write`], with `{folder}`, `{zones}`, `{host}` and `{port}` filled in.
    fn write_filled(&self, file: &str, text: &str) -> io::Result<PathBuf> {
        let text = text
            .replace("{folder}", &self.folder.to_string_lossy())
            .replace("{zones}", &self.zones.to_string_lossy())
            .replace("{host}", &self.address.ip().to_string())
            .replace("{port}", &self.address.port().to_string());
        self.write(file, &text)
    }

    /// One piece of text for each zone of master files, `{zone}` filled in; nothing when the case has none.
    fn each_zone(&self, piece: &str) -> Option<String> {
        match self.content {
            Content::Groups { .. } => None,
            content => Some(content.zones().iter().map(|zone| piece.replace("{zone}", zone)).collect()),
        }
    }
}

fn echo(site: &Site<'_>) -> io::Result<Option<Command>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--echo").arg(site.address.to_string());
    Ok(Some(command))
}
