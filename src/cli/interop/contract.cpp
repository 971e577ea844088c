#include "cli/interop/contract.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace starling::cli {
namespace {

std::string variable(const char* name, const std::string& otherwise = "") {
  const char* value = std::getenv(name);
  return value != nullptr ? value : otherwise;
}

Result<std::uint64_t> number(const char* name, std::uint64_t otherwise) {
  const std::string text = variable(name);
  if (text.empty()) return otherwise;
  if (text.find_first_not_of("0123456789") != std::string::npos || text.size() > 18) {
    return fail(ErrorCode::InvalidArgument, Op::Configure, Origin::Local,
                std::string(name) + "=" + text + " is not a number");
  }
  return std::strtoull(text.c_str(), nullptr, 10);
}

// What the suites call a transport, and where it listens.
struct AddressForm {
  std::string_view transport, rest;
};
constexpr AddressForm kAddressForms[] = {
    {"tcp", "/tcp/0"}, {"ws", "/tcp/0/ws"}, {"wss", "/tcp/0/tls/ws"}, {"quic-v1", "/udp/0/quic-v1"}};

// Linear interpolation on n-1, as the suite does it.
double quantile(const std::vector<double>& sorted, double q) {
  const double place = q * double(sorted.size() - 1);
  const auto low = std::size_t(place);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (place - double(low));
}

std::string joined(const std::vector<double>& values, int decimals) {
  std::string text;
  for (const double value : values) text += (text.empty() ? "" : ", ") + fmt::format("{:.{}f}", value, decimals);
  return text;
}

}  // namespace

Result<Contract> Contract::from_environment() {
  Contract contract;
  contract.legacy = std::getenv("TEST_KEY") == nullptr;
  const bool old = contract.legacy;
  contract.dialer = variable(old ? "is_dialer" : "IS_DIALER") == "true";
  contract.redis_address = variable(old ? "redis_addr" : "REDIS_ADDR", "redis:6379");
  contract.key = old ? "listenerAddr" : variable("TEST_KEY") + "_listener_multiaddr";
  contract.transport = variable(old ? "transport" : "TRANSPORT");
  contract.security = variable(old ? "security" : "SECURE_CHANNEL");
  contract.muxer = variable(old ? "muxer" : "MUXER");
  contract.listen_ip = variable(old ? "ip" : "LISTENER_IP", "0.0.0.0");
  STARLING_TRY(const std::uint64_t seconds, number(old ? "test_timeout_seconds" : "TEST_TIMEOUT_SECS", 180));
  contract.timeout = std::chrono::seconds(seconds);
  STARLING_TRY(contract.upload_bytes, number("UPLOAD_BYTES", std::uint64_t{1} << 30));
  STARLING_TRY(contract.download_bytes, number("DOWNLOAD_BYTES", std::uint64_t{1} << 30));
  STARLING_TRY(contract.upload_iterations, number("UPLOAD_ITERATIONS", 10));
  STARLING_TRY(contract.download_iterations, number("DOWNLOAD_ITERATIONS", 10));
  STARLING_TRY(contract.latency_iterations, number("LATENCY_ITERATIONS", 100));
  STARLING_CHECK(contract.listen_address());
  return contract;
}

Result<std::string> Contract::listen_address() const {
  for (const AddressForm& form : kAddressForms)
    if (transport == form.transport) return "/ip4/" + listen_ip + std::string(form.rest);
  return fail(ErrorCode::Unsupported, Op::Configure, Origin::Local,
              "TRANSPORT=" + transport + ": this program has tcp, ws, wss and quic-v1");
}

std::string perf_block(const std::string& name, std::vector<double> samples, int decimals, const std::string& unit) {
  if (samples.empty()) return "";
  std::sort(samples.begin(), samples.end());
  const double q1 = quantile(samples, 0.25), q3 = quantile(samples, 0.75);
  const double low = q1 - 1.5 * (q3 - q1), high = q3 + 1.5 * (q3 - q1);
  std::vector<double> inside, outliers;
  for (const double sample : samples) (sample >= low && sample <= high ? inside : outliers).push_back(sample);
  return fmt::format(
      "{}:\n  iterations: {}\n  min: {:.{}f}\n  q1: {:.{}f}\n  median: {:.{}f}\n  q3: {:.{}f}\n  max: {:.{}f}\n"
      "  outliers: [{}]\n  samples: [{}]\n  unit: {}\n",
      name, samples.size(), inside.front(), decimals, q1, decimals, quantile(samples, 0.5), decimals, q3, decimals,
      inside.back(), decimals, joined(outliers, decimals), joined(samples, decimals), unit);
}

}  // namespace starling::cli
