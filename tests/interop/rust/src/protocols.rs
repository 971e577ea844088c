//! The served protocols and the test pattern.

use std::{io, sync::LazyLock, time::Instant};

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::{PeerId, Stream};
use serde_json::json;

use crate::output::emit;

pub const PING: &str = "/ipfs/ping/1.0.0";
pub const ECHO: &str = "/echo/1.0.0";
pub const PERF: &str = "/perf/1.0.0";
pub const RESET: &str = "/starling/test/reset/1.0.0";
pub const CLOSE: &str = "/starling/test/close/1.0.0";

/// Requests of the benchmark: one byte with the length, then as many bytes; the
/// answer is the same.
pub const REQUESTS: &str = "/starling-bench/rr/1.0.0";
pub const REQUEST_BYTES: usize = 64;

/// Bytes the close server reads before it goes.
const CLOSE_AFTER: usize = 64 << 10;
pub const PATTERN_PERIOD: usize = 1 << 16;

/// Two periods of the test pattern, so that every 64 KiB block of a stream,
/// wherever it starts, is one slice of it.
static PATTERN: LazyLock<Vec<u8>> =
    LazyLock::new(|| (0..2 * PATTERN_PERIOD).map(|i| (i * 31 + (i >> 8)) as u8).collect());

/// `n` (at most 64 KiB) pattern bytes from stream position `at`.
fn pattern_at(at: u64, n: usize) -> &'static [u8] {
    let start = (at % PATTERN_PERIOD as u64) as usize;
    &PATTERN[start..start + n]
}

/// Counts the bytes of `data` (at most 64 KiB) that differ from the pattern.
fn mismatches(data: &[u8], at: u64) -> u64 {
    let want = pattern_at(at, data.len());
    if data == want {
        return 0;
    }
    data.iter().zip(want).filter(|(a, b)| a != b).count() as u64
}

pub async fn write_pattern(out: &mut (impl AsyncWrite + Unpin), total: u64, chunk: usize) -> io::Result<()> {
    let mut sent = 0;
    while sent < total {
        let n = (chunk.min(PATTERN_PERIOD) as u64).min(total - sent);
        out.write_all(pattern_at(sent, n as usize)).await?;
        sent += n;
    }
    out.flush().await
}

/// What came in until the end of a stream.
#[derive(Default)]
pub struct Drained {
    pub bytes: u64,
    pub mismatches: u64,
    pub first_byte: Option<Instant>,
}

pub async fn drain(from: &mut (impl AsyncRead + Unpin), check: bool) -> io::Result<Drained> {
    let mut seen = Drained::default();
    let mut buffer = vec![0; PATTERN_PERIOD];
    loop {
        let n = from.read(&mut buffer).await?;
        if n == 0 {
            return Ok(seen);
        }
        seen.first_byte.get_or_insert_with(Instant::now);
        if check {
            seen.mismatches += mismatches(&buffer[..n], seen.bytes);
        }
        seen.bytes += n as u64;
    }
}

/// How to serve.
#[derive(Clone, Copy)]
pub struct Manner {
    /// Compare uploads with the pattern.
    pub check: bool,
    /// The muxer is mplex.
    pub mplex: bool,
}

/// Serves one inbound stream; leaving early drops, that is resets, the stream.
pub async fn serve(peer: PeerId, name: &str, mut stream: Stream, how: Manner) {
    let result = match name {
        ECHO | PING => serve_echo(&mut stream).await,
        REQUESTS => serve_requests(&mut stream).await,
        PERF => serve_perf(peer, &mut stream, how.check).await,
        RESET => stream.read_exact(&mut [0; 1]).await,
        CLOSE => serve_close(&mut stream, how.mplex).await,
        _ => unreachable!("{name} is not announced"),
    };
    if let (Err(cause), false) = (result, name == PING) {
        emit("warning", json!({"in": name, "message": cause.to_string()}));
    }
}

async fn serve_echo(stream: &mut Stream) -> io::Result<()> {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let n = stream.read(&mut buffer).await?;
        if n == 0 {
            return stream.close().await;
        }
        stream.write_all(&buffer[..n]).await?;
        stream.flush().await?;
    }
}

async fn serve_requests(stream: &mut Stream) -> io::Result<()> {
    let mut message = [0; 1 + REQUEST_BYTES];
    loop {
        match stream.read_exact(&mut message).await {
            Err(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => return stream.close().await,
            other => other?,
        }
        stream.write_all(&message).await?;
        stream.flush().await?;
    }
}

/// Leaves in the midst of the remote's writing, by the reset that follows from
/// the drop. rust-mplex keeps that to itself until it has something else to
/// send, and a drop may stop its whole connection, so there the stream is closed
/// for writing and what still comes is thrown away.
async fn serve_close(stream: &mut Stream, mplex: bool) -> io::Result<()> {
    stream.read_exact(&mut vec![0; CLOSE_AFTER]).await?;
    if mplex {
        stream.close().await?;
        drain(stream, false).await?;
    }
    Ok(())
}

/// The client sends a big-endian 64-bit count, then its upload, then closes for
/// writing; the answer is that many bytes of the pattern.
async fn serve_perf(peer: PeerId, stream: &mut Stream, check: bool) -> io::Result<()> {
    let start = Instant::now();
    let mut header = [0; 8];
    stream.read_exact(&mut header).await?;
    let wanted = u64::from_be_bytes(header);
    let seen = drain(stream, check).await?;
    let uploaded = start.elapsed();
    let start = Instant::now();
    write_pattern(stream, wanted, PATTERN_PERIOD).await?;
    stream.close().await?;
    let mut result = json!({
        "peer": peer.to_string(),
        "uploadBytes": seen.bytes, "uploadSeconds": uploaded.as_secs_f64(),
        "downloadBytes": wanted, "downloadSeconds": start.elapsed().as_secs_f64(),
    });
    if check {
        result["mismatches"] = seen.mismatches.into();
    }
    emit("perf-served", result);
    Ok(())
}
