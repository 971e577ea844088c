// PrivateKey::from_protobuf, which reads key files: a key that is accepted comes back and signs.
#include "starling/base/assert.hpp"
#include "starling/crypto/keys.hpp"

using namespace starling;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto key = crypto::PrivateKey::from_protobuf({data, size});
  if (!key) return 0;
  const ByteVector canonical = key->to_protobuf();
  const auto again = crypto::PrivateKey::from_protobuf(canonical);
  STARLING_ASSERT(again && again->to_protobuf() == canonical, "a key has one canonical message");
  const auto signature = key->sign({data, size});
  STARLING_ASSERT(signature && again->public_key().verify({data, size}, *signature), "a key that is accepted signs");
  return 0;
}
