//! The README's zone is the sample zone, and both load: what a reader copies works.
//!
//! Commands that documents show are run by `docs.rs`.

use std::fs;

use waypost::config::Files;
use waypost::control::expand::expand;
use waypost::control::load::load_zones;
use waypost::zone::master::Source;

#[test]
fn the_readme_shows_the_sample_zone_as_it_is() {
    let readme = fs::read_to_string("README.md").expect("tests run in the project's folder");
    let block = readme.split("```toml\n# zones/example.org.toml\n").nth(1).and_then(|rest| rest.split("```").next());
    let shown = block.expect("the README shows zones/example.org.toml");
    let sample = fs::read_to_string("zones/example.org.toml").expect("the sample is there");
    assert_eq!(meaning(shown), meaning(&sample));
}

/// What a zone file means, whatever its comments and lines.
fn meaning(text: &str) -> Vec<String> {
    let source = Source { file: "zones/example.org.toml".into(), octets: text.into() };
    let (state, problems) = load_zones(vec![source], &mut Files, 1);
    let state = state.unwrap_or_else(|| panic!("{problems}"));
    expand(&state).into_iter().map(|zone| zone.text).collect()
}
