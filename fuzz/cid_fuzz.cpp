// Any bytes as binary and as text: a CID leads back to itself in both forms and between versions.
#include "starling/base/assert.hpp"
#include "starling/multiformats/cid.hpp"

namespace {

using namespace starling;

void check(const Cid& cid) {
  STARLING_ASSERT(Cid::from_bytes(cid.bytes()).value() == cid, "bytes lead back");
  STARLING_ASSERT(Cid::from_string(cid.to_string()).value() == cid, "the text leads back");
  STARLING_ASSERT(Cid::v1(cid.codec(), cid.multihash()).value() == cid.to_v1(), "parts make the whole");
  const auto v0 = cid.to_v0();
  if (v0) STARLING_ASSERT(v0->to_v1() == cid.to_v1(), "versions lead to each other");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input(data, size);
  if (const auto cid = Cid::read_prefix(input)) {
    STARLING_ASSERT(equal(cid->bytes(), input.first(cid->bytes().size())), "a CID has one form");
    check(*cid);
  }
  if (const auto cid = Cid::from_string(as_text(input))) check(*cid);
  return 0;
}
