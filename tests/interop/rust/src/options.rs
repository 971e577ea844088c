//! The command line.

use std::{
    collections::HashMap,
    str::FromStr,
    time::{Duration, Instant},
};

use libp2p::{identity, multiaddr::Protocol, Multiaddr, PeerId};
use sha2::{Digest, Sha256};

use crate::output::Failure;

/// Flags that take a value, with their defaults.
const VALUES: &[(&str, &str)] = &[
    ("transport", "tcp"),
    ("security", "noise"),
    ("muxer", "yamux"),
    ("host", "127.0.0.1"),
    ("port", "0"),
    ("key-type", "Ed25519"),
    ("seed", ""),
    ("psk", ""),
    ("tls-cert", ""),
    ("tls-key", ""),
    ("tls-ca", ""),
    ("peer", ""),
    ("timeout", "30"),
    ("duration", "60"),
    ("count", "0"),
    ("open", "0"),
    ("size", "0"),
    ("upload", "0"),
    ("download", "0"),
    ("chunk", "65536"),
    ("streams", "1"),
    ("connections", "1"),
    ("for", "0"),
];
const SWITCHES: &[&str] = &["stdin", "check", "quiet", "signed-record", "library-ping", "load", "keep"];

#[derive(Clone)]
pub struct Options {
    values: HashMap<String, String>,
}

impl Options {
    pub fn parse(args: &[String]) -> Result<Self, Failure> {
        let mut values: HashMap<String, String> =
            VALUES.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let mut rest = args.iter().skip(1);
        while let Some(arg) = rest.next() {
            let name = arg.trim_start_matches('-').to_string();
            if SWITCHES.contains(&name.as_str()) {
                values.insert(name, "true".into());
            } else if values.contains_key(&name) && arg.starts_with('-') {
                let value = rest.next().ok_or_else(|| Failure::Usage(format!("{arg} needs a value")))?;
                values.insert(name, value.clone());
            } else {
                return Err(Failure::Usage(format!("unknown argument {arg}")));
            }
        }
        Ok(Options { values })
    }

    pub fn set(&mut self, name: &str, value: impl ToString) {
        self.values.insert(name.into(), value.to_string());
    }

    pub fn text(&self, name: &str) -> &str {
        &self.values[name]
    }

    pub fn is_set(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    pub fn list(&self, name: &str) -> Vec<&str> {
        self.text(name).split(',').filter(|item| !item.is_empty()).collect()
    }

    pub fn number<T: FromStr>(&self, name: &str) -> Result<T, Failure> {
        self.text(name).parse().map_err(|_| Failure::Usage(format!("--{name} {} is not a number", self.text(name))))
    }

    /// The number given for `name`, or `fallback` when there is none.
    pub fn number_or(&self, name: &str, fallback: usize) -> Result<usize, Failure> {
        self.number(name).map(|n| if n == 0 { fallback } else { n })
    }

    pub fn seconds(&self, name: &str) -> Result<Duration, Failure> {
        self.number(name).map(Duration::from_secs_f64)
    }

    /// When --for is over; without it, in the far future.
    pub fn end(&self) -> Result<Instant, Failure> {
        let limit = self.seconds("for")?;
        let far = Duration::from_secs(1 << 30);
        Ok(Instant::now() + if limit.is_zero() { far } else { limit })
    }

    pub fn peer(&self) -> Result<(Multiaddr, PeerId), Failure> {
        let text = self.text("peer");
        let address: Multiaddr = text.parse().map_err(|e| Failure::Usage(format!("--peer {text}: {e}")))?;
        match address.iter().last() {
            Some(Protocol::P2p(peer)) => Ok((address, peer)),
            _ => Err(Failure::Usage(format!("--peer {text:?} does not end in /p2p/<peer id>"))),
        }
    }

    pub fn keypair(&self) -> Result<identity::Keypair, Failure> {
        if !self.text("seed").is_empty() {
            let seed = Sha256::digest(format!("starling-interop-{}", self.text("seed")));
            return identity::Keypair::ed25519_from_bytes(seed.to_vec()).map_err(Failure::failed);
        }
        match self.text("key-type").to_lowercase().as_str() {
            "ed25519" => Ok(identity::Keypair::generate_ed25519()),
            "secp256k1" => Ok(identity::Keypair::generate_secp256k1()),
            "ecdsa" => Ok(identity::Keypair::generate_ecdsa()),
            "rsa" => rsa_keypair(),
            other => Err(Failure::Usage(format!("unknown --key-type {other}"))),
        }
    }
}

/// A new RSA key as PKCS#8 DER; `genpkey -outform DER` would give PKCS#1.
const MAKE_RSA_KEY: &str =
    "openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 | openssl pkcs8 -topk8 -nocrypt -outform DER";

/// rust-libp2p uses RSA keys but cannot make them; the openssl program can.
fn rsa_keypair() -> Result<identity::Keypair, Failure> {
    let made = std::process::Command::new("sh").args(["-c", MAKE_RSA_KEY]).output()?;
    if made.stdout.is_empty() {
        return Err(Failure::Unavailable(format!("the openssl program: {}", String::from_utf8_lossy(&made.stderr))));
    }
    identity::Keypair::rsa_from_pkcs8(&mut made.stdout.clone()).map_err(Failure::failed)
}
