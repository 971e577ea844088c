#include "security/noise_channel.hpp"

#include <algorithm>
#include <limits>

namespace starling::security {
namespace {

using crypto::ChaChaPoly;

// Noise revision 34, section 5.1: the last value is reserved; a connection that gets there must end.
constexpr std::uint64_t kReservedNonce = std::numeric_limits<std::uint64_t>::max();

std::size_t records_of(std::size_t plaintext) { return (plaintext + kMaxNoisePlaintext - 1) / kMaxNoisePlaintext; }

std::unexpected<Error> exhausted(Op op) {
  return fail(ErrorCode::LimitExceeded, op, Origin::Limit, "2^64 - 1 Noise messages on one connection");
}

}  // namespace

Status NoiseChannel::check_alive(Op op) const {
  if (dead_) return fail(ErrorCode::Closed, op, Origin::Local, "this Noise channel has failed");
  return {};
}

Status NoiseChannel::seal(Bytes plaintext, ByteQueue& wire) {
  STARLING_CHECK(check_alive(Op::Encrypt));
  const std::size_t records = records_of(plaintext.size());
  if (kReservedNonce - send_nonce_ < records) return exhausted(Op::Encrypt);
  MutableBytes room = wire.prepare(plaintext.size() + records * (kNoiseHeaderBytes + ChaChaPoly::kTagSize));
  while (!plaintext.empty()) {
    const Bytes piece = plaintext.first(std::min(plaintext.size(), kMaxNoisePlaintext));
    const std::size_t size = kNoiseHeaderBytes + piece.size() + ChaChaPoly::kTagSize;
    auto sealed = seal_record(piece, room.first(size));
    dead_ = !sealed;
    STARLING_CHECK(std::move(sealed));
    wire.commit(size);
    room = room.subspan(size);
    plaintext = plaintext.subspan(piece.size());
  }
  return {};
}

Status NoiseChannel::seal_record(Bytes plaintext, MutableBytes record) {
  put_u16_be(record.data(), std::uint16_t(record.size() - kNoiseHeaderBytes));
  return sender_.seal(ChaChaPoly::noise_nonce(send_nonce_++), {}, plaintext, record.subspan(kNoiseHeaderBytes));
}

Status NoiseChannel::open(ByteQueue& wire, PlaintextSink& sink) {
  STARLING_CHECK(check_alive(Op::Decrypt));
  while (wire.size() >= kNoiseHeaderBytes) {
    const std::size_t size = get_u16_be(wire.view().data());
    if (wire.size() - kNoiseHeaderBytes < size) break;
    auto opened = open_record(wire.mutable_view().subspan(kNoiseHeaderBytes, size), sink);
    wire.consume(kNoiseHeaderBytes + size);
    STARLING_CHECK(std::move(opened));
  }
  return {};
}

Status NoiseChannel::open_record(MutableBytes sealed, PlaintextSink& sink) {
  if (receive_nonce_ == kReservedNonce) return exhausted(Op::Decrypt);
  auto plaintext = receiver_.open(ChaChaPoly::noise_nonce(receive_nonce_++), {}, sealed);
  dead_ = !plaintext;  // a sink's error is not ours: what it wants to answer can still be sealed
  if (!plaintext) return fail(std::move(plaintext).error());
  if (plaintext->empty()) return {};  // some send empty records as a sign of life
  return sink.on_plaintext(*plaintext);
}

}  // namespace starling::security
