//! The transports of `--transport`, each with security, muxer and, when asked
//! for, the private network underneath.

use std::time::Duration;

use futures::{AsyncRead, AsyncWrite};
use libp2p::{
    core::{muxing::StreamMuxerBox, transport::Boxed, upgrade::Version},
    identity::Keypair,
    pnet::{PnetConfig, PreSharedKey},
    quic, tcp,
    Multiaddr, PeerId, Transport,
};
use libp2p_websocket::{self as websocket, tls};
use rustls_pki_types::{pem::PemObject, CertificateDer, PrivateKeyDer};

use crate::{
    options::Options,
    output::Failure,
    upgrades::{AnyMuxer, AnySecurity, MAX_STREAMS},
};

const UPGRADE_TIMEOUT: Duration = Duration::from_secs(20);

type Ready = Boxed<(PeerId, StreamMuxerBox)>;

/// Where a server listens: one address for each transport.
pub fn listen_addresses(o: &Options) -> Result<Vec<Multiaddr>, Failure> {
    let (host, port) = (o.text("host"), o.text("port"));
    let ip = if host.contains(':') { format!("/ip6/{host}") } else { format!("/ip4/{host}") };
    let one = |name: &str| {
        let address = match name {
            "tcp" => format!("{ip}/tcp/{port}"),
            "quic-v1" => format!("{ip}/udp/{port}/quic-v1"),
            "ws" => format!("{ip}/tcp/{port}/ws"),
            "wss" => format!("{ip}/tcp/{port}/tls/ws"),
            _ => return Err(Failure::Unavailable(format!("transport {name}"))),
        };
        address.parse().map_err(|e| Failure::Usage(format!("{address}: {e}")))
    };
    o.list("transport").into_iter().map(one).collect()
}

/// All transports of the command line as one.
pub fn build(o: &Options, key: &Keypair) -> Result<Ready, Failure> {
    let names = o.list("transport");
    let mut all = vec![];
    if names.contains(&"ws") || names.contains(&"wss") {
        all.push(upgraded(web_socket(o)?, o, key)?);
    }
    if names.contains(&"tcp") {
        all.push(upgraded(tcp::tokio::Transport::new(tcp::Config::default()), o, key)?);
    }
    if names.contains(&"quic-v1") {
        if !o.text("psk").is_empty() {
            return Err(Failure::Unavailable("transport quic-v1 in a private network".into()));
        }
        all.push(quic_transport(key));
    }
    all.into_iter()
        .reduce(|a, b| a.or_transport(b).map(|either, _| either.into_inner()).boxed())
        .ok_or_else(|| Failure::Unavailable(format!("transport {}", o.text("transport"))))
}

fn quic_transport(key: &Keypair) -> Ready {
    let mut config = quic::Config::new(key);
    config.max_concurrent_stream_limit = MAX_STREAMS as u32;
    quic::tokio::Transport::new(config).map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer))).boxed()
}

fn web_socket(o: &Options) -> Result<websocket::Config<tcp::tokio::Transport>, Failure> {
    let mut transport = websocket::Config::new(tcp::tokio::Transport::new(tcp::Config::default()));
    let mut config = tls::Config::builder();
    if !o.text("tls-ca").is_empty() {
        config.add_trust(&certificate(o.text("tls-ca"))?).map_err(Failure::failed)?;
    }
    if !o.text("tls-cert").is_empty() {
        let key = PrivateKeyDer::from_pem_file(o.text("tls-key")).map_err(Failure::failed)?;
        let key = tls::PrivateKey::new(key.secret_der().to_vec());
        config.server(key, [certificate(o.text("tls-cert"))?]).map_err(Failure::failed)?;
    }
    transport.set_tls_config(config.finish());
    Ok(transport)
}

fn certificate(path: &str) -> Result<tls::Certificate, Failure> {
    Ok(tls::Certificate::new(CertificateDer::from_pem_file(path).map_err(Failure::failed)?.to_vec()))
}

/// Security and muxer on a byte stream, in a private network if there is a key.
fn upgraded<T>(transport: T, o: &Options, key: &Keypair) -> Result<Ready, Failure>
where
    T: Transport + Send + Unpin + 'static,
    T::Output: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    T::Error: Send + Sync + 'static,
    T::Dial: Send + 'static,
    T::ListenerUpgrade: Send + 'static,
{
    if o.text("psk").is_empty() {
        return secured(transport, o, key);
    }
    let psk: PreSharedKey = std::fs::read_to_string(o.text("psk"))?
        .parse()
        .map_err(|e| Failure::Usage(format!("--psk {}: {e}", o.text("psk"))))?;
    secured(transport.and_then(move |socket, _| PnetConfig::new(psk).handshake(socket)), o, key)
}

fn secured<T>(transport: T, o: &Options, key: &Keypair) -> Result<Ready, Failure>
where
    T: Transport + Send + Unpin + 'static,
    T::Output: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    T::Error: Send + Sync + 'static,
    T::Dial: Send + 'static,
    T::ListenerUpgrade: Send + 'static,
{
    Ok(transport
        .upgrade(Version::V1Lazy)
        .authenticate(AnySecurity::new(&o.list("security"), key)?)
        .multiplex(AnyMuxer::new(&o.list("muxer"))?)
        .timeout(UPGRADE_TIMEOUT)
        .boxed())
}
