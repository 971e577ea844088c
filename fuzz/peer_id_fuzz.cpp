// PeerId from bytes and from text: what is accepted comes back from each of its forms.
#include "starling/base/assert.hpp"
#include "starling/peer/peer_id.hpp"

using namespace starling;

static void check(const Result<PeerId>& id) {
  if (!id) return;
  STARLING_ASSERT(PeerId::from_bytes(id->bytes()).value() == *id, "bytes come back");
  STARLING_ASSERT(PeerId::from_string(id->to_string()).value() == *id, "base58 comes back");
  STARLING_ASSERT(PeerId::from_string(id->to_cid_string()).value() == *id, "the CID comes back");
  if (const auto key = id->public_key()) (void)id->matches(*key);  // others may have written the key differently
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input(data, size);
  const auto id = PeerId::from_bytes(input);
  if (id) STARLING_ASSERT(equal(id->bytes(), input), "the bytes are the id");
  check(id);
  check(PeerId::from_string(as_text(input)));
  return 0;
}
