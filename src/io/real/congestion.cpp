#include "io/real/congestion.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace starling::io {
namespace {

// Linux: TCP_CA_NAME_MAX, its end included.
constexpr std::size_t kNameSize = 16;

bool set_algorithm(int handle, const std::string& name) {
  return ::setsockopt(handle, IPPROTO_TCP, TCP_CONGESTION, name.data(), socklen_t(name.size())) == 0;
}

std::string algorithm_of(int handle) {
  std::array<char, kNameSize + 1> name{};
  socklen_t size = kNameSize;
  if (::getsockopt(handle, IPPROTO_TCP, TCP_CONGESTION, name.data(), &size) != 0) return {};
  return name.data();
}

// Zero if the system has none: a handshake packet was sent again, and the ends agreed on no timestamps.
Duration handshake_time(int handle) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(handle, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return Duration::zero();
  return std::chrono::microseconds(info.tcpi_rtt);  // smoothed over one sample so far
}

}  // namespace

Status choose_congestion(int handle, const Congestion& wanted, Op op, const Endpoint& at) {
  if (wanted.algorithm.empty() || wanted.by_path() || set_algorithm(handle, wanted.algorithm)) return {};
  const int reason = errno;
  return fail(ErrorCode::Unsupported, op, Origin::Local,
              "tcp " + at.to_string() + ": the system does not let this user choose congestion control '" +
                  wanted.algorithm + "' (" + std::generic_category().message(reason) +
                  "); see net.ipv4.tcp_allowed_congestion_control");
}

void PathCongestion::on_connected(int handle, const Congestion& wanted) {
  if (!wanted.by_path() || counters_.refused > 0) return;
  const Duration round_trip = handshake_time(handle);
  if (round_trip < wanted.long_path) return;  // most need no second question
  if (!wanted.replaces(algorithm_of(handle), round_trip)) return;
  ++(set_algorithm(handle, wanted.algorithm) ? counters_.changed : counters_.refused);
}

}  // namespace starling::io
