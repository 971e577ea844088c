// Any bytes: a varint that is read is written back as the bytes it took.
#include <algorithm>

#include "starling/base/assert.hpp"
#include "starling/multiformats/varint.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace starling;
  const Bytes input(data, size);
  const auto read = read_varint(input);
  if (!read) return 0;
  ByteVector written;
  append_varint(written, read->value);
  STARLING_ASSERT(written.size() == read->size && varint_size(read->value) == read->size, "sizes agree");
  STARLING_ASSERT(std::ranges::equal(written, input.first(read->size)), "a varint has one form");
  return 0;
}
