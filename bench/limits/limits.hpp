// What this machine can do at best, for the same run as the comparison. Threading: each function makes its own second
// thread where there are two sides.
#pragma once

#include <chrono>
#include <cstddef>
#include <ctime>

namespace starling::bench {

inline constexpr double kMiB = 1 << 20;

class Stopwatch {
 public:
  double wall() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }
  /// Processor seconds of the calling thread, which must be the one that made this.
  double cpu() const { return thread_cpu() - cpu_; }

 private:
  using Clock = std::chrono::steady_clock;
  static double thread_cpu() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return double(now.tv_sec) + double(now.tv_nsec) * 1e-9;
  }
  Clock::time_point start_ = Clock::now();
  double cpu_ = thread_cpu();
};

/// One stream over loopback. MiB per second on the clock, and per processor second of each side.
struct StreamRate {
  double wall = 0, sender = 0, receiver = 0;
};
/// 256 KiB per write and read; with `framed` the sender first copies every 64 KiB into the outgoing buffer, as a
/// muxer with records does.
StreamRate tcp_stream(bool framed);
/// 64 bytes there and back, one after the other, on one connection with a blocking thread at each end.
double tcp_round_trips_per_second();
/// 1450-byte datagrams over loopback, in one system call each or 44 at once with segmentation offload.
double udp_mib_per_second(bool segments);

/// MiB per second of one core for records of `size` bytes.
double chacha_seal(std::size_t size);
double chacha_open(std::size_t size);
double aes128_gcm_seal(std::size_t size);

/// Operations per second of one core.
double x25519_exchanges();  // a new key pair and one shared secret
double ed25519_signatures();
double ed25519_verifications();
double ecdsa_signatures();  // P-256
double ecdsa_verifications();

}  // namespace starling::bench
