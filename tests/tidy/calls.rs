//! What the code may not say, where, and why.
//!
//! A table of rules over blanked code (see `source`), so that a comment or a message may name what it bans.
//! Invariant: every rule catches its own sample, and lets its own counter-sample pass.

use crate::NOTHING;
use crate::layers::{Layer, row_of};
use crate::source::{Source, item_end};

pub struct Rule {
    /// Found as written, at the start of a word.
    pub banned: &'static [&'static str],
    pub why: &'static str,
    pub scope: Scope,
    /// Files that the rule does not bind.
    pub except: &'static [&'static str],
    /// A file and a text that it must catch.
    pub catches: (&'static str, &'static str),
    /// A file and a text that it must let pass.
    pub passes: (&'static str, &'static str),
}

/// Which code a rule binds.
#[derive(Clone, Copy)]
pub enum Scope {
    /// `src`, without unit tests.
    Shipped,
    /// `src` as written, with its comments and literals.
    Written,
    /// Modules of the core, without unit tests.
    Core,
    /// Everything, tests too.
    All,
    /// Tests: `tests/`, and `src` where it is not shipped.
    Tests,
    /// Tests on a real clock: as `Tests`, without what runs on tokio's paused one.
    Timed,
}

pub const RULES: &[Rule] = &[
    Rule {
        banned: &["Instant::now", "SystemTime::now", "Timestamp::now", "Zoned::now", "rand::", "getrandom"],
        why: "time and chance are read in src/clock.rs and handed on as arguments",
        scope: Scope::Shipped,
        except: &["src/clock.rs"],
        catches: ("src/server/udp.rs", "let now = std::time::Instant::now();"),
        passes: ("src/server/udp.rs", "let operand::X = clock.now(); // Instant::now"),
    },
    Rule {
        banned: &["/dev/urandom", "/dev/random"],
        why: "chance is read in src/clock.rs and handed on as an argument",
        scope: Scope::Written,
        except: &["src/clock.rs"],
        catches: ("src/node.rs", "fs::read(\"/dev/urandom\")"),
        passes: ("src/clock.rs", "fs::read(\"/dev/urandom\")"),
    },
    Rule {
        banned: &["std::fs", "fs::", "File::", "std::env", "env::var", "std::process", "std::thread", "thread::"],
        why: "the core has no I/O and no threads: the edges read, and hand texts on",
        scope: Scope::Core,
        except: &[],
        catches: ("src/zone/master.rs", "let text = std::fs::read(path)?;"),
        passes: ("src/store/log.rs", "let text = std::fs::read(path)?;"),
    },
    Rule {
        banned: &["UdpSocket", "TcpStream", "TcpListener", "ToSocketAddrs", "socket2", "hyper", "reqwest"],
        why: "the core has no sockets; addresses are plain data and fine",
        scope: Scope::Core,
        except: &[],
        catches: ("src/health/machine.rs", "use std::net::{IpAddr, TcpStream};"),
        passes: ("src/health/machine.rs", "use std::net::{IpAddr, SocketAddr};"),
    },
    Rule {
        banned: &["tokio", "async fn", "async move", "async {", ".await", "Future"],
        why: "the core is not async",
        scope: Scope::Core,
        except: &[],
        catches: ("src/answer/mod.rs", "let x = y.await;"),
        passes: ("src/answer/mod.rs", "let awaited = 1;"),
    },
    Rule {
        banned: &["tracing", "println!", "eprintln!", "print!", "eprint!", "log::"],
        why: "functions of the core return what happened; the edge logs it",
        scope: Scope::Core,
        except: &[],
        catches: ("src/control/build.rs", "tracing::info!(\"built\");"),
        passes: ("src/control/build.rs", "let catalog::X = 1;"),
    },
    Rule {
        banned: &["Mutex", "RwLock", "Condvar", "OnceLock", "LazyLock", "thread_local!", "static mut"],
        why: "readers of the core never wait, and it keeps no state of its own",
        scope: Scope::Core,
        // What a large file says is made into what the API shows when it is first asked for: a function of the file alone,
        // that no answer to a query waits for (docs/decisions/loading.md).
        except: &["src/route53/account/zone.rs"],
        catches: ("src/snapshot.rs", "use std::sync::{Arc, Mutex};"),
        passes: ("src/snapshot.rs", "use std::sync::Arc;"),
    },
    Rule {
        banned: &[".unwrap()", "todo!", "unimplemented!", "dbg!"],
        why: "`expect` states the invariant and where it was made; nothing is left to be done",
        scope: Scope::Shipped,
        except: &[],
        catches: ("src/zone/tree.rs", "x.unwrap();"),
        passes: ("src/zone/tree.rs", "x.unwrap_or_default();\n#[cfg(test)]\nmod tests { fn f() { x.unwrap(); } }"),
    },
    Rule {
        banned: &["mod tests"],
        why: "unit tests are compiled under #[cfg(test)] only: that is how these checks know them",
        scope: Scope::Shipped,
        except: &[],
        catches: ("src/zone/mod.rs", "mod tests;"),
        passes: ("src/zone/mod.rs", "#[cfg(test)]\nmod tests;"),
    },
    Rule {
        banned: &["unsafe", "allow(unsafe_code)", "no_mangle"],
        why: "`unsafe` lives in the one file that wraps batched socket calls, and where the allocator is chosen",
        scope: Scope::All,
        except: &["src/server/mmsg.rs", "src/main.rs"],
        catches: ("src/server/udp.rs", "unsafe { f() }"),
        passes: ("src/server/mmsg.rs", "unsafe { f() }"),
    },
    Rule {
        banned: &["thread::sleep", "sleep_ms("],
        why: "tests wait for what they need, with a deadline; time is an argument",
        scope: Scope::Tests,
        except: &[],
        catches: ("tests/server.rs", "use std::thread::sleep;"),
        passes: ("src/server/udp.rs", "std::thread::sleep(second);"),
    },
    Rule {
        banned: &["sleep(", "sleep_until("],
        why: "tests wait for what they need, with a deadline; only tokio's paused clock passes no time in a sleep",
        scope: Scope::Timed,
        except: &[],
        catches: ("tests/server.rs", "use tokio::time::sleep;\nasync fn f() { sleep(second).await; }"),
        passes: ("src/server/tcp.rs", "tokio::time::sleep(backoff).await;"),
    },
    Rule {
        banned: &["#[ignore", "ignore = "],
        why: "slow tests run when RUN_SLOW_TESTS is set; no test is left out",
        scope: Scope::All,
        except: &[],
        catches: ("tests/server.rs", "#[test]\n#[ignore]\nfn f() {}"),
        passes: ("tests/server.rs", "fn ignored() {}"),
    },
];

/// Each banned word of the file, with its line and the reason.
pub fn check_calls(source: &Source) -> Vec<String> {
    RULES.iter().flat_map(|rule| breaches(rule, source)).collect()
}

fn breaches(rule: &Rule, source: &Source) -> Vec<String> {
    if rule.except.contains(&source.path.as_str()) {
        return Vec::new();
    }
    let code = match rule.scope {
        Scope::All => source.code.clone(),
        Scope::Shipped if source.path.starts_with("src/") => source.shipped.clone(),
        Scope::Written if source.path.starts_with("src/") => source.text.clone(),
        Scope::Core if is_core(source) => source.shipped.clone(),
        Scope::Tests => tests_alone(source),
        Scope::Timed => timed_tests(&tests_alone(source)),
        Scope::Shipped | Scope::Written | Scope::Core => return Vec::new(),
    };
    let mut found = Vec::new();
    for (at, line) in code.lines().enumerate() {
        for banned in rule.banned.iter().filter(|banned| says(line, banned)) {
            found.push(format!("{}:{}: `{banned}`: {}", source.path, at + 1, rule.why));
        }
    }
    found
}

fn is_core(source: &Source) -> bool {
    source.module().and_then(row_of).is_some_and(|row| row.layer == Layer::Core)
}

/// The lines of the tests, the others blank.
fn tests_alone(source: &Source) -> String {
    if source.path.starts_with("tests/") {
        return source.code.clone();
    }
    if !source.path.starts_with("src/") {
        return String::new();
    }
    let lines = source.code.lines().zip(source.shipped.lines());
    lines.map(|(all, shipped)| if all == shipped { "" } else { all }).collect::<Vec<&str>>().join("\n")
}

/// The code of tests that runs on a real clock. In a file that imports tokio's `sleep` and has tests on the paused clock,
/// these and what they share are left out; its other tests are not.
fn timed_tests(code: &str) -> String {
    let imports = code.lines().any(|line| line.starts_with("use tokio::time::") && says(line, "sleep"));
    let attributes: Vec<(usize, &str)> = code.match_indices("#[tokio::test").chain(code.match_indices("#[test]")).collect();
    let is_paused = |at: usize| code[at..].lines().next().is_some_and(|line| says(line, "start_paused = true"));
    if !imports || !attributes.iter().any(|&(at, _)| is_paused(at)) {
        return code.to_owned();
    }
    let mut timed = vec![false; code.len()];
    for &(at, _) in attributes.iter().filter(|&&(at, _)| !is_paused(at)) {
        timed[at..item_end(code.as_bytes(), at)].fill(true);
    }
    let kept = code.bytes().zip(timed).map(|(octet, timed)| if timed || octet == b'\n' { octet } else { b' ' });
    String::from_utf8(kept.collect()).expect("tests begin and end at ASCII")
}

/// Whether the line says `banned`, whole words where it begins or ends with a letter.
fn says(line: &str, banned: &str) -> bool {
    let in_word = |character: char| character.is_alphanumeric() || character == '_';
    line.match_indices(banned).any(|(at, _)| {
        let starts = !banned.starts_with(in_word) || !line[..at].ends_with(in_word);
        let ends = !banned.ends_with(in_word) || !line[at + banned.len()..].starts_with(in_word);
        starts && ends
    })
}

#[test]
fn every_rule_catches_its_sample_and_lets_its_counter_sample_pass() {
    for rule in RULES {
        let (path, text) = rule.catches;
        assert!(!breaches(rule, &Source::new(path, text)).is_empty(), "{path}: {text}");
        let (path, text) = rule.passes;
        assert_eq!(breaches(rule, &Source::new(path, text)), NOTHING, "{path}: {text}");
    }
}

#[test]
fn a_breach_is_reported_with_its_line() {
    let source = Source::new("src/zone/tree.rs", "fn f() {}\n\nfn g() { todo!() }\n");
    let found = check_calls(&source);
    assert!(found.len() == 1 && found[0].starts_with("src/zone/tree.rs:3: `todo!`"), "{found:?}");
}

#[test]
fn a_sleep_in_a_unit_test_is_caught() {
    let source = Source::new("src/server/udp.rs", "fn f() {}\n#[cfg(test)]\nmod tests {\n    fn g() { thread::sleep(x) }\n}\n");
    assert!(check_calls(&source).iter().any(|found| found.starts_with("src/server/udp.rs:4:")));
}

#[test]
fn a_sleep_passes_in_a_file_of_tests_on_the_paused_clock_but_not_in_its_other_tests() {
    let shared = "use tokio::time::{Instant, sleep};\nasync fn f() { sleep(x).await }\n";
    let paused = "#[tokio::test(start_paused = true)]\nasync fn g() { sleep(x).await }\n";
    let real = "#[tokio::test]\nasync fn h() { sleep(x).await }\n";
    let breaches = |text: &str| check_calls(&Source::new("tests/runner.rs", text)).len();
    assert_eq!(breaches(&[shared, paused].concat()), 0);
    assert_eq!(breaches(&[shared, paused, real].concat()), 1);
    assert_eq!(breaches(&[shared, real].concat()), 2);
    assert_eq!(breaches(paused), 1, "whose sleep it is, is not known");
    assert_eq!(breaches(&[shared, paused, "fn i() { std::thread::sleep(x) }\n"].concat()), 1);
}
