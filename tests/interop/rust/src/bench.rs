//! What only the benchmark asks for: many requests, and pings beside a busy stream.

use std::{
    future::Future,
    io,
    sync::{
        atomic::{AtomicUsize, Ordering},
        Arc,
    },
    time::{Duration, Instant},
};

use futures::{AsyncReadExt, AsyncWriteExt};
use libp2p::Stream;

use crate::{
    client::{dial, summary},
    node::{Connection, Node},
    options::Options,
    output::{emit, Failure},
    protocols::{self, write_pattern, REQUEST_BYTES},
    streams::Opener,
};

/// Time the busy stream gets before what is measured beside it begins.
const HEAD_START: Duration = Duration::from_millis(300);

/// Sends --count requests, --open of them under way at the same time, over
/// --connections connections, each of a node of its own. Every request is a new
/// stream; with --keep every sender keeps one.
pub async fn requests(o: &Options) -> Result<(), Failure> {
    let (count, connections) = (o.number_or("count", 1000)?, o.number_or("connections", 1)?);
    let senders = o.number_or("open", connections)?;
    let mut quiet = o.clone();
    quiet.set("quiet", true);
    let mut nodes = vec![];
    let mut openers = vec![];
    for _ in 0..connections {
        let node = Node::start(&quiet, false).await?;
        let opener = dial(&quiet, &node).await?.opener;
        one_request(&opener).await?;
        openers.push(opener);
        nodes.push(node);
    }
    let (taken, end) = (Arc::new(AtomicUsize::new(0)), o.end()?);
    let more = move || taken.fetch_add(1, Ordering::Relaxed) < count && Instant::now() < end;
    let start = Instant::now();
    let tasks: Vec<_> = (0..senders)
        .map(|i| tokio::spawn(send(openers[i % connections].clone(), more.clone(), o.is_set("keep"))))
        .collect();
    let mut times = Vec::with_capacity(count);
    for task in tasks {
        times.extend(task.await.map_err(Failure::failed)??);
    }
    let took = start.elapsed();
    let mut result = summary(&times, took);
    result["requestsPerSecond"] = (times.len() as f64 / took.as_secs_f64()).into();
    emit("rr-summary", result);
    Ok(())
}

async fn send(opener: Opener, more: impl Fn() -> bool, keep: bool) -> io::Result<Vec<Duration>> {
    let mut times = vec![];
    let mut kept = if keep { Some(opener.open(protocols::REQUESTS).await?) } else { None };
    while more() {
        let start = Instant::now();
        match kept.as_mut() {
            Some(stream) => exchange(stream).await?,
            None => one_request(&opener).await?,
        }
        times.push(start.elapsed());
    }
    Ok(times)
}

async fn one_request(opener: &Opener) -> io::Result<()> {
    let mut stream = opener.open(protocols::REQUESTS).await?;
    exchange(&mut stream).await?;
    stream.close().await
}

async fn exchange(stream: &mut Stream) -> io::Result<()> {
    let mut message = [0x5a; 1 + REQUEST_BYTES];
    message[0] = REQUEST_BYTES as u8;
    let mut back = [0; 1 + REQUEST_BYTES];
    stream.write_all(&message).await?;
    stream.flush().await?;
    stream.read_exact(&mut back).await?;
    if back == message {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "the answer differs from the request"))
}

/// Runs `work` while another stream of the connection uploads.
pub async fn under_load(
    connection: &Connection,
    work: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    let mut stream = connection.opener.open(protocols::PERF).await?;
    let busy = tokio::spawn(async move {
        stream.write_all(&0u64.to_be_bytes()).await?;
        write_pattern(&mut stream, u64::MAX, protocols::PATTERN_PERIOD).await
    });
    tokio::time::sleep(HEAD_START).await;
    let result = work.await;
    if busy.is_finished() {
        return Err(Failure::failed("the busy stream broke off"));
    }
    busy.abort();
    result
}
