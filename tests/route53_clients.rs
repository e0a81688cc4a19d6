//! The Route 53 API, used by the clients that people have: the scripts of `tests/clients`, each with a server of its own.
//!
//! A script claims and compares, and ends with 0 if all of it held; here it is only started, given the built binary and an
//! end. What it needs is installed by `.ci/install`; without it nothing is tested, which is an error under CI.
//! Invariant: every script of the folder that can be run is run.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Longer than a script takes; one that hangs is told to end, and clears up.
const PATIENCE: &str = "400";

const AWS_CLI_2: &str = "/usr/bin/aws";
const LEGO: &str = "/usr/bin/lego";
const PEBBLE: &str = "/usr/bin/pebble";

#[test]
fn the_first_aws_cli_has_its_tutorial() {
    run("awscli.py", [&*ours("bin/aws"), "1".as_ref()], &[]);
}

#[test]
fn the_second_aws_cli_has_its_tutorial() {
    run("awscli.py", [AWS_CLI_2, "2"], &[AWS_CLI_2]);
}

#[test]
fn boto3_gets_from_each_operation_what_the_model_says() {
    run("boto3_model.py", NOTHING, &[]);
}

#[test]
fn boto3_succeeds_with_each_operation() {
    run("boto3_account.py", NOTHING, &[]);
}

#[test]
fn boto3_is_let_in_with_its_keys_and_reads_errors() {
    run("boto3_access.py", NOTHING, &[]);
}

#[test]
fn octodns_applies_a_plan_and_finds_nothing_left_to_do() {
    run("octodns_sync.py", [ours("bin")], &[]);
}

#[test]
fn lego_gets_a_certificate() {
    run("lego_order.py", [LEGO], &[LEGO, PEBBLE]);
}

#[test]
fn certbot_gets_a_certificate() {
    run("certbot_order.py", [ours("bin/certbot")], &[PEBBLE]);
}

#[test]
fn ansible_makes_what_a_playbook_says_once() {
    run("ansible_modules.py", [ours("bin")], &[]);
}

#[test]
fn the_sdk_for_javascript_fails_over() {
    run("sdk_javascript.py", [&*ours(""), "node".as_ref()], &[]);
}

#[test]
fn the_shapes_are_those_of_botocore() {
    run("model.py", ["--check".as_ref(), root().join("src/route53/shapes/model.txt").as_path()], &[]);
}

#[test]
fn every_script_is_run() {
    let text = fs::read_to_string(root().join("tests/route53_clients.rs")).unwrap();
    let entries = fs::read_dir(root().join("tests/clients")).unwrap().map(|entry| entry.unwrap().file_name());
    let scripts = entries.map(|name| name.into_string().unwrap()).filter(|name| name.ends_with(".py"));
    let forgotten: BTreeSet<String> =
        scripts.filter(|name| !SHARED.contains(&&**name) && !text.contains(&format!("run(\"{name}\""))).collect();
    assert!(forgotten.is_empty(), "no test runs {forgotten:?}");
}

/// What scripts share.
const SHARED: &[&str] = &["server.py", "acme.py"];

const NOTHING: [&str; 0] = [];

/// Runs a script with the Python of the installed clients; `needed` are programs of Debian's.
#[track_caller]
fn run(script: &str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>, needed: &[&str]) {
    let installed = ours("installed");
    let missing: Vec<&Path> =
        needed.iter().map(Path::new).chain([installed.as_path()]).filter(|needed| !needed.exists()).collect();
    if !missing.is_empty() {
        let notice = format!("{script} is not run: {missing:?} is needed (.ci/install)");
        assert!(env::var_os("CI").is_none(), "{notice}");
        println!("{notice}");
        return;
    }
    let ran = Command::new("timeout")
        .args(["--kill-after=30", PATIENCE])
        .arg(ours("bin/python"))
        .arg(root().join("tests/clients").join(script))
        .args(arguments)
        .env("WAYPOST", env!("CARGO_BIN_EXE_waypost"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = [ran.stdout, ran.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    assert!(ran.status.success(), "{script}: {}\n{said}", ran.status);
    println!("{said}");
}

/// A file of the installed clients.
fn ours(file: &str) -> PathBuf {
    root().join("target/clients").join(file)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
