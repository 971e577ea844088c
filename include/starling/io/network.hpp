// The network as the rest of the tree sees it: TCP and UDP sockets, names and interfaces, behind small interfaces
// with a real side (io/real) and a simulated one (io/sim). All sockets are non-blocking: try first, then wait.
// Threading: everything on the reactor's thread.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "starling/base/bytes.hpp"
#include "starling/base/random.hpp"
#include "starling/io/task.hpp"

namespace starling::io {

/// An IPv4 or IPv6 address. Value.
class IpAddress {
 public:
  IpAddress() = default;  // 0.0.0.0
  static IpAddress v4(std::array<std::uint8_t, 4> bytes);
  static IpAddress v6(std::array<std::uint8_t, 16> bytes, std::uint32_t scope_id = 0);
  static Result<IpAddress> from_string(std::string_view text);

  bool is_v4() const { return v4_; }
  bool is_v6() const { return !v4_; }
  Bytes bytes() const { return {bytes_.data(), v4_ ? 4u : 16u}; }
  std::uint32_t scope_id() const { return scope_id_; }
  bool is_unspecified() const;
  bool is_loopback() const;
  bool is_private() const;     // RFC 1918, RFC 6598 (CGNAT), fc00::/7
  bool is_link_local() const;  // 169.254/16, fe80::/10
  std::string to_string() const;

  friend bool operator==(const IpAddress&, const IpAddress&) = default;
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  bool v4_ = true;
  std::array<std::uint8_t, 16> bytes_{};
  std::uint32_t scope_id_ = 0;
};

struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;
  std::string to_string() const;  // 1.2.3.4:5, [::1]:5
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

/// A connected byte stream. Resource: close() or destroy it with no coroutine waiting in it.
class StreamSocket {
 public:
  virtual ~StreamSocket() = default;
  /// Bytes read; 0 = the remote ended the stream. Error WouldBlock: wait for readable().
  virtual Result<std::size_t> try_read(MutableBytes into) = 0;
  /// Bytes taken, perhaps fewer than offered. Error WouldBlock: wait for writable().
  virtual Result<std::size_t> try_write(Bytes from) = 0;
  /// Ok when try_read/try_write may succeed (not a promise). One coroutine at a time for each.
  virtual QueueWait readable() = 0;
  virtual QueueWait writable() = 0;
  /// Sends FIN; reading goes on.
  virtual void shutdown_write() = 0;
  /// Idempotent; waiting coroutines wake and see Closed on their next try.
  virtual void close() = 0;
  virtual Endpoint local() const = 0;
  virtual Endpoint remote() const = 0;
};

class Listener {
 public:
  virtual ~Listener() = default;
  /// Errors: Closed; OutOfDescriptors and the like pass after a while, the listener itself goes on.
  virtual Task<Result<std::unique_ptr<StreamSocket>>> accept() = 0;
  virtual void close() = 0;
  virtual Endpoint local() const = 0;
};

/// What one receive call brought: a datagram, or several of one sender that the system put together (coalesce).
struct Datagram {
  Endpoint from;
  std::size_t size = 0;     // bytes
  std::size_t segment = 0;  // bytes of each datagram in it but the last, which may be shorter; `size` for a single one
  IpAddress to;             // the address of ours it came to; unspecified where the system does not tell
  std::uint8_t ecn = 0;     // the two bits of RFC 3168
};

/// Datagrams that leave in one call: `bytes` cut into pieces of `segment`, the last one perhaps shorter.
struct OutgoingDatagrams {
  Bytes bytes;
  std::size_t segment = 0;  // bytes; 0: one datagram
  Endpoint to;
  IpAddress from;        // leave from this address of ours; unspecified: the system chooses
  std::uint8_t ecn = 0;  // the two bits of RFC 3168
};

/// Word from the network (ICMP) that a datagram of ours led nowhere: nobody has that port, or there is no way there.
/// A hint only: such messages get lost, and somebody on the way can forge them.
struct Undelivered {
  Endpoint to;
  Error error;  // ConnectionRefused, Unreachable
};

struct DatagramOptions {
  bool coalesce = false;  // receive several datagrams of one sender in one call (GRO); reads then need 64 KiB of room
  bool dont_fragment = false;  // too large a datagram is an error or vanishes, so that the path's MTU can be probed
  bool report_undelivered = false;  // for take_undelivered()
  std::size_t receive_buffer = 0;   // bytes asked of the system; 0: its default
  std::size_t send_buffer = 0;
};

class DatagramSocket {
 public:
  virtual ~DatagramSocket() = default;
  virtual Result<Datagram> try_receive(MutableBytes into) = 0;
  /// Bytes that left: all, or whole datagrams from the front when the system takes no more now. Errors: WouldBlock,
  /// TooLarge (larger than the way out permits), Unreachable and the like.
  virtual Result<std::size_t> try_send(const OutgoingDatagrams& datagrams) = 0;
  Status try_send(Bytes datagram, const Endpoint& to) {
    STARLING_CHECK(try_send({.bytes = datagram, .to = to}));
    return {};
  }
  /// The oldest such word not taken yet; a few are kept. It makes the socket readable, and no call fails for it.
  virtual std::optional<Undelivered> take_undelivered() = 0;
  virtual QueueWait readable() = 0;
  virtual QueueWait writable() = 0;
  /// As readable() and writable() without a coroutine: `work` runs once, in a turn of the reactor, when the time has
  /// come or the socket was closed. One at a time for each; it must outlive the socket.
  virtual void when_readable(Runnable& work) = 0;
  virtual void when_writable(Runnable& work) = 0;
  virtual void close() = 0;
  virtual Endpoint local() const = 0;
};

/// TCP's congestion control: how fast a connection sends. Value. Simulated networks have none to choose.
struct Congestion {
  std::string algorithm = {};  // the system's name for it: bbr, cubic; empty: what the system chooses
  /// Zero: on every connection; a system that refuses it fails listen() and connect() with Unsupported. Else only where
  /// the handshake took at least this long and the system chose by loss, as it does unless told otherwise; a system
  /// that refuses keeps its choice, and is not asked again.
  Duration long_path = Duration::zero();

  bool by_path() const { return !algorithm.empty() && long_path > Duration::zero(); }
  /// Whether a connection whose handshake took `round_trip` (zero: nobody knows) and that has `current` changes to
  /// `algorithm`.
  bool replaces(std::string_view current, Duration round_trip) const;
};

/// Connections that Congestion::long_path was for, and what became of it. Never reset.
struct CongestionCounters {
  std::uint64_t changed = 0, refused = 0;  // refused is 1 at most: the first refusal ends the attempts
};

struct ListenOptions {
  int backlog = 1024;
  bool reuse_port = true;  // so that dials can leave from the listening port
  bool v6_only = true;
  Congestion congestion = {};  // of what is accepted
};

struct ConnectOptions {
  /// Local endpoint to leave from, with SO_REUSEADDR/SO_REUSEPORT; falls back to any port if the system refuses.
  std::optional<Endpoint> local;
  Congestion congestion = {};
};

struct Interface {
  std::string name;
  IpAddress address;
  std::uint8_t prefix_length = 0;
};

class NameClient;
struct NameClientOptions;

/// Where two ends inside one machine meet. Value.
struct LocalPlace {
  enum class Kind : std::uint8_t {
    Memory,  // within this network object: `name` is free
    Unix,    // `name` is the path of a socket file
  };
  Kind kind = Kind::Memory;
  std::string name;
};

/// One host's network.
class Network {
 public:
  virtual ~Network() = default;
  virtual Result<std::unique_ptr<Listener>> listen(const Endpoint& at, const ListenOptions& options) = 0;
  virtual Task<Result<std::unique_ptr<StreamSocket>>> connect(Endpoint to, ConnectOptions options) = 0;
  virtual Result<std::unique_ptr<DatagramSocket>> bind_datagram(const Endpoint& at, const DatagramOptions& options) = 0;
  Result<std::unique_ptr<DatagramSocket>> bind_datagram(const Endpoint& at) { return bind_datagram(at, {}); }
  /// A client of this host's name servers, or of others. See name_client.hpp.
  virtual std::unique_ptr<NameClient> make_name_client(const NameClientOptions& options) = 0;
  virtual Result<std::vector<Interface>> interfaces() = 0;
  virtual CongestionCounters congestion_counters() const { return {}; }
  /// Streams inside this machine; their ends have no endpoints (0.0.0.0:0). A socket file is made with mode 0600 and
  /// goes with its listener; one that nobody listens on any more is replaced. Errors: AddressInUse; Unsupported.
  virtual Result<std::unique_ptr<Listener>> listen_local(const LocalPlace& at, int backlog);
  /// Connected at once. Errors: ConnectionRefused (nobody listens, or too many wait); Unsupported.
  virtual Result<std::unique_ptr<StreamSocket>> connect_local(const LocalPlace& to);
};

/// What a node gets from the world: where it runs, its network, its randomness. Borrowed by all who hold it.
struct World {
  Reactor& reactor;
  Network& network;
  Random& random;
};

}  // namespace starling::io
