//! What was expected against what was answered, over every path of chance.
//!
//! Answers nothing itself. Invariant: an expectation that fails on any path is a mismatch, with the share of responses
//! that fail it; what nobody expects is not looked at.

use std::fmt;

use serde::Serialize;

use super::ask::Response;
use super::case::{Case, Expect, Share};
use super::read::rdata_text;
use crate::explain::{ExplainReport, RecordReport};
use crate::wire::rtype::RecordType;

/// One expectation that does not hold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mismatch {
    /// The key: `answer`, `ttl`.
    pub what: &'static str,
    pub expected: String,
    /// What was found instead, in order of first sight.
    pub got: Vec<Got>,
}

/// One thing that was found, and the share of responses that it was found in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Got {
    pub text: String,
    pub share: f64,
}

/// One expectation that one response fails.
struct Miss {
    what: &'static str,
    expected: String,
    got: String,
}

/// Everything that does not hold, and the place of the first response that shows it.
pub(super) fn judge(case: &Case, responses: &[Response]) -> (Vec<Mismatch>, Option<usize>) {
    let mut mismatches: Vec<Mismatch> = Vec::new();
    let mut first = None;
    for (at, response) in responses.iter().enumerate() {
        for miss in misses(&case.expect, case.qtype, &response.report) {
            first = first.or(Some(at));
            note(&mut mismatches, miss, response.probability);
        }
    }
    for share in &case.expect.share {
        let found: f64 = responses.iter().filter(|response| has(response, case.qtype, &share.value)).map(|r| r.probability).sum();
        if !share.holds(found) {
            first = first.or((!responses.is_empty()).then_some(0));
            mismatches.push(of_share(share, found));
        }
    }
    (mismatches, first)
}

fn note(mismatches: &mut Vec<Mismatch>, miss: Miss, probability: f64) {
    let Miss { what, expected, got: text } = miss;
    let at = mismatches.iter().position(|known| known.what == what).unwrap_or_else(|| {
        mismatches.push(Mismatch { what, expected, got: Vec::new() });
        mismatches.len() - 1
    });
    let got = &mut mismatches[at].got;
    match got.iter_mut().find(|known| known.text == text) {
        Some(known) => known.share += probability,
        None => got.push(Got { text, share: probability }),
    }
}

/// What of `expect` this response fails.
fn misses(expect: &Expect, qtype: RecordType, report: &ExplainReport) -> Vec<Miss> {
    let answer = &report.answer;
    let found = values(report, qtype);
    let mut misses = Vec::new();
    let mut expected = |what, holds: Option<(bool, String, String)>| {
        misses.extend(holds.filter(|(holds, ..)| !holds).map(|(_, expected, got)| Miss { what, expected, got }));
    };
    expected("rcode", expect.rcode.as_ref().map(|word| (*word == answer.rcode, word.clone(), answer.rcode.clone())));
    expected("answer", expect.answer.as_ref().map(|values| (*values == found, listed(values), listed(&found))));
    let is_one_of = |values: &Vec<String>| !found.is_empty() && found.iter().all(|value| values.contains(value));
    expected("one_of", expect.one_of.as_ref().map(|values| (is_one_of(values), listed(values), listed(&found))));
    expected("count", expect.count.map(|count| (count == found.len(), count.to_string(), found.len().to_string())));
    expected("ttl", expect.ttl.map(|ttl| holds_alone(ttl, ttls(report, qtype))));
    let scope = answer.client_subnet.as_ref().map(|subnet| subnet.scope);
    expected("scope", expect.scope.map(|bits| holds_alone(bits, scope.into_iter().collect())));
    let aa = answer.flags.iter().any(|flag| flag == "aa");
    expected("aa", expect.aa.map(|set| (set == aa, set.to_string(), aa.to_string())));
    let explains = |text: &String| report.steps.iter().any(|step| step.text.contains(text.as_str()));
    expected(
        "explains",
        expect.explains.as_ref().map(|text| (explains(text), format!("{text:?}"), "no step that says so".to_owned())),
    );
    misses
}

/// Whether `expected` is the one thing found.
fn holds_alone<T: PartialEq + ToString>(expected: T, found: Vec<T>) -> (bool, String, String) {
    let holds = matches!(&found[..], [one] if *one == expected);
    (holds, expected.to_string(), listed(&found.iter().map(T::to_string).collect::<Vec<_>>()))
}

/// The values of the type asked that one response answers, sorted, in the form that expectations have.
fn values(report: &ExplainReport, qtype: RecordType) -> Vec<String> {
    let text = |record: &RecordReport| rdata_text(qtype, &record.rdata).unwrap_or_else(|_| record.rdata.clone());
    let mut values: Vec<String> = records(report, qtype).map(text).collect();
    values.sort();
    values
}

/// The TTLs of the records of the type asked, each once.
fn ttls(report: &ExplainReport, qtype: RecordType) -> Vec<u32> {
    let mut ttls: Vec<u32> = records(report, qtype).map(|record| record.ttl).collect();
    ttls.sort_unstable();
    ttls.dedup();
    ttls
}

/// The records of the type asked in the answer section; all of them for ANY.
fn records(report: &ExplainReport, qtype: RecordType) -> impl Iterator<Item = &RecordReport> {
    let word = qtype.to_string();
    report.answer.answer.iter().filter(move |record| qtype == RecordType::ANY || record.rtype == word)
}

fn has(response: &Response, qtype: RecordType, value: &String) -> bool {
    values(&response.report, qtype).contains(value)
}

fn of_share(share: &Share, found: f64) -> Mismatch {
    let expected = format!("{} in {} of responses", share.value, percent(share.expected));
    Mismatch { what: "share", expected, got: vec![Got { text: format!("it in {}", percent(found)), share: 1.0 }] }
}

fn listed(values: &[String]) -> String {
    if values.is_empty() { "nothing".to_owned() } else { values.join(", ") }
}

/// `12.5 %`, at most six decimals.
fn percent(share: f64) -> String {
    // An empty sum is -0.
    let text = format!("{:.6}", share * 100.0 + 0.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// `answer: expected 192.0.2.10, got 198.51.100.10 in 10 % of responses`
impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, got ", self.what, self.expected)?;
        for (at, Got { text, share }) in self.got.iter().enumerate() {
            let and = if at > 0 { ", " } else { "" };
            match percent(*share).as_str() {
                "100 %" => write!(f, "{and}{text}")?,
                share => write!(f, "{and}{text} in {share} of responses")?,
            }
        }
        Ok(())
    }
}
