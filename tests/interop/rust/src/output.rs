//! Events on stdout, failures and their exit codes.

use std::{fmt, io, io::Write, sync::LazyLock, time::Instant};

use serde_json::{json, Value};

static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Prints one event as a JSON line; t is milliseconds since the start.
pub fn emit(event: &str, fields: Value) {
    let mut line = json!({"t": STARTED.elapsed().as_millis() as u64, "event": event});
    if let (Value::Object(line), Value::Object(fields)) = (&mut line, fields) {
        line.extend(fields);
    }
    let mut out = io::stdout().lock();
    // A reader that went away is no reason to stop.
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

#[derive(Debug)]
pub enum Failure {
    Failed(String),
    Usage(String),
    Timeout(String),
    Unavailable(String),
}

impl Failure {
    pub fn failed(cause: impl fmt::Display) -> Self {
        Failure::Failed(cause.to_string())
    }

    pub fn exit_code(&self) -> i32 {
        match self {
            Failure::Failed(_) => 1,
            Failure::Usage(_) => 2,
            Failure::Timeout(_) => 3,
            Failure::Unavailable(_) => 4,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Failed(text) => write!(f, "{text}"),
            Failure::Usage(text) => write!(f, "usage: {text}"),
            Failure::Timeout(text) => write!(f, "timeout: {text}"),
            Failure::Unavailable(text) => write!(f, "not available: {text}"),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(cause: io::Error) -> Self {
        Failure::Failed(format!("{cause} ({:?})", cause.kind()))
    }
}
