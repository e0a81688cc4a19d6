//! CIDR collections over the Route 53 API, and what is served by them.

#[path = "route53/mod.rs"]
mod route53;

use route53::{Api, element, elements};

fn create(api: &mut Api, name: &str) -> String {
    let request = format!("<Name>{name}</Name><CallerReference>{name}-1</CallerReference>");
    element(&api.accepted("POST", "cidrcollection", &request), "Id")
}

/// `PUT fra 192.0.2.0/24 198.51.100.0/24; DELETE_IF_EXISTS ams 10.0.0.0/8` as a request.
fn changes(text: &str) -> String {
    let change = |change: &str| {
        let mut words = change.split_whitespace();
        let (action, location) = (words.next().unwrap(), words.next().unwrap());
        let blocks: String = words.map(|block| format!("<Cidr>{block}</Cidr>")).collect();
        format!("<member><LocationName>{location}</LocationName><Action>{action}</Action><CidrList>{blocks}</CidrList></member>")
    };
    format!("<Changes>{}</Changes>", text.split(';').map(change).collect::<String>())
}

/// What the collection holds: `fra 192.0.2.0/24, …`
fn held(api: &mut Api, id: &str) -> String {
    let listed = api.accepted("GET", &format!("cidrcollection/{id}/cidrblocks"), "");
    let pairs = elements(&listed, "LocationName").into_iter().zip(elements(&listed, "CidrBlock"));
    pairs.map(|(location, block)| format!("{location} {block}")).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_collection_is_made_listed_and_deleted() {
    let mut api = Api::new();
    let request = "<Name>offices</Name><CallerReference>one</CallerReference>";
    let created = api.accepted("POST", "cidrcollection", request);
    let id = element(&created, "Id");
    let collection =
        format!("<Arn>arn:aws:route53:::cidrcollection/{id}</Arn><Id>{id}</Id><Name>offices</Name><Version>1</Version>");
    assert_eq!(
        created,
        format!("<CreateCidrCollectionResponse><Collection>{collection}</Collection></CreateCidrCollectionResponse>")
    );
    assert_eq!(api.location, Some(format!("cidrcollection/{id}")));
    // The same request again: the same collection.
    assert_eq!(api.accepted("POST", "cidrcollection", request), created);
    assert_eq!(
        api.accepted("GET", "cidrcollection", ""),
        format!(
            "<ListCidrCollectionsResponse><CidrCollections><member>{collection}</member></CidrCollections></ListCidrCollectionsResponse>"
        )
    );
    assert_eq!(
        api.refused("POST", "cidrcollection", "<Name>offices</Name><CallerReference>two</CallerReference>"),
        "400 CidrCollectionAlreadyExistsException: A CIDR collection with the name offices or the caller reference two already exists."
    );
    assert_eq!(api.accepted("DELETE", &format!("cidrcollection/{id}"), ""), "<DeleteCidrCollectionResponse/>");
    assert_eq!(
        api.refused("DELETE", &format!("cidrcollection/{id}"), ""),
        format!("404 NoSuchCidrCollectionException: No CIDR collection exists with the ID: {id}")
    );
}

#[test]
fn blocks_are_put_moved_and_deleted_in_one_version_a_change() {
    let mut api = Api::new();
    let id = create(&mut api, "offices");
    let path = format!("cidrcollection/{id}");
    let steps = [
        // Bits beyond the prefix are cleared; a block that is put twice is there once.
        ("PUT fra 192.0.2.7/24 10.0.0.0/8; PUT ams 10.1.0.0/16", "ams 10.1.0.0/16, fra 10.0.0.0/8, fra 192.0.2.0/24"),
        ("PUT fra 192.0.2.0/24", "ams 10.1.0.0/16, fra 10.0.0.0/8, fra 192.0.2.0/24"),
        // A move, said in either order.
        ("PUT ams 192.0.2.0/24; DELETE_IF_EXISTS fra 192.0.2.0/24", "ams 10.1.0.0/16, ams 192.0.2.0/24, fra 10.0.0.0/8"),
        ("DELETE_IF_EXISTS ams 192.0.2.0/24; PUT fra 192.0.2.0/24", "ams 10.1.0.0/16, fra 10.0.0.0/8, fra 192.0.2.0/24"),
        // What is not there is deleted without a word; a location without blocks is gone.
        ("DELETE_IF_EXISTS ams 10.1.0.0/16 10.2.0.0/16; DELETE_IF_EXISTS none ::/1", "fra 10.0.0.0/8, fra 192.0.2.0/24"),
        ("PUT v6 2001:DB8::/32", "fra 10.0.0.0/8, fra 192.0.2.0/24, v6 2001:db8::/32"),
    ];
    for (at, (change, expected)) in steps.into_iter().enumerate() {
        let version = format!("<CollectionVersion>{}</CollectionVersion>", at + 1);
        let changed = api.accepted("POST", &path, &(version + &changes(change)));
        let change_id = element(&changed, "Id");
        assert!(api.account.changes.contains_key(change_id.trim_start_matches("/change/")), "{changed}");
        assert_eq!(held(&mut api, &id), expected, "{change}");
    }
    assert_eq!(element(&api.accepted("GET", "cidrcollection", ""), "Version"), "7");
    assert_eq!(
        api.accepted("GET", &path, ""),
        "<ListCidrLocationsResponse><CidrLocations><member><LocationName>fra</LocationName></member><member><LocationName>v6</LocationName></member></CidrLocations></ListCidrLocationsResponse>"
    );
}

#[test]
fn changes_that_cannot_be_are_refused_whole() {
    let mut api = Api::new();
    let id = create(&mut api, "offices");
    let path = format!("cidrcollection/{id}");
    api.accepted("POST", &path, &changes("PUT fra 10.0.0.0/8"));
    let cases = [
        (
            "PUT ams 10.0.0.0/8",
            "400 CidrBlockInUseException: The CIDR block 10.0.0.0/8 is already in use: it would be in the locations ams and fra.",
        ),
        (
            "PUT fra 192.0.2.0/24; PUT fra 10.0.0.0",
            "400 InvalidInput: The CIDR block 10.0.0.0 is not valid: an address, a slash and a length are.",
        ),
        (
            "PUT fra 192.0.2.0/25",
            "400 InvalidInput: The CIDR block 192.0.2.0/25 is not valid: /1 to /24 are accepted for this family.",
        ),
        (
            "PUT fra 0.0.0.0/0",
            "400 InvalidInput: The CIDR block 0.0.0.0/0 is not valid: a prefix of 1 or more bits; clients that no block holds get the member of the location *.",
        ),
    ];
    for (change, expected) in cases {
        assert_eq!(api.refused("POST", &path, &changes(change)), expected, "{change}");
        assert_eq!(held(&mut api, &id), "fra 10.0.0.0/8");
    }
    let version = "<CollectionVersion>1</CollectionVersion>".to_owned();
    assert_eq!(
        api.refused("POST", &path, &(version + &changes("PUT fra 192.0.2.0/24"))),
        "409 CidrCollectionVersionMismatchException: The CIDR collection version you provided, 1, doesn't match the collection's current version, 2."
    );
    assert_eq!(
        api.refused("DELETE", &path, ""),
        format!("400 CidrCollectionInUseException: The CIDR collection {id} is in use, and isn't empty.")
    );
    let other = "cidrcollection/00000000-0000-0000-0000-000000000000";
    assert_eq!(
        api.refused("POST", other, &changes("PUT fra 192.0.2.0/24")),
        "404 NoSuchCidrCollectionException: No CIDR collection exists with the ID: 00000000-0000-0000-0000-000000000000"
    );
    assert_eq!(
        api.refused("GET", &format!("{path}/cidrblocks?location=ams"), ""),
        format!("404 NoSuchCidrLocationException: The CIDR collection {id} has no location ams.")
    );
    assert_eq!(
        api.refused("GET", &format!("{path}/cidrblocks?nexttoken=x"), ""),
        "400 InvalidInput: The specified pagination token is not valid."
    );
}

#[test]
fn pages_of_any_size_are_the_same_list() {
    let mut api = Api::new();
    let ids: Vec<String> = (0..5).map(|at| create(&mut api, &format!("c{at}"))).collect();
    let path = format!("cidrcollection/{}", ids[0]);
    let blocks = |location: u8| (0..7).map(|at| format!(" 10.{location}.{at}.0/24")).collect::<String>();
    let put: Vec<String> = (0..6).map(|location| format!("PUT l{location}{}", blocks(location))).collect();
    api.accepted("POST", &path, &changes(&put.join(";")));
    for (path, item, count) in [
        ("cidrcollection".to_owned(), "Id", 5),
        (path.clone(), "LocationName", 6),
        (format!("{path}/cidrblocks"), "CidrBlock", 42),
        (format!("{path}/cidrblocks?location=l3"), "CidrBlock", 7),
    ] {
        let expected = elements(&api.accepted("GET", &path, ""), item);
        assert_eq!(expected.len(), count, "{path}");
        for size in [1, 4, 100] {
            let (mut listed, mut next) = (Vec::new(), String::new());
            loop {
                let mark = if path.contains('?') { '&' } else { '?' };
                let page = api.accepted("GET", &format!("{path}{mark}maxresults={size}{next}"), "");
                listed.extend(elements(&page, item));
                match elements(&page, "NextToken").first() {
                    Some(token) => next = format!("&nexttoken={token}"),
                    None => break,
                }
            }
            assert_eq!(listed, expected, "{path} by {size}");
        }
    }
}

#[test]
fn only_strict_rules_limit_collections_and_blocks() {
    let mut api = Api::strict();
    let id = create(&mut api, "c0");
    (1..5).for_each(|at| drop(create(&mut api, &format!("c{at}"))));
    let sixth = "<Name>c5</Name><CallerReference>c5</CallerReference>";
    assert_eq!(
        api.refused("POST", "cidrcollection", sixth),
        "400 LimitsExceeded: The limit of 5 CIDR collections has been reached."
    );
    let path = format!("cidrcollection/{id}");
    let blocks = |first: u8| (0..200).map(|at| format!(" 10.{first}.{at}.0/24")).collect::<String>();
    let put: Vec<String> = (0..5).map(|first| format!("PUT a{}", blocks(first))).collect();
    api.accepted("POST", &path, &changes(&put.join(";")));
    assert_eq!(
        api.refused("POST", &path, &changes("PUT a 192.0.2.0/24")),
        "400 LimitsExceeded: The limit of 1000 CIDR blocks in a collection has been reached."
    );
    api.settings.rules.strict = false;
    api.accepted("POST", &path, &changes("PUT a 192.0.2.0/24"));
    api.accepted("POST", "cidrcollection", sixth);
}
