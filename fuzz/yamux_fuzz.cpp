// Arbitrary bytes in arbitrary pieces, between operations of this side, into a yamux session.
#include "muxer_fuzzing.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return starling::muxer::fuzzing::run(starling::muxer::make_yamux, data, size);
}
