#include "security/remote_identity.hpp"

#include "starling/base/error.hpp"

namespace starling::security {

Status check_expected_peer(const std::optional<PeerId>& expected, const PeerId& actual) {
  if (!expected || *expected == actual) return {};
  return fail(ErrorCode::PeerIdMismatch, Op::Secure, Origin::Remote,
              "expected " + expected->to_string() + ", got " + actual.to_string());
}

}  // namespace starling::security
