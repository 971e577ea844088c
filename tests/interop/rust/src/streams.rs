//! A behaviour for raw streams: serves a list of protocols with a function and
//! opens streams on a given connection.
//!
//! libp2p-stream does nearly this, but drops inbound streams that arrive faster
//! than its channel of one is emptied, which a burst of 1000 streams does.

use std::{
    collections::HashMap,
    convert::Infallible,
    future::{ready, Ready},
    io,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures::{
    channel::{mpsc, oneshot},
    StreamExt,
};
use libp2p::{
    core::{
        transport::PortUse,
        upgrade::{InboundUpgrade, OutboundUpgrade, UpgradeInfo},
        Endpoint,
    },
    swarm::{
        handler::{ConnectionEvent, DialUpgradeError, FullyNegotiatedInbound, FullyNegotiatedOutbound},
        ConnectionDenied, ConnectionHandler, ConnectionHandlerEvent, ConnectionId, FromSwarm, NetworkBehaviour, Stream,
        StreamProtocol, StreamUpgradeError, SubstreamProtocol, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
    },
    Multiaddr, PeerId,
};

/// Time a stream has to agree on its protocol.
const NEGOTIATION: Duration = Duration::from_secs(60);

type Opened = oneshot::Sender<io::Result<Stream>>;
pub type Serve = Arc<dyn Fn(PeerId, StreamProtocol, Stream) + Send + Sync>;

/// A way to open streams on one connection.
#[derive(Clone)]
pub struct Opener(mpsc::UnboundedSender<(StreamProtocol, Opened)>);

impl Opener {
    pub async fn open(&self, protocol: &'static str) -> io::Result<Stream> {
        let gone = || io::Error::new(io::ErrorKind::NotConnected, "the connection is closed");
        let (done, result) = oneshot::channel();
        self.0.unbounded_send((StreamProtocol::new(protocol), done)).map_err(|_| gone())?;
        result.await.map_err(|_| gone())?
    }

    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

pub struct Behaviour {
    protocols: Vec<StreamProtocol>,
    serve: Serve,
    openers: HashMap<ConnectionId, Opener>,
}

impl Behaviour {
    pub fn new(protocols: Vec<StreamProtocol>, serve: Serve) -> Self {
        Behaviour { protocols, serve, openers: HashMap::new() }
    }

    pub fn opener(&self, connection: ConnectionId) -> Option<Opener> {
        self.openers.get(&connection).cloned()
    }

    fn handler(&mut self, connection: ConnectionId, peer: PeerId) -> Handler {
        let (sender, requests) = mpsc::unbounded();
        self.openers.insert(connection, Opener(sender));
        Handler { peer, protocols: self.protocols.clone(), serve: self.serve.clone(), requests }
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = Infallible;

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(self.handler(connection, peer))
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(self.handler(connection, peer))
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        if let FromSwarm::ConnectionClosed(closed) = event {
            self.openers.remove(&closed.connection_id);
        }
    }

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: THandlerOutEvent<Self>) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

pub struct Handler {
    peer: PeerId,
    protocols: Vec<StreamProtocol>,
    serve: Serve,
    requests: mpsc::UnboundedReceiver<(StreamProtocol, Opened)>,
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Infallible;
    type ToBehaviour = Infallible;
    type InboundProtocol = Raw;
    type OutboundProtocol = Raw;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = Opened;

    fn listen_protocol(&self) -> SubstreamProtocol<Raw> {
        SubstreamProtocol::new(Raw(self.protocols.clone()), ()).with_timeout(NEGOTIATION)
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ConnectionHandlerEvent<Raw, Opened, Infallible>> {
        match self.requests.poll_next_unpin(cx) {
            Poll::Ready(Some((protocol, opened))) => Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest {
                protocol: SubstreamProtocol::new(Raw(vec![protocol]), opened).with_timeout(NEGOTIATION),
            }),
            _ => Poll::Pending,
        }
    }

    fn on_behaviour_event(&mut self, event: Infallible) {
        match event {}
    }

    fn on_connection_event(&mut self, event: ConnectionEvent<Raw, Raw, (), Opened>) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound { protocol: (stream, name), .. }) => {
                (self.serve)(self.peer, name, stream)
            }
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound { protocol: (stream, _), info: opened }) => {
                let _ = opened.send(Ok(stream));
            }
            ConnectionEvent::DialUpgradeError(DialUpgradeError { info: opened, error }) => {
                let _ = opened.send(Err(match error {
                    StreamUpgradeError::Timeout => io::ErrorKind::TimedOut.into(),
                    StreamUpgradeError::Apply(never) => match never {},
                    StreamUpgradeError::NegotiationFailed => {
                        io::Error::new(io::ErrorKind::Unsupported, "the remote does not speak the protocol")
                    }
                    StreamUpgradeError::Io(cause) => cause,
                }));
            }
            _ => {}
        }
    }
}

/// An upgrade that only agrees on a protocol name.
#[derive(Clone)]
pub struct Raw(Vec<StreamProtocol>);

impl UpgradeInfo for Raw {
    type Info = StreamProtocol;
    type InfoIter = std::vec::IntoIter<StreamProtocol>;

    fn protocol_info(&self) -> Self::InfoIter {
        self.0.clone().into_iter()
    }
}

impl InboundUpgrade<Stream> for Raw {
    type Output = (Stream, StreamProtocol);
    type Error = Infallible;
    type Future = Ready<Result<Self::Output, Infallible>>;

    fn upgrade_inbound(self, stream: Stream, name: StreamProtocol) -> Self::Future {
        ready(Ok((stream, name)))
    }
}

impl OutboundUpgrade<Stream> for Raw {
    type Output = (Stream, StreamProtocol);
    type Error = Infallible;
    type Future = Ready<Result<Self::Output, Infallible>>;

    fn upgrade_outbound(self, stream: Stream, name: StreamProtocol) -> Self::Future {
        ready(Ok((stream, name)))
    }
}
