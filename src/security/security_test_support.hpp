// What the tests of this layer share: keys of every type, a sink that keeps everything, and a pair of handshakes that
// run against each other in memory, their bytes cut as a test wants.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "starling/base/random.hpp"
#include "starling/security/security.hpp"

namespace starling::security::testing {

/// Key number `index` of a type; made once per process, since RSA keys are slow to make.
inline const crypto::PrivateKey& test_key(crypto::KeyType type, int index = 0) {
  static std::map<std::pair<crypto::KeyType, int>, crypto::PrivateKey> keys;
  const auto name = std::pair(type, index);
  auto found = keys.find(name);
  if (found == keys.end())
    found = keys.emplace(name, crypto::PrivateKey::generate(type, system_random()).value()).first;
  return found->second;
}

inline PeerId peer_of(const crypto::PrivateKey& key) { return PeerId::from_public_key(key.public_key()); }

class Collector final : public PlaintextSink {
 public:
  Status on_plaintext(Bytes plaintext) override {
    append(bytes, plaintext);
    ++calls;
    return {};
  }
  std::string text() const { return std::string(as_text(bytes)); }
  ByteVector bytes;
  std::size_t calls = 0;
};

/// `count` bytes that depend on `seed` alone.
inline ByteVector noise_bytes(std::size_t count, std::uint64_t seed) {
  ByteVector bytes(count);
  seeded_random(seed)->fill(bytes);
  return bytes;
}

/// How many of the `available` bytes the next delivery carries (1..available).
using Cut = std::function<std::size_t(std::size_t available)>;
inline Cut whole() {
  return [](std::size_t available) { return available; };
}
inline Cut pieces_of(std::size_t size) {
  return [size](std::size_t available) { return std::min(size, available); };
}
inline Cut random_pieces(std::uint64_t seed) {
  std::shared_ptr<Random> random = seeded_random(seed);
  return [random](std::size_t available) { return std::size_t(1 + random->below(available)); };
}

/// One side of a connection in memory.
struct Side {
  std::unique_ptr<Handshake> handshake;
  ByteQueue received;  // delivered, not consumed yet
  ByteQueue sent;      // not delivered yet
  Status status = {};
  std::unique_ptr<Channel> channel;
  std::optional<HandshakeOutcome> outcome;

  void start() { status = handshake->start(sent); }
  void receive() {
    if (status && !handshake->done()) status = handshake->receive(received, sent);
  }
  void take() {
    outcome.emplace(handshake->take());
    channel = std::move(outcome->channel);
  }
};

/// Moves some of `from`'s bytes to `to`, as `cut` says; false when there were none.
inline bool deliver(Side& from, Side& to, const Cut& cut) {
  if (from.sent.empty()) return false;
  const std::size_t size = cut(from.sent.size());
  to.received.append(from.sent.view().first(size));
  from.sent.consume(size);
  return true;
}

struct Pair {
  Side initiator, responder;

  Pair(Protocol& dialer, Protocol& listener, HandshakeConfig initiator_config, HandshakeConfig responder_config) {
    initiator_config.role = Role::Initiator;
    responder_config.role = Role::Responder;
    initiator.handshake = dialer.begin(std::move(initiator_config));
    responder.handshake = listener.begin(std::move(responder_config));
  }

  /// Runs both until nothing moves.
  void run(const Cut& cut = whole()) {
    initiator.start();
    responder.start();
    bool moved = true;
    while (moved) {
      moved = deliver(initiator, responder, cut);
      responder.receive();
      moved |= deliver(responder, initiator, cut);
      initiator.receive();
    }
  }

  /// With one bit of byte `target` of all that is sent flipped. How many bytes were sent until both were done, if ever.
  std::size_t run_garbled(std::size_t target) {
    initiator.start();
    responder.start();
    std::size_t passed = 0;
    const auto garble = [&](Side& side) {
      if (both_done()) return;
      if (passed <= target && target < passed + side.sent.size())
        side.sent.mutable_view()[target - passed] ^= std::uint8_t(1u << (target % 8));
      passed += side.sent.size();
    };
    for (int round = 0; round < 6; ++round) {
      garble(initiator);
      deliver(initiator, responder, whole());
      responder.receive();
      garble(responder);
      deliver(responder, initiator, whole());
      initiator.receive();
    }
    return passed;
  }

  bool both_done() const {
    return initiator.status && responder.status && initiator.handshake->done() && responder.handshake->done();
  }

  void take() {
    initiator.take();
    responder.take();
  }
};

/// Seals `plaintext` at `from` and opens it at `to`, in pieces; what came out.
inline Result<ByteVector> transfer(Side& from, Side& to, Bytes plaintext, const Cut& cut = whole()) {
  Collector sink;
  STARLING_CHECK(from.channel->seal(plaintext, from.sent));
  while (deliver(from, to, cut)) STARLING_CHECK(to.channel->open(to.received, sink));
  return std::move(sink.bytes);
}

}  // namespace starling::security::testing
