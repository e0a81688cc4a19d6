//! A command that shows by its exit status whether an endpoint works.
//!
//! Plain data; the prober runs it, without a shell. Invariants: the program is an absolute path; no word holds a NUL.
//! Source: Monitoring Plugins development guidelines (exit status 0 passes; the first line of output says why).

use std::fmt;
use std::net::IpAddr;

/// A program and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandCheck {
    pub program: String,
    /// With `{address}` and `{port}` in them as written.
    pub arguments: Vec<String>,
}

impl CommandCheck {
    /// Whether an argument wants to know the port.
    pub fn needs_port(&self) -> bool {
        self.arguments.iter().any(|argument| argument.contains(PORT))
    }

    /// The arguments for an endpoint at `address`.
    pub fn arguments_for(&self, address: IpAddr, port: u16) -> Vec<String> {
        let (address, port) = (address.to_string(), port.to_string());
        self.arguments.iter().map(|argument| argument.replace(ADDRESS, &address).replace(PORT, &port)).collect()
    }
}

/// `"/usr/lib/nagios/plugins/check_ssh" "-H" "{address}"`
impl fmt::Display for CommandCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.program)?;
        self.arguments.iter().try_for_each(|argument| write!(f, " {argument:?}"))
    }
}

/// Stands for the address that is probed.
const ADDRESS: &str = "{address}";
/// Stands for the port that is probed.
const PORT: &str = "{port}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_told_where_the_endpoint_is_and_nothing_else_in_braces() {
        let arguments = ["-H", "{address}", "-p{port}", "{address}:{port}", "{check}", "{}"].map(str::to_owned).to_vec();
        let check = CommandCheck { program: "/bin/true".into(), arguments };
        let told = check.arguments_for("2001:db8::1".parse().unwrap(), 22);
        assert_eq!(told, ["-H", "2001:db8::1", "-p22", "2001:db8::1:22", "{check}", "{}"]);
        assert!(check.needs_port());
        assert_eq!(CommandCheck { arguments: vec!["a b\n".into()], ..check }.to_string(), r#""/bin/true" "a b\n""#);
    }
}
