// UDP by sendmsg and recvmsg: many datagrams of one peer per call where the kernel can (UDP_SEGMENT, UDP_GRO), the
// local address and the ECN bits of each beside it. Linux; what a kernel refuses is left out for good and said by
// nothing but the speed.
#include "io/real/datagram.hpp"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <boost/asio/ip/udp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <cstring>
#include <deque>

#include "io/real/socket.hpp"

namespace starling::io {
namespace {

using asio::ip::udp;

constexpr std::size_t kMostSegments = 64;        // linux: UDP_MAX_SEGMENTS
constexpr std::size_t kLargestPayload = 65'507;  // of UDP over IPv4, and what one call may send
constexpr std::size_t kFitsEverywhere = 1200;    // the smallest way QUIC runs on
constexpr std::uint8_t kEcnBits = 3;
constexpr std::size_t kMostUndelivered = 16;  // kept until somebody asks

// A socket address of either family.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

SocketAddress to_system(const Endpoint& endpoint) {
  SocketAddress address;
  const Bytes bytes = endpoint.address.bytes();
  if (endpoint.address.is_v4()) {
    auto& four = reinterpret_cast<sockaddr_in&>(address.storage);
    four.sin_family = AF_INET;
    four.sin_port = htons(endpoint.port);
    std::memcpy(&four.sin_addr, bytes.data(), bytes.size());
    address.size = sizeof four;
  } else {
    auto& six = reinterpret_cast<sockaddr_in6&>(address.storage);
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(endpoint.port);
    six.sin6_scope_id = endpoint.address.scope_id();
    std::memcpy(&six.sin6_addr, bytes.data(), bytes.size());
    address.size = sizeof six;
  }
  return address;
}

IpAddress from_system(const in_addr& address) {
  std::array<std::uint8_t, 4> bytes;
  std::memcpy(bytes.data(), &address, bytes.size());
  return IpAddress::v4(bytes);
}

IpAddress from_system(const in6_addr& address, std::uint32_t scope) {
  std::array<std::uint8_t, 16> bytes;
  std::memcpy(bytes.data(), &address, bytes.size());
  const bool scoped = bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;  // link local: the only kind that needs it
  return IpAddress::v6(bytes, scoped ? scope : 0);
}

Endpoint from_system(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET) {
    const auto& four = reinterpret_cast<const sockaddr_in&>(storage);
    return {from_system(four.sin_addr), ntohs(four.sin_port)};
  }
  const auto& six = reinterpret_cast<const sockaddr_in6&>(storage);
  return {from_system(six.sin6_addr, six.sin6_scope_id), ntohs(six.sin6_port)};
}

// The control messages of one send call.
class Control {
 public:
  explicit Control(msghdr& message) : message_(message) {
    message_.msg_control = buffer_;
    message_.msg_controllen = sizeof buffer_;
    next_ = CMSG_FIRSTHDR(&message_);
  }
  template <typename T>
  void add(int level, int type, const T& value) {
    next_->cmsg_level = level;
    next_->cmsg_type = type;
    next_->cmsg_len = CMSG_LEN(sizeof value);
    std::memcpy(CMSG_DATA(next_), &value, sizeof value);
    used_ += CMSG_SPACE(sizeof value);
    next_ = CMSG_NXTHDR(&message_, next_);
  }
  void finish() {
    message_.msg_controllen = used_;
    if (used_ == 0) message_.msg_control = nullptr;
  }

 private:
  msghdr& message_;
  alignas(cmsghdr) std::uint8_t buffer_[256] = {};
  cmsghdr* next_;
  std::size_t used_ = 0;
};

template <typename T>
T read_control(const cmsghdr& control) {
  T value{};
  std::memcpy(&value, CMSG_DATA(&control), sizeof value);
  return value;
}

void take_control(const cmsghdr& control, Datagram& into) {
  if (control.cmsg_level == IPPROTO_IP && control.cmsg_type == IP_PKTINFO) {
    into.to = from_system(read_control<in_pktinfo>(control).ipi_addr);
  } else if (control.cmsg_level == IPPROTO_IPV6 && control.cmsg_type == IPV6_PKTINFO) {
    const auto info = read_control<in6_pktinfo>(control);
    into.to = from_system(info.ipi6_addr, info.ipi6_ifindex);
  } else if (control.cmsg_level == IPPROTO_IP && control.cmsg_type == IP_TOS) {
    into.ecn = read_control<std::uint8_t>(control) & kEcnBits;
  } else if (control.cmsg_level == IPPROTO_IPV6 && control.cmsg_type == IPV6_TCLASS) {
    into.ecn = std::uint8_t(read_control<int>(control)) & kEcnBits;
  } else if (control.cmsg_level == IPPROTO_UDP && control.cmsg_type == UDP_GRO) {
    if (const int segment = read_control<int>(control); segment > 0) into.segment = std::size_t(segment);
  }
}

class RealDatagramSocket final : public DatagramSocket {
 public:
  RealDatagramSocket(Reactor& reactor, udp::socket socket, const DatagramOptions& options);
  Result<Datagram> try_receive(MutableBytes into) override;
  Result<std::size_t> try_send(const OutgoingDatagrams& datagrams) override;
  std::optional<Undelivered> take_undelivered() override;
  // With something to tell the socket is ready, and so is one that can be written to, at once.
  QueueWait readable() override { return undelivered_.empty() ? io_.readable() : io_.writable(); }
  QueueWait writable() override { return io_.writable(); }
  void when_readable(Runnable& work) override {
    io_.when_readable(work);
    if (!undelivered_.empty()) io_.wake_readers();
  }
  void when_writable(Runnable& work) override { io_.when_writable(work); }
  void close() override { io_.close(); }
  Endpoint local() const override { return local_; }

 private:
  void configure(const DatagramOptions& options);
  bool set(int level, int name, int value) {
    return ::setsockopt(io_.handle(), level, name, &value, sizeof value) == 0;
  }
  Result<std::size_t> send_call(const OutgoingDatagrams& batch, Bytes bytes, std::size_t segment);
  bool read_errors();
  bool read_error();
  Result<std::size_t> send_singly(const OutgoingDatagrams& batch, std::size_t segment);
  bool is_v4() const { return local_.address.is_v4(); }

  Readiness<udp::socket> io_;
  Endpoint local_;
  std::deque<Undelivered> undelivered_;
  bool reports_ = false;  // of what was not delivered
  bool segments_ = true;  // the kernel cuts for us; false once it refused
};

RealDatagramSocket::RealDatagramSocket(Reactor& reactor, udp::socket socket, const DatagramOptions& options)
    : io_(reactor, std::move(socket)) {
  SystemCode ignored;
  io_.socket().non_blocking(true, ignored);
  local_ = from_asio(io_.socket().local_endpoint(ignored));
  configure(options);
}

// Each may be refused: then the default of the system holds, and the socket still works.
void RealDatagramSocket::configure(const DatagramOptions& options) {
  if (is_v4()) {
    set(IPPROTO_IP, IP_PKTINFO, 1);
    set(IPPROTO_IP, IP_RECVTOS, 1);
    if (options.dont_fragment) set(IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
  } else {
    set(IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    set(IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
    if (options.dont_fragment) set(IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
  }
  if (options.report_undelivered)
    reports_ = is_v4() ? set(IPPROTO_IP, IP_RECVERR, 1) : set(IPPROTO_IPV6, IPV6_RECVERR, 1);
  if (options.coalesce) set(IPPROTO_UDP, UDP_GRO, 1);
  if (options.receive_buffer > 0) set(SOL_SOCKET, SO_RCVBUF, int(options.receive_buffer));
  if (options.send_buffer > 0) set(SOL_SOCKET, SO_SNDBUF, int(options.send_buffer));
}

Result<Datagram> RealDatagramSocket::try_receive(MutableBytes into) {
  if (io_.closed()) return fail(ErrorCode::Closed, Op::Read, Origin::Local);
  sockaddr_storage from;
  alignas(cmsghdr) std::uint8_t control[256];
  iovec piece{into.data(), into.size()};
  msghdr message{};
  message.msg_name = &from;
  message.msg_namelen = sizeof from;
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t read = ::recvmsg(io_.handle(), &message, MSG_DONTWAIT);
  if (read < 0 && errno != EAGAIN && read_errors()) read = ::recvmsg(io_.handle(), &message, MSG_DONTWAIT);
  STARLING_TRY(const std::size_t size, io_result(read, Op::Read, "udp"));
  Datagram got{from_system(from), size, size, is_v4() ? IpAddress() : IpAddress::v6({}), 0};
  for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr; each = CMSG_NXTHDR(&message, each))
    take_control(*each, got);
  got.segment = std::min(got.segment, got.size);
  return got;
}

Result<std::size_t> RealDatagramSocket::send_call(const OutgoingDatagrams& batch, Bytes bytes, std::size_t segment) {
  SocketAddress to = to_system(batch.to);
  iovec piece{const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_name = &to.storage;
  message.msg_namelen = to.size;
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  Control control(message);
  if (bytes.size() > segment) control.add(IPPROTO_UDP, UDP_SEGMENT, std::uint16_t(segment));
  if (batch.ecn != 0) control.add(is_v4() ? IPPROTO_IP : IPPROTO_IPV6, is_v4() ? IP_TOS : IPV6_TCLASS, int(batch.ecn));
  const bool choose = local_.address.is_unspecified() && !batch.from.is_unspecified();
  if (choose && is_v4() && batch.from.is_v4()) {
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, batch.from.bytes().data(), 4);
    control.add(IPPROTO_IP, IP_PKTINFO, info);
  } else if (choose && !is_v4() && batch.from.is_v6()) {
    in6_pktinfo info{};
    std::memcpy(&info.ipi6_addr, batch.from.bytes().data(), 16);
    info.ipi6_ifindex = batch.from.scope_id();
    control.add(IPPROTO_IPV6, IPV6_PKTINFO, info);
  }
  control.finish();
  ssize_t sent = ::sendmsg(io_.handle(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN && read_errors())
    sent = ::sendmsg(io_.handle(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  return io_result(sent, Op::Write, "udp " + batch.to.to_string());
}

// What the network answered to an earlier datagram, perhaps to another host, makes the next call on the socket fail,
// once. Takes all such answers; true if there were any, so that the call is worth another try.
bool RealDatagramSocket::read_errors() {
  if (!reports_) return false;
  const int failed = errno;
  bool any = false;
  while (read_error()) any = true;
  if (!undelivered_.empty()) io_.wake_readers();
  errno = failed;
  return any;
}

bool RealDatagramSocket::read_error() {
  sockaddr_storage to{};
  alignas(cmsghdr) std::uint8_t control[512];
  msghdr message{};
  message.msg_name = &to;
  message.msg_namelen = sizeof to;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (::recvmsg(io_.handle(), &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return false;
  for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr; each = CMSG_NXTHDR(&message, each)) {
    const bool told = (each->cmsg_level == IPPROTO_IP && each->cmsg_type == IP_RECVERR) ||
                      (each->cmsg_level == IPPROTO_IPV6 && each->cmsg_type == IPV6_RECVERR);
    if (!told || undelivered_.size() == kMostUndelivered) continue;
    const auto error = read_control<sock_extended_err>(*each);
    if (error.ee_origin == SO_EE_ORIGIN_LOCAL || error.ee_errno == EMSGSIZE) continue;
    const Endpoint at = from_system(to);
    undelivered_.push_back({at, system_error(int(error.ee_errno), Op::Connect, "udp " + at.to_string())});
  }
  return true;
}

std::optional<Undelivered> RealDatagramSocket::take_undelivered() {
  if (undelivered_.empty()) return std::nullopt;
  Undelivered first = std::move(undelivered_.front());
  undelivered_.pop_front();
  return first;
}

Result<std::size_t> RealDatagramSocket::send_singly(const OutgoingDatagrams& batch, std::size_t segment) {
  std::size_t sent = 0;
  while (sent < batch.bytes.size()) {
    const std::size_t size = std::min(segment, batch.bytes.size() - sent);
    auto one = send_call(batch, batch.bytes.subspan(sent, size), size);
    if (!one && sent > 0 && one.error() == ErrorCode::WouldBlock) return sent;
    STARLING_CHECK(one);
    sent += size;
  }
  return sent;
}

Result<std::size_t> RealDatagramSocket::try_send(const OutgoingDatagrams& batch) {
  if (io_.closed()) return fail(ErrorCode::Closed, Op::Write, Origin::Local);
  const std::size_t segment = batch.segment == 0 ? batch.bytes.size() : batch.segment;
  if (batch.bytes.size() <= segment) return send_call(batch, batch.bytes, segment);
  if (!segments_) return send_singly(batch, segment);
  const std::size_t most = std::min(kMostSegments, std::max<std::size_t>(kLargestPayload / segment, 1)) * segment;
  std::size_t sent = 0;
  while (sent < batch.bytes.size()) {
    const Bytes part = batch.bytes.subspan(sent, std::min(most, batch.bytes.size() - sent));
    auto some = send_call(batch, part, segment);
    if (!some && (some.error() == ErrorCode::SocketFailed || some.error() == ErrorCode::TooLarge)) {
      // Either this kernel or device cannot cut, or the pieces are larger than the way out permits: only the first
      // holds for good.
      if (some.error() == ErrorCode::SocketFailed && segment <= kFitsEverywhere) segments_ = false;
      OutgoingDatagrams rest = batch;
      rest.bytes = batch.bytes.subspan(sent);
      some = send_singly(rest, segment);
      if (some) return sent + *some;
    }
    if (!some && sent > 0 && some.error() == ErrorCode::WouldBlock) return sent;
    STARLING_CHECK(some);
    sent += part.size();
  }
  return sent;
}

}  // namespace

Result<std::unique_ptr<DatagramSocket>> bind_real_datagram(AsioReactor& reactor, const Endpoint& at,
                                                           const DatagramOptions& options) {
  SystemCode error;
  udp::socket socket(reactor.context());
  const auto endpoint = to_asio<udp>(at);
  socket.open(endpoint.protocol(), error);
  if (!error && at.address.is_v6()) socket.set_option(asio::ip::v6_only(true), error);
  if (!error) socket.bind(endpoint, error);
  if (error) return fail(system_error(error.value(), Op::Listen, "udp " + at.to_string()));
  return std::make_unique<RealDatagramSocket>(reactor, std::move(socket), options);
}

}  // namespace starling::io
