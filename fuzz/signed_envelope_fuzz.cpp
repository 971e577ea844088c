// SignedEnvelope::from_protobuf and verify.
#include "starling/base/assert.hpp"
#include "starling/peer/signed_envelope.hpp"

using namespace starling;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto envelope = SignedEnvelope::from_protobuf({data, size});
  if (!envelope) return 0;
  (void)envelope->verify("libp2p-testing");
  const ByteVector canonical = envelope->to_protobuf();
  if (canonical.size() > SignedEnvelope::kMaxSize) return 0;
  const auto again = SignedEnvelope::from_protobuf(canonical);
  STARLING_ASSERT(again && *again == *envelope, "an envelope comes back");
  return 0;
}
