// Arbitrary bytes in arbitrary pieces, between operations of this side, into a mplex session.
#include "muxer_fuzzing.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return starling::muxer::fuzzing::run(starling::muxer::make_mplex, data, size);
}
