// What a listener asks before it spends anything on a stranger: before TLS, Noise or a QUIC handshake.
#pragma once

#include <optional>

#include "starling/io/network.hpp"
#include "starling/resource/manager.hpp"

namespace starling::transport {

/// Somebody at the door.
struct Arrival {
  std::optional<io::IpAddress> remote;  // none: no IP transport (memory, unix)
  bool uses_descriptor = true;          // false: shares a socket with others (QUIC)
};

/// Borrowed by every transport; may be null there, then everybody may come in. Threading: the reactor's thread.
class AcceptGate {
 public:
  /// May it go on to the handshake? Then the scope goes with it: keep it while the handshake runs and give it to the
  /// connection with hold(). On an error (LimitExceeded, RateLimited, Gated) drop the socket without a word; the gate
  /// has counted it. Cheap: no I/O, no crypto.
  virtual Result<resource::ConnectionScope> admit(const Arrival& arrival) = 0;

 protected:
  ~AcceptGate() = default;
};

}  // namespace starling::transport
