//! The contract of the official transport suite: environment in, redis
//! rendezvous, result on stdout. See ../../official/README.md.

use std::time::{Duration, Instant};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use crate::{
    client,
    node::{texts, wait_for_end, Node},
    options::Options,
    output::Failure,
};

fn environment(modern: &str, legacy: &str, fallback: &str) -> String {
    [modern, legacy].iter().find_map(|name| std::env::var(name).ok()).unwrap_or(fallback.into())
}

pub async fn run(defaults: &Options) -> Result<(), Failure> {
    let test_key = std::env::var("TEST_KEY").ok();
    let key = test_key.as_ref().map_or("listenerAddr".into(), |key| format!("{key}_listener_multiaddr"));
    let timeout = environment("TEST_TIMEOUT_SECS", "test_timeout_seconds", "180");
    let mut o = defaults.clone();
    o.set("quiet", true);
    o.set("security", environment("SECURE_CHANNEL", "security", "noise"));
    o.set("muxer", environment("MUXER", "muxer", "yamux"));
    o.set("host", environment("LISTENER_IP", "ip", "0.0.0.0"));
    o.set("timeout", &timeout);
    o.set("duration", &timeout);
    o.set("transport", environment("TRANSPORT", "transport", "tcp"));
    let mut redis = Redis::connect(&environment("REDIS_ADDR", "redis_addr", "redis:6379")).await?;
    if environment("IS_DIALER", "is_dialer", "false") == "true" {
        let limit = o.seconds("timeout")?;
        return client::within(limit, "transport", dialer(o, &mut redis, &key, test_key.is_some())).await;
    }
    let node = Node::start(&o, true).await?;
    let addresses = texts(&node.listening);
    let chosen = addresses.iter().find(|a| !a.contains("/127.0.0.1/")).or(addresses.first());
    let chosen = chosen.ok_or(Failure::failed("not listening"))?;
    redis.call(&["DEL", &key]).await?;
    redis.call(&["RPUSH", &key, chosen]).await?;
    wait_for_end(&o).await.map(|_| ())
}

async fn dialer(mut o: Options, redis: &mut Redis, key: &str, modern: bool) -> Result<(), Failure> {
    let address = listener_address(redis, key).await?;
    o.set("peer", address);
    let node = Node::start(&o, false).await?;
    let start = Instant::now();
    let connection = client::dial(&o, &node).await?;
    let rtts = client::ping(&connection, 1, None, |_, _| ()).await?;
    let (total, rtt) = (start.elapsed().as_secs_f64() * 1e3, rtts[0].as_secs_f64() * 1e3);
    if modern {
        println!("latency:\n  handshake_plus_one_rtt: {total:.3}\n  ping_rtt: {rtt:.3}\n  unit: ms");
    } else {
        println!("{{\"handshakePlusOneRTTMillis\":{total:.3},\"pingRTTMilllis\":{rtt:.3}}}");
    }
    Ok(())
}

/// Waits for the address; implementations publish it as a list or as a string.
async fn listener_address(redis: &mut Redis, key: &str) -> Result<String, Failure> {
    loop {
        match redis.call(&["TYPE", key]).await?.as_str() {
            "list" => return redis.call(&["LPOP", key]).await,
            "string" => return redis.call(&["GET", key]).await,
            _ => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

/// As much of a redis client as the contract needs.
struct Redis(BufReader<TcpStream>);

impl Redis {
    async fn connect(address: &str) -> Result<Self, Failure> {
        Ok(Redis(BufReader::new(TcpStream::connect(address).await?)))
    }

    /// Sends one command and returns its simple, bulk or integer answer.
    async fn call(&mut self, args: &[&str]) -> Result<String, Failure> {
        let mut command = format!("*{}\r\n", args.len());
        for arg in args {
            command += &format!("${}\r\n{arg}\r\n", arg.len());
        }
        self.0.get_mut().write_all(command.as_bytes()).await?;
        let mut line = String::new();
        self.0.read_line(&mut line).await?;
        let text = line.get(1..).unwrap_or_default().trim().to_string();
        match line.chars().next() {
            Some('-') => Err(Failure::Failed(format!("redis: {text}"))),
            Some('$') => match text.parse::<usize>() {
                Ok(size) => {
                    let mut body = vec![0; size + 2];
                    self.0.read_exact(&mut body).await?;
                    Ok(String::from_utf8_lossy(&body[..size]).into())
                }
                Err(_) => Ok(String::new()),
            },
            Some(_) => Ok(text),
            None => Err(Failure::failed("redis closed the connection")),
        }
    }
}
