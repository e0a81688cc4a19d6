//! `[http]` of `waypost.toml`: where the HTTP server listens, and the tokens of those who may change things through it.
//!
//! `read_http` is pure; [`read_tokens`] is the edge that opens files of secrets. Not how a request shows its token: see
//! `api::auth`. Invariants: no secret is in a message; names and secrets are there once.
//! Source: docs/configuration.md, "Who may change things".

use std::net::SocketAddr;
use std::path::Path;

use super::route53::{SecretSource, read_secret, read_source};
use crate::health::remark::Remark;
use crate::problem::{Place, Problem, Problems};
use crate::route53::sigv4::Secret;
use crate::toml_table::{Table, Value};

/// The HTTP server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    pub listen: SocketAddr,
    /// None: whoever asks from this host may change things.
    pub tokens: Vec<TokenEntry>,
}

/// One `[[http.token]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenEntry {
    /// Whose it is, in the audit log.
    pub name: Remark,
    pub secret: SecretSource,
    pub may: Vec<Permission>,
    /// Where it is written.
    pub place: Place,
}

/// What a token opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Make and remove overrides, and see them.
    Override,
    /// Push signals.
    Signal,
    /// See overrides and the audit log.
    Read,
}

/// Everybody who may change things.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tokens(Vec<Token>);

/// A token with its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub name: Remark,
    secret: Secret,
    pub may: Vec<Permission>,
}

impl Tokens {
    /// Whether nobody has one.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whose token this is. Every token is compared, each in a time that depends on the lengths alone.
    pub fn holder(&self, presented: &str) -> Option<&Token> {
        let presented = Secret::new(presented);
        self.0.iter().fold(None, |found, token| if token.secret == presented { Some(token) } else { found })
    }
}

impl Permission {
    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Override => "override",
            Self::Signal => "signal",
            Self::Read => "read",
        }
    }
}

/// Builds the tokens of `http`, opening files beside the configuration at `config_path`. What could be built is returned
/// beside the problems.
pub fn read_tokens(http: &Http, config_path: &Path) -> (Tokens, Problems) {
    let mut problems = Problems::default();
    let mut tokens: Vec<Token> = Vec::with_capacity(http.tokens.len());
    for entry in &http.tokens {
        let secret = match &entry.secret {
            SecretSource::Here(secret) => Some(secret.clone()),
            SecretSource::File(file) => read_secret(file, config_path, &mut problems),
        };
        let Some(secret) = secret else { continue };
        if let Some(why) = unfit(&secret, &tokens) {
            problems.push(Problem::error(format!("[[http.token]] {:?}: {why}", entry.name.as_str())).at(entry.place.clone()));
        }
        tokens.push(Token { name: entry.name.clone(), secret, may: entry.may.clone() });
    }
    (Tokens(tokens), problems)
}

/// Why a secret cannot be a token's.
fn unfit(secret: &Secret, known: &[Token]) -> Option<String> {
    if secret.len() < SECRET_MIN {
        return Some(format!("its secret is short enough to be guessed; {SECRET_MIN} to 128 characters are accepted"));
    }
    let other = known.iter().find(|token| token.secret == *secret)?;
    Some(format!("its secret is that of {:?} too, and nobody could tell them apart", other.name.as_str()))
}

/// Reads `[http]`.
pub(super) fn read_http(mut table: Table<'_>) -> Option<Http> {
    let listen = table.required("listen", "\"127.0.0.1:8053\"");
    let mut names = Vec::new();
    let tokens = table.array_of_tables("token").into_iter().filter_map(|table| read_token(table, &mut names)).collect();
    table.finish();
    let listen = listen?.parsed("an address and a port, such as 127.0.0.1:8053")?;
    Some(Http { listen, tokens })
}

fn read_token(mut table: Table<'_>, names: &mut Vec<Remark>) -> Option<TokenEntry> {
    let document = table.document();
    let named = table.required("name", "\"ops\"");
    let name = named.as_ref().and_then(|value| read_name(value, names));
    let secret = read_source(&mut table);
    let may = table.required("may", "[\"override\"]").map(|value| read_permissions(&value));
    table.finish();
    let place = document.place(&named?.span);
    Some(TokenEntry { name: name?, secret: secret?, may: may?, place })
}

fn read_name(value: &Value<'_>, names: &mut Vec<Remark>) -> Option<Remark> {
    let text = value.string()?;
    if text.chars().count() > NAME_MAX {
        value.error(format_args!("it is too long; 1 to {NAME_MAX} characters are accepted"));
        return None;
    }
    let name = Remark::new(text).map_err(|error| value.error(format_args!("it {error}"))).ok()?;
    if names.contains(&name) {
        value.error(format_args!("{:?} is the name of another token too", name.as_str()));
    }
    names.push(name.clone());
    Some(name)
}

fn read_permissions(value: &Value<'_>) -> Vec<Permission> {
    const WORDS: [(&str, Permission); 3] =
        [("override", Permission::Override), ("signal", Permission::Signal), ("read", Permission::Read)];
    if value.is_empty_array() {
        value.wrong("the token opens nothing", "one or more of \"override\", \"signal\", \"read\"");
    }
    value.items().into_iter().filter_map(|item| item.word(&WORDS)).collect()
}

/// Characters of a token's name.
const NAME_MAX: usize = 64;
/// Characters of a token's secret: what is guessed at a million tries a second in longer than anyone waits.
const SECRET_MIN: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;

    const SERVER: &str = "[server]\nlisten = [\"127.0.0.1:0\"]\n[http]\nlisten = \"127.0.0.1:0\"\n";

    fn read(text: &str) -> (Option<Http>, String) {
        let (config, problems) = parse(&"f".into(), &[SERVER, text].concat());
        (config.and_then(|config| config.http), problems.to_string())
    }

    #[test]
    fn a_token_says_whose_it_is_and_what_it_opens() {
        let (http, problems) = read(
            "[[http.token]]\nname = \"ops\"\nsecret = \"0123456789abcdef\"\nmay = [\"override\", \"read\"]\n\
             [[http.token]]\nname = \"ci\"\nsecret = \"fedcba9876543210\"\nmay = [\"signal\"]\n",
        );
        assert_eq!(problems, "");
        let http = http.unwrap();
        let (tokens, problems) = read_tokens(&http, Path::new("waypost.toml"));
        assert_eq!(problems.to_string(), "");
        let holder = |secret| tokens.holder(secret).map(|token| (token.name.as_str(), &*token.may));
        assert_eq!(holder("0123456789abcdef"), Some(("ops", &[Permission::Override, Permission::Read][..])));
        assert_eq!(holder("fedcba9876543210"), Some(("ci", &[Permission::Signal][..])));
        assert_eq!((holder("0123456789abcde"), holder("")), (None, None));
        assert!(!format!("{http:?}{tokens:?}").contains("0123456789"));
    }

    #[test]
    fn every_problem_of_the_tokens_is_reported_in_one_run_and_no_secret_with_it() {
        let (http, problems) = read(
            "[[http.token]]\nname = \"a\"\nsecret = \"HIDDEN HIDDEN\"\nmay = [\"overide\"]\n\
             [[http.token]]\nname = \"a\"\nmay = []\nsecrt = \"HIDDEN\"\n[[http.token]]\nsecret = \"HIDDENHIDDENHIDD\"\n",
        );
        assert_eq!(http, None);
        let expected = [
            "f:7:10: error: secret: it is no secret (1 to 128 ASCII characters without spaces)",
            "f:8:8: error: an item of may: \"overide\" is not known (did you mean \"override\"?)",
            "f:9:1: error: [[token]]: secret is missing",
            "f:10:8: error: name: \"a\" is the name of another token too",
            "f:11:7: error: may: the token opens nothing",
            "f:12:1: error: [[token]]: unknown key \"secrt\"",
            "f:13:1: error: [[token]]: name is missing",
            "f:13:1: error: [[token]]: may is missing",
        ];
        assert_eq!(problems.lines().count(), expected.len(), "{problems}");
        for (found, expected) in problems.lines().zip(expected) {
            assert!(found.starts_with(expected), "{found}\n{expected}");
        }
        assert!(!problems.contains("HIDDEN"), "{problems}");
    }

    #[test]
    fn a_secret_that_can_be_guessed_or_is_anothers_is_refused() {
        let token = |name, secret| format!("[[http.token]]\nname = \"{name}\"\nsecret = \"{secret}\"\nmay = [\"read\"]\n");
        let text = [token("a", "0123456789abcdef"), token("b", "0123456789abcdef"), token("c", "0123456789abcde")].concat();
        let (_, problems) = read_tokens(&read(&text).0.unwrap(), Path::new("waypost.toml"));
        let problems = problems.to_string();
        assert!(problems.contains("f:10:8: error: [[http.token]] \"b\": its secret is that of \"a\" too"), "{problems}");
        assert!(problems.contains("f:14:8: error: [[http.token]] \"c\": its secret is short enough"), "{problems}");
        assert!(!problems.contains("0123456789"), "{problems}");
    }

    #[test]
    fn no_line_beside_a_problem_shows_a_secret() {
        for text in [
            "[[http.token]]\nname = \"a\"\nsecrt = \"HIDDEN\"\n",
            "[[http.token]]\nname = \"a\"\nsecret = \"HIDDEN HID\"\n",
            "[[http.token]]\nsecret HIDDEN\n",
            "[http]\ntoken = [{ name = \"a\", secret = \"HIDDEN\" }]\n",
        ] {
            let (_, problems) = parse(&"f".into(), &[SERVER, text].concat());
            assert!(problems.has_errors() && !format!("{problems:?}").contains("HID"), "{text}: {problems:?}");
        }
    }
}
