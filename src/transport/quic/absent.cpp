// What stands in for the engine in a build without QUIC: an error that says so.
#include "transport/quic/engine.hpp"

namespace starling::transport {

bool quic_available() { return false; }

namespace quic {

Result<std::unique_ptr<Engine>> make_engine(Random&, const crypto::PrivateKey&, const QuicOptions&,
                                            std::function<std::int64_t()>) {
  return fail(
      ErrorCode::Unsupported, Op::Configure, Origin::Local,
      "this build is without QUIC: install ngtcp2 1.11 or newer (./dev build does where it can) and build again");
}

}  // namespace quic
}  // namespace starling::transport
