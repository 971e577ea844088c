// The transport and perf suites: listener and dialer.
#include <fmt/format.h>

#include <cstdio>

#include "cli/interop/contract.hpp"
#include "cli/interop/redis.hpp"
#include "cli/interop/web_certificate.hpp"
#include "cli/session.hpp"

namespace starling::cli {
namespace {

NodeFlags node_flags(const Contract& contract, bool perf) {
  NodeFlags flags;
  flags.settings = {{"transport.transports", contract.transport, "TRANSPORT"}};
  if (!contract.security.empty())
    flags.settings.push_back({"transport.securities", contract.security, "SECURE_CHANNEL"});
  if (!contract.muxer.empty()) flags.settings.push_back({"transport.muxers", contract.muxer, "MUXER"});
  flags.timeout = std::to_string(std::chrono::duration_cast<std::chrono::seconds>(contract.timeout).count()) + "s";
  if (perf) flags.settings.push_back({"perf.serve", "true", "perf"});
  if (contract.dialer) flags.settings.push_back({"websocket.any_certificate", "true", "TRANSPORT"});
  return flags;
}

/// Runs one side of a suite; a listener on /wss has a certificate as long.
int run_side(const Contract& contract, bool perf, const std::function<io::Task<int>(Session&)>& body) {
  NodeFlags flags = node_flags(contract, perf);
  if (contract.dialer || contract.transport != "wss") return run_session(flags, contract.dialer, body);
  const auto certificate = WebCertificate::make();
  if (!certificate) return report(certificate.error(), false);
  flags.settings.push_back({"websocket.certificate_file", certificate->certificate_file(), "TRANSPORT"});
  flags.settings.push_back({"websocket.key_file", certificate->key_file(), "TRANSPORT"});
  return run_session(flags, contract.dialer, body);
}

// Others cannot reach a loopback address in the suites' networks; on one machine it may be all there is.
Multiaddr best_address(const std::vector<Multiaddr>& addresses) {
  for (const Multiaddr& address : addresses)
    if (address.to_string().find("/ip4/127.") == std::string::npos) return address;
  return addresses.front();
}

io::Task<Result<Multiaddr>> listen(Session& session, const Contract& contract) {
  STARLING_CO_TRY(const std::string where, contract.listen_address());
  STARLING_CO_TRY(const Multiaddr at, Multiaddr::from_string(where));
  STARLING_CO_TRY(const Multiaddr bound, session.host().listen(at));
  (void)bound;
  const auto addresses = session.host().addresses();
  if (addresses.empty()) co_return fail(ErrorCode::AddressNotAvailable, Op::Listen, Origin::Local, contract.listen_ip);
  co_return best_address(addresses);
}

using Publish = Status (Redis::*)(const std::string&, const std::string&);

// Publishes the address and serves until the suite kills the process.
io::Task<int> serve(Session& session, const Contract& contract, Publish publish) {
  auto redis = Redis::connect(contract.redis_address);
  if (!redis) co_return report(redis.error(), false);
  const auto address = co_await listen(session, contract);
  if (!address) co_return report(address.error(), false);
  std::fprintf(stderr, "listening on %s\n", address->to_string().c_str());
  if (const Status removed = redis->remove(contract.key); !removed) co_return report(removed.error(), false);
  const Status published = ((*redis).*publish)(contract.key, address->to_string());
  if (!published) co_return report(published.error(), false);
  (void)co_await io::sleep_for(*session.reactor, contract.timeout);
  co_return kOk;
}

Result<Target> meet(const Contract& contract) {
  STARLING_TRY(Redis redis, Redis::connect(contract.redis_address));
  STARLING_TRY(const std::string address, redis.wait_for(contract.key, contract.timeout));
  std::fprintf(stderr, "dialing %s\n", address.c_str());
  return parse_target(address);
}

double milliseconds(Duration time) { return std::chrono::duration<double, std::milli>(time).count(); }
double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

io::Task<int> dial_and_ping(Session& session, const Contract& contract) {
  const auto target = meet(contract);
  if (!target) co_return report(target.error(), false);
  const TimePoint start = session.reactor->now();
  const auto connection = co_await connect(session, *target);
  if (!connection) co_return report(connection.error(), false);
  auto pinger = co_await ping::Pinger::open(session.host(), target->peer, session.node->ping_options());
  if (!pinger) co_return report(pinger.error(), false);
  const auto round_trip = co_await pinger->ping();
  if (!round_trip) co_return report(round_trip.error(), false);
  const double whole = milliseconds(session.reactor->now() - start), ping = milliseconds(*round_trip);
  if (contract.legacy) {
    fmt::print("{{\"handshakePlusOneRTTMillis\":{:.3f},\"pingRTTMilllis\":{:.3f}}}\n", whole, ping);
  } else {
    fmt::print("latency:\n  handshake_plus_one_rtt: {:.3f}\n  ping_rtt: {:.3f}\n  unit: ms\n", whole, ping);
  }
  std::fflush(stdout);
  co_return kOk;
}

io::Task<Result<std::vector<Duration>>> repeat(Session& session, const Target& target, perf::PerfRequest request,
                                               std::size_t times) {
  std::vector<Duration> spent;
  for (std::size_t i = 0; i < times; ++i) {
    const TimePoint start = session.reactor->now();
    STARLING_CO_TRY(const auto result,
                    co_await perf::run(session.host(), target.peer, request, session.node->perf_options()));
    (void)result;
    spent.push_back(session.reactor->now() - start);
  }
  co_return spent;
}

std::vector<double> gigabits(const std::vector<Duration>& times, std::uint64_t bytes) {
  std::vector<double> rates;
  for (const Duration time : times) rates.push_back(double(bytes) * 8 / seconds(time) / 1e9);
  return rates;
}

io::Task<int> dial_and_measure(Session& session, const Contract& contract) {
  const auto target = meet(contract);
  if (!target) co_return report(target.error(), false);
  if (const auto connection = co_await connect(session, *target); !connection)
    co_return report(connection.error(), false);
  const auto up = co_await repeat(session, *target, {contract.upload_bytes, 0, false}, contract.upload_iterations);
  if (!up) co_return report(up.error(), false);
  const auto down =
      co_await repeat(session, *target, {0, contract.download_bytes, false}, contract.download_iterations);
  if (!down) co_return report(down.error(), false);
  const auto latency = co_await repeat(session, *target, {1, 1, false}, contract.latency_iterations);
  if (!latency) co_return report(latency.error(), false);
  std::vector<double> latencies;
  for (const Duration time : *latency) latencies.push_back(milliseconds(time));
  std::fputs(perf_block("upload", gigabits(*up, contract.upload_bytes), 2, "Gbps").c_str(), stdout);
  std::fputs(perf_block("download", gigabits(*down, contract.download_bytes), 2, "Gbps").c_str(), stdout);
  std::fputs(perf_block("latency", std::move(latencies), 3, "ms").c_str(), stdout);
  std::fflush(stdout);
  co_return kOk;
}

}  // namespace

int run_transport(const Contract& contract) {
  return run_side(contract, /*perf=*/false, [&contract](Session& session) {
    return contract.dialer ? dial_and_ping(session, contract) : serve(session, contract, &Redis::push);
  });
}

int run_perf(const Contract& contract) {
  return run_side(contract, /*perf=*/true, [&contract](Session& session) {
    return contract.dialer ? dial_and_measure(session, contract) : serve(session, contract, &Redis::set);
  });
}

}  // namespace starling::cli
