// Any bytes: a multihash that is read has the bytes it took, and is made again from its parts.
#include <algorithm>

#include "starling/base/assert.hpp"
#include "starling/multiformats/multihash.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace starling;
  const Bytes input(data, size);
  const auto hash = Multihash::read_prefix(input);
  STARLING_ASSERT(hash.has_value() || !Multihash::from_bytes(input), "from_bytes is stricter");
  if (!hash) return 0;
  STARLING_ASSERT(equal(hash->bytes(), input.first(hash->bytes().size())), "a multihash has one form");
  STARLING_ASSERT(hash->digest().size() <= Multihash::kMaxDigestSize, "digests are bounded");
  STARLING_ASSERT(Multihash::make(hash->function(), hash->digest()).value() == *hash, "parts make the whole");
  STARLING_ASSERT(!hash->to_string().empty(), "every multihash has a text");
  return 0;
}
