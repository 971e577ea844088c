// The contract of a security protocol: a handshake machine that ends in a channel machine. Both are pure: bytes in,
// bytes out; no sockets, no clock. Resources: owned by one connection, used on its thread.
// spec: connections/README.md, Upgrading connections
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "starling/base/bytes.hpp"
#include "starling/base/error.hpp"
#include "starling/base/random.hpp"
#include "starling/crypto/keys.hpp"
#include "starling/peer/peer_id.hpp"

namespace starling::security {

enum class Role : std::uint8_t { Initiator, Responder };

/// Receives decrypted bytes. The view dies when the call returns.
class PlaintextSink {
 public:
  virtual Status on_plaintext(Bytes plaintext) = 0;

 protected:
  ~PlaintextSink() = default;
};

/// An established secure channel.
class Channel {
 public:
  virtual ~Channel() = default;
  /// Encrypts `plaintext` into records appended to `wire`.
  virtual Status seal(Bytes plaintext, ByteQueue& wire) = 0;
  /// Decrypts every complete record at the front of `wire`, consumes it and hands its content to `sink`. An
  /// incomplete record stays. Fails on a record that does not authenticate or is malformed; the channel is dead then.
  virtual Status open(ByteQueue& wire, PlaintextSink& sink) = 0;
  /// Appends the protocol's own farewell (TLS close_notify); nothing for protocols without one.
  virtual Status close(ByteQueue& wire) = 0;
  /// True once the remote's farewell came: what follows is the end of the stream, not a truncation.
  virtual bool remote_closed() const = 0;
};

struct HandshakeOutcome {
  PeerId remote_peer;
  crypto::PublicKey remote_key;
  std::string muxer;  // agreed on inside the handshake, or empty
  std::unique_ptr<Channel> channel;
};

/// One run of a handshake.
class Handshake {
 public:
  virtual ~Handshake() = default;
  /// Appends what this side says first, if anything; call once in either role, before receive().
  virtual Status start(ByteQueue& out) = 0;
  /// Consumes what it can of `in` and appends answers to `out`. Bytes behind the handshake stay in `in`: they belong
  /// to the channel. An error ends the handshake; what was appended to `out` (an alert) may still be sent.
  virtual Status receive(ByteQueue& in, ByteQueue& out) = 0;
  virtual bool done() const = 0;
  /// Once, after done().
  virtual HandshakeOutcome take() = 0;
};

struct HandshakeConfig {
  Role role = Role::Initiator;
  /// The peer that must answer; nullopt accepts any.
  std::optional<PeerId> expected_peer;
  /// Muxer protocol ids in order of preference, for negotiation inside the handshake; may be empty.
  std::vector<std::string> muxers;
};

/// A security protocol set up for one identity: makes handshakes.
class Protocol {
 public:
  virtual ~Protocol() = default;
  virtual std::string_view protocol_id() const = 0;  // "/noise"
  virtual std::unique_ptr<Handshake> begin(HandshakeConfig config) = 0;
};

/// Each borrows `random` for its life; the key is copied. A protocol must outlive its handshakes, not its channels; it
/// may be used by several threads at once when `random` may. Errors: key or certificate material that cannot be made.
Result<std::unique_ptr<Protocol>> make_noise(const crypto::PrivateKey& identity, Random& random);
/// `unix_seconds` tells the wall-clock time by which certificates are judged; without one the system's clock does.
/// `resumption`: peers that met before may leave out certificates and signatures, if both are of this implementation.
Result<std::unique_ptr<Protocol>> make_tls(const crypto::PrivateKey& identity,
                                           std::function<std::int64_t()> unix_seconds = {}, bool resumption = true);
/// No encryption at all: for tests only. Runtime offers it only when the options say so.
std::unique_ptr<Protocol> make_plaintext(const crypto::PrivateKey& identity);

}  // namespace starling::security
