//! How long a thousand cases take, and a search of every two failures: reading apart, no I/O. Wall time: compare within
//! one run only.

use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use waypost::control::build::build;
use waypost::control::load::load_zones;
use waypost::scenario::failures::search;
use waypost::scenario::{Setting, Stage, read};
use waypost::text::Text;
use waypost::zone::master::{NoFiles, Source};

/// Twenty endpoints behind a weighted tree of failovers.
fn zone() -> String {
    let mut text = String::from("zone = \"example.org.\"\nns = [\"ns1.example.net.\"]\n[probe.web]\ntype = \"http\"\n");
    let mut members = Vec::new();
    for at in 0..10 {
        text += &format!("[endpoint.a{at}]\naddress = [\"192.0.2.{at}\"]\nprobe = \"web\"\n");
        text += &format!("[endpoint.b{at}]\naddress = [\"198.51.100.{at}\"]\nprobe = \"web\"\n");
        text += &format!("[route.r{at}]\npolicy = \"failover\"\nmembers = [\"a{at}\", \"b{at}\"]\n");
        members.push(format!("{{ use = \"route:r{at}\", weight = 1 }}"));
    }
    text + &format!("[route.www]\npolicy = \"weighted\"\nmembers = [{}]\n", members.join(", "))
}

fn setting() -> Setting {
    let source = Source { file: "zone.toml".into(), octets: zone().into() };
    let (state, problems) = load_zones(vec![source], &mut NoFiles, 1);
    let state = state.unwrap_or_else(|| panic!("{problems}"));
    Setting { built: build(state, &Default::default(), None).expect("a state without problems compiles"), ..Setting::default() }
}

/// A third each: verdicts, probes, shares over every path of chance.
fn cases() -> String {
    let case = |at: usize| {
        let branch = at % 10;
        let rest = match at % 3 {
            0 => format!(
                "query = \"r{branch}.example.org\"\ndown = [\"a{branch}\"]\nexpect = {{ answer = [\"198.51.100.{branch}\"] }}"
            ),
            1 => format!(
                "query = \"r{branch}.example.org\"\nat = \"5m\"\ntimeline = [{{ at = \"{at}ms\", fail = [\"a{branch}\"] }}]\n\
                 expect = {{ answer = [\"198.51.100.{branch}\"] }}"
            ),
            _ => format!("query = \"www.example.org\"\ndown = [\"a{branch}\"]\nshare = {{ \"198.51.100.{branch}\" = 0.1 }}"),
        };
        format!("[[case]]\nname = \"{at}\"\n{rest}\n")
    };
    format!("config = \"waypost.toml\"\n{}", (0..1_000).map(case).collect::<String>())
}

fn scenarios(criterion: &mut Criterion) {
    let setting = Arc::new(setting());
    let text = Text::new("scenarios.toml".into(), cases());
    let (scenarios, problems) = read(&text, |_| Some(setting.clone()));
    let scenarios = scenarios.unwrap_or_else(|| panic!("{problems}"));
    criterion.bench_function("a thousand cases: read", |bencher| bencher.iter(|| read(&text, |_| Some(setting.clone()))));
    criterion.bench_function("a thousand cases: run", |bencher| {
        bencher.iter(|| {
            let mut stage = Stage::new(&scenarios.setting);
            let holds = |case| stage.run(case).mismatches.is_empty();
            assert!(scenarios.cases.iter().all(holds));
        })
    });
    let client = ["192.0.2.53".parse().expect("an address")];
    criterion.bench_function("every two failures of twenty", |bencher| bencher.iter(|| search(&setting, &client, 2)));
}

criterion_group!(benches, scenarios);
criterion_main!(benches);
