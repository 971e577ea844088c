#include "io/sim/datagram.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "io/sim/world_state.hpp"

namespace starling::io::sim {
namespace {

constexpr std::size_t kUdpHeader = 8, kIpv4Header = 20, kIpv6Header = 40;
constexpr std::size_t kLargestDatagram = 65507;
constexpr std::size_t kQueuedOverhead = 64;   // so that empty datagrams fill a queue too
constexpr std::size_t kMostSegments = 64;     // in one call, as the operating system's
constexpr std::size_t kMostUndelivered = 16;  // kept until somebody asks
constexpr std::uint16_t kFirstFreePort = 32768, kLastFreePort = 60999;

bool later(const FlyingDatagram& a, const FlyingDatagram& b) { return a.at != b.at ? a.at > b.at : a.order > b.order; }

bool too_large(std::size_t size, const Endpoint& to, const Path& path) {
  if (path.loopback() || path.link().mtu_bytes == 0) return false;
  return size + kUdpHeader + (to.address.is_v4() ? kIpv4Header : kIpv6Header) > path.link().mtu_bytes;
}

TraceEvent event_of(TraceKind kind, const FlyingDatagram& datagram) {
  return {kind,
          datagram.path->from().number(),
          datagram.path->to().number(),
          datagram.from.port,
          datagram.to.port,
          datagram.content.size()};
}

}  // namespace

SimDatagramSocket::SimDatagramSocket(Host& host, const Endpoint& at, const DatagramOptions& options)
    : host_(host), local_(at), options_(options), upload_timer_(host.reactor(), *this) {
  host_.take_descriptor();
  host_.datagrams().add(*this);
}

Status SimDatagramSocket::check_open(Op op) const {
  if (vanished_) return fail(ErrorCode::SocketFailed, op, Origin::Local, "the host crashed");
  if (closed_) return fail(ErrorCode::Closed, op, Origin::Local);
  return {};
}

Result<Datagram> SimDatagramSocket::try_receive(MutableBytes into) {
  STARLING_CHECK(check_open(Op::Read));
  if (queue_.empty()) return fail(ErrorCode::WouldBlock, Op::Read, Origin::Local);
  const Received first = queue_.pop_front();
  queued_bytes_ -= first.content.size() + kQueuedOverhead;
  Datagram got{first.from, std::min(into.size(), first.content.size()), 0, first.to, first.ecn};
  got.segment = got.size;
  std::copy_n(first.content.begin(), got.size, into.begin());
  while (options_.coalesce && got.size % std::max<std::size_t>(got.segment, 1) == 0 &&
         continues(first, got.size, into.size())) {
    const Received next = queue_.pop_front();
    queued_bytes_ -= next.content.size() + kQueuedOverhead;
    std::copy(next.content.begin(), next.content.end(), into.begin() + std::ptrdiff_t(got.size));
    got.size += next.content.size();
  }
  return got;
}

// Whether the next datagram may be put behind `first` in one read, as the operating system's receive offload does.
bool SimDatagramSocket::continues(const Received& first, std::size_t taken, std::size_t room) const {
  if (queue_.empty() || first.content.empty()) return false;
  const Received& next = queue_.front();
  return next.from == first.from && next.to == first.to && next.ecn == first.ecn && !next.content.empty() &&
         next.content.size() <= first.content.size() && taken + next.content.size() <= room &&
         taken / first.content.size() < kMostSegments;
}

bool SimDatagramSocket::upload_full() const {
  const Pacer& upload = host_.upload();
  return upload.queue(host_.reactor().now()) > upload.time_for(host_.options().datagram_send_bytes);
}

Result<std::size_t> SimDatagramSocket::try_send(const OutgoingDatagrams& batch) {
  STARLING_CHECK(check_open(Op::Write));
  const std::size_t segment = batch.segment == 0 ? batch.bytes.size() : batch.segment;
  if (batch.bytes.size() > kLargestDatagram) return fail(ErrorCode::TooLarge, Op::Write, Origin::Local, "udp");
  std::size_t sent = 0;
  do {
    const Status one = send_one(batch.bytes.subspan(sent, std::min(segment, batch.bytes.size() - sent)), batch);
    if (!one && sent > 0 && one.error() == ErrorCode::WouldBlock) return sent;
    STARLING_CHECK(one);
    sent += std::min(segment, batch.bytes.size() - sent);
  } while (sent < batch.bytes.size());
  return sent;
}

Status SimDatagramSocket::send_one(Bytes datagram, const OutgoingDatagrams& batch) {
  WorldState& world = host_.world();
  const Endpoint& to = batch.to;
  Host* target = to.address.is_v4() == local_.address.is_v4() ? world.route(host_, to.address) : nullptr;
  if (target == nullptr) return fail(ErrorCode::Unreachable, Op::Write, Origin::Network, "udp " + to.to_string());
  if (upload_full()) return fail(ErrorCode::WouldBlock, Op::Write, Origin::Local);
  Path& path = world.path(host_, *target);
  Endpoint from = local_;
  if (from.address.is_unspecified()) from.address = *host_.source_for(to.address);
  const bool chosen = local_.address.is_unspecified() && !batch.from.is_unspecified();
  if (chosen && batch.from.is_v4() == from.address.is_v4()) from.address = batch.from;
  if (!host_.has_address(from.address))
    return fail(ErrorCode::AddressNotAvailable, Op::Write, Origin::Local, "udp " + from.to_string());
  Endpoint target_at = to;
  if (to.address.is_unspecified()) target_at.address = from.address;
  FlyingDatagram flying{TimePoint{}, 0, &path, from, target_at, to_vector(datagram), batch.ecn, false, false};
  const bool crowded = !path.loopback() && path.link_queue(world.reactor.now()) > path.link().datagram_queue;
  const bool drop = path.blocked() || crowded || too_large(datagram.size(), to, path) ||
                    (!path.loopback() && world.chance(path.link().datagram_loss));
  if (drop) {
    world.lost(event_of(TraceKind::DatagramLost, flying));
    return {};
  }
  flying.at = path.arrival(datagram.size());
  target->datagrams().fly(std::move(flying));
  return {};
}

void SimDatagramSocket::undelivered(const Endpoint& to) {
  if (closed_ || !options_.report_undelivered || undelivered_.size() == kMostUndelivered) return;
  undelivered_.push_back(
      {to, Error(ErrorCode::ConnectionRefused, Op::Connect, Origin::Network, "udp " + to.to_string())});
  readable_.notify();
}

std::optional<Undelivered> SimDatagramSocket::take_undelivered() {
  if (undelivered_.empty()) return std::nullopt;
  return undelivered_.pop_front();
}

bool SimDatagramSocket::writable_now() {
  const bool ready = closed_ || !upload_full();
  if (!ready) {
    const Pacer& upload = host_.upload();
    const TimePoint now = host_.reactor().now();
    upload_timer_.set(now + upload.queue(now) - upload.time_for(host_.options().datagram_send_bytes / 2));
  }
  return ready;
}

QueueWait SimDatagramSocket::readable() { return readable_.wait(host_.reactor(), has_news()); }

QueueWait SimDatagramSocket::writable() { return writable_.wait(host_.reactor(), writable_now()); }

void SimDatagramSocket::when_readable(Runnable& work) { readable_.call(host_.reactor(), work, has_news()); }

void SimDatagramSocket::when_writable(Runnable& work) { writable_.call(host_.reactor(), work, writable_now()); }

void SimDatagramSocket::close() {
  vanished_ = false;
  if (closed_) return;
  host_.datagrams().remove(*this);
  detach();
}

void SimDatagramSocket::vanish() {
  vanished_ = true;
  detach();
}

void SimDatagramSocket::detach() {
  closed_ = true;
  queue_.clear();
  upload_timer_.cancel();
  host_.give_descriptor();
  readable_.notify();
  writable_.notify();
}

bool SimDatagramSocket::receive(FlyingDatagram&& datagram) {
  const std::size_t charge = datagram.content.size() + kQueuedOverhead;
  if (queued_bytes_ + charge > host_.options().datagram_receive_bytes) return false;
  queued_bytes_ += charge;
  queue_.push_back({datagram.from, datagram.to.address, datagram.ecn, std::move(datagram.content)});
  readable_.notify();
  return true;
}

DatagramTable::DatagramTable(Host& host) : Timer(host.reactor()), host_(host) {}

bool DatagramTable::conflict(const Endpoint& at) const {
  for (const auto& [endpoint, socket] : sockets_) {
    if (endpoint.port != at.port || endpoint.address.is_v4() != at.address.is_v4()) continue;
    if (endpoint == at || endpoint.address.is_unspecified() || at.address.is_unspecified()) return true;
  }
  return false;
}

std::optional<std::uint16_t> DatagramTable::free_port() {
  for (int tries = 0; tries <= kLastFreePort - kFirstFreePort; ++tries) {
    if (next_port_ < kFirstFreePort || next_port_ > kLastFreePort) next_port_ = kFirstFreePort;
    const std::uint16_t port = next_port_++;
    if (!conflict({IpAddress(), port}) && !conflict({IpAddress::v6({}), port})) return port;
  }
  return std::nullopt;
}

void DatagramTable::fly(FlyingDatagram datagram) {
  datagram.order = next_order_++;
  push(std::move(datagram));
}

void DatagramTable::push(FlyingDatagram datagram) {
  flying_.push_back(std::move(datagram));
  std::push_heap(flying_.begin(), flying_.end(), later);
  if (!armed() || flying_.front().at < when()) set(flying_.front().at);
}

void DatagramTable::on_timer() {
  const TimePoint now = host_.reactor().now();
  while (!flying_.empty() && flying_.front().at <= now) {
    std::pop_heap(flying_.begin(), flying_.end(), later);
    FlyingDatagram first = std::move(flying_.back());
    flying_.pop_back();
    arrive(std::move(first));
  }
  if (!flying_.empty()) set(flying_.front().at);
}

void DatagramTable::arrive(FlyingDatagram datagram) {
  WorldState& world = host_.world();
  const TimePoint now = world.reactor.now();
  bool lost = datagram.path->blocked() || !host_.has_address(datagram.to.address);
  if (!lost && !datagram.downloaded && host_.download().limited() && !datagram.path->loopback()) {
    lost = host_.download().queue(now) > datagram.path->link().datagram_queue;
    if (!lost) {
      datagram.downloaded = true;
      datagram.at = host_.download().pass(now, datagram.content.size());
      return push(std::move(datagram));
    }
  }
  const TraceEvent delivered = event_of(TraceKind::Datagram, datagram);
  SimDatagramSocket* socket = lost ? nullptr : socket_at(datagram.to);
  if (datagram.undelivered) {
    if (socket != nullptr) socket->undelivered(datagram.from);
    return;
  }
  if (!lost && socket == nullptr) send_back(datagram);
  if (socket == nullptr || !socket->receive(std::move(datagram))) {
    return world.lost({TraceKind::DatagramLost, delivered.from, delivered.to, delivered.from_port, delivered.to_port,
                       delivered.size});
  }
  ++world.counters.datagrams;
  world.record(delivered);
}

// As an operating system's ICMP: nobody has that port here.
void DatagramTable::send_back(const FlyingDatagram& datagram) {
  Path& back = host_.world().path(host_, datagram.path->from());
  const TimePoint at = host_.reactor().now() + back.latency();
  back.to().datagrams().fly(
      {at, 0, &back, datagram.to, datagram.from, {}, 0, /*downloaded=*/true, /*undelivered=*/true});
}

SimDatagramSocket* DatagramTable::socket_at(const Endpoint& at) const {
  auto found = sockets_.find(at);
  if (found == sockets_.end()) found = sockets_.find(any_address(at));
  return found == sockets_.end() ? nullptr : found->second;
}

std::vector<SimDatagramSocket*> DatagramTable::take_sockets() {
  std::vector<SimDatagramSocket*> taken;
  for (const auto& [endpoint, socket] : std::exchange(sockets_, {})) taken.push_back(socket);
  return taken;
}

}  // namespace starling::io::sim
