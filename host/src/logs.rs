//! What the command logs, where somebody asks for it: the spans and events of the library's lookups and its own, on the standard error
//! stream. Nobody else's: what the packages below log is not written for those who run the command, and nobody has looked for secrets in it.

use std::fmt;
use std::io::{self, Write};
use std::sync::mpsc::{self, SyncSender};
use std::thread;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::fmt::{self as log, FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::{LookupSpan, Scope};

use crate::settings::{Log, LogFormat, LogLevel};

/// How many lines wait for a standard error stream that takes none. Those that come after are lost.
const MAX_LINES: usize = 1024;

/// How long the last lines are waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whose spans and events are logged.
const OWN: &str = "keyward";

/// Begins the log of a command that ends with its answer. Whoever holds up the standard error stream holds it up, as with any line there.
pub(crate) fn begin(settings: Log) {
    write_to(settings, || BoxMakeWriter::new(io::stderr));
}

/// Begins the log of a daemon: it is written by a thread of its own, lest a stream that nobody reads holds up the clients.
pub(crate) fn begin_apart(settings: Log) -> Apart {
    if settings.level == LogLevel::Off {
        return Apart(None);
    }
    let apart = Apart::start();
    if let Apart(Some(lines)) = &apart {
        let lines = lines.clone();
        write_to(settings, || BoxMakeWriter::new(move || Line(lines.clone())));
    }
    apart
}

/// The thread that writes; `None` where nothing is logged: nobody has asked for it, or there was no thread to be had.
pub(crate) struct Apart(Option<SyncSender<Job>>);

impl Apart {
    fn start() -> Self {
        let (sender, jobs) = mpsc::sync_channel(MAX_LINES);
        let work = move || {
            for job in jobs {
                match job {
                    // Without a reader of it, it is worth nothing.
                    Job::Write(line) => drop(io::stderr().write_all(&line)),
                    Job::Tell(sender) => drop(sender.send(())),
                }
            }
        };
        let thread = thread::Builder::new().name("keyward-log".to_owned()).spawn(work);
        Self(thread.is_ok().then_some(sender))
    }

    /// Waits until everything is written that was logged, for a while.
    pub(crate) fn finish(self) {
        let (sender, written) = mpsc::sync_channel(1);
        if self.0.is_some_and(|lines| lines.try_send(Job::Tell(sender)).is_ok()) {
            let _ = written.recv_timeout(PATIENCE);
        }
    }
}

pub(crate) enum Job {
    Tell(SyncSender<()>),
    Write(Vec<u8>),
}

/// Takes the lines of one event, whole.
struct Line(SyncSender<Job>);

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Where the thread has more to do than it can, the line is lost.
        let _ = self.0.try_send(Job::Write(bytes.to_vec()));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Sets nothing up where nothing is to be logged. A second call changes nothing.
fn write_to(settings: Log, writer: impl FnOnce() -> BoxMakeWriter) {
    let level = match settings.level {
        LogLevel::Off => return,
        LogLevel::Info => Level::INFO,
        LogLevel::Debug => Level::DEBUG,
    };
    let log = log::layer().with_writer(writer()).with_ansi(false).log_internal_errors(false);
    let subscriber = tracing_subscriber::registry().with(Targets::new().with_target(OWN, level));
    let _ = match settings.format {
        LogFormat::Text => tracing::subscriber::set_global_default(subscriber.with(log.with_target(false))),
        LogFormat::Json => {
            let log = log.fmt_fields(JsonFields::new()).event_format(JsonLines);
            tracing::subscriber::set_global_default(subscriber.with(log))
        }
    };
}

/// An object a line, with the fields of the event and those of the spans that it is in beside each other, so that whoever looks for an
/// outcome need not know where it was recorded.
struct JsonLines;

#[derive(Serialize)]
struct JsonLine<'a> {
    timestamp: &'a str,
    level: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Value>,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

impl<S> FormatEvent<S, JsonFields> for JsonLines
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let (mut timestamp, mut of_event) = (String::new(), String::new());
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        context.format_fields(Writer::new(&mut of_event), event)?;
        let mut fields = Map::new();
        for span in context.event_scope().into_iter().flat_map(Scope::from_root) {
            if let Some(of_span) = span.extensions().get::<FormattedFields<JsonFields>>() {
                fields.extend(object(of_span)?);
            }
        }
        fields.extend(object(&of_event)?);
        let message = fields.remove("message");
        let level = event.metadata().level().as_str();
        let line = JsonLine { timestamp: &timestamp, level, message, fields };
        writeln!(writer, "{}", serde_json::to_string(&line).map_err(|_| fmt::Error)?)
    }
}

fn object(text: &str) -> Result<Map<String, Value>, fmt::Error> {
    serde_json::from_str(text).map_err(|_| fmt::Error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_nobody_reads_holds_up_nobody_and_what_is_too_much_is_lost() {
        let (sender, jobs) = mpsc::sync_channel(2);
        let mut line = Line(sender.clone());
        for number in 0..5 {
            writeln!(line, "{number}").unwrap();
        }
        // Nobody has taken anything so far.
        Apart(Some(sender)).finish();
        drop(line);
        let written: Vec<Vec<u8>> = jobs
            .into_iter()
            .filter_map(|job| match job {
                Job::Write(line) => Some(line),
                Job::Tell(_) => None,
            })
            .collect();
        // A line is several pieces here; in the log, it is one.
        assert_eq!(written.len(), 2);
        assert_eq!(written[0], b"0");
    }
}
