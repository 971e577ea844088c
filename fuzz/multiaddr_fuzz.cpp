// Any bytes as binary and as text: an address that is accepted leads back to itself in both forms, its text is
// printable, and its parts make it again.
#include <algorithm>

#include "starling/base/assert.hpp"
#include "starling/multiformats/multiaddr.hpp"

namespace {

using namespace starling;

void check(const Multiaddr& address) {
  const std::string text = address.to_string();
  STARLING_ASSERT(Multiaddr::from_bytes(address.bytes()).value() == address, "bytes lead back");
  STARLING_ASSERT(Multiaddr::from_string(text).value() == address, "the text leads back");
  STARLING_ASSERT(std::ranges::none_of(text, [](char c) { return std::uint8_t(c) < 0x20; }), "the text is printable");
  Multiaddr again;
  for (const auto& part : address.components()) again = again.with(part.protocol, part.value);
  STARLING_ASSERT(again == address, "components make the address");
  const Protocol last = address.components().back().protocol;
  const auto [before, after] = address.split_at(last);
  STARLING_ASSERT(before.with(after) == address, "split parts join");
  STARLING_ASSERT(address.without_last(last).bytes().size() < address.bytes().size(), "the last can be removed");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input(data, size);
  if (const auto address = Multiaddr::from_bytes(input)) {
    STARLING_ASSERT(equal(address->bytes(), input), "an address has one form");
    check(*address);
  }
  if (const auto address = Multiaddr::from_string(as_text(input))) check(*address);
  return 0;
}
