#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "limits.hpp"

namespace starling::bench {
namespace {

constexpr std::size_t kBlock = 256u << 10, kRecord = 64u << 10;
constexpr std::size_t kHeader = 30;  // of a record and a frame
constexpr std::size_t kTcpBytes = 2048u << 20;
constexpr int kRoundTrips = 30'000;
constexpr std::size_t kDatagram = 1450, kSegments = 44;
constexpr double kUdpSeconds = 1;

struct Pair {
  int client = -1, server = -1;
  Pair() = default;
  Pair(const Pair&) = delete;
  ~Pair() {
    ::close(client);
    ::close(server);
  }
};

sockaddr_in loopback() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// Binds to a port of the system's choice and tells which.
sockaddr_in bind_anywhere(int fd) {
  sockaddr_in address = loopback();
  socklen_t size = sizeof address;
  ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return address;
}

void connect_tcp(Pair& pair) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in address = bind_anywhere(listener);
  ::listen(listener, 1);
  pair.client = ::socket(AF_INET, SOCK_STREAM, 0);
  ::connect(pair.client, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  pair.server = ::accept(listener, nullptr, nullptr);
  const int on = 1;
  ::setsockopt(pair.client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(pair.server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::close(listener);
}

bool write_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t count = ::write(fd, data, size);
    if (count <= 0) return false;
    data += count;
    size -= std::size_t(count);
  }
  return true;
}

// Fills the outgoing buffer record by record, each behind its header.
void frame(std::vector<char>& out, const std::vector<char>& data) {
  for (std::size_t at = 0; at + kHeader + kRecord <= out.size(); at += kHeader + kRecord)
    std::memcpy(out.data() + at + kHeader, data.data(), kRecord);
}

}  // namespace

StreamRate tcp_stream(bool framed) {
  Pair pair;
  connect_tcp(pair);
  StreamRate rate;
  std::thread reader([&] {
    const Stopwatch watch;
    std::vector<char> buffer(kBlock);
    while (::read(pair.server, buffer.data(), buffer.size()) > 0) {
    }
    rate.receiver = double(kTcpBytes) / kMiB / watch.cpu();
  });
  const std::vector<char> data(kRecord, 'x');
  std::vector<char> out(framed ? (kBlock / kRecord) * (kHeader + kRecord) : kBlock, 'x');
  const Stopwatch watch;
  for (std::size_t sent = 0; sent < kTcpBytes; sent += kBlock) {
    if (framed) frame(out, data);
    if (!write_all(pair.client, out.data(), out.size())) break;
  }
  rate.sender = double(kTcpBytes) / kMiB / watch.cpu();
  ::shutdown(pair.client, SHUT_WR);
  reader.join();
  rate.wall = double(kTcpBytes) / kMiB / watch.wall();
  return rate;
}

double tcp_round_trips_per_second() {
  Pair pair;
  connect_tcp(pair);
  std::thread echo([&] {
    std::array<char, 64> buffer;
    for (;;) {
      const ssize_t count = ::read(pair.server, buffer.data(), buffer.size());
      if (count <= 0 || !write_all(pair.server, buffer.data(), std::size_t(count))) break;
    }
  });
  std::array<char, 64> buffer{};
  const Stopwatch watch;
  int done = 0;
  while (done < kRoundTrips && write_all(pair.client, buffer.data(), buffer.size()) &&
         ::read(pair.client, buffer.data(), buffer.size()) > 0)
    ++done;
  const double rate = done / watch.wall();
  ::shutdown(pair.client, SHUT_RDWR);
  echo.join();
  return rate;
}

double udp_mib_per_second(bool segments) {
  Pair pair;
  pair.client = ::socket(AF_INET, SOCK_DGRAM, 0);
  pair.server = ::socket(AF_INET, SOCK_DGRAM, 0);
  const int room = 8 << 20, on = 1, size = kDatagram;
  ::setsockopt(pair.server, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  const timeval patience{.tv_sec = 0, .tv_usec = 200'000};
  ::setsockopt(pair.server, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (segments) {
    ::setsockopt(pair.client, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size);
    ::setsockopt(pair.server, IPPROTO_UDP, UDP_GRO, &on, sizeof on);
  }
  const sockaddr_in address = bind_anywhere(pair.server);
  ::connect(pair.client, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  std::atomic<std::size_t> received = 0;
  std::thread reader([&] {
    std::vector<char> buffer(64u << 10);
    for (ssize_t count = 1; count > 0;) {
      count = ::recv(pair.server, buffer.data(), buffer.size(), 0);
      if (count > 0) received += std::size_t(count);
    }
  });
  const std::vector<char> block(segments ? kDatagram * kSegments : kDatagram, 'x');
  const Stopwatch watch;
  while (watch.wall() < kUdpSeconds) (void)::send(pair.client, block.data(), block.size(), 0);
  const double rate = double(received) / kMiB / watch.wall();  // what arrived: datagrams may be dropped
  reader.join();
  return rate;
}

}  // namespace starling::bench
