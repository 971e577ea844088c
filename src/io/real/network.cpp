// TCP and interfaces of the operating system. Readiness comes from Asio; bytes move by plain system calls
// on the native handle, so a ready read or write costs one call and no allocation.
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bit>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <cerrno>
#include <utility>

#include "io/real/congestion.hpp"
#include "io/real/datagram.hpp"
#include "io/real/local.hpp"
#include "io/real/name_client.hpp"
#include "io/real/network.hpp"
#include "io/real/socket.hpp"
#include "starling/io/memory_hub.hpp"

namespace starling::io {
namespace {

using asio::ip::tcp;

// Bytes that the system holds and has not sent: enough for it to go on while we are elsewhere, and no more, since
// nothing overtakes them. What is under way it counts besides.
constexpr int kUnsentLimit = 256 << 10;
using UnsentLimit = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_NOTSENT_LOWAT>;

class RealStreamSocket final : public StreamSocket {
 public:
  RealStreamSocket(Reactor& reactor, tcp::socket socket) : io_(reactor, std::move(socket)) {
    SystemCode ignored;
    io_.socket().non_blocking(true, ignored);
    io_.socket().set_option(tcp::no_delay(true), ignored);
    io_.socket().set_option(asio::socket_base::keep_alive(true), ignored);
    io_.socket().set_option(UnsentLimit(kUnsentLimit), ignored);
    if (auto at = io_.socket().local_endpoint(ignored); !ignored) local_ = from_asio(at);
    if (auto at = io_.socket().remote_endpoint(ignored); !ignored) remote_ = from_asio(at);
  }
  RealStreamSocket(Reactor& reactor, tcp::socket moved, const RealStreamSocket& before)
      : io_(reactor, std::move(moved)), local_(before.local_), remote_(before.remote_) {}

  /// Null, and nothing has changed, if the system refuses.
  std::unique_ptr<StreamSocket> move_to(AsioReactor& to) {
    if (io_.closed()) return nullptr;
    SystemCode error;
    const auto family = remote_.address.is_v4() ? tcp::v4() : tcp::v6();
    const int handle = io_.socket().release(error);
    if (error) return nullptr;
    tcp::socket moved(to.context());
    moved.assign(family, handle, error);
    if (error) ::close(handle);  // the new socket is closed, and says so to whoever uses it
    return std::make_unique<RealStreamSocket>(to, std::move(moved), *this);
  }

  Result<std::size_t> try_read(MutableBytes into) override {
    if (io_.closed()) return fail(ErrorCode::Closed, Op::Read, Origin::Local);
    return io_result(::recv(io_.handle(), into.data(), into.size(), MSG_DONTWAIT), Op::Read, "tcp");
  }
  Result<std::size_t> try_write(Bytes from) override {
    if (io_.closed() || write_ended_) return fail(ErrorCode::Closed, Op::Write, Origin::Local);
    return io_result(::send(io_.handle(), from.data(), from.size(), MSG_DONTWAIT | MSG_NOSIGNAL), Op::Write, "tcp");
  }
  QueueWait readable() override { return io_.readable(); }
  QueueWait writable() override { return io_.writable(); }
  void shutdown_write() override {
    write_ended_ = true;
    SystemCode ignored;
    io_.socket().shutdown(tcp::socket::shutdown_send, ignored);
  }
  void close() override { io_.close(); }
  Endpoint local() const override { return local_; }
  Endpoint remote() const override { return remote_; }

 private:
  Readiness<tcp::socket> io_;
  Endpoint local_, remote_;
  bool write_ended_ = false;
};

class RealListener final : public Listener {
 public:
  RealListener(Reactor& reactor, tcp::acceptor acceptor, Congestion congestion, PathCongestion& by_path)
      : reactor_(reactor), io_(reactor, std::move(acceptor)), congestion_(std::move(congestion)), by_path_(by_path) {
    SystemCode ignored;
    local_ = from_asio(io_.socket().local_endpoint(ignored));
    io_.socket().non_blocking(true, ignored);
  }

  Task<Result<std::unique_ptr<StreamSocket>>> accept() override {
    for (;;) {
      if (io_.closed()) co_return fail(ErrorCode::Closed, Op::Accept, Origin::Local, local_.to_string());
      SystemCode error;
      tcp::socket socket = io_.socket().accept(error);
      if (!error) {
        by_path_.on_connected(socket.native_handle(), congestion_);
        co_return std::make_unique<RealStreamSocket>(reactor_, std::move(socket));
      }
      if (error == asio::error::would_block) {
        STARLING_CO_CHECK(co_await io_.readable());
      } else if (error != asio::error::connection_aborted && error != asio::error::interrupted) {
        co_return fail(system_error(error.value(), Op::Accept, local_.to_string()));
      }
    }
  }
  void close() override { io_.close(); }
  Endpoint local() const override { return local_; }

 private:
  Reactor& reactor_;
  Readiness<tcp::acceptor> io_;
  Congestion congestion_;
  PathCongestion& by_path_;
  Endpoint local_;
};

// Asio has no option type for it.
using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

class RealNetwork final : public Network {
 public:
  explicit RealNetwork(AsioReactor& reactor) : reactor_(reactor), memory_(reactor) {}

  Result<std::unique_ptr<Listener>> listen_local(const LocalPlace& at, int backlog) override {
    if (at.kind == LocalPlace::Kind::Unix) return listen_unix(reactor_, at.name, backlog);
    return memory_.listen(at.name, backlog);
  }
  Result<std::unique_ptr<StreamSocket>> connect_local(const LocalPlace& to) override {
    if (to.kind == LocalPlace::Kind::Unix) return connect_unix(reactor_, to.name);
    return memory_.connect(to.name);
  }

  Result<std::unique_ptr<Listener>> listen(const Endpoint& at, const ListenOptions& options) override {
    if (Status free = check_port_free(at); !free) return std::unexpected(std::move(free).error());
    SystemCode error;
    tcp::acceptor acceptor(reactor_.context());
    const auto endpoint = to_asio<tcp>(at);
    const auto step = [&](auto&& call) {
      if (!error) call();
    };
    acceptor.open(endpoint.protocol(), error);
    step([&] { acceptor.set_option(tcp::acceptor::reuse_address(true), error); });
    step([&] {
      if (options.reuse_port) acceptor.set_option(ReusePort(true), error);
    });
    step([&] {
      if (at.address.is_v6()) acceptor.set_option(asio::ip::v6_only(options.v6_only), error);
    });
    if (!error) STARLING_CHECK(choose_congestion(acceptor.native_handle(), options.congestion, Op::Listen, at));
    step([&] { acceptor.bind(endpoint, error); });
    step([&] { acceptor.listen(options.backlog, error); });
    if (error) return fail(system_error(error.value(), Op::Listen, "tcp " + at.to_string()));
    return std::make_unique<RealListener>(reactor_, std::move(acceptor), options.congestion, by_path_);
  }

  Task<Result<std::unique_ptr<StreamSocket>>> connect(Endpoint to, ConnectOptions options) override {
    // Sockets of the two families have no local address in common.
    if (options.local && options.local->address.is_v4() == to.address.is_v4()) {
      auto bound = co_await connect_from(to, options.local, options.congestion);
      if (bound || !is_about_local_endpoint(bound.error().code())) co_return bound;
    }
    co_return co_await connect_from(to, std::nullopt, options.congestion);
  }

  Result<std::unique_ptr<DatagramSocket>> bind_datagram(const Endpoint& at, const DatagramOptions& options) override {
    return bind_real_datagram(reactor_, at, options);
  }

  std::unique_ptr<NameClient> make_name_client(const NameClientOptions& options) override {
    return std::make_unique<AresNameClient>(reactor_, options);
  }

  Result<std::vector<Interface>> interfaces() override {
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) return fail(system_error(errno, Op::Configure, "list network interfaces"));
    std::vector<Interface> found;
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) add_interface(*entry, found);
    ::freeifaddrs(list);
    return found;
  }

  CongestionCounters congestion_counters() const override { return by_path_.counters(); }

 private:
  static bool is_about_local_endpoint(ErrorCode code) {
    return code == ErrorCode::AddressInUse || code == ErrorCode::AddressNotAvailable ||
           code == ErrorCode::PermissionDenied;
  }

  // With SO_REUSEPORT the system would let a second process of the same user share the port silently; a plain bind
  // first finds out whether somebody has it.
  static Status check_port_free(const Endpoint& at) {
    if (at.port == 0) return {};
    asio::io_context probe_context;
    SystemCode error;
    tcp::acceptor probe(probe_context);
    const auto endpoint = to_asio<tcp>(at);
    probe.open(endpoint.protocol(), error);
    if (!error) probe.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error && at.address.is_v6()) probe.set_option(asio::ip::v6_only(true), error);
    if (!error) probe.bind(endpoint, error);
    if (error) return fail(system_error(error.value(), Op::Listen, "tcp " + at.to_string()));
    return {};
  }

  Task<Result<std::unique_ptr<StreamSocket>>> connect_from(const Endpoint& to, const std::optional<Endpoint>& local,
                                                           const Congestion& congestion) {
    struct State {
      explicit State(asio::io_context& context) : socket(context) {}
      tcp::socket socket;
      WaitQueue queue;
      bool done = false;
      SystemCode error;
    };
    auto state = std::make_shared<State>(reactor_.context());
    const auto endpoint = to_asio<tcp>(to);
    SystemCode error;
    state->socket.open(endpoint.protocol(), error);
    if (!error && local) {
      state->socket.set_option(tcp::socket::reuse_address(true), error);
      if (!error) state->socket.set_option(ReusePort(true), error);
      if (!error) state->socket.bind(to_asio<tcp>(*local), error);
    }
    if (error) co_return fail(system_error(error.value(), Op::Connect, "tcp " + to.to_string()));
    STARLING_CO_CHECK(choose_congestion(state->socket.native_handle(), congestion, Op::Connect, to));
    state->socket.async_connect(endpoint, [state](const SystemCode& result) {
      state->done = true;
      state->error = result;
      state->queue.notify_all();
    });
    while (!state->done) {
      Status waited = co_await state->queue.wait();
      if (waited) continue;
      state->socket.close(error);
      co_return std::unexpected(std::move(waited).error());
    }
    if (state->error) co_return fail(system_error(state->error.value(), Op::Connect, "tcp " + to.to_string()));
    by_path_.on_connected(state->socket.native_handle(), congestion);
    co_return std::make_unique<RealStreamSocket>(reactor_, std::move(state->socket));
  }

  static void add_interface(const ifaddrs& entry, std::vector<Interface>& found) {
    if (entry.ifa_addr == nullptr || (entry.ifa_flags & IFF_UP) == 0) return;
    const auto prefix = [](Bytes mask) {
      int bits = 0;
      for (const std::uint8_t byte : mask) bits += std::popcount(byte);
      return std::uint8_t(bits);
    };
    const auto bytes_of = [](const auto& field) {
      return Bytes{reinterpret_cast<const std::uint8_t*>(&field), sizeof field};
    };
    if (entry.ifa_addr->sa_family == AF_INET) {
      std::array<std::uint8_t, 4> four;
      const Bytes bytes = bytes_of(reinterpret_cast<const sockaddr_in*>(entry.ifa_addr)->sin_addr);
      std::copy(bytes.begin(), bytes.end(), four.begin());
      found.push_back({entry.ifa_name, IpAddress::v4(four),
                       prefix(bytes_of(reinterpret_cast<const sockaddr_in*>(entry.ifa_netmask)->sin_addr))});
    } else if (entry.ifa_addr->sa_family == AF_INET6) {
      std::array<std::uint8_t, 16> sixteen;
      const auto* address = reinterpret_cast<const sockaddr_in6*>(entry.ifa_addr);
      const Bytes bytes = bytes_of(address->sin6_addr);
      std::copy(bytes.begin(), bytes.end(), sixteen.begin());
      found.push_back({entry.ifa_name, IpAddress::v6(sixteen, address->sin6_scope_id),
                       prefix(bytes_of(reinterpret_cast<const sockaddr_in6*>(entry.ifa_netmask)->sin6_addr))});
    }
  }

  AsioReactor& reactor_;
  MemoryHub memory_;
  PathCongestion by_path_;
};

}  // namespace

std::unique_ptr<StreamSocket> move_tcp_socket(std::unique_ptr<StreamSocket>& socket, AsioReactor& to) {
  auto* tcp_socket = dynamic_cast<RealStreamSocket*>(socket.get());
  if (tcp_socket == nullptr) return nullptr;
  auto moved = tcp_socket->move_to(to);
  if (moved) socket.reset();
  return moved;
}

std::unique_ptr<Network> AsioReactor::make_network() { return std::make_unique<RealNetwork>(*this); }

}  // namespace starling::io
