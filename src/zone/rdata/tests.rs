//! What each type's text means, what is refused, and that both forms say the same.

use super::*;
use proptest::prelude::*;

fn origin() -> Name {
    Name::parse("Example.org.", None).unwrap()
}

fn rtype(text: &str) -> RecordType {
    text.parse().unwrap()
}

fn read(rtype_text: &str, text: &str) -> Result<Vec<u8>, InvalidRdata> {
    parse(rtype(rtype_text), text, Some(&origin()))
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Each text of a type reads as what is shown, and that reads back to the same octets.
#[test]
fn each_type_shows_as_text_that_reads_back() {
    for (mnemonic, text, shown) in [
        ("A", "192.0.2.1", "192.0.2.1"),
        ("A", "\\# 4 C0000201", "192.0.2.1"),
        ("A", "\\# 4 c0 00 ( 02 01 )", "192.0.2.1"),
        ("AAAA", "2001:DB8:0::1", "2001:db8::1"),
        ("AAAA", "::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ("CNAME", "Www", "Www.Example.org."),
        ("NS", "@", "Example.org."),
        ("PTR", "a\\.b\\065.", "a\\.bA."),
        ("DNAME", ".", "."),
        ("MX", "10 Mail", "10 Mail.Example.org."),
        ("MX", "0 .", "0 ."),
        ("SOA", "ns hostmaster.x. 4294967295 1h 15M 1w2d 60", "ns.Example.org. hostmaster.x. 4294967295 3600 900 777600 60"),
        ("TXT", "one \"two ; 2\" \"\" \\\"x\\\\ \\065", r#""one" "two ; 2" "" "\"x\\" "A""#),
        ("TXT", "\"\"", "\"\""),
        ("TXT", "\"\u{e9}\\010\"", r#""\195\169\010""#),
        ("SPF", "\"v=spf1 -all\"", "\"v=spf1 -all\""),
        ("HINFO", "PC \"Linux 6\"", "\"PC\" \"Linux 6\""),
        ("RP", "mbox txt.", "mbox.Example.org. txt."),
        ("AFSDB", "1 db", "1 db.Example.org."),
        ("SRV", "1 2 65535 t", "1 2 65535 t.Example.org."),
        ("NAPTR", "100 50 \"s\" \"SIP+D2U\" \"\" _sip._udp", "100 50 \"s\" \"SIP+D2U\" \"\" _sip._udp.Example.org."),
        ("NAPTR", r#"1 2 u E2U+sip "!^.*$!sip:a\\1@b!" ."#, r#"1 2 "u" "E2U+sip" "!^.*$!sip:a\\1@b!" ."#),
        ("KX", "10 k", "10 k.Example.org."),
        ("CAA", "0 issue \"ca.example; a=b\"", "0 issue \"ca.example; a=b\""),
        ("CAA", "128 issue \"\"", "128 issue \"\""),
        ("CAA", "0 iodef mailto:a@b", "0 iodef \"mailto:a@b\""),
        ("URI", "10 1 \"https://example.org/?a=b;c\"", "10 1 \"https://example.org/?a=b;c\""),
        ("CERT", "PKIX 1 RSASHA256 AQID", "1 1 8 AQID"),
        ("CERT", "65534 65535 254 AQ==", "65534 65535 254 AQ=="),
        ("DS", "60485 5 1 2BB183AF5F22588179A53B0A 98631FAD1A292118", "60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118"),
        ("CDS", "0 0 0 00", "0 0 0 00"),
        ("CDNSKEY", "0 3 0 AA==", "0 3 0 AA=="),
        ("DNSKEY", "257 3 ed25519 AQID BAUG", "257 3 15 AQIDBAUG"),
        ("RRSIG", "A 13 2 1h 20240229235959 1700000000 1 x. AQID", "A 13 2 3600 20240229235959 20231114221320 1 x. AQID"),
        ("NSEC", "b.x. TYPE1234 MX A", "b.x. A MX TYPE1234"),
        (
            "NSEC3",
            "1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX A",
            "1 1 12 AABBCCDD 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR A MX",
        ),
        ("NSEC3", "1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr", "1 0 0 - 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR"),
        ("NSEC3PARAM", "1 0 0 -", "1 0 0 -"),
        ("SSHFP", "4 9 01 02", "4 9 0102"),
        ("TLSA", "3 1 0 ABCDEF", "3 1 0 ABCDEF"),
        ("SMIMEA", "3 0 0 ab", "3 0 0 AB"),
        ("OPENPGPKEY", "AQID BA==", "AQIDBA=="),
        ("DHCID", "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=", "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA="),
        ("CSYNC", "66 3 A NS AAAA", "66 3 A NS AAAA"),
        ("CSYNC", "66 0", "66 0"),
        ("ZONEMD", "2018031500 1 240 000102030405060708090A0B", "2018031500 1 240 000102030405060708090A0B"),
        ("EUI48", "00-00-5e-00-53-2A", "00-00-5e-00-53-2a"),
        ("EUI64", "00-00-5e-ef-10-00-00-2a", "00-00-5e-ef-10-00-00-2a"),
        ("APL", "1:192.168.32.0/21 !1:192.168.38.0/28 2:FF00:0::/8", "1:192.168.32.0/21 !1:192.168.38.0/28 2:ff00::/8"),
        ("APL", "", "\\# 0"),
        ("LOC", "42 21 54 N 71 06 18 W -24m 30m", "42 21 54.000 N 71 6 18.000 W -24.00m 30.00m 10000.00m 10.00m"),
        ("LOC", "90 S 180 0 0.000 E 0", "90 0 0.000 S 180 0 0.000 E 0.00m 1.00m 10000.00m 10.00m"),
        ("TYPE65280", "\\# 0", "\\# 0"),
        ("TYPE65280", "\\# 3 abcdef", "\\# 3 ABCDEF"),
        ("TYPE11", "\\# 1 00", "\\# 1 00"),
        ("HIP", "\\# 1 00", "\\# 1 00"),
        ("SVCB", "0 svc", "0 svc.Example.org."),
        ("HTTPS", "1 . alpn=h2,h3 port=8443", "1 . alpn=\"h2,h3\" port=8443"),
        (
            "HTTPS",
            "16 . ipv6hint=2001:db8::1,::1 ech=\"AQID\" ipv4hint=192.0.2.1 mandatory=ipv6hint,alpn no-default-alpn alpn=\"h2\"",
            "16 . mandatory=alpn,ipv6hint alpn=\"h2\" no-default-alpn ipv4hint=192.0.2.1 ech=AQID ipv6hint=2001:db8::1,::1",
        ),
        (
            "SVCB",
            "1 . dohpath=/dns{?dns} ohttp key667=hello key9=z",
            "1 . dohpath=\"/dns{?dns}\" ohttp key9=\"z\" key667=\"hello\"",
        ),
        ("SVCB", "1 . key1=\\002h2 key3=\\000\\080", "1 . alpn=\"h2\" port=80"),
    ] {
        let octets = read(mnemonic, text).unwrap_or_else(|invalid| panic!("{mnemonic} {text}: {invalid}"));
        check(rtype(mnemonic), &octets).unwrap();
        assert_eq!(show(rtype(mnemonic), &octets).to_string(), shown, "{mnemonic} {text}");
        assert_eq!(hex(&read(mnemonic, shown).unwrap()), hex(&octets), "{mnemonic} {shown}");
    }
}

/// RFC 9460 appendix D.2, and figure 10 with its escapes of both levels.
#[test]
fn the_test_vectors_of_rfc_9460_hold() {
    for (text, expected) in [
        ("0 foo.example.com.", "000003666f6f076578616d706c6503636f6d00"),
        ("1 .", "000100"),
        ("16 foo.example.com. port=53", "001003666f6f076578616d706c6503636f6d00000300020035"),
        ("1 foo.example.com. key667=hello", "000103666f6f076578616d706c6503636f6d00029b000568656c6c6f"),
        ("1 foo.example.com. key667=\"hello\\210qoo\"", "000103666f6f076578616d706c6503636f6d00029b000968656c6c6fd2716f6f"),
        (
            "1 foo.example.com. ( ipv6hint=\"2001:db8::1,2001:db8::53:1\" )",
            "000103666f6f076578616d706c6503636f6d0000060020\
             20010db800000000000000000000000120010db8000000000000000000530001",
        ),
        (
            "16 foo.example.org. (alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1)",
            "001003666f6f076578616d706c65036f726700000000040001000400010009026832056833\
             2d3139000400 04c0000201",
        ),
        (
            r#"16 foo.example.org. alpn="f\\\\oo\\,bar,h2""#,
            "001003666f6f076578616d706c65036f72670000010 00c08665c6f6f2c626172026832",
        ),
        (
            r"16 foo.example.org. alpn=f\\\092oo\092,bar,h2",
            "001003666f6f076578616d706c65036f72670000010 00c08665c6f6f2c626172026832",
        ),
    ] {
        assert_eq!(hex(&read("SVCB", text).unwrap()), expected.replace(' ', ""), "{text}");
    }
}

#[test]
fn what_does_not_fit_is_pointed_at_and_named() {
    let long = "x".repeat(256);
    let label = "y".repeat(64);
    for (mnemonic, text, span, message) in [
        ("A", "192.0.2.256", 0..11, "A address: \"192.0.2.256\" does not fit"),
        ("A", "192.0.2.01", 0..10, "A address: \"192.0.2.01\" does not fit"),
        ("A", "", 0..0, "A address: it is missing"),
        ("A", "192.0.2.1 192.0.2.2", 10..19, "A: \"192.0.2.2\" is more than the record takes"),
        ("AAAA", "fe80::1%eth0", 0..12, "AAAA address: \"fe80::1%eth0\" does not fit"),
        ("MX", "mail", 0..4, "MX preference: \"mail\" does not fit"),
        ("MX", "10", 2..2, "MX exchange: it is missing"),
        ("MX", "65536 mail", 0..5, "MX preference: \"65536\" does not fit"),
        ("MX", "\"\" mail", 0..2, "MX preference: \"\" does not fit"),
        ("CNAME", "a..b", 0..4, "CNAME name: \"a..b\": the name has an empty label (two dots in a row, or a dot at the start)"),
        ("NS", &label, 0..64, "a label has 64 octets; at most 63 are accepted"),
        ("TXT", &long, 0..256, "TXT text: a character string has 256 octets; it can hold 255"),
        ("TXT", "\"abc", 0..4, "the quotation opened here is not closed on its line"),
        ("TXT", "a\\25", 1..4, "TXT text: a backslash is followed by neither a character nor three digits from 000 to 255"),
        ("TXT", "a\nb", 0..3, "TXT: the value has more than one line"),
        ("TXT", "; a", 0..3, "TXT: a semicolon begins a comment, and a value has none"),
        ("TXT", "v=DMARC1; p=none", 8..16, "TXT: a semicolon begins a comment, and a value has none"),
        ("CSYNC", "1 0 TYPE0", 0..9, "CSYNC types: the bitmap lists type 0"),
        ("CAA", "0 is-sue x", 2..8, "CAA tag: \"is-sue\" does not fit"),
        ("CAA", "256 issue x", 0..3, "CAA flags: \"256\" does not fit"),
        ("URI", "1 1 \"\"", 4..6, "URI target: it is empty"),
        ("DS", "1 8 2 abcd", 0..10, "DS digest: 2 octets, and algorithm 2 makes 32"),
        ("DS", "1 8 2 abc", 6..9, "DS digest: \"abc\" is not hexadecimal digits, two an octet"),
        ("DS", "1 NOPE 2 ab", 2..6, "DS algorithm: \"NOPE\" does not fit"),
        ("LOC", "91 N 0 E 0m", 0..2, "LOC location: \"91\" does not fit"),
        ("LOC", "9 N 0 E", 7..7, "LOC location: it ends too early"),
        ("EUI48", "00-00-5e-00-53", 0..14, "EUI48 address: \"00-00-5e-00-53\" does not fit"),
        ("APL", "3:192.0.2.1/24", 0..14, "APL prefixes: \"3:192.0.2.1/24\" does not fit"),
        ("NSEC", "b. A FOO", 5..8, "NSEC types: \"FOO\" does not fit"),
        ("A", "\\# 3 c00002", 0..11, "A address: 3 octets are left, and it takes 4"),
        ("A", "\\# 4 c00002", 3..4, "A: the length says 4 octets, and 3 follow"),
        ("MX", "\\# 4 000ac00c", 0..13, "MX exchange: the octets are not an uncompressed name"),
        ("TYPE65280", "abc", 0..3, "TYPE65280 has no form of its own here"),
        ("OPT", "\\# 0", 0..4, "OPT is a type of queries and messages; no zone can hold it"),
        ("SVCB", "1 . port=1 port=2", 11..17, "SVCB parameters: port is given twice"),
        ("SVCB", "1 . mandatory=alpn", 4..18, "SVCB parameters: mandatory lists alpn, which is not given"),
        ("SVCB", "1 . mandatory=mandatory", 4..23, "the value of mandatory is not valid"),
        ("SVCB", "1 . mandatory=port,port port=1", 4..30, "the value of mandatory is not valid"),
        ("SVCB", "1 . alpn", 4..8, "SVCB parameters: the value of alpn is not valid"),
        ("SVCB", "1 . alpn=h2,,h3", 4..15, "SVCB parameters: the value of alpn is not valid"),
        ("SVCB", "1 . no-default-alpn=x alpn=h2", 4..29, "the value of no-default-alpn is not valid"),
        ("SVCB", "1 . no-default-alpn", 4..19, "no-default-alpn is given without alpn"),
        ("SVCB", "1 . key65535=x", 4..14, "\"key65535\" is not a service parameter"),
        ("SVCB", "1 . PORT=1", 4..10, "\"PORT\" is not a service parameter"),
        ("SVCB", "1 . key03=1", 4..11, "\"key03\" is not a service parameter"),
    ] {
        let invalid = read(mnemonic, text).expect_err(text);
        assert!(invalid.message.contains(message), "{mnemonic} {text}: {}", invalid.message);
        assert_eq!(invalid.span, span, "{mnemonic} {text}: {invalid}");
    }
}

#[test]
fn a_text_too_long_for_one_string_is_told_to_be_split() {
    assert_eq!(read("TXT", &"x".repeat(255)).unwrap().len(), 256);
    assert!(read("TXT", &"x".repeat(256)).unwrap_err().help.unwrap().contains("split"));
    let most = "\"".to_owned() + &"x".repeat(255) + "\" ";
    assert_eq!(read("TXT", &most.repeat(255)).unwrap().len(), 65_280);
    let invalid = read("TXT", &most.repeat(256)).unwrap_err();
    assert!(invalid.message.contains("65536 octets; at most 65535"), "{invalid}");
}

#[test]
fn a_relative_name_without_origin_is_refused() {
    assert!(parse(RecordType::MX, "10 mail", None).unwrap_err().message.contains("no origin"));
}

/// Types in no row of the grammar take any octets; the others what their row says.
#[test]
fn wire_form_is_checked_against_its_type() {
    for (mnemonic, octets, valid) in [
        ("A", &b"\xc0\x00\x02\x01"[..], true),
        ("A", b"\xc0\x00\x02", false),
        ("A", b"\xc0\x00\x02\x01\x00", false),
        ("TXT", b"", false),
        ("TXT", b"\x00", true),
        ("TXT", b"\x02a", false),
        ("NS", b"\xc0\x0c", false),
        ("NS", b"\x01a\x00\x00", false),
        ("CAA", b"\x00\x00x", false),
        ("CAA", b"\x00\x05issue", true),
        ("NSEC", b"\x00\x00\x02\x40\x00", false),
        ("LOC", b"\x01\x12\x16\x13\x80\x00\x00\x00\x80\x00\x00\x00\x00\x98\x96\x80", false),
        ("SVCB", b"\x00\x01\x00\x00\x04\x00\x04\x01\x02\x03\x04\x00\x03\x00\x02\x00\x01", false),
        ("TYPE65280", b"\x01\x02", true),
        ("ANY", b"", false),
    ] {
        assert_eq!(check(rtype(mnemonic), octets).is_ok(), valid, "{mnemonic} {octets:?}");
    }
}

fn any_stored_type() -> impl Strategy<Value = RecordType> {
    let known: Vec<RecordType> =
        RecordType::mnemonics().map(|mnemonic| mnemonic.parse().unwrap()).filter(|rtype: &RecordType| rtype.is_data()).collect();
    prop_oneof![9 => proptest::sample::select(known), 1 => any::<u16>().prop_map(RecordType)]
}

/// Octets of which many are lengths, names and small numbers, so that a fair part is valid for some type.
fn likely_rdata() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..6),
        Just(b"\x03wWw\x02a.\x00".to_vec()),
        Just(vec![0]),
        Just(vec![0, 1]),
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(|text| [&[text.len() as u8], &text[..]].concat()),
        Just(vec![0, 1, 0, 3, 2, b'h', b'2']),
        Just(vec![0, 6, 0x40, 1, 0, 0, 0, 3]),
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_octets_show_as_text_that_reads_back(rtype in any_stored_type(), octets in likely_rdata()) {
        let shown = show(rtype, &octets).to_string();
        match check(rtype, &octets) {
            Ok(()) => prop_assert_eq!(parse(rtype, &shown, None).map_err(|invalid| format!("{shown}: {invalid}")), Ok(octets)),
            Err(_) => prop_assert!(shown.starts_with("\\# "), "{}", shown),
        }
    }

    #[test]
    fn any_text_is_read_or_refused(rtype in any_stored_type(), text in "[ -~\\n\u{e9}]{0,60}") {
        if let Ok(octets) = parse(rtype, &text, Some(&origin())) {
            prop_assert_eq!(check(rtype, &octets), Ok(()));
        }
    }

    #[test]
    fn words_that_look_like_rdata_are_read_or_refused(
        rtype in any_stored_type(),
        words in proptest::collection::vec(
            proptest::sample::select(vec!["1", "0", "65535", "a.b", ".", "@", "\"x y\"", "ab", "1h", "A", "-", "\\#", "alpn=h2", "port=", "N", "E",
                "192.0.2.1", "::1", "AQID", "2t7b4g4v", "1:1.2.3.4/5", "key5=\\001", "mandatory=port", "(", ")", "\\065", "\\", "20240101000000"]),
            0..10)
    ) {
        if let Ok(octets) = parse(rtype, &words.join(" "), Some(&origin())) {
            prop_assert_eq!(check(rtype, &octets), Ok(()));
            prop_assert_eq!(parse(rtype, &show(rtype, &octets).to_string(), None), Ok(octets));
        }
    }
}
