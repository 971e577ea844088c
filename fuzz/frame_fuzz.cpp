// FrameReader fed in pieces, whose sizes the first byte chooses, against parse_frame on the whole; and MessageReader
// over every payload.
#include <algorithm>
#include <vector>

#include "starling/base/assert.hpp"
#include "starling/wire/frame.hpp"
#include "starling/wire/protobuf.hpp"

using namespace starling;

constexpr std::size_t kMaxPayload = 4096;

static std::vector<ByteVector> frames_of_whole(Bytes stream) {
  std::vector<ByteVector> frames;
  while (true) {
    const auto frame = wire::parse_frame(stream, kMaxPayload);
    if (!frame || !*frame) return frames;
    frames.push_back(to_vector((*frame)->payload));
    stream = stream.subspan((*frame)->size);
  }
}

static std::vector<ByteVector> frames_of_pieces(Bytes stream, std::size_t piece) {
  std::vector<ByteVector> frames;
  wire::FrameReader reader(kMaxPayload);
  while (!stream.empty()) {
    const std::size_t taken = std::min(piece, stream.size());
    reader.feed(stream.first(taken));
    stream = stream.subspan(taken);
    while (true) {
      const std::size_t missing = reader.missing();
      const auto frame = reader.next();
      STARLING_ASSERT((missing > 0) == (frame && !*frame), "missing() tells whether next() waits");
      if (!frame || !*frame) break;
      frames.push_back(to_vector(**frame));
    }
  }
  return frames;
}

static void walk(Bytes message) {
  wire::MessageReader reader(message);
  while (reader.next()) {
    switch (reader.wire_type()) {
      case wire::WireType::Varint:
        (void)reader.varint();
        break;
      case wire::WireType::Fixed32:
        (void)reader.fixed32();
        break;
      case wire::WireType::Fixed64:
        break;  // skipped
      case wire::WireType::LengthDelimited:
        (void)reader.bytes(1000);
        break;
    }
  }
  (void)reader.finish("fuzz");
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes stream(data + 1, size - 1);
  const auto frames = frames_of_whole(stream);
  STARLING_ASSERT(frames_of_pieces(stream, std::size_t{data[0]} + 1) == frames, "cutting changes nothing");
  for (const ByteVector& frame : frames) walk(frame);
  walk(stream);
  return 0;
}
