// TCP, UDP, names and interfaces of the operating system. Readiness comes from Asio; bytes move by plain system calls
// on the native handle, so a ready read or write costs one call and no allocation.
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <bit>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <cerrno>
#include <utility>

#include "io/real/reactor.hpp"

namespace starling::io {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;
using SystemCode = boost::system::error_code;

asio::ip::address to_asio(const IpAddress& address) {
  const Bytes bytes = address.bytes();
  if (address.is_v4()) {
    asio::ip::address_v4::bytes_type four;
    std::copy(bytes.begin(), bytes.end(), four.begin());
    return asio::ip::address_v4(four);
  }
  asio::ip::address_v6::bytes_type sixteen;
  std::copy(bytes.begin(), bytes.end(), sixteen.begin());
  return asio::ip::address_v6(sixteen, address.scope_id());
}

IpAddress from_asio(const asio::ip::address& address) {
  if (address.is_v4()) return IpAddress::v4(address.to_v4().to_bytes());
  return IpAddress::v6(address.to_v6().to_bytes(), std::uint32_t(address.to_v6().scope_id()));
}

template <typename Protocol>
auto to_asio(const Endpoint& endpoint) {
  return typename Protocol::endpoint(to_asio(endpoint.address), endpoint.port);
}

Endpoint from_asio(const auto& endpoint) { return {from_asio(endpoint.address()), endpoint.port()}; }

Result<std::size_t> io_result(ssize_t count, Op op, std::string_view what) {
  if (count >= 0) return std::size_t(count);
  if (errno == EAGAIN || errno == EWOULDBLOCK) return fail(ErrorCode::WouldBlock, op, Origin::Local);
  return fail(system_error(errno, op, std::string(what)));
}

// A native socket with two readiness queues. Asio calls back after close(), so the state is shared with its handlers.
template <typename Socket>
struct SocketState {
  explicit SocketState(Socket socket_in) : socket(std::move(socket_in)) {}
  Socket socket;
  WaitQueue readable, writable;
  bool reading = false, writing = false, closed = false;
};

template <typename Socket>
class Readiness {
 public:
  using State = SocketState<Socket>;
  explicit Readiness(Socket socket) : state_(std::make_shared<State>(std::move(socket))) {}
  ~Readiness() { close(); }

  int handle() { return state_->socket.native_handle(); }
  bool closed() const { return state_->closed; }
  QueueWait readable() {
    if (!std::exchange(state_->reading, true)) {
      state_->socket.async_wait(Socket::wait_read, [state = state_](const SystemCode&) {
        state->reading = false;
        state->readable.notify_all();
      });
    }
    return state_->readable.wait();
  }
  QueueWait writable() {
    if (!std::exchange(state_->writing, true)) {
      state_->socket.async_wait(Socket::wait_write, [state = state_](const SystemCode&) {
        state->writing = false;
        state->writable.notify_all();
      });
    }
    return state_->writable.wait();
  }
  void close() {
    if (std::exchange(state_->closed, true)) return;
    SystemCode ignored;
    state_->socket.close(ignored);
    state_->readable.notify_all();
    state_->writable.notify_all();
  }
  Socket& socket() { return state_->socket; }

 private:
  std::shared_ptr<State> state_;
};

class RealStreamSocket final : public StreamSocket {
 public:
  explicit RealStreamSocket(tcp::socket socket) : io_(std::move(socket)) {
    SystemCode ignored;
    io_.socket().non_blocking(true, ignored);
    io_.socket().set_option(tcp::no_delay(true), ignored);
    io_.socket().set_option(asio::socket_base::keep_alive(true), ignored);
    if (auto at = io_.socket().local_endpoint(ignored); !ignored) local_ = from_asio(at);
    if (auto at = io_.socket().remote_endpoint(ignored); !ignored) remote_ = from_asio(at);
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
  explicit RealListener(tcp::acceptor acceptor) : io_(std::move(acceptor)) {
    SystemCode ignored;
    local_ = from_asio(io_.socket().local_endpoint(ignored));
    io_.socket().non_blocking(true, ignored);
  }

  Task<Result<std::unique_ptr<StreamSocket>>> accept() override {
    for (;;) {
      if (io_.closed()) co_return fail(ErrorCode::Closed, Op::Accept, Origin::Local, local_.to_string());
      SystemCode error;
      tcp::socket socket = io_.socket().accept(error);
      if (!error) co_return std::make_unique<RealStreamSocket>(std::move(socket));
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
  Readiness<tcp::acceptor> io_;
  Endpoint local_;
};

class RealDatagramSocket final : public DatagramSocket {
 public:
  explicit RealDatagramSocket(udp::socket socket) : io_(std::move(socket)) {
    SystemCode ignored;
    io_.socket().non_blocking(true, ignored);
    local_ = from_asio(io_.socket().local_endpoint(ignored));
  }
  Result<Datagram> try_receive(MutableBytes into) override {
    if (io_.closed()) return fail(ErrorCode::Closed, Op::Read, Origin::Local);
    udp::endpoint from;
    SystemCode error;
    const std::size_t size = io_.socket().receive_from(asio::buffer(into.data(), into.size()), from, 0, error);
    if (error == asio::error::would_block) return fail(ErrorCode::WouldBlock, Op::Read, Origin::Local);
    if (error) return fail(system_error(error.value(), Op::Read, "udp"));
    return Datagram{from_asio(from), size};
  }
  Status try_send(Bytes datagram, const Endpoint& to) override {
    if (io_.closed()) return fail(ErrorCode::Closed, Op::Write, Origin::Local);
    SystemCode error;
    io_.socket().send_to(asio::buffer(datagram.data(), datagram.size()), to_asio<udp>(to), 0, error);
    if (error == asio::error::would_block) return fail(ErrorCode::WouldBlock, Op::Write, Origin::Local);
    if (error) return fail(system_error(error.value(), Op::Write, "udp " + to.to_string()));
    return {};
  }
  QueueWait readable() override { return io_.readable(); }
  QueueWait writable() override { return io_.writable(); }
  void close() override { io_.close(); }
  Endpoint local() const override { return local_; }

 private:
  Readiness<udp::socket> io_;
  Endpoint local_;
};

// Asio has no option type for it.
using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

class RealNetwork final : public Network {
 public:
  explicit RealNetwork(AsioReactor& reactor) : reactor_(reactor) {}

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
    step([&] { acceptor.bind(endpoint, error); });
    step([&] { acceptor.listen(options.backlog, error); });
    if (error) return fail(system_error(error.value(), Op::Listen, "tcp " + at.to_string()));
    return std::make_unique<RealListener>(std::move(acceptor));
  }

  Task<Result<std::unique_ptr<StreamSocket>>> connect(Endpoint to, ConnectOptions options) override {
    // Sockets of the two families have no local address in common.
    if (options.local && options.local->address.is_v4() == to.address.is_v4()) {
      auto bound = co_await connect_from(to, options.local);
      if (bound || !is_about_local_endpoint(bound.error().code())) co_return bound;
    }
    co_return co_await connect_from(to, std::nullopt);
  }

  Result<std::unique_ptr<DatagramSocket>> bind_datagram(const Endpoint& at) override {
    SystemCode error;
    udp::socket socket(reactor_.context());
    const auto endpoint = to_asio<udp>(at);
    socket.open(endpoint.protocol(), error);
    if (!error && at.address.is_v6()) socket.set_option(asio::ip::v6_only(true), error);
    if (!error) socket.bind(endpoint, error);
    if (error) return fail(system_error(error.value(), Op::Listen, "udp " + at.to_string()));
    return std::make_unique<RealDatagramSocket>(std::move(socket));
  }

  Task<Result<std::vector<IpAddress>>> resolve(std::string host, Family family) override {
    struct State {
      explicit State(asio::io_context& context) : resolver(context) {}
      tcp::resolver resolver;
      WaitQueue queue;
      bool done = false;
      SystemCode error;
      std::vector<IpAddress> found;
    };
    auto state = std::make_shared<State>(reactor_.context());
    const auto handler = [state](const SystemCode& error, const tcp::resolver::results_type& results) {
      state->done = true;
      state->error = error;
      for (const auto& entry : results) state->found.push_back(from_asio(entry.endpoint().address()));
      state->queue.notify_all();
    };
    switch (family) {
      case Family::Any:
        state->resolver.async_resolve(host, "", handler);
        break;
      case Family::V4:
        state->resolver.async_resolve(tcp::v4(), host, "", handler);
        break;
      case Family::V6:
        state->resolver.async_resolve(tcp::v6(), host, "", handler);
        break;
    }
    while (!state->done) {
      Status waited = co_await state->queue.wait();
      if (waited) continue;
      state->resolver.cancel();
      co_return std::unexpected(std::move(waited).error());
    }
    if (state->error) {
      co_return fail(ErrorCode::NameNotFound, Op::Resolve, Origin::Network, host + ": " + state->error.message());
    }
    co_return std::move(state->found);
  }

  Result<std::vector<Interface>> interfaces() override {
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) return fail(system_error(errno, Op::Configure, "list network interfaces"));
    std::vector<Interface> found;
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) add_interface(*entry, found);
    ::freeifaddrs(list);
    return found;
  }

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

  Task<Result<std::unique_ptr<StreamSocket>>> connect_from(const Endpoint& to, const std::optional<Endpoint>& local) {
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
    co_return std::make_unique<RealStreamSocket>(std::move(state->socket));
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
};

}  // namespace

std::unique_ptr<Network> AsioReactor::make_network() { return std::make_unique<RealNetwork>(*this); }

}  // namespace starling::io
