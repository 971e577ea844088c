// A listening socket of the stream transports, and who takes what arrives on it. TCP and WebSocket may listen on the
// same port: connections are then told apart by their first bytes. Private to the layer.
//
// Limits: handshakes at once per port, whatever door they are for (max_pending_inbound, the oldest gives way); the
// first bytes must come within identify_timeout; every later stage is under its own deadline.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "starling/transport/transport.hpp"

namespace starling::transport {

/// What a connection begins with. What is neither HTTP nor TLS is taken for multistream, which will judge it (inside a
/// private network everything looks like noise).
enum class FirstBytes : std::uint8_t { Multistream, Http, Tls };
inline constexpr std::size_t kFirstBytes = 3;
FirstBytes first_bytes_kind(Bytes bytes);

/// What a transport does with an accepted socket before the upgrader gets it.
using PrepareSocket =
    std::function<io::Task<Result<std::unique_ptr<io::StreamSocket>>>(std::unique_ptr<io::StreamSocket> socket)>;

struct Door {
  FirstBytes kind = FirstBytes::Multistream;
  std::function<Multiaddr(const io::Endpoint& end)> name;  // of either end of a connection
  PrepareSocket prepare = {};                              // may be empty
};

/// Listens on a TCP endpoint; on one where this node listens already if that port has no such door yet.
Result<std::unique_ptr<TransportListener>> listen_on_port(Upgrader& upgrader, const io::Endpoint& at, Door door);
/// What arrives at a listener, as the AcceptGate asks.
enum class ArrivalKind : std::uint8_t { Ip, UnixSocket, InMemory };
/// The same on a listener that is there (memory, unix sockets); it has one door.
std::unique_ptr<TransportListener> listen_with(Upgrader& upgrader, std::unique_ptr<io::Listener> listener,
                                               ArrivalKind arrivals, Door door);

/// The port to dial `remote` from so that NAT mappings are shared with a TCP listener; nothing without one that fits.
std::optional<io::Endpoint> listening_port_for(const Upgrader& upgrader, const io::Endpoint& remote);

}  // namespace starling::transport
