// PeerRecord from its message alone and from an envelope.
#include "starling/base/assert.hpp"
#include "starling/peer/peer_record.hpp"

using namespace starling;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input(data, size);
  if (const auto signed_record = PeerRecord::open(input))
    STARLING_ASSERT(!signed_record->peer.empty(), "a verified record names its peer");
  const auto record = PeerRecord::from_protobuf(input);
  if (!record) return 0;
  const ByteVector canonical = record->to_protobuf();
  const auto again = PeerRecord::from_protobuf(canonical);
  STARLING_ASSERT(again && *again == *record && again->to_protobuf() == canonical, "a record comes back");
  return 0;
}
