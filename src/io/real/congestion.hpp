// TCP's congestion control on the operating system's sockets: a named one from the start, or another one for a
// connection whose handshake shows a long path. See io::Congestion.
#pragma once

#include "starling/io/network.hpp"

namespace starling::io {

/// Gives a socket that is about to listen or connect the algorithm that every connection is to have; accepted sockets
/// have their listener's. Error Unsupported if the system refuses.
Status choose_congestion(int handle, const Congestion& wanted, Op op, const Endpoint& at);

/// Of one Network: looks at each connection once, right after its handshake.
class PathCongestion {
 public:
  void on_connected(int handle, const Congestion& wanted);
  const CongestionCounters& counters() const { return counters_; }

 private:
  CongestionCounters counters_;
};

}  // namespace starling::io
