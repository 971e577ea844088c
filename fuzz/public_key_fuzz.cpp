// PublicKey::from_protobuf: any bytes. A key that is accepted has one encoding and verifies nothing by chance.
#include "starling/base/assert.hpp"
#include "starling/crypto/keys.hpp"

using namespace starling;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto key = crypto::PublicKey::from_protobuf({data, size});
  if (!key) return 0;
  const ByteVector canonical = key->to_protobuf();
  const auto again = crypto::PublicKey::from_protobuf(canonical);
  STARLING_ASSERT(again && *again == *key && again->to_protobuf() == canonical, "a key has one canonical message");
  STARLING_ASSERT(!key->verify({data, size}, canonical), "noise is no signature");
  return 0;
}
