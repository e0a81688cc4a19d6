//! Traffic policy documents for tests, and what the API says of them.

use super::{Api, escape, root};

/// A document of type A whose endpoints are values: `fra` is 192.0.2.1, `iad` .2, `hnd` .3.
pub fn document(start: &str, rules: &str) -> String {
    format!(
        r#"{{"AWSPolicyFormatVersion": "2015-10-01", "RecordType": "A", {start},
            "Endpoints": {{
                "fra": {{"Type": "value", "Value": "192.0.2.1"}},
                "iad": {{"Type": "value", "Value": "192.0.2.2"}},
                "hnd": {{"Type": "value", "Value": "192.0.2.3"}}
            }},
            "Rules": {{{rules}}}}}"#
    )
}

/// What is wrong with a document.
#[track_caller]
pub fn wrong(text: &str) -> String {
    let mut api = Api::new();
    let body = root("CreateTrafficPolicy", &format!("<Name>x</Name><Document>{}</Document>", escape(text)));
    let refused = api.refused("POST", "trafficpolicy", &body);
    refused.strip_prefix("400 InvalidTrafficPolicyDocument: ").unwrap_or_else(|| panic!("{refused}")).to_owned()
}
