#include "io/sim/host.hpp"

#include <algorithm>

#include "io/sim/name_client.hpp"
#include "io/sim/tcp_socket.hpp"
#include "io/sim/world_state.hpp"

namespace starling::io::sim {
namespace {

constexpr std::uint16_t kFirstFreePort = 32768;
constexpr std::uint8_t kPrefixV4 = 24, kPrefixV6 = 64;

const IpAddress kLoopbackV4 = IpAddress::v4({127, 0, 0, 1});
const IpAddress kLoopbackV6 = IpAddress::v6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});

}  // namespace

Host::Host(WorldState& world, std::uint32_t number, SimHostOptions options)
    : world_(world),
      number_(number),
      options_(std::move(options)),
      random_(seeded_random(world.random->next_u64())),
      upload_(options_.upload_bytes_per_second),
      download_(options_.download_bytes_per_second),
      datagrams_(*this) {
  tcp_.set_first_port(std::uint16_t(kFirstFreePort + random_->below(20'000)));
  datagrams_.set_first_port(std::uint16_t(kFirstFreePort + random_->below(20'000)));
}

Reactor& Host::reactor() { return world_.reactor; }

std::optional<IpAddress> Host::source_for(const IpAddress& to) const {
  if (to.is_loopback() || to.is_unspecified()) return to.is_v4() ? kLoopbackV4 : kLoopbackV6;
  if (has_address(to)) return to;
  for (const IpAddress& address : options_.addresses)
    if (address.is_v4() == to.is_v4()) return address;
  return std::nullopt;
}

bool Host::has_address(const IpAddress& address) const {
  return address.is_loopback() || std::ranges::find(options_.addresses, address) != options_.addresses.end();
}

void Host::enter_addresses() {
  for (const IpAddress& address : options_.addresses) {
    const bool added = world_.addresses.emplace(address, this).second;
    STARLING_ASSERT(added, "two hosts of a simulated world have the same address");
  }
}

void Host::set_addresses(std::vector<IpAddress> addresses) {
  for (const IpAddress& address : options_.addresses) world_.addresses.erase(address);
  options_.addresses = std::move(addresses);
  enter_addresses();
  for (const ConnectionEnd& end : tcp_.connections()) end.connection->look_for_addresses();
  world_.resume_stalled();
}

Status Host::check_descriptors(Op op) const {
  if (descriptors_ < options_.max_descriptors) return {};
  return fail(ErrorCode::OutOfDescriptors, op, Origin::Limit, "max_descriptors of " + options_.name);
}

Status Host::check_running(Op op) const {
  if (running_) return {};
  return fail(ErrorCode::Unreachable, op, Origin::Network, options_.name + " is down");
}

Status Host::check_bindable(const Endpoint& at) const {
  STARLING_CHECK(check_running(Op::Listen));
  STARLING_CHECK(check_descriptors(Op::Listen));
  if (at.address.is_unspecified() || has_address(at.address)) return {};
  return fail(ErrorCode::AddressNotAvailable, Op::Listen, Origin::Local, at.to_string());
}

Result<std::unique_ptr<Listener>> Host::listen(const Endpoint& at, const ListenOptions& options) {
  STARLING_CHECK(check_bindable(at));
  Endpoint local = at;
  if (local.port == 0) local.port = tcp_.free_port().value_or(0);
  if (local.port == 0 || tcp_.listening_conflict(local)) {
    return fail(ErrorCode::AddressInUse, Op::Listen, Origin::Local, "tcp " + at.to_string());
  }
  return std::make_unique<SimListener>(*this, next_listener_++, local, options);
}

Result<std::unique_ptr<DatagramSocket>> Host::bind_datagram(const Endpoint& at, const DatagramOptions& options) {
  STARLING_CHECK(check_bindable(at));
  Endpoint local = at;
  if (local.port == 0) local.port = datagrams_.free_port().value_or(0);
  if (local.port == 0 || datagrams_.conflict(local)) {
    return fail(ErrorCode::AddressInUse, Op::Listen, Origin::Local, "udp " + at.to_string());
  }
  return std::make_unique<SimDatagramSocket>(*this, local, options);
}

std::unique_ptr<NameClient> Host::make_name_client(const NameClientOptions&) {
  return std::make_unique<SimNameClient>(*this);
}

Result<std::vector<Interface>> Host::interfaces() {
  std::vector<Interface> all{{"lo", kLoopbackV4, 8}};
  const bool any_v6 = std::ranges::any_of(options_.addresses, [](const IpAddress& a) { return a.is_v6(); });
  if (any_v6) all.push_back({"lo", kLoopbackV6, 128});
  for (const IpAddress& address : options_.addresses)
    all.push_back({"eth0", address, address.is_v4() ? kPrefixV4 : kPrefixV6});
  return all;
}

MemoryHub& Host::hub(LocalPlace::Kind kind) {
  auto& made = kind == LocalPlace::Kind::Memory ? memory_ : unix_sockets_;
  if (!made) made.emplace(world_.reactor, options_.stream_window_bytes);
  return *made;
}

Result<std::unique_ptr<Listener>> Host::listen_local(const LocalPlace& at, int backlog) {
  STARLING_CHECK(check_running(Op::Listen));
  return hub(at.kind).listen(at.name, backlog);
}

Result<std::unique_ptr<StreamSocket>> Host::connect_local(const LocalPlace& to) {
  STARLING_CHECK(check_running(Op::Connect));
  return hub(to.kind).connect(to.name);
}

void Host::crash(SimCrash how) {
  if (!running_) return;
  running_ = false;
  powered_ = how == SimCrash::Answering;
  ++life_;
  world_.record({TraceKind::Crash, number_, number_, 0, 0, std::uint64_t(how)});
  for (SimListener* listener : tcp_.take_listeners()) listener->vanish();
  for (const ConnectionEnd& end : tcp_.connections()) {
    SimStreamSocket* socket = end.connection->socket(end.side);
    end.connection->vanish(end.side);
    if (socket != nullptr) socket->vanish();
  }
  for (SimDatagramSocket* socket : datagrams_.take_sockets()) socket->vanish();
}

void Host::restart() {
  if (running_) return;
  running_ = powered_ = true;
  world_.record({TraceKind::Restart, number_, number_, 0, 0, 0});
  world_.resume_stalled();
}

void Host::join_partition(int partition, bool side_a) { (side_a ? side_a_ : side_b_) |= std::uint64_t{1} << partition; }

void Host::leave_partitions(std::uint64_t partitions) {
  side_a_ &= ~partitions;
  side_b_ &= ~partitions;
}

}  // namespace starling::io::sim
