// What the fuzz targets of the security protocols share: keys that are always the same, and a handshake that is fed
// the fuzzer's bytes in pieces.
#pragma once

#include <cstdint>
#include <memory>

#include "starling/base/assert.hpp"
#include "starling/base/random.hpp"
#include "starling/security/security.hpp"

namespace starling::fuzz {

inline crypto::PrivateKey fixed_key(std::uint64_t seed) {
  const auto random = seeded_random(seed);
  return crypto::PrivateKey::generate(crypto::KeyType::Ed25519, *random).value();
}

/// Reads bytes off the front of the fuzzer's input; zeros behind its end.
class Input {
 public:
  explicit Input(Bytes bytes) : rest_(bytes) {}
  bool empty() const { return rest_.empty(); }
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const std::uint8_t first = rest_[0];
    rest_ = rest_.subspan(1);
    return first;
  }
  Bytes take(std::size_t size) {
    const Bytes taken = rest_.first(std::min(size, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }
  Bytes rest() const { return rest_; }

 private:
  Bytes rest_;
};

class Discard final : public security::PlaintextSink {
 public:
  Status on_plaintext(Bytes plaintext) override {
    bytes += plaintext.size();
    return {};
  }
  std::size_t bytes = 0;
};

/// Gives the bytes 0, 1, 2 … 255, 0, 1 …
class Counting {
 public:
  ByteVector next(std::size_t size) {
    ByteVector bytes(size);
    for (std::uint8_t& byte : bytes) byte = std::uint8_t(next_++);
    return bytes;
  }

 private:
  std::size_t next_ = 0;
};

/// Takes the bytes 0, 1, 2 … 255, 0, 1 … and no others.
class Expecting final : public security::PlaintextSink {
 public:
  Status on_plaintext(Bytes plaintext) override {
    for (const std::uint8_t byte : plaintext) STARLING_ASSERT(byte == std::uint8_t(next_++), "only what was sealed");
    return {};
  }

 private:
  std::size_t next_ = 0;
};

/// The first byte chooses role and cut, the rest is what the remote says. It must never be believed to be somebody.
inline void feed_handshake(security::Protocol& protocol, Bytes data) {
  Input input(data);
  const std::uint8_t choice = input.byte();
  const auto role = (choice & 1) == 0 ? security::Role::Initiator : security::Role::Responder;
  const auto handshake = protocol.begin({.role = role, .muxers = {"/yamux/1.0.0"}});
  ByteQueue in, out;
  Status status = handshake->start(out);
  const std::size_t piece = choice < 128 ? input.rest().size() + 1 : choice - 127u;
  while (status && !handshake->done() && !input.empty()) {
    in.append(input.take(piece));
    status = handshake->receive(in, out);
  }
  if (!handshake->done()) return;
  auto outcome = handshake->take();
  STARLING_ASSERT(outcome.remote_peer.matches(outcome.remote_key), "a peer has the id of its key");
  in.append(input.rest());
  Discard sink;
  (void)outcome.channel->open(in, sink);
}

}  // namespace starling::fuzz
