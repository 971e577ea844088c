// The virtual network: a SimWorld owns a virtual clock, seeded randomness, hosts and the links between them. A host
// gives the io::World that node code runs on unchanged. Same seed and same calls: same run, same trace_hash().
//
// Model. TCP: connect takes one round trip; bytes take the sender's upload, the link's bandwidth, its latency and
// jitter, the receiver's download, and stay in order; a window bounds what is written and not yet read, and opens one
// latency after a read. A partition stalls bytes until it heals. UDP: the same way, plus loss, reordering by jitter,
// an MTU and bounded queues; a partition drops.
//
// Threading: one thread. Hosts live as long as the world; sockets must be gone before it dies.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "starling/io/sim.hpp"

namespace starling::io {

namespace sim {
class Host;
struct WorldState;
}  // namespace sim

/// What lies between two hosts, each direction on its own. Value.
struct SimLink {
  Duration latency = std::chrono::milliseconds(10);          // one way
  Duration jitter{0};                                        // up to this much more, evenly spread; reorders datagrams
  std::uint64_t bytes_per_second = 0;                        // 0: without bound
  double datagram_loss = 0;                                  // 0 to 1
  Duration datagram_queue = std::chrono::milliseconds(100);  // datagrams that would wait longer for bandwidth vanish
  std::size_t mtu_bytes = 1500;  // of an IP packet; larger datagrams vanish. 0: without bound
};

struct SimHostOptions {
  std::string name;                           // for the trace; "h<number>" if empty
  std::vector<IpAddress> addresses;           // must be unique in the world; empty: one public IPv4 address is made up
  Duration access_latency{0};                 // added to every packet to and from this host (not on loopback)
  std::uint64_t upload_bytes_per_second = 0;  // 0: without bound
  std::uint64_t download_bytes_per_second = 0;     // 0: without bound
  std::size_t max_descriptors = 65536;             // sockets and listeners
  std::size_t stream_window_bytes = 256 << 10;     // written to a TCP connection of this host and not yet read by it
  std::size_t datagram_send_bytes = 256 << 10;     // waiting for the upload before try_send() says WouldBlock
  std::size_t datagram_receive_bytes = 256 << 10;  // waiting in a socket before datagrams are dropped
};

struct SimWorldOptions {
  std::uint64_t seed = 1;
  SimLink link;  // between hosts that set_link() was not called for
  Duration loopback_latency = std::chrono::microseconds(20);
  Duration connect_timeout = std::chrono::seconds(20);  // when nobody answers
  Duration lookup_latency = std::chrono::milliseconds(20);
};

/// How a host goes down.
enum class SimCrash : std::uint8_t {
  Answering,  // its processes are gone: packets to its sockets are answered with a reset, connects are refused
  Silent,     // the machine is off: packets vanish, connects time out
};

/// One machine of the world. Resource, owned by the world.
class SimHost {
 public:
  SimHost(const SimHost&) = delete;
  SimHost& operator=(const SimHost&) = delete;

  /// Reactor, network and randomness of this host, for node code. Valid as long as the world.
  World world();
  const std::string& name() const;
  const std::vector<IpAddress>& addresses() const;
  /// As if interfaces went or came: datagrams and TCP segments from and to an address that is no longer there get
  /// nowhere, and nothing new is bound or routed to it. TCP goes on when the address comes back, as after a partition;
  /// who waits meanwhile is told nothing. The new ones must be unique in the world.
  void set_addresses(std::vector<IpAddress> addresses);
  /// The first address with `port`.
  Endpoint at(std::uint16_t port) const;

  /// All sockets vanish: their waiters wake, every call on them fails, and new calls on the network fail with
  /// Unreachable until restart(). No effect when down already.
  void crash(SimCrash how = SimCrash::Answering);
  /// Up again with the same addresses and nothing open.
  void restart();
  bool running() const;
  /// Sockets and listeners that are open now.
  std::size_t open_descriptors() const;

 private:
  friend class SimWorld;
  explicit SimHost(sim::Host& host) : host_(host) {}
  sim::Host& host_;
};

/// What happened in the world so far.
struct SimCounters {
  std::uint64_t segments = 0, segment_bytes = 0;    // delivered to TCP sockets
  std::uint64_t datagrams = 0, datagrams_lost = 0;  // delivered; lost by chance, size, full queues or partitions
  std::uint64_t connects = 0, refusals = 0, resets = 0;
};

/// Clock, randomness, hosts, links, names. Resource.
class SimWorld {
 public:
  explicit SimWorld(SimWorldOptions options = {});
  /// Convenience: the default options with another seed.
  explicit SimWorld(std::uint64_t seed);
  ~SimWorld();
  SimWorld(const SimWorld&) = delete;
  SimWorld& operator=(const SimWorld&) = delete;

  SimReactor& reactor();
  /// The world's own randomness, for scenarios. Hosts have theirs.
  Random& random();
  TimePoint now() { return reactor().now(); }
  /// Lets `time` of the world pass.
  void run_for(Duration time) { reactor().run_until(now() + time); }

  SimHost& add_host(SimHostOptions options = {});
  std::size_t host_count() const;
  SimHost& host(std::size_t number);

  /// Both directions between `a` and `b`, from the next packet on.
  void set_link(const SimHost& a, const SimHost& b, const SimLink& link);
  void set_default_link(const SimLink& link);
  /// The A and AAAA records that every host finds, after the lookup latency. Again with none: they are gone.
  void set_name(std::string name, std::vector<IpAddress> addresses, Duration ttl = std::chrono::minutes(1));
  /// The same for TXT records, each text the strings of one record put together.
  void set_txt(std::string name, std::vector<std::string> texts, Duration ttl = std::chrono::minutes(1));
  /// No lookup is answered, on any host, until set back: a name server that is down.
  void set_names_silent(bool silent);

  /// Cuts every host of `a` off from every host of `b`. At most 64 partitions at a time. Returns its number for heal().
  int partition(std::span<SimHost* const> a, std::span<SimHost* const> b);
  int partition(SimHost& a, SimHost& b);
  void heal(int partition);
  void heal_all();

  /// Hash over time, kind, hosts, ports and size of every event delivered so far: equal for equal runs.
  std::uint64_t trace_hash() const;
  /// Each event as a line of text from now on; an empty function ends it.
  void trace_to(std::function<void(std::string_view)> sink);
  const SimCounters& counters() const;

 private:
  std::unique_ptr<sim::WorldState> state_;
  std::vector<std::unique_ptr<SimHost>> handles_;
};

}  // namespace starling::io
