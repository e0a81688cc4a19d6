//! What a master file means, and what is reported about one that means nothing.

use super::*;
use crate::problem::Severity;
use crate::zone::print::print;
use crate::zone::record_set::Content;
use proptest::prelude::*;

/// Files that `$INCLUDE` can name.
struct Files<'f>(&'f [(&'f str, &'f str)]);

impl Include for Files<'_> {
    fn load(&mut self, path: &str, from: &str) -> Result<Source, String> {
        let found = self.0.iter().find(|(name, _)| *name == path);
        found.map(|(_, text)| source(path, text.as_bytes())).ok_or_else(|| format!("no such file beside {from}"))
    }
}

fn source(file: &str, octets: &[u8]) -> Source {
    Source { file: file.into(), octets: octets.to_vec() }
}

fn zone() -> Name {
    Name::parse("example.org.", None).unwrap()
}

fn read_octets(octets: &[u8]) -> Read {
    read(source("z", octets), Some(&zone()), Some(Ttl::new(60).unwrap()), &mut Files(&[]))
}

/// The text's records, printed, and its problems, each as a line.
fn lines(read: Read) -> Vec<String> {
    let mut lines: Vec<String> = print(&read.record_sets).lines().map(|line| line.replace(" IN ", " ")).collect();
    lines.extend(read.problems.iter().map(ToString::to_string));
    lines
}

fn check(text: &str, expected: &[&str]) {
    assert_eq!(lines(read_octets(text.as_bytes())), expected, "{text}");
}

#[test]
fn owner_ttl_and_class_are_found_in_either_order_or_left_out() {
    let www = "www.example.org. 3600 A 192.0.2.1";
    for text in [
        "www 3600 IN A 192.0.2.1",
        "www IN 3600 A 192.0.2.1",
        "www 1h a 192.0.2.1",
        "www in 60M A 192.0.2.1\r\n",
        "$TTL 1h\nwww A 192.0.2.1",
        "$TTL 1h\nwww.example.org. CLASS1 A 192.0.2.1 ; comment",
        "$ORIGIN www\n@ 3600 A 192.0.2.1",
        "www 3600 ( IN\n A ; comment\n\t192.0.2.1 )",
        "$TTL 0h60m0s\n\\119ww TYPE1 \\# 4 C0000201",
        "\u{feff}www 3600 A 192.0.2.1",
    ] {
        check(text, &[www]);
    }
    check("www A 192.0.2.1", &["www.example.org. 60 A 192.0.2.1"]);
}

#[test]
fn owners_named_as_classes_types_and_numbers_are_owners() {
    check(
        "IN 5 IN A 192.0.2.1\nA A 192.0.2.1\n3600 A 192.0.2.1\n\\$ttl A 192.0.2.1\n* A 192.0.2.1",
        &[
            "IN.example.org. 5 A 192.0.2.1",
            "A.example.org. 5 A 192.0.2.1",
            "3600.example.org. 5 A 192.0.2.1",
            "\\$ttl.example.org. 5 A 192.0.2.1",
            "*.example.org. 5 A 192.0.2.1",
        ],
    );
}

#[test]
fn a_blank_owner_is_the_last_and_a_missing_ttl_is_ttl_or_the_last() {
    check(
        "a 5 A 192.0.2.1\n\tTXT x\n$ORIGIN sub\nb A 192.0.2.2\n$TTL 7\n A 192.0.2.3\nc 9 MX 1 c\nd MX 1 d\n",
        &[
            "a.example.org. 5 A 192.0.2.1",
            "a.example.org. 5 TXT \"x\"",
            "b.sub.example.org. 5 A 192.0.2.2",
            "b.sub.example.org. 5 A 192.0.2.3",
            "c.sub.example.org. 9 MX 1 c.sub.example.org.",
            "d.sub.example.org. 7 MX 1 d.sub.example.org.",
            "z:6:1: warning: b.sub.example.org. A: this record has the TTL 7, and the one before it 5 \
             (all records of one name and type have one TTL; the smallest is used (5))",
        ],
    );
}

#[test]
fn records_gather_by_name_and_type_without_regard_to_case() {
    check(
        "a 5 NS b\nA 5 NS c\na 5 TXT x\na 5 NS B\na 5 TXT X\na 5 TXT x",
        &[
            "a.example.org. 5 NS b.example.org.",
            "a.example.org. 5 NS c.example.org.",
            "a.example.org. 5 TXT \"x\"",
            "a.example.org. 5 TXT \"X\"",
            "z:4:1: warning: a.example.org. NS B.example.org. is given twice (it is answered once)",
            "z:6:1: warning: a.example.org. TXT \"x\" is given twice (it is answered once)",
        ],
    );
}

#[test]
fn the_smallest_ttl_of_an_rrset_is_used() {
    let read = read_octets(b"a 5 A 192.0.2.1\na 3 A 192.0.2.2\na 9 A 192.0.2.3");
    assert!(matches!(read.record_sets[0].content, Content::Values { ttl, .. } if ttl.secs() == 3));
    assert_eq!((read.problems.iter().count(), read.problems.has_errors()), (1, false));
}

#[test]
fn every_problem_is_reported_with_its_line_and_the_rest_is_read() {
    let text = r#"www A 192.0.2.256
www CH A 192.0.2.1
www AA 192.0.2.1
www 99999999999 A 192.0.2.1
$ORGIN x
a..b A 192.0.2.1
 A 192.0.2.2
ok A 192.0.2.1 )
www (
 A
www TXT "abc
www A
other.test. A 192.0.2.1
www SOA ns host 1 2 3 4 5x
$TTL
www AXFR x
ok A 192.0.2.9
www TXT x\
www
www MX ( 10

 a..b )
"#;
    let read = read_octets(text.as_bytes());
    let found: Vec<String> = read
        .problems
        .iter()
        .map(|problem| {
            let place = problem.place.as_ref().unwrap();
            format!("{}:{}+{} {}", place.line, place.column, place.width, problem.message)
        })
        .collect();
    assert_eq!(
        found,
        [
            "1:7+11 A address: \"192.0.2.256\" does not fit",
            "2:5+2 the class \"CH\" is not served",
            "3:5+2 \"AA\" is not a record type",
            "4:5+11 \"99999999999\" is not a TTL",
            "5:1+6 \"$ORGIN\" is not a directive",
            "6:1+4 \"a..b\": the name has an empty label (two dots in a row, or a dot at the start)",
            "8:16+1 a parenthesis is closed that was not opened",
            "9:5+1 the parenthesis opened here is not closed",
            "10:3+1 A address: it is missing",
            "11:9+4 the quotation opened here is not closed on its line",
            "12:6+1 A address: it is missing",
            "14:25+2 SOA minimum: \"5x\" does not fit",
            "15:1+4 $TTL with 0 arguments",
            "16:5+4 AXFR is a type of queries and messages; no zone can hold it",
            "18:10+1 TXT text: a backslash is followed by neither a character nor three digits from 000 to 255",
            "19:4+1 the record's type is missing",
            "22:2+4 MX exchange: \"a..b\": the name has an empty label (two dots in a row, or a dot at the start)",
            "13:1+1 other.test. A: the owner is not within the zone example.org.",
        ]
    );
    assert_eq!(print(&read.record_sets), "ok.example.org. 60 IN A 192.0.2.9\n");
    assert!(read.problems.iter().all(|problem| text.lines().any(|line| line == &*problem.place.as_ref().unwrap().text)));
}

#[test]
fn slips_are_answered_with_the_nearest_word() {
    for (text, help) in [
        ("www AAA ::1", "did you mean AAAA?"),
        ("www CNMAE x", "did you mean CNAME?"),
        ("$ORIGN x", "did you mean $ORIGIN?"),
        ("www HTTPS 1 . aplm=h2", "did you mean alpn?"),
        ("$WEIGHT-OF-THE-WORLD", "a dollar sign is written \\$"),
        ("www WKS 192.0.2.1 TCP", "TYPE and a number"),
    ] {
        let read = read_octets(text.as_bytes());
        let found = read.problems.iter().next().and_then(|problem| problem.help.clone()).unwrap_or_default();
        assert!(found.contains(help), "{text}: {found}");
    }
}

#[test]
fn a_problem_names_the_file_it_is_in_and_an_include_ends_with_its_origin() {
    let files = [("sub.zone", "@ 5 A 192.0.2.1\n A 192.0.2.300\n$ORIGIN deep\nx TXT y\n"), ("blank", " A 192.0.2.1\n")];
    let text = "top 5 A 192.0.2.9\n$INCLUDE \"sub.zone\" sub\n TXT after\nwww A 192.0.2.2\n$INCLUDE blank\n$INCLUDE none\n";
    let read = read(source("dir/z", text.as_bytes()), Some(&zone()), None, &mut Files(&files));
    assert_eq!(read.files.iter().map(|file| &**file).collect::<Vec<_>>(), ["dir/z", "sub.zone", "blank"]);
    let origins: Vec<(u16, u32)> = read.record_sets.iter().map(|set| (set.origin.file, set.origin.line)).collect();
    assert_eq!(origins, [(0, 1), (1, 1), (1, 4), (0, 3), (0, 4)]);
    assert_eq!(
        lines(read),
        [
            "top.example.org. 5 A 192.0.2.9",
            "sub.example.org. 5 A 192.0.2.1",
            "x.deep.sub.example.org. 5 TXT \"y\"",
            "top.example.org. 5 TXT \"after\"",
            "www.example.org. 5 A 192.0.2.2",
            "sub.zone:2:4: error: A address: \"192.0.2.300\" does not fit (an IPv4 address such as 192.0.2.1 is accepted)",
            "blank:1:2: error: the first record of a file begins with a blank, so it has no owner \
             (an owner name at the start of the line, or @ for the origin, is accepted)",
            "dir/z:6:10: error: \"none\" cannot be included: no such file beside dir/z",
        ]
    );
}

#[test]
fn includes_that_come_back_or_go_too_deep_are_refused() {
    let looping = [("a", "$INCLUDE b"), ("b", "$INCLUDE a")];
    let found = lines(read(source("a", b"$INCLUDE b"), Some(&zone()), None, &mut Files(&looping)));
    assert_eq!(found, ["b:1:10: error: \"a\" cannot be included: it includes itself, by way of a, b"]);

    struct Deeper(u32);
    impl Include for Deeper {
        fn load(&mut self, _: &str, _: &str) -> Result<Source, String> {
            self.0 += 1;
            Ok(source(&self.0.to_string(), b"$INCLUDE x\n$INCLUDE x\n"))
        }
    }
    let mut deeper = Deeper(0);
    let read = read(source("0", b"$INCLUDE x"), Some(&zone()), None, &mut deeper);
    assert_eq!((deeper.0, read.files.len()), (4_095, 4_096));
    assert!(read.problems.has_errors());
}

#[test]
fn generate_makes_a_record_of_each_number() {
    for (text, expected) in [
        ("$GENERATE 1-3/2 h$ A 192.0.2.$", vec!["h1.example.org. 60 A 192.0.2.1", "h3.example.org. 60 A 192.0.2.3"]),
        (
            "$GENERATE 9-10 h${1,3,d} 5 IN CNAME t${-9}.x.",
            vec!["h010.example.org. 5 CNAME t0.x.", "h011.example.org. 5 CNAME t1.x."],
        ),
        (
            "$GENERATE 255-255 ${0,4,x}-${0,2,X}-${0,0,o}-\\$-$$ A 192.0.2.1",
            vec!["00ff-FF-377-\\$-\\$.example.org. 60 A 192.0.2.1"],
        ),
        ("$GENERATE 28-28 ${0,5,n}.x PTR ${0,0,N}.", vec!["c.1.0.x.example.org. 60 PTR C.1."]),
        ("$GENERATE 1-1 @ MX \"1$ m$\"", vec!["example.org. 60 MX 11 m1.example.org."]),
        (
            "@ A 192.0.2.1\n$GENERATE 1-2 @ TXT $",
            vec!["example.org. 60 A 192.0.2.1", "example.org. 60 TXT \"1\"", "example.org. 60 TXT \"2\""],
        ),
        ("$GENERATE 1-1 @ MX 1$ m$", vec!["example.org. 60 MX 11 m1.example.org."]),
        ("$GENERATE 1-1 @ TXT \"\\\"a $\\\"\" ", vec!["example.org. 60 TXT \"a 1\""]),
        ("$GENERATE 1-1 @ TXT \"a $\" \"b $\"", vec!["example.org. 60 TXT \"a 1\" \"b 1\""]),
    ] {
        check(text, &expected);
    }
    check(
        "a A 192.0.2.1\n$GENERATE 0-1 h$ A 192.0.2.$\n TXT x",
        &[
            "a.example.org. 60 A 192.0.2.1",
            "h0.example.org. 60 A 192.0.2.0",
            "h1.example.org. 60 A 192.0.2.1",
            "a.example.org. 60 TXT \"x\"",
        ],
    );
}

#[test]
fn a_bad_generate_is_one_problem() {
    for (text, message) in [
        ("$GENERATE 0-65536 h$ A 192.0.2.1", "\"0-65536\" makes 65537 records"),
        ("$GENERATE 2-1 h$ A 192.0.2.1", "\"2-1\" is not a range"),
        ("$GENERATE 1-2/0 h$ A 192.0.2.1", "\"1-2/0\" is not a range"),
        ("$GENERATE 1-2", "$GENERATE with 1 arguments"),
        ("$GENERATE 1-2 h${0,0,q} A 192.0.2.1", "\"h${0,0,q}\" has a bad ${…}"),
        ("$GENERATE 1-2 h${0 A 192.0.2.1", "\"h${0\" has a bad ${…}"),
        ("$GENERATE 1-2 h${-2} A 192.0.2.1", "the offset makes it negative"),
        (
            "$GENERATE 250-300 h$ A 192.0.2.$",
            "$GENERATE makes for 256 \"h256 A 192.0.2.256 \": A address: \"192.0.2.256\" does not fit",
        ),
        ("$GENERATE 1-2 h$ AA 192.0.2.$", "\"AA\" is not a record type"),
    ] {
        let read = read_octets(text.as_bytes());
        let messages: Vec<&str> = read.problems.iter().map(|problem| problem.message.as_str()).collect();
        assert!(messages.len() == 1 && messages[0].contains(message), "{text}: {messages:?}");
    }
}

#[test]
fn a_file_alone_is_named_by_its_soa() {
    let alone = |text: &str| read(source("z", text.as_bytes()), None, None, &mut Files(&[]));
    let good = alone("$ORIGIN example.org.\n$TTL 5\nwww A 192.0.2.1\n@ SOA ns host 1 2 3 4 5\n");
    assert_eq!((good.apex, good.problems.is_empty(), good.record_sets.len()), (Some(zone()), true, 2));
    let found = lines(alone("example.org. 5 SOA ns.example.org. h. 1 2 3 4 5\nwww A 192.0.2.1\nx.test. A 192.0.2.1\n"));
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[1].starts_with("z:2:1: error: \"www\": the name does not end with a dot"), "{found:?}");
    assert!(found[2].starts_with("z:3:1: error: x.test. A: the owner is not within the zone example.org."), "{found:?}");
    assert!(lines(alone("a. 5 A 192.0.2.1"))[1].contains("no SOA record"));
    assert!(lines(alone("a. A 192.0.2.1"))[0].contains("has no TTL, and none was given before it"));
}

#[test]
fn a_hundred_thousand_problems_are_counted_and_a_hundred_of_each_kind_shown() {
    let mut text = "a 5 A 192.0.2.1\na 5 A 192.0.2.1\n".repeat(200);
    text.push_str(&"www A x\n".repeat(100_000));
    let problems: Vec<_> = read_octets(text.as_bytes()).problems.into_iter().collect();
    assert_eq!(problems.len(), 202);
    assert_eq!(problems[200].message, "99900 more errors are not shown");
    assert_eq!((problems[201].message.as_str(), problems[201].severity), ("299 more warnings are not shown", Severity::Warning));
}

#[test]
fn octets_that_are_not_utf_8_are_octets_and_bad_lines_are_shown() {
    let read = read_octets(b"a\xff 5 TXT \"\xfe\x00\"\nb\xff 5 A x\xff y\n");
    assert_eq!(print(&read.record_sets), "a\\255.example.org. 5 IN TXT \"\\254\\000\"\n");
    let place = read.problems.iter().next().unwrap().place.clone().unwrap();
    assert_eq!((place.line, place.column, place.width, &*place.text), (2, 8, 2, "b\u{fffd} 5 A x\u{fffd} y"));
}

#[test]
fn names_of_255_octets_are_read_and_longer_ones_refused() {
    let name = format!("{0}.{0}.{0}.{1}", "a".repeat(63), "b".repeat(49));
    check(&format!("{name} 5 A 192.0.2.1"), &[&format!("{name}.example.org. 5 A 192.0.2.1")]);
    let found = lines(read_octets(format!("{name}b 5 A 192.0.2.1").as_bytes()));
    assert!(found[0].contains("more than 255 octets"), "{found:?}");
}

#[test]
fn many_unclosed_parentheses_take_linear_time() {
    let read = read_octets("a A (\n".repeat(50_000).as_bytes());
    assert_eq!(read.problems.iter().count(), 101);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_octets_are_read_without_panic(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_octets(&octets);
    }

    #[test]
    fn pieces_of_master_files_are_read_and_what_is_kept_prints_and_reads_back(
        pieces in proptest::collection::vec(proptest::sample::select(vec![
            "a", "@", "*", "b.example.org.", " ", "\t", "\n", "\n", "\n", ";", "\"", "(", ")", "\\", "\\000", "IN ", "CH ", "3600 ", "1h ", "A ",
            "192.0.2.1", "AAAA ", "::1", "TXT ", "MX ", "10 ", "$TTL ", "$ORIGIN ", "$INCLUDE ", "$GENERATE ", "1-3 ", "h$ ", "${0,2,d} ", "\\# ",
            "4 ", "01020304", "SOA ", "HTTPS ", "alpn=", "\u{e9}", "\r\n",
        ]), 0..60)
    ) {
        let first = read_octets(pieces.concat().as_bytes());
        let second = read_octets(print(&first.record_sets).as_bytes());
        prop_assert!(second.problems.is_empty(), "{}", second.problems);
        prop_assert_eq!(print(&first.record_sets), print(&second.record_sets));
    }
}

/// Lines that are plain or nearly so: words that are, or are not quite, an owner, a TTL, a class, a type and an address.
fn nearly_plain_lines() -> impl Strategy<Value = Vec<String>> {
    let owner = prop_oneof![
        6 => "[a-cA-C]{1,2}",
        2 => "[a-b*_/:-]{1,3}(\\.[a-b]{0,2}){0,2}\\.?",
        1 => Just("www.example.org.".to_owned()),
        1 => "(@|\\$|\\.|a\\.\\.b|a\\\\.b|IN|300|A|[a]{64}|([a]{60}\\.){4}|)",
    ];
    let ttl = prop_oneof!["[0-9]{0,3}", "(0000000300|00000000300|2147483647|2147483648|4294967296|99999999999|1h|3_0)"];
    let class = "(IN|in|In|CH|IN IN||)";
    let rtype = "(A|a|A|AAAA|aAaa|TYPE1|TXT|)";
    let address = prop_oneof![
        4 => "10\\.0\\.0\\.[0-9]{1,2}",
        1 => "([0-9]{1,3}\\.){3}[0-9]{1,4}\\.?",
        1 => "(::1|2001:db8::[0-9a-fA-F]{1,5}|::ffff:1\\.2\\.3\\.4|1:2:3:4:5:6:7:8|%|1.2.3|\\# 4 0a000001)",
    ];
    let blank = "( |\t|  | \t)";
    let words = (owner, ttl, class, rtype, address, blank, any::<bool>(), "( |\r|\t|)");
    let line = words.prop_map(|(owner, ttl, class, rtype, address, blank, is_class_first, end)| {
        let (one, other) = if is_class_first { (&class[..], &ttl[..]) } else { (&ttl[..], &class[..]) };
        let words: Vec<&str> = [&owner, one, other, &rtype, &address].into_iter().filter(|word| !word.is_empty()).collect();
        format!("{}{end}", words.join(&blank))
    });
    prop::collection::vec(line, 1..40)
}

proptest! {
    /// A comment makes no line mean anything else, but keeps it from being read as a plain one.
    #[test]
    fn plain_lines_say_what_they_say_with_a_comment(lines in nearly_plain_lines(), has_origin: bool, has_ttl: bool, last: bool) {
        let head = format!("{}{}", if has_origin { "$ORIGIN example.org.\n" } else { "" }, if has_ttl { "$TTL 60\n" } else { "" });
        let end = if last { "\n" } else { "" };
        let read_with = |comment: &str| {
            let text = head.clone() + &lines.iter().map(|line| format!("{line}{comment}")).collect::<Vec<_>>().join("\n") + end;
            let zone = Name::parse("example.org.", None).expect("valid");
            let read = read(source("z", text.as_bytes()), Some(&zone), None, &mut Files(&[]));
            let said = |problem: &Problem| {
                let place = problem.place.as_ref().map(|place| (place.line, place.column));
                (problem.severity, problem.message.clone(), problem.help.clone(), place)
            };
            let problems: Vec<_> = read.problems.iter().map(said).collect();
            (read.record_sets, problems)
        };
        prop_assert_eq!(read_with(""), read_with(" ;"));
    }
}
