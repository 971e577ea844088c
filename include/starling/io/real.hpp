// The real side of io: a reactor on Boost.Asio and the operating system's network. No Asio type shows here.
#pragma once

#include <memory>
#include <vector>

#include "starling/io/network.hpp"

namespace starling::io {

/// A reactor that waits in the operating system. run() on the thread that owns it.
class RealReactor : public Reactor {
 public:
  static std::unique_ptr<RealReactor> create();
  /// Waits for one of the signals (SIGINT, SIGTERM…); they no longer end the process by themselves.
  virtual Task<Result<int>> wait_signal(std::vector<int> signals) = 0;
  /// The operating system's network on this reactor, which must outlive it.
  virtual std::unique_ptr<Network> make_network() = 0;
};

}  // namespace starling::io
