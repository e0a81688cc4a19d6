//! Geographic locations, limits and tags over the Route 53 API.

#[path = "route53/mod.rs"]
mod route53;

use route53::{Api, element, elements};

#[test]
fn a_location_is_told_with_its_names() {
    let cases = [
        ("continentcode=EU", "<ContinentCode>EU</ContinentCode><ContinentName>Europe</ContinentName>"),
        ("countrycode=AX", "<CountryCode>AX</CountryCode><CountryName>Åland</CountryName>"),
        ("countrycode=*", "<CountryCode>*</CountryCode><CountryName>Default</CountryName>"),
        (
            "countrycode=US&subdivisioncode=CA",
            "<CountryCode>US</CountryCode><CountryName>United States</CountryName><SubdivisionCode>CA</SubdivisionCode><SubdivisionName>California</SubdivisionName>",
        ),
        (
            "countrycode=UA&subdivisioncode=11",
            "<CountryCode>UA</CountryCode><CountryName>Ukraine</CountryName><SubdivisionCode>11</SubdivisionCode><SubdivisionName>Crimea</SubdivisionName>",
        ),
    ];
    for (query, expected) in cases {
        let told = Api::new().accepted("GET", &format!("geolocation?{query}"), "");
        let expected =
            format!("<GetGeoLocationResponse><GeoLocationDetails>{expected}</GeoLocationDetails></GetGeoLocationResponse>");
        assert_eq!(told, expected, "{query}");
    }
}

#[test]
fn a_location_that_is_none_or_two_is_refused() {
    let cases = [
        ("continentcode=XX", "404 NoSuchGeoLocation: The specified geographic location is not supported by Route 53."),
        ("countrycode=HM", "404 NoSuchGeoLocation: The specified geographic location is not supported by Route 53."),
        (
            "countrycode=DE&subdivisioncode=BY",
            "404 NoSuchGeoLocation: The specified geographic location is not supported by Route 53.",
        ),
        ("", "400 InvalidInput: Either a continent code or a country code must be specified."),
        (
            "continentcode=EU&countrycode=DE",
            "400 InvalidInput: A continent code can't be specified together with a country code or a subdivision code.",
        ),
        ("subdivisioncode=CA", "400 InvalidInput: A subdivision code can't be specified without a country code."),
    ];
    for (query, expected) in cases {
        assert_eq!(Api::new().refused("GET", &format!("geolocation?{query}"), ""), expected, "{query}");
    }
}

#[test]
fn every_location_is_on_one_page_and_pages_of_any_size_are_the_same_list() {
    let mut api = Api::new();
    let whole = api.accepted("GET", "geolocations", "");
    assert!(whole.starts_with("<ListGeoLocationsResponse><GeoLocationDetailsList><GeoLocationDetails><CountryCode>*</CountryCode><CountryName>Default</CountryName></GeoLocationDetails><GeoLocationDetails><CountryCode>AD</CountryCode>"));
    assert!(whole.ends_with("<GeoLocationDetails><ContinentCode>SA</ContinentCode><ContinentName>South America</ContinentName></GeoLocationDetails></GeoLocationDetailsList><IsTruncated>false</IsTruncated><MaxItems>500</MaxItems></ListGeoLocationsResponse>"));
    let expected = elements(&whole, "GeoLocationDetails");
    assert_eq!(expected.len(), 332);
    for size in [1, 7, 100] {
        let (mut listed, mut next) = (Vec::new(), String::new());
        loop {
            let page = api.accepted("GET", &format!("geolocations?maxitems={size}{next}"), "");
            listed.extend(elements(&page, "GeoLocationDetails"));
            if element(&page, "IsTruncated") == "false" {
                break;
            }
            let code = |name: &str, parameter: &str| {
                elements(&page, name).first().map(|code| format!("&{parameter}={code}")).unwrap_or_default()
            };
            next = code("NextContinentCode", "startcontinentcode")
                + &code("NextCountryCode", "startcountrycode")
                + &code("NextSubdivisionCode", "startsubdivisioncode");
        }
        assert_eq!(listed, expected, "pages of {size}");
    }
}

#[test]
fn limits_are_those_of_aws_only_when_strict() {
    let read = |api: &mut Api, path: &str| api.accepted("GET", path, "");
    let mut api = Api::new();
    let zone = api.zone("example.org");
    assert_eq!(
        read(&mut api, "accountlimit/MAX_HOSTED_ZONES_BY_OWNER"),
        "<GetAccountLimitResponse><Limit><Type>MAX_HOSTED_ZONES_BY_OWNER</Type><Value>2147483647</Value></Limit><Count>1</Count></GetAccountLimitResponse>"
    );
    api.settings.rules.strict = true;
    for (kind, limit, count) in [
        ("MAX_HOSTED_ZONES_BY_OWNER", "500", "1"),
        ("MAX_HEALTH_CHECKS_BY_OWNER", "200", "0"),
        ("MAX_TRAFFIC_POLICIES_BY_OWNER", "50", "0"),
        ("MAX_TRAFFIC_POLICY_INSTANCES_BY_OWNER", "5", "0"),
        ("MAX_REUSABLE_DELEGATION_SETS_BY_OWNER", "100", "0"),
    ] {
        let told = read(&mut api, &format!("accountlimit/{kind}"));
        assert_eq!((element(&told, "Value"), element(&told, "Count")), (limit.to_owned(), count.to_owned()), "{kind}");
    }
    assert_eq!(
        read(&mut api, &format!("hostedzonelimit/{zone}/MAX_RRSETS_BY_ZONE")),
        "<GetHostedZoneLimitResponse><Limit><Type>MAX_RRSETS_BY_ZONE</Type><Value>10000</Value></Limit><Count>2</Count></GetHostedZoneLimitResponse>"
    );
    assert_eq!(
        api.refused("GET", &format!("hostedzonelimit/{zone}/MAX_VPCS_ASSOCIATED_BY_ZONE"), ""),
        format!(
            "400 HostedZoneNotPrivate: The hosted zone {zone} is public: only private hosted zones are associated with VPCs."
        )
    );
    assert_eq!(
        api.refused("GET", "hostedzonelimit/Z9/MAX_RRSETS_BY_ZONE", ""),
        "404 NoSuchHostedZone: No hosted zone found with ID: Z9"
    );
    assert_eq!(
        api.refused("GET", "reusabledelegationsetlimit/N9/MAX_ZONES_BY_REUSABLE_DELEGATION_SET", ""),
        "400 NoSuchDelegationSet: No delegation set found with ID: N9"
    );
    assert_eq!(
        api.refused("GET", "accountlimit/NOTHING", "").split(" failed").next(),
        Some("400 InvalidInput: 1 validation error detected: Value 'NOTHING' at 'type'")
    );
}

#[test]
fn tags_are_put_listed_and_removed() {
    let mut api = Api::new();
    let zone = api.zone("example.org");
    let check = api.create_check("one", "<IPAddress>127.0.0.1</IPAddress><Type>HTTP</Type>");
    let add = |key: &str, value: &str| format!("<AddTags><Tag><Key>{key}</Key><Value>{value}</Value></Tag></AddTags>");
    for (kind, id) in [("hostedzone", &zone), ("healthcheck", &check)] {
        let path = format!("tags/{kind}/{id}");
        assert_eq!(api.accepted("POST", &path, &add("Name", "first")), "<ChangeTagsForResourceResponse/>");
        api.accepted("POST", &path, &(add("Name", "second &amp; last") + "<RemoveTagKeys><Key>none</Key></RemoveTagKeys>"));
        let set = format!(
            "<ResourceTagSet><ResourceType>{kind}</ResourceType><ResourceId>{id}</ResourceId><Tags><Tag><Key>Name</Key><Value>second &amp; last</Value></Tag></Tags></ResourceTagSet>"
        );
        assert_eq!(api.accepted("GET", &path, ""), format!("<ListTagsForResourceResponse>{set}</ListTagsForResourceResponse>"));
        let ids = format!("<ResourceIds><ResourceId>{id}</ResourceId></ResourceIds>");
        assert_eq!(
            api.accepted("POST", &format!("tags/{kind}"), &ids),
            format!("<ListTagsForResourcesResponse><ResourceTagSets>{set}</ResourceTagSets></ListTagsForResourcesResponse>")
        );
        api.accepted("POST", &path, "<RemoveTagKeys><Key>Name</Key></RemoveTagKeys>");
        assert!(api.accepted("GET", &path, "").contains("<Tags/>"));
    }
}

#[test]
fn tags_that_cannot_be_are_refused() {
    let mut api = Api::strict();
    let zone = api.zone("example.org");
    let path = format!("tags/hostedzone/{zone}");
    let tag = |key: &str| format!("<Tag><Key>{key}</Key><Value/></Tag>");
    let add = |tags: String| format!("<AddTags>{tags}</AddTags>");
    assert_eq!(api.refused("POST", &path, ""), "400 InvalidInput: At least one of AddTags and RemoveTagKeys must be specified.");
    assert_eq!(api.refused("POST", &path, &add(tag(""))), "400 InvalidInput: A tag's key must not be empty.");
    assert_eq!(
        api.refused("POST", &path, &add(tag("aws:x"))),
        "400 InvalidInput: The tag key aws:x begins with aws:, which is reserved."
    );
    api.accepted("POST", &path, &add((0..10).map(|at| tag(&at.to_string())).collect()));
    assert_eq!(
        api.refused("POST", &path, &add(tag("one more"))),
        format!("400 InvalidInput: Number of tags exceeded the limit of 10 for the resource {zone}.")
    );
    api.settings.rules.strict = false;
    api.accepted("POST", &path, &add(tag("one more")));
    assert_eq!(
        api.refused("POST", "tags/hostedzone/Z9", &add(tag("x"))),
        "404 NoSuchHostedZone: No hosted zone found with ID: Z9"
    );
    assert_eq!(
        api.refused("GET", "tags/healthcheck/none", ""),
        "404 NoSuchHealthCheck: A health check with id none does not exist."
    );
}
