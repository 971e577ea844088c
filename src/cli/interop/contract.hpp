// The contract of the official interoperability suites: environment in, redis to meet, YAML on stdout.
// spec: libp2p/unified-testing docs; the lower-case dialect is libp2p/test-plans.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "starling/base/clock.hpp"
#include "starling/base/error.hpp"

namespace starling::cli {

struct Contract {
  bool legacy = false;  // lower-case names, one JSON line
  bool dialer = false;
  std::string redis_address, key, transport, security, muxer, listen_ip;
  Duration timeout{};
  std::uint64_t upload_bytes = 0, download_bytes = 0;
  std::size_t upload_iterations = 0, download_iterations = 0, latency_iterations = 0;

  /// From the process environment. Errors name the variable.
  static Result<Contract> from_environment();
  /// Where a listener binds. Error: Unsupported for a transport that is not ours.
  Result<std::string> listen_address() const;
};

/// Quartiles, outliers and all, as the perf suite reads them.
std::string perf_block(const std::string& name, std::vector<double> samples, int decimals, const std::string& unit);

int run_transport(const Contract& contract);
int run_perf(const Contract& contract);

}  // namespace starling::cli
