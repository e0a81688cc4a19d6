//! `[check]` tables of checks that nobody probes: somebody tells waypost.
//!
//! Three notations for one thing: waypost's own, and Route 53's alarms and routing controls. Invariant: a lease that is
//! read is within the limits of `health::signal`. Source: Route 53 API reference, `HealthCheckConfig`.

use crate::health::signal::{Insufficient, LEASE_MAX, LEASE_MIN, SignalCheck, SignalSource};
use crate::toml_table::Table;

/// The types that are read here.
pub(super) const SIGNAL_TYPES: [&str; 3] = ["signal", "cloudwatch_metric", "recovery_control"];

/// waypost's words for what a check is when its signal does not say.
pub(in crate::control) const INSUFFICIENT: [(&str, Insufficient); 3] =
    [("healthy", Insufficient::Healthy), ("unhealthy", Insufficient::Unhealthy), ("last_known", Insufficient::LastKnown)];

/// Route 53's words for the same.
pub(in crate::control) const INSUFFICIENT_DATA: [(&str, Insufficient); 3] =
    [("Healthy", Insufficient::Healthy), ("Unhealthy", Insufficient::Unhealthy), ("LastKnownStatus", Insufficient::LastKnown)];

/// Reads the keys of one of [`SIGNAL_TYPES`].
pub(super) fn read_signal(word: &str, table: &mut Table<'_>) -> Option<SignalCheck> {
    let (source, insufficient) = match word {
        "cloudwatch_metric" => {
            let insufficient = table.optional("insufficient_data_health_status");
            (read_alarm(table), insufficient.and_then(|value| value.word(&INSUFFICIENT_DATA)))
        }
        "recovery_control" => (read_control(table), None),
        _ => {
            let insufficient = table.optional("insufficient");
            (Some(SignalSource::Check), insufficient.and_then(|value| value.word(&INSUFFICIENT)))
        }
    };
    let lease = table.optional_duration("lease", LEASE_MIN..=LEASE_MAX);
    Some(SignalCheck { source: source?, lease, insufficient: insufficient.unwrap_or(Insufficient::LastKnown) })
}

fn read_alarm(table: &mut Table<'_>) -> Option<SignalSource> {
    let value = table.required("alarm_identifier", "{ region = \"us-east-1\", name = \"errors\" }")?;
    let mut identifier = value.table()?;
    let region = identifier.required("region", "\"us-east-1\"").and_then(|value| value.string());
    let name = identifier.required("name", "\"errors\"").and_then(|value| value.string());
    identifier.finish();
    Some(SignalSource::Alarm { region: region?.into(), name: name?.into() })
}

fn read_control(table: &mut Table<'_>) -> Option<SignalSource> {
    let example = "\"arn:aws:route53-recovery-control::123456789012:controlpanel/1/routingcontrol/2\"";
    let value = table.required("routing_control_arn", example)?;
    let arn = value.string()?;
    if arn.is_empty() {
        value.wrong("it is empty", "the ARN of a routing control");
        return None;
    }
    Some(SignalSource::Control(arn.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Text;
    use crate::toml_table::Document;

    /// The check that these keys mean, and what is wrong with them.
    fn read(word: &str, keys: &str) -> (Option<SignalCheck>, String) {
        let text = Text::new("f".into(), keys);
        let document = Document::parse(&text);
        let mut table = document.root();
        let check = read_signal(word, &mut table);
        table.finish();
        (check, document.into_problems().to_string())
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let control = "routing_control_arn = \"arn:aws:x\"";
        let alarm = "alarm_identifier = { region = \"eu-west-1\", name = \"a\" }";
        for (word, keys, source) in [
            ("signal", "", SignalSource::Check),
            ("cloudwatch_metric", alarm, SignalSource::Alarm { region: "eu-west-1".into(), name: "a".into() }),
            ("recovery_control", control, SignalSource::Control("arn:aws:x".into())),
        ] {
            let expected = SignalCheck { source, lease: None, insufficient: Insufficient::LastKnown };
            assert_eq!(read(word, keys), (Some(expected), String::new()), "{word}");
        }
    }

    #[test]
    fn what_cannot_be_is_reported_with_what_could() {
        for (word, keys, problem) in [
            ("signal", "lease = \"0s\"", "lease: 0s is not within 1s to 720h"),
            ("signal", "insufficient = \"LastKnownStatus\"", "insufficient: \"LastKnownStatus\" is not known"),
            ("signal", "alarm_identifier = {}", "unknown key \"alarm_identifier\""),
            ("cloudwatch_metric", "", "alarm_identifier is missing"),
            ("cloudwatch_metric", "alarm_identifier = { region = \"eu-west-1\" }", "name is missing"),
            ("recovery_control", "", "routing_control_arn is missing"),
            ("recovery_control", "routing_control_arn = \"\"", "routing_control_arn: it is empty"),
        ] {
            let (_, problems) = read(word, keys);
            assert!(problems.contains(problem) && problems.lines().count() == 1, "{word} {keys}: {problems}");
        }
    }
}
