//! The keys that say what is asked over DNS, and which answers pass.
//!
//! Invariant: text and octets of a name or value say the same, and the text reads back as the same octets.

use crate::health::protocol::dns::{DnsQuery, QueryType, Rcode, Wired};
use crate::toml_table::{Table, Value};
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::rdata;

pub(super) fn read_query(table: &mut Table<'_>) -> Option<DnsQuery> {
    let question = table.required("query", "\"www.example.org A\"").and_then(|value| read_question(&value));
    let rcode = table.optional("expect_rcode").and_then(|value| value.word(&Rcode::WORDS)).unwrap_or(Rcode::NOERROR);
    let items = table.array("answer");
    let recursion = table.bool_or("recursion", false);
    let (name, rtype) = question?;
    let answers = items.iter().filter_map(|item| read_answer(item, rtype)).collect();
    let name = Wired { shown: name.to_string(), octets: name.as_wire().to_vec() };
    Some(DnsQuery { name, rtype: QueryType { code: rtype.0, word: rtype.to_string() }, rcode, answers, recursion })
}

/// `www.example.org A`: an absolute name, and a type that records have.
fn read_question(value: &Value<'_>) -> Option<(Name, RecordType)> {
    let written = value.string()?;
    let mut words = written.split_ascii_whitespace();
    let (Some(name), Some(rtype), None) = (words.next(), words.next(), words.next()) else {
        value.wrong(format_args!("{written:?} is no question"), "a name and a type, such as \"www.example.org A\"");
        return None;
    };
    let name = Name::parse(name, Some(&Name::root())).map_err(|error| value.error(format_args!("{name}: {error}")));
    let rtype = rtype.parse::<RecordType>().ok().filter(|rtype| rtype.is_data());
    if rtype.is_none() {
        value.wrong(format_args!("{written:?} asks for no type of record"), "such as A, AAAA, SOA or TXT");
    }
    name.ok().zip(rtype)
}

fn read_answer(value: &Value<'_>, rtype: RecordType) -> Option<Wired> {
    match rdata::parse(rtype, value.string()?, Some(&Name::root())) {
        Ok(octets) => Some(Wired { shown: rdata::show(rtype, &octets).to_string(), octets }),
        Err(error) => {
            value.error(format_args!("no data of type {rtype}: {error}"));
            None
        }
    }
}
