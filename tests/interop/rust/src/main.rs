//! rustpeer is a scriptable rust-libp2p node, used as an interop counterpart.
//!
//! One process is one node in one role ("mode"). It speaks the flags, JSON lines
//! and exit codes described in ../README.md, as the js and go peers do.

mod bench;
mod client;
mod contract;
mod node;
mod options;
mod output;
mod protocols;
mod streams;
mod transports;
mod upgrades;

use options::Options;
use output::{emit, Failure};
use serde_json::json;

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let mode = args.first().cloned().unwrap_or_default();
    let result = match Options::parse(&args) {
        Ok(options) => run(&mode, options).await,
        Err(failure) => Err(failure),
    };
    let official = mode == "transport";
    let code = match result {
        Ok(()) if official => 0,
        Ok(()) => {
            emit("done", json!({"mode": mode, "ok": true}));
            0
        }
        Err(failure) => {
            if official {
                eprintln!("{failure}");
            } else {
                emit("error", json!({"message": failure.to_string()}));
            }
            failure.exit_code()
        }
    };
    std::process::exit(code);
}

async fn run(mode: &str, o: Options) -> Result<(), Failure> {
    match mode {
        "listen" | "perf-server" => node::listen(&o).await,
        "transport" => contract::run(&o).await,
        _ => match client::mode(mode) {
            Some(job) => client::run(&o, job).await,
            None => Err(Failure::Usage(format!(
                "the first argument must be a mode: listen, perf-server, transport, {}",
                client::MODES.join(", ")
            ))),
        },
    }
}
