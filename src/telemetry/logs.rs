//! Where log lines go: standard error, as text for people or JSON for machines.
//!
//! Says nothing itself: see `events`. Standard output is for data.

use std::fmt;
use std::io;

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

/// The form of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    #[default]
    Text,
    /// One object a line.
    Json,
}

/// Why logging could not be set up.
#[derive(Debug)]
pub enum LogError {
    /// The filter is not one.
    Filter { found: String, source: tracing_subscriber::filter::ParseError },
    /// Logging was set up before.
    AlreadySet,
}

/// Sends all log lines that pass `filter` (`info`, `warn,waypost=debug`) to standard error, from now on.
///
/// # Errors
/// [`LogError`] when the filter can't be read, or the process has a log already.
pub fn init(format: Format, filter: &str) -> Result<(), LogError> {
    subscriber(format, filter, io::stderr)?.try_init().map_err(|_| LogError::AlreadySet)
}

/// What writes such lines to `writer`.
pub(super) fn subscriber<W>(format: Format, filter: &str, writer: W) -> Result<impl Subscriber + Send + Sync + 'static, LogError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(filter).map_err(|source| LogError::Filter { found: filter.to_owned(), source })?;
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_target(false).with_ansi(false);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match format {
        Format::Text => lines.boxed(),
        Format::Json => lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed(),
    };
    Ok(tracing_subscriber::registry().with(lines).with(filter))
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Filter { found, .. } => write!(
                f,
                "reading the log filter {found:?}: a level (error, warn, info, debug, trace) or a list such as warn,waypost=debug is accepted"
            ),
            Self::AlreadySet => f.write_str("setting up the log: this process has one already"),
        }
    }
}

impl std::error::Error for LogError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Filter { source, .. } => Some(source),
            Self::AlreadySet => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn text_lines_hold_the_message_and_its_fields() {
        let (reader, writer) = io::pipe().unwrap();
        let subscriber = subscriber(Format::Text, "info", Arc::new(writer)).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(check = "fra", "is healthy");
            tracing::debug!("not asked for");
        });
        let text = io::read_to_string(reader).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.trim_end().ends_with("INFO is healthy check=\"fra\""), "{text}");
    }

    #[test]
    fn a_filter_that_is_none_is_refused_with_what_would_be_accepted() {
        let error = subscriber(Format::Text, "waypost=loud", io::sink).err().expect("refused");
        let expected = "reading the log filter \"waypost=loud\": a level (error, warn, info, debug, trace) or a list such as warn,waypost=debug is accepted";
        assert_eq!(error.to_string(), expected);
    }
}
