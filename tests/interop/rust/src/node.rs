//! The node: a swarm in a task of its own, driven by commands.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures::{
    channel::{mpsc, oneshot},
    StreamExt,
};
use libp2p::{
    core::ConnectedPoint,
    identify,
    multiaddr::Protocol,
    ping,
    swarm::{
        behaviour::toggle::Toggle,
        dial_opts::{DialOpts, PeerCondition},
        Config, ConnectionId, NetworkBehaviour, StreamProtocol, SwarmEvent,
    },
    Multiaddr, PeerId, Swarm,
};
use serde_json::{json, Value};

use crate::{
    options::Options,
    output::{emit, Failure},
    protocols, streams, transports,
    upgrades::MAX_STREAMS,
};

const PROTOCOL_VERSION: &str = "starling-interop/1.0.0";
pub const LIBP2P: &str = "0.57.1";
const AGENT_VERSION: &str = "rust-libp2p/0.57.1";

const IDLE_TIMEOUT: Duration = Duration::from_secs(3600);

#[derive(NetworkBehaviour)]
struct Behaviour {
    identify: identify::Behaviour,
    ping: Toggle<ping::Behaviour>,
    streams: streams::Behaviour,
}

enum Command {
    Dial(Multiaddr, PeerId, oneshot::Sender<Result<Connection, String>>),
    Close(ConnectionId, oneshot::Sender<()>),
}

#[derive(Clone)]
pub struct Connection {
    pub id: ConnectionId,
    pub opener: streams::Opener,
}

pub struct Node {
    pub listening: Vec<Multiaddr>,
    pub identified: mpsc::UnboundedReceiver<identify::Info>,
    commands: mpsc::UnboundedSender<Command>,
}

impl Node {
    /// Starts a node; only servers listen and have the ping behaviour, which
    /// pings every connected peer by itself.
    pub async fn start(o: &Options, server: bool) -> Result<Self, Failure> {
        let mut swarm = build(o, server)?;
        let mut listening = vec![];
        if server {
            for address in transports::listen_addresses(o)? {
                swarm.listen_on(address).map_err(Failure::failed)?;
            }
            listening = first_addresses(&mut swarm).await;
        }
        if server || !o.is_set("quiet") {
            announce_ready(&swarm, &listening, o, server);
        }
        let (commands, orders) = mpsc::unbounded();
        let (identify, identified) = mpsc::unbounded();
        let driver = Driver { swarm, identify, quiet: o.is_set("quiet"), dials: HashMap::new(), closes: HashMap::new() };
        tokio::spawn(driver.run(orders));
        Ok(Node { listening, identified, commands })
    }

    pub async fn dial(&self, address: Multiaddr, peer: PeerId) -> Result<Connection, Failure> {
        let (done, result) = oneshot::channel();
        let _ = self.commands.unbounded_send(Command::Dial(address, peer, done));
        result.await.map_err(Failure::failed)?.map_err(Failure::Failed)
    }

    pub async fn close(&self, connection: ConnectionId) {
        let (done, result) = oneshot::channel();
        let _ = self.commands.unbounded_send(Command::Close(connection, done));
        let _ = result.await;
    }
}

fn build(o: &Options, server: bool) -> Result<Swarm<Behaviour>, Failure> {
    let key = o.keypair()?;
    let transport = transports::build(o, &key)?;
    // rust-libp2p signs records in a form of its own, which makes js-libp2p drop
    // the whole identify message; by default it sends none.
    let identity = if o.is_set("signed-record") {
        identify::Config::new_with_signed_peer_record(PROTOCOL_VERSION.into(), &key)
    } else {
        identify::Config::new(PROTOCOL_VERSION.into(), key.public())
    }
    .with_agent_version(AGENT_VERSION.into());
    let how = protocols::Manner { check: o.is_set("check"), mplex: o.list("muxer") == ["mplex"] };
    let serve: streams::Serve = Arc::new(move |peer, name: StreamProtocol, stream| {
        tokio::spawn(async move { protocols::serve(peer, name.as_ref(), stream, how).await });
    });
    let behaviour = Behaviour {
        identify: identify::Behaviour::new(identity),
        ping: Toggle::from(pings(o, server).then(ping::Behaviour::default)),
        streams: streams::Behaviour::new(raw_protocols(!pings(o, server)), serve),
    };
    let config = Config::with_tokio_executor()
        .with_idle_connection_timeout(IDLE_TIMEOUT)
        .with_max_negotiating_inbound_streams(MAX_STREAMS);
    Ok(Swarm::new(transport, behaviour, key.public().to_peer_id(), config))
}

/// Whether the ping behaviour answers. It does not poll the future in which it waits
/// for the next ping; over TCP the connection's next packet makes good for that, over
/// QUIC nothing does and the second ping stays without an answer. With --library-ping
/// it answers all the same.
fn pings(o: &Options, server: bool) -> bool {
    server && (o.is_set("library-ping") || !o.list("transport").contains(&"quic-v1"))
}

/// The protocols served on raw streams, pings among them where the behaviour does not.
fn raw_protocols(with_ping: bool) -> Vec<StreamProtocol> {
    let mut names =
        vec![protocols::ECHO, protocols::PERF, protocols::RESET, protocols::CLOSE, protocols::REQUESTS];
    if with_ping {
        names.push(protocols::PING);
    }
    names.into_iter().map(StreamProtocol::new).collect()
}

/// Waits for the first listen address and takes what arrives right after it.
async fn first_addresses(swarm: &mut Swarm<Behaviour>) -> Vec<Multiaddr> {
    let mut found = vec![];
    let mut patience = Duration::from_secs(10);
    while let Ok(event) = tokio::time::timeout(patience, swarm.select_next_some()).await {
        if let SwarmEvent::NewListenAddr { address, .. } = event {
            found.push(address.with(Protocol::P2p(*swarm.local_peer_id())));
            patience = Duration::from_millis(20);
        }
    }
    found
}

fn announce_ready(swarm: &Swarm<Behaviour>, listening: &[Multiaddr], o: &Options, server: bool) {
    let behaviour = pings(o, server);
    let mut names: Vec<String> = raw_protocols(!behaviour).iter().map(|p| p.to_string()).collect();
    names.extend([identify::PROTOCOL_NAME.to_string(), identify::PUSH_PROTOCOL_NAME.to_string()]);
    if behaviour {
        names.push(protocols::PING.into());
    }
    names.sort();
    emit(
        "ready",
        json!({
            "pid": std::process::id(),
            "peerId": swarm.local_peer_id().to_string(),
            "addrs": texts(swarm.listeners()),
            "listening": texts(listening),
            "protocols": names,
            "protocolVersion": PROTOCOL_VERSION,
            "agentVersion": AGENT_VERSION,
            "transport": o.list("transport"), "security": o.list("security"), "muxer": o.list("muxer"),
            "versions": {"libp2p": LIBP2P},
        }),
    );
}

pub fn texts<'a>(addresses: impl IntoIterator<Item = &'a Multiaddr>) -> Vec<String> {
    addresses.into_iter().map(|a| a.to_string()).collect()
}

struct Driver {
    swarm: Swarm<Behaviour>,
    identify: mpsc::UnboundedSender<identify::Info>,
    quiet: bool,
    dials: HashMap<ConnectionId, oneshot::Sender<Result<Connection, String>>>,
    closes: HashMap<ConnectionId, oneshot::Sender<()>>,
}

impl Driver {
    async fn run(mut self, mut orders: mpsc::UnboundedReceiver<Command>) {
        loop {
            tokio::select! {
                order = orders.next() => match order {
                    Some(command) => self.obey(command),
                    None => return,
                },
                event = self.swarm.select_next_some() => self.react(event),
            }
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Dial(address, peer, done) => {
                let opts =
                    DialOpts::peer_id(peer).addresses(vec![address]).condition(PeerCondition::Always).build();
                let id = opts.connection_id();
                match self.swarm.dial(opts) {
                    Ok(()) => drop(self.dials.insert(id, done)),
                    Err(cause) => drop(done.send(Err(cause.to_string()))),
                }
            }
            Command::Close(id, done) => {
                if self.swarm.close_connection(id) {
                    self.closes.insert(id, done);
                }
            }
        }
    }

    fn react(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::ConnectionEstablished { peer_id: peer, connection_id: id, endpoint, .. } => {
                self.report("connection-open", id, peer, &endpoint);
                let opener = self.swarm.behaviour().streams.opener(id);
                if let (Some(done), Some(opener)) = (self.dials.remove(&id), opener) {
                    let _ = done.send(Ok(Connection { id, opener }));
                }
            }
            SwarmEvent::ConnectionClosed { peer_id: peer, connection_id: id, endpoint, .. } => {
                self.report("connection-close", id, peer, &endpoint);
                if let Some(done) = self.closes.remove(&id) {
                    let _ = done.send(());
                }
            }
            SwarmEvent::OutgoingConnectionError { connection_id: id, error, .. } => {
                if let Some(done) = self.dials.remove(&id) {
                    let _ = done.send(Err(error.to_string()));
                }
            }
            SwarmEvent::IncomingConnectionError { error, .. } => self.warn("incoming", error.to_string()),
            SwarmEvent::Behaviour(BehaviourEvent::Identify(identify::Event::Received { info, .. })) => {
                let _ = self.identify.unbounded_send(info);
            }
            SwarmEvent::Behaviour(BehaviourEvent::Identify(identify::Event::Error { error, .. })) => {
                self.warn("identify", error.to_string())
            }
            SwarmEvent::Behaviour(BehaviourEvent::Ping(ping::Event { result, peer, .. })) => match result {
                Ok(rtt) if !self.quiet => {
                    emit("pinged", json!({"peer": peer.to_string(), "ms": rtt.as_secs_f64() * 1e3}))
                }
                Ok(_) | Err(ping::Failure::Unsupported) => {}
                Err(cause) => self.warn("ping", cause.to_string()),
            },
            _ => {}
        }
    }

    fn report(&self, event: &str, id: ConnectionId, peer: PeerId, endpoint: &ConnectedPoint) {
        if self.quiet {
            return;
        }
        let direction = if endpoint.is_dialer() { "outbound" } else { "inbound" };
        emit(
            event,
            json!({
                "id": id.to_string(), "peer": peer.to_string(), "direction": direction,
                "addr": endpoint.get_remote_address().to_string(),
            }),
        );
    }

    fn warn(&self, place: &str, message: String) {
        if !self.quiet {
            emit("warning", json!({"in": place, "message": message}));
        }
    }
}

/// What identify said, as an event.
pub fn describe(info: &identify::Info) -> Result<Value, Failure> {
    let record = match info.signed_peer_record.clone() {
        None => Value::Null,
        Some(envelope) => {
            let record = libp2p::core::PeerRecord::from_signed_envelope(envelope).map_err(Failure::failed)?;
            json!({
                "peer": record.peer_id().to_string(), "seq": record.seq().to_string(), "addrs": texts(record.addresses()),
            })
        }
    };
    Ok(json!({
        "peer": info.public_key.to_peer_id().to_string(),
        "keyType": info.public_key.key_type().to_string(),
        "agentVersion": info.agent_version,
        "protocolVersion": info.protocol_version,
        "protocols": info.protocols.iter().map(|p| p.to_string()).collect::<Vec<_>>(),
        "listenAddrs": texts(&info.listen_addrs),
        "observedAddr": info.observed_addr.to_string(),
        "signedPeerRecord": record,
    }))
}

pub async fn listen(o: &Options) -> Result<(), Failure> {
    let _node = Node::start(o, true).await?;
    emit("stopping", json!({"reason": wait_for_end(o).await?}));
    Ok(())
}

pub async fn wait_for_end(o: &Options) -> Result<&'static str, Failure> {
    use tokio::signal::unix::{signal, SignalKind};
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stdin = async {
        if !o.is_set("stdin") {
            std::future::pending::<()>().await;
        }
        let _ = tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink())).await;
    };
    Ok(tokio::select! {
        _ = term.recv() => "SIGTERM",
        _ = int.recv() => "SIGINT",
        _ = stdin => "stdin",
        _ = tokio::time::sleep(o.seconds("duration")?) => "duration",
    })
}
