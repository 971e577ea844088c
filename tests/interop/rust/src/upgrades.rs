//! Security and muxer chosen by name at run time: one upgrade type for each,
//! offering the names of the command line in their order.

use std::io;

use futures::{future::BoxFuture, AsyncRead, AsyncWrite};
use libp2p::{
    core::{
        muxing::StreamMuxerBox,
        upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade, UpgradeInfo},
    },
    identity::Keypair,
    noise, plaintext, tls, yamux, PeerId,
};

use crate::output::Failure;

/// Streams the tests hold open at once, with room to spare; rust-yamux allows no
/// more without a larger connection window.
pub const MAX_STREAMS: usize = 4096;

pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

type Boxed = Box<dyn Io>;

#[derive(Clone)]
enum Security {
    Noise(noise::Config),
    Tls(tls::Config),
    Plaintext(plaintext::Config),
}

/// The security protocols of `--security`.
#[derive(Clone)]
pub struct AnySecurity(Vec<(&'static str, Security)>);

impl AnySecurity {
    pub fn new(names: &[&str], key: &Keypair) -> Result<Self, Failure> {
        let one = |name: &&str| {
            Ok(match *name {
                "noise" => ("/noise", Security::Noise(noise::Config::new(key).map_err(Failure::failed)?)),
                "tls" => ("/tls/1.0.0", Security::Tls(tls::Config::new(key).map_err(Failure::failed)?)),
                "plaintext" => ("/plaintext/2.0.0", Security::Plaintext(plaintext::Config::new(key))),
                _ => return Err(Failure::Unavailable(format!("security {name}"))),
            })
        };
        Ok(AnySecurity(names.iter().map(one).collect::<Result<_, _>>()?))
    }

    fn chosen(self, name: &str) -> Security {
        self.0.into_iter().find(|(known, _)| *known == name).expect("negotiated what was offered").1
    }
}

impl UpgradeInfo for AnySecurity {
    type Info = &'static str;
    type InfoIter = std::vec::IntoIter<&'static str>;

    fn protocol_info(&self) -> Self::InfoIter {
        self.0.iter().map(|(name, _)| *name).collect::<Vec<_>>().into_iter()
    }
}

macro_rules! secure {
    ($upgrade:ident, $method:ident) => {
        impl<C: Io + 'static> $upgrade<C> for AnySecurity {
            type Output = (PeerId, Boxed);
            type Error = io::Error;
            type Future = BoxFuture<'static, Result<Self::Output, Self::Error>>;

            fn $method(self, socket: C, name: &'static str) -> Self::Future {
                Box::pin(async move {
                    Ok(match self.chosen(name) {
                        Security::Noise(config) => {
                            let (peer, io) = config.$method(socket, name).await.map_err(io::Error::other)?;
                            (peer, Box::new(io) as Boxed)
                        }
                        Security::Tls(config) => {
                            let (peer, io) = config.$method(socket, name).await.map_err(io::Error::other)?;
                            (peer, Box::new(io) as Boxed)
                        }
                        Security::Plaintext(config) => {
                            let (peer, io) = config.$method(socket, name).await.map_err(io::Error::other)?;
                            (peer, Box::new(io) as Boxed)
                        }
                    })
                })
            }
        }
    };
}
secure!(InboundConnectionUpgrade, upgrade_inbound);
secure!(OutboundConnectionUpgrade, upgrade_outbound);

#[derive(Clone)]
enum Muxer {
    Yamux(yamux::Config),
    Mplex(libp2p_mplex::Config),
}

/// The muxers of `--muxer`.
#[derive(Clone)]
pub struct AnyMuxer(Vec<(&'static str, Muxer)>);

impl AnyMuxer {
    pub fn new(names: &[&str]) -> Result<Self, Failure> {
        let one = |name: &&str| {
            Ok(match *name {
                "yamux" => {
                    let mut config = yamux::Config::default();
                    config.set_max_num_streams(MAX_STREAMS);
                    ("/yamux/1.0.0", Muxer::Yamux(config))
                }
                "mplex" => {
                    let mut config = libp2p_mplex::Config::new();
                    config.set_max_num_streams(MAX_STREAMS);
                    ("/mplex/6.7.0", Muxer::Mplex(config))
                }
                _ => return Err(Failure::Unavailable(format!("muxer {name}"))),
            })
        };
        Ok(AnyMuxer(names.iter().map(one).collect::<Result<_, _>>()?))
    }

    fn chosen(self, name: &str) -> Muxer {
        self.0.into_iter().find(|(known, _)| *known == name).expect("negotiated what was offered").1
    }
}

impl UpgradeInfo for AnyMuxer {
    type Info = &'static str;
    type InfoIter = std::vec::IntoIter<&'static str>;

    fn protocol_info(&self) -> Self::InfoIter {
        self.0.iter().map(|(name, _)| *name).collect::<Vec<_>>().into_iter()
    }
}

macro_rules! multiplex {
    ($upgrade:ident, $method:ident) => {
        impl<C: Io + 'static> $upgrade<C> for AnyMuxer {
            type Output = StreamMuxerBox;
            type Error = io::Error;
            type Future = BoxFuture<'static, Result<Self::Output, Self::Error>>;

            fn $method(self, socket: C, name: &'static str) -> Self::Future {
                Box::pin(async move {
                    Ok(match self.chosen(name) {
                        Muxer::Yamux(config) => StreamMuxerBox::new(config.$method(socket, name).await?),
                        Muxer::Mplex(config) => StreamMuxerBox::new(config.$method(socket, name).await?),
                    })
                })
            }
        }
    };
}
multiplex!(InboundConnectionUpgrade, upgrade_inbound);
multiplex!(OutboundConnectionUpgrade, upgrade_outbound);
