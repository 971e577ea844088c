// Any text: what decodes is encoded to a text of the same size that decodes to the same bytes; and any bytes in every
// linear base, or in all bases while they are short.
#include "starling/base/assert.hpp"
#include "starling/multiformats/multibase.hpp"

namespace {

using namespace starling;

constexpr std::size_t kShort = 512;  // bytes; bases that are not a power of two cost quadratic time

void decode(std::string_view text) {
  Multibase base{};
  const auto bytes = multibase_decode(text, &base);
  if (!bytes) return;
  const std::string again = multibase_encode(base, *bytes);
  STARLING_ASSERT(again.size() == text.size(), "a text holds nothing superfluous");
  STARLING_ASSERT(multibase_decode(again).value() == *bytes, "encoding leads back");
}

void encode(Bytes bytes) {
  for (const Multibase base : {Multibase::Base2, Multibase::Base8, Multibase::Base32HexPad, Multibase::Base64Url,
                               Multibase::Base10, Multibase::Base36, Multibase::Base58Btc, Multibase::Base256Emoji}) {
    const std::string text = multibase_encode(base, bytes);
    if (text.size() > kMaxPositionalText) continue;
    STARLING_ASSERT(equal(multibase_decode(text).value(), bytes), "decoding leads back");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input(data, size);
  decode(as_text(input));
  if (size <= kShort) encode(input);
  return 0;
}
