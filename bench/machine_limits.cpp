// What this machine can do at best, for the same run as the comparison: one raw TCP stream over loopback, and the
// cipher alone. Prints one JSON object.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

#include "starling/crypto/aead.hpp"

namespace {

using Time = std::chrono::steady_clock;
constexpr std::size_t kBlock = 256u << 10;
constexpr std::size_t kTcpBytes = 2048u << 20;
constexpr int kRoundTrips = 50'000;

double seconds_since(Time::time_point start) { return std::chrono::duration<double>(Time::now() - start).count(); }

struct Pair {
  int client = -1, server = -1;
};

Pair connected_pair() {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(listener, reinterpret_cast<sockaddr*>(&address), size);
  ::listen(listener, 1);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  Pair pair;
  pair.client = ::socket(AF_INET, SOCK_STREAM, 0);
  ::connect(pair.client, reinterpret_cast<sockaddr*>(&address), size);
  pair.server = ::accept(listener, nullptr, nullptr);
  const int on = 1;
  ::setsockopt(pair.client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(pair.server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::close(listener);
  return pair;
}

double tcp_mib_per_second() {
  const Pair pair = connected_pair();
  std::thread reader([&] {
    std::vector<char> buffer(kBlock);
    while (::read(pair.server, buffer.data(), buffer.size()) > 0) {
    }
  });
  const std::vector<char> block(kBlock, 'x');
  const auto start = Time::now();
  for (std::size_t sent = 0; sent < kTcpBytes;) {
    const ssize_t count = ::write(pair.client, block.data(), block.size());
    if (count <= 0) break;
    sent += std::size_t(count);
  }
  ::shutdown(pair.client, SHUT_WR);
  reader.join();
  const double rate = double(kTcpBytes) / (1 << 20) / seconds_since(start);
  ::close(pair.client);
  ::close(pair.server);
  return rate;
}

double tcp_round_trips_per_second() {
  const Pair pair = connected_pair();
  std::thread echo([&] {
    std::array<char, 64> buffer;
    for (;;) {
      const ssize_t count = ::read(pair.server, buffer.data(), buffer.size());
      if (count <= 0 || ::write(pair.server, buffer.data(), std::size_t(count)) != count) break;
    }
  });
  std::array<char, 64> buffer{};
  const auto start = Time::now();
  for (int i = 0; i < kRoundTrips; ++i) {
    if (::write(pair.client, buffer.data(), buffer.size()) <= 0 ||
        ::read(pair.client, buffer.data(), buffer.size()) <= 0)
      break;
  }
  const double rate = kRoundTrips / seconds_since(start);
  ::shutdown(pair.client, SHUT_RDWR);
  echo.join();
  ::close(pair.client);
  ::close(pair.server);
  return rate;
}

double seal_mib_per_second() {
  using namespace starling;
  const std::array<std::uint8_t, 32> key{};
  const crypto::ChaChaPoly cipher(key);
  const ByteVector plain(65519, 7);
  ByteVector sealed(plain.size() + 16);
  constexpr int kRecords = 8000;
  const auto start = Time::now();
  for (int i = 0; i < kRecords; ++i)
    (void)cipher.seal(crypto::ChaChaPoly::noise_nonce(std::uint64_t(i)), {}, plain, sealed);
  return double(kRecords) * double(plain.size()) / (1 << 20) / seconds_since(start);
}

}  // namespace

int main() {
  std::printf(
      "{\"raw TCP MiB/s\": %.0f, \"raw TCP round trips/s\": %.0f, \"ChaCha20-Poly1305 seal MiB/s, one core\": %.0f}\n",
      tcp_mib_per_second(), tcp_round_trips_per_second(), seal_mib_per_second());
}
