// Faults on purpose, for tests: a Network around another one whose N-th operation fails, and whose sockets move few
// bytes at a time. A test hands fail_each_operation() a function of n that runs its scenario in a FaultyNetwork with
// {.fail_at = n} and returns injected(): the scenario may fail then, but must neither hang, nor leak, nor assert.
//
// Threading: the reactor's thread. Resource: must outlive its sockets, and the inner network must outlive it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "starling/io/network.hpp"

namespace starling::io {

/// Operations that are counted. Bits, so that a plan can name several.
enum class NetworkOperation : std::uint16_t {
  Listen = 1,
  Connect = 2,
  Accept = 4,
  Read = 8,
  Write = 16,
  Bind = 32,
  Receive = 64,
  Send = 128,
  Resolve = 256,
  Interfaces = 512,
};
constexpr NetworkOperation operator|(NetworkOperation a, NetworkOperation b) {
  return NetworkOperation(std::uint16_t(a) | std::uint16_t(b));
}
inline constexpr NetworkOperation kAllNetworkOperations = NetworkOperation(1023);

struct FaultPlan {
  /// The operation that fails, counted from 1 over those in `operations`; 0: none.
  std::uint64_t fail_at = 0;
  /// What it fails with. A stream socket that failed once keeps failing, as the operating system's do.
  Error error{ErrorCode::SocketFailed, Op::None, Origin::Network, "injected fault"};
  NetworkOperation operations = kAllNetworkOperations;
  /// Most bytes that one try_read() or try_write() of a stream moves; 0: without bound.
  std::size_t max_transfer_bytes = 0;
};

/// The decorator. Every call of the interface counts as one operation, tries that would block included.
class FaultyNetwork final : public Network {
 public:
  FaultyNetwork(Network& inner, FaultPlan plan);
  ~FaultyNetwork() override;

  Result<std::unique_ptr<Listener>> listen(const Endpoint& at, const ListenOptions& options) override;
  Task<Result<std::unique_ptr<StreamSocket>>> connect(Endpoint to, ConnectOptions options) override;
  Result<std::unique_ptr<DatagramSocket>> bind_datagram(const Endpoint& at, const DatagramOptions& options) override;
  using Network::bind_datagram;
  std::unique_ptr<NameClient> make_name_client(const NameClientOptions& options) override;
  Result<std::vector<Interface>> interfaces() override;
  Result<std::unique_ptr<Listener>> listen_local(const LocalPlace& at, int backlog) override;
  Result<std::unique_ptr<StreamSocket>> connect_local(const LocalPlace& to) override;

  /// Operations so far.
  std::uint64_t operations() const;
  /// Whether the fault has happened.
  bool injected() const;

  struct Faults;

 private:
  Network& inner_;
  std::unique_ptr<Faults> faults_;
};

/// Calls `run` with 1, 2, … until it returns false: no fault was injected because the scenario has fewer operations.
/// Returns how many it has; stops at `most`.
std::uint64_t fail_each_operation(const std::function<bool(std::uint64_t)>& run, std::uint64_t most = 10'000);

}  // namespace starling::io
