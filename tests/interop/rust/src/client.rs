//! The client modes: each dials --peer, does its work and leaves.

use std::{
    future::Future,
    io,
    time::{Duration, Instant},
};

use futures::{future::try_join_all, AsyncReadExt, AsyncWriteExt, StreamExt};
use libp2p::Stream;
use serde_json::{json, Value};

use crate::{
    bench,
    node::{describe, Connection, Node},
    options::Options,
    output::{emit, Failure},
    protocols::{self, drain, write_pattern},
    streams::Opener,
};

pub const MODES: &[&str] = &[
    "identify", "ping", "connect", "echo", "half-close", "streams", "crowd", "reset", "close-during-write", "hold", "perf-client",
    "rr",
];

/// Responders end a ping stream after some time (js 10 s, go 30 s).
const PING_STREAM_LIFE: Duration = Duration::from_secs(5);
const CLOSE_WRITE_BYTES: usize = 4 << 20;
const STALL_AFTER: Duration = Duration::from_secs(10);
const HOLD_EVERY: Duration = Duration::from_millis(100);

pub fn mode(name: &str) -> Option<&'static str> {
    MODES.iter().find(|known| **known == name).copied()
}

pub async fn run(o: &Options, mode: &str) -> Result<(), Failure> {
    within(o.seconds("timeout")?, mode, async {
        match mode {
            "connect" => return connect(o).await,
            "rr" => return bench::requests(o).await,
            _ => {}
        }
        let mut node = Node::start(o, false).await?;
        let connection = dial(o, &node).await?;
        match mode {
            "identify" => {
                let info = node.identified.next().await.ok_or(Failure::failed("the node stopped"))?;
                emit("identify", describe(&info)?);
                Ok(())
            }
            "ping" if o.is_set("load") => bench::under_load(&connection, ping_mode(o, &connection)).await,
            "ping" => ping_mode(o, &connection).await,
            "echo" => echo(o, &connection, "echo", false).await,
            "half-close" => echo(o, &connection, "half-close", true).await,
            "streams" => streams(o, &connection).await,
            "crowd" => crowd(o, &connection).await,
            "reset" => reset(&connection).await,
            "close-during-write" => close_during_write(&connection).await,
            "hold" => hold(o, &connection).await,
            "perf-client" => perf(o, &connection).await,
            _ => unreachable!("{mode} is in MODES"),
        }
    })
    .await
}

pub async fn within<T>(
    limit: Duration,
    what: &str,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::time::timeout(limit, work)
        .await
        .unwrap_or_else(|_| Err(Failure::Timeout(format!("{what}: not done within {limit:?}"))))
}

fn ms(d: Duration) -> f64 {
    d.as_secs_f64() * 1e3
}

pub async fn dial(o: &Options, node: &Node) -> Result<Connection, Failure> {
    let (address, peer) = o.peer()?;
    let start = Instant::now();
    let connection = node.dial(address, peer).await?;
    if !o.is_set("quiet") {
        emit(
            "dialed",
            // rust-libp2p does not tell which of several protocols was agreed on.
            json!({
                "addr": o.text("peer"), "peer": peer.to_string(), "ms": ms(start.elapsed()),
                "security": o.text("security"), "muxer": o.text("muxer"),
            }),
        );
    }
    Ok(connection)
}

/// Measures `count` round trips over long-lived streams, or as many as go before `end`,
/// one at least.
pub async fn ping(
    connection: &Connection,
    count: usize,
    end: Option<Instant>,
    mut each: impl FnMut(usize, Duration),
) -> Result<Vec<Duration>, Failure> {
    let mut rtts = Vec::with_capacity(count);
    let late = |done: usize| done > 0 && end.is_some_and(|end| Instant::now() >= end);
    let (mut payload, mut back) = ([0x5a; 32], [0; 32]);
    while rtts.len() < count && !late(rtts.len()) {
        let mut stream = connection.opener.open(protocols::PING).await?;
        let opened = Instant::now();
        while rtts.len() < count && opened.elapsed() < PING_STREAM_LIFE && !late(rtts.len()) {
            payload[..8].copy_from_slice(&(rtts.len() as u64).to_be_bytes());
            let start = Instant::now();
            stream.write_all(&payload).await?;
            stream.flush().await?;
            stream.read_exact(&mut back).await?;
            rtts.push(start.elapsed());
            if payload != back {
                return Err(Failure::failed("ping payload came back changed"));
            }
            each(rtts.len() - 1, rtts[rtts.len() - 1]);
        }
        stream.close().await?;
    }
    Ok(rtts)
}

pub fn summary(rtts: &[Duration], took: Duration) -> Value {
    let mut sorted = rtts.to_vec();
    sorted.sort();
    let n = sorted.len();
    let at = |q: f64| ms(sorted[((n as f64 * q) as usize).min(n - 1)]);
    json!({
        "unit": "ms", "n": n, "min": at(0.0), "median": at(0.5), "p90": at(0.9), "p95": at(0.95), "p99": at(0.99), "max": at(1.0),
        "mean": ms(sorted.iter().sum()) / n as f64, "seconds": took.as_secs_f64(),
        "pingsPerSecond": n as f64 / took.as_secs_f64(),
    })
}

async fn ping_mode(o: &Options, connection: &Connection) -> Result<(), Failure> {
    let count = o.number_or("count", 10)?;
    let verbose = !o.is_set("quiet") && count <= 20;
    let start = Instant::now();
    let rtts = ping(connection, count, Some(o.end()?), |i, rtt| {
        if verbose {
            emit("ping", json!({"seq": i, "ms": ms(rtt)}));
        }
    })
    .await?;
    emit("ping-summary", summary(&rtts, start.elapsed()));
    Ok(())
}

/// Dials, pings once and closes, again and again.
async fn connect(o: &Options) -> Result<(), Failure> {
    let mut quiet = o.clone();
    quiet.set("quiet", true);
    let node = Node::start(&quiet, false).await?;
    let (wanted, end) = (o.number_or("count", 10)?, o.end()?);
    let start = Instant::now();
    let mut count = 0;
    while count < wanted && Instant::now() < end {
        count += 1;
        let connection = dial(&quiet, &node).await?;
        ping(&connection, 1, None, |_, _| ()).await?;
        node.close(connection.id).await;
    }
    let took = start.elapsed().as_secs_f64();
    emit("connect-summary", json!({"n": count, "seconds": took, "connectionsPerSecond": count as f64 / took}));
    Ok(())
}

/// Bytes that are not the same for two streams.
fn payload(size: usize, salt: usize) -> Vec<u8> {
    (0..size).map(|i| (i * 7 + (i >> 8) * 3 + salt * 31 + (salt >> 8)) as u8).collect()
}

/// Writes `data`, closes for writing if asked to, and reads the echo.
async fn echo_all(stream: Stream, data: &[u8], close_first: bool) -> Result<Stream, Failure> {
    let (mut reader, mut writer) = stream.split();
    let write = async {
        writer.write_all(data).await?;
        writer.flush().await?;
        if close_first {
            writer.close().await?;
        }
        Ok::<(), io::Error>(())
    };
    let read = async {
        let mut back = vec![0; data.len()];
        reader.read_exact(&mut back).await?;
        Ok::<Vec<u8>, io::Error>(back)
    };
    let ((), back) = futures::try_join!(write, read)?;
    if back != data {
        return Err(Failure::failed("echo came back changed"));
    }
    reader.reunite(writer).map_err(Failure::failed)
}

async fn expect_end(stream: &mut Stream) -> Result<(), Failure> {
    match stream.read(&mut [0; 1]).await? {
        0 => Ok(()),
        _ => Err(Failure::failed("expected the end of the stream, got data")),
    }
}

async fn echo(o: &Options, connection: &Connection, event: &str, close_first: bool) -> Result<(), Failure> {
    let size = o.number_or("size", 1000)?;
    let stream = connection.opener.open(protocols::ECHO).await?;
    let start = Instant::now();
    let mut stream = echo_all(stream, &payload(size, 1), close_first).await?;
    if !close_first {
        stream.close().await?;
    }
    expect_end(&mut stream).await?;
    emit(event, json!({"bytes": size, "ms": ms(start.elapsed())}));
    Ok(())
}

/// Makes --count echo streams, --open of them open at the same time.
async fn streams(o: &Options, connection: &Connection) -> Result<(), Failure> {
    let (count, size) = (o.number_or("count", 1000)?, o.number_or("size", 1000)?);
    let start = Instant::now();
    let mut left = count;
    while left > 0 {
        let wave = left.min(o.number_or("open", count)?);
        stream_wave(connection, wave, size).await?;
        left -= wave;
    }
    emit("streams", json!({"count": count, "bytes": count * size, "ms": ms(start.elapsed())}));
    Ok(())
}

/// Holds `count` echo streams open at the same time.
async fn stream_wave(connection: &Connection, count: usize, size: usize) -> Result<(), Failure> {
    // Half of the payload opens the stream for real, whatever the negotiation.
    let open = try_join_all((0..count).map(|i| open_echo(connection, size / 2, i))).await?;
    end_echoes(open, size - size / 2).await
}

/// Opens an echo stream with the echo of `size` bytes.
async fn open_echo(connection: &Connection, size: usize, salt: usize) -> Result<Stream, Failure> {
    let stream = connection.opener.open(protocols::ECHO).await?;
    echo_all(stream, &payload(size, salt), false).await
}

/// Echoes `size` bytes more on each stream while all are open, then ends them.
async fn end_echoes(open: Vec<Stream>, size: usize) -> Result<(), Failure> {
    let open =
        try_join_all(open.into_iter().enumerate().map(|(i, s)| async move { echo_all(s, &payload(size, i), true).await }))
            .await?;
    try_join_all(open.into_iter().map(|mut s| async move { expect_end(&mut s).await })).await?;
    Ok(())
}

/// Holds --open echo streams, opened one after the other, and says how many the remote
/// served and how many it refused; the connection lives on.
async fn crowd(o: &Options, connection: &Connection) -> Result<(), Failure> {
    let (mut held, mut refused, mut refusal) = (Vec::new(), 0, String::new());
    for salt in 0..o.number_or("open", 10)? {
        match open_echo(connection, 8, salt).await {
            Ok(stream) => held.push(stream),
            Err(cause) => (refused, refusal) = (refused + 1, cause.to_string()),
        }
    }
    let served = held.len();
    end_echoes(held, 8).await?;
    emit("crowd", json!({"served": served, "refused": refused, "error": refusal}));
    ping_after(connection).await
}

/// Keeps one echo stream busy, --count times or until it breaks, and says what
/// became of it: held, or lost with the reason.
async fn hold(o: &Options, connection: &Connection) -> Result<(), Failure> {
    let count = o.number_or("count", usize::MAX)?;
    let mut stream = connection.opener.open(protocols::ECHO).await?;
    let mut last = Instant::now();
    for n in 0..count {
        stream = match echo_all(stream, &payload(8, n), false).await {
            Ok(stream) => stream,
            Err(cause) => {
                emit("lost", json!({"echoes": n, "ms": ms(last.elapsed()), "error": cause.to_string()}));
                return Err(cause);
            }
        };
        last = Instant::now();
        if n == 0 {
            emit("holding", json!({}));
        }
        tokio::time::sleep(HOLD_EVERY).await;
    }
    emit("held", json!({"echoes": count}));
    ping_after(connection).await
}

async fn reset(connection: &Connection) -> Result<(), Failure> {
    let mut stream = connection.opener.open(protocols::RESET).await?;
    stream.write_all(b"reset me").await?;
    stream.flush().await?;
    let error = match stream.read(&mut [0; 1]).await {
        Err(cause) => cause.to_string(),
        Ok(0) => {
            // rust-yamux tells readers of a reset stream "end of stream"; the
            // writing side knows better.
            match stream.write_all(b"still there?").await {
                Err(cause) => format!("end of stream for the reader, for the writer: {cause}"),
                Ok(()) => return Err(Failure::failed("expected a reset, got the end of the stream")),
            }
        }
        Ok(_) => return Err(Failure::failed("expected a reset, got data")),
    };
    emit("reset", json!({"ok": true, "error": error}));
    ping_after(connection).await
}

/// Proves that the connection survived what was done to a stream.
async fn ping_after(connection: &Connection) -> Result<(), Failure> {
    if connection.opener.is_closed() {
        return Err(Failure::failed("ping afterwards: the connection is closed"));
    }
    let rtts = ping(connection, 1, None, |_, _| ()).await?;
    emit("ping-after", json!({"ms": ms(rtts[0])}));
    Ok(())
}

async fn close_during_write(connection: &Connection) -> Result<(), Failure> {
    let mut stream = connection.opener.open(protocols::CLOSE).await?;
    let start = Instant::now();
    let (mut written, mut outcome) = (0, "finished".to_string());
    let work = async {
        let block = vec![0; 16 << 10];
        while written < CLOSE_WRITE_BYTES {
            written += stream.write(&block).await?;
        }
        stream.close().await?;
        drain(&mut stream, false).await
    };
    match tokio::time::timeout(STALL_AFTER, work).await {
        Ok(Ok(_)) => {}
        Ok(Err(cause)) => outcome = cause.to_string(),
        Err(_) => outcome = "stuck".into(),
    }
    drop(stream);
    emit("close-during-write", json!({"outcome": outcome, "written": written, "ms": ms(start.elapsed())}));
    if outcome == "stuck" {
        return Err(Failure::Failed(format!("the writer was stuck after {written} bytes")));
    }
    ping_after(connection).await
}

async fn perf(o: &Options, connection: &Connection) -> Result<(), Failure> {
    for run in 0..o.number_or("count", 1)? {
        let mut result = perf_once(o, connection).await?;
        result["run"] = run.into();
        let wrong = result["mismatches"].as_u64().unwrap_or(0);
        emit("perf", result);
        if wrong > 0 {
            return Err(Failure::Failed(format!("{wrong} bytes differ from the pattern")));
        }
    }
    Ok(())
}

/// What became of one stream: when the server began to answer, when all was over.
struct Moved {
    turn: Instant,
    end: Instant,
    wrong: u64,
}

/// One run over --streams streams that share the bytes, each in a task of its own.
/// The upload lasts until the last stream turned, the download from the first one's
/// turn on.
async fn perf_once(o: &Options, connection: &Connection) -> Result<Value, Failure> {
    let (upload, download): (u64, u64) = (o.number("upload")?, o.number("download")?);
    let (streams, chunk): (u64, usize) = (o.number_or("streams", 1)? as u64, o.number("chunk")?);
    let check = o.is_set("check");
    let start = Instant::now();
    let tasks: Vec<_> = (0..streams)
        .map(|_| tokio::spawn(perf_stream(connection.opener.clone(), upload / streams, download / streams, chunk, check)))
        .collect();
    let mut all = vec![];
    for task in tasks {
        all.push(task.await.map_err(Failure::failed)??);
    }
    let turns = || all.iter().map(|one| one.turn);
    let (first, last) = (turns().min().unwrap_or(start), turns().max().unwrap_or(start));
    let end = all.iter().map(|one| one.end).max().unwrap_or(start);
    let (up, down) = ((last - start).as_secs_f64(), (end - first).as_secs_f64());
    let rate = |bytes: u64, seconds: f64| (bytes > 0 && seconds > 0.0).then(|| bytes as f64 / seconds / 1e6);
    let mut result = json!({
        "uploadBytes": upload, "uploadSeconds": up, "uploadMBps": rate(upload, up),
        "downloadBytes": download, "downloadSeconds": down, "downloadMBps": rate(download, down),
    });
    if check {
        result["mismatches"] = all.iter().map(|one| one.wrong).sum::<u64>().into();
    }
    Ok(result)
}

/// Uploads, then downloads. The upload is over when the server answers: with its
/// first byte, or with the end of the stream.
async fn perf_stream(opener: Opener, upload: u64, download: u64, chunk: usize, check: bool) -> Result<Moved, Failure> {
    let mut stream = opener.open(protocols::PERF).await?;
    stream.write_all(&download.to_be_bytes()).await?;
    write_pattern(&mut stream, upload, chunk).await?;
    stream.close().await?;
    let seen = drain(&mut stream, check).await?;
    let end = Instant::now();
    if seen.bytes != download {
        return Err(Failure::Failed(format!("asked for {download} bytes, got {}", seen.bytes)));
    }
    Ok(Moved { turn: seen.first_byte.unwrap_or(end), end, wrong: seen.mismatches })
}
