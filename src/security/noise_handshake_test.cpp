// What is special to the Noise handshake: who may say what in which message, and what is remembered between runs.
#include "security/noise_handshake.hpp"

#include <gtest/gtest.h>

#include "security/noise_channel.hpp"
#include "security/security_test_support.hpp"

namespace starling::security {
namespace {

using namespace testing;
using crypto::KeyType;

const crypto::PrivateKey& dialer_key() { return test_key(KeyType::Ed25519, 0); }
const crypto::PrivateKey& listener_key() { return test_key(KeyType::Ed25519, 1); }

/// A remote that speaks Noise as it should, and says in its payload whatever the test wants.
class Scripted {
 public:
  explicit Scripted(Role role) : xx_(role, static_, system_random()) {}

  NoisePayload honest(const crypto::PrivateKey& identity = dialer_key()) const {
    return {.identity_key = identity.public_key().to_protobuf(),
            .identity_sig = identity.sign(signed_static_key(static_.public_key())).value()};
  }
  void say(Bytes payload, ByteQueue& out) {
    ByteVector message(kNoiseHeaderBytes);
    ASSERT_TRUE(xx_.write(payload, message));
    put_u16_be(message.data(), std::uint16_t(message.size() - kNoiseHeaderBytes));
    out.append(message);
  }
  NoisePayload hear(ByteQueue& in) {
    const std::size_t size = get_u16_be(in.view().data());
    const ByteVector payload = xx_.read(in.view().subspan(kNoiseHeaderBytes, size)).value();
    in.consume(kNoiseHeaderBytes + size);
    return parse_noise_payload(payload).value();
  }

 private:
  crypto::X25519KeyPair static_ = crypto::X25519KeyPair::generate(system_random());
  NoiseXx xx_;
};

/// A responder of ours against a scripted initiator whose third message carries `payload`.
Status responder_hears(const std::function<ByteVector(const Scripted&)>& payload, Bytes first_payload = {},
                       std::string* muxer = nullptr) {
  const auto protocol = make_noise(listener_key(), system_random()).value();
  const auto handshake = protocol->begin({.role = Role::Responder, .muxers = {"/yamux/1.0.0", "/mplex/6.7.0"}});
  Scripted remote(Role::Initiator);
  ByteQueue to_us, to_remote;
  STARLING_CHECK(handshake->start(to_remote));
  EXPECT_TRUE(to_remote.empty()) << "a responder waits";
  remote.say(first_payload, to_us);
  STARLING_CHECK(handshake->receive(to_us, to_remote));
  EXPECT_EQ(remote.hear(to_remote).identity_key, listener_key().public_key().to_protobuf());
  remote.say(payload(remote), to_us);
  STARLING_CHECK(handshake->receive(to_us, to_remote));
  EXPECT_TRUE(handshake->done());
  if (muxer != nullptr) *muxer = handshake->take().muxer;
  return {};
}

TEST(NoiseHandshake, an_honest_payload_is_accepted) {
  EXPECT_TRUE(responder_hears([](const Scripted& remote) { return encode_noise_payload(remote.honest()); }));
}

TEST(NoiseHandshake, what_the_first_message_says_does_not_count) {
  EXPECT_TRUE(responder_hears([](const Scripted& remote) { return encode_noise_payload(remote.honest()); },
                              as_bytes("\xff\xff not a payload")));
}

TEST(NoiseHandshake, payloads_that_prove_nothing_are_refused) {
  const auto refuses = [](const std::function<ByteVector(const Scripted&)>& payload, ErrorCode cause) {
    const Status status = responder_hears(payload);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error(), ErrorCode::HandshakeFailed);
    EXPECT_EQ(status.error().origin(), Origin::Remote);
    ASSERT_NE(status.error().cause(), nullptr);
    EXPECT_EQ(status.error().cause()->code(), cause) << status.error().message();
  };
  refuses([](const Scripted&) { return to_vector(as_bytes("nonsense")); }, ErrorCode::Malformed);
  refuses(
      [](const Scripted& remote) {  // another one's key
        NoisePayload payload = remote.honest();
        payload.identity_key = listener_key().public_key().to_protobuf();
        return encode_noise_payload(payload);
      },
      ErrorCode::BadSignature);
  refuses(
      [](const Scripted& remote) {  // no signature
        NoisePayload payload = remote.honest();
        payload.identity_sig.clear();
        return encode_noise_payload(payload);
      },
      ErrorCode::BadSignature);
  refuses(
      [](const Scripted&) {
        return encode_noise_payload(Scripted(Role::Initiator).honest());
      },  // of another static key
      ErrorCode::BadSignature);
  EXPECT_FALSE(responder_hears([](const Scripted&) { return ByteVector(); })) << "no identity at all";
}

TEST(NoiseHandshake, the_responder_takes_the_first_of_the_initiators_list) {
  const auto chosen = [](const std::vector<std::string>& list) {
    std::string muxer;
    EXPECT_TRUE(responder_hears(
        [&](const Scripted& remote) {
          NoisePayload payload = remote.honest();
          payload.extensions.stream_muxers = list;
          return encode_noise_payload(payload);
        },
        {}, &muxer));
    return muxer;
  };
  EXPECT_EQ(chosen({"/mplex/6.7.0", "/yamux/1.0.0"}), "/mplex/6.7.0");
  EXPECT_EQ(chosen({"/yamux/1.0.0"}), "/yamux/1.0.0");
  EXPECT_EQ(chosen({"/other"}), "");
}

// A responder that reads the lists in the wrong order still arrives at our choice: it is offered nothing else.
TEST(NoiseHandshake, the_initiator_sends_only_the_muxer_it_chose) {
  const auto sent_by_initiator = [](const std::vector<std::string>& theirs) {
    const auto protocol = make_noise(dialer_key(), system_random()).value();
    const auto handshake = protocol->begin({.muxers = {"/yamux/1.0.0", "/mplex/6.7.0"}});
    Scripted remote(Role::Responder);
    ByteQueue to_us, to_remote;
    EXPECT_TRUE(handshake->start(to_remote));
    EXPECT_TRUE(remote.hear(to_remote).extensions.stream_muxers.empty()) << "nothing in the first message";
    NoisePayload payload = remote.honest(listener_key());
    payload.extensions.stream_muxers = theirs;
    remote.say(encode_noise_payload(payload), to_us);
    EXPECT_TRUE(handshake->receive(to_us, to_remote));
    return remote.hear(to_remote).extensions.stream_muxers;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(sent_by_initiator({"/mplex/6.7.0", "/yamux/1.0.0"}), Names{"/yamux/1.0.0"});
  EXPECT_EQ(sent_by_initiator({"/mplex/6.7.0"}), Names{"/mplex/6.7.0"});
  EXPECT_EQ(sent_by_initiator({}), (Names{"/yamux/1.0.0", "/mplex/6.7.0"}));
  EXPECT_EQ(sent_by_initiator({"/other"}), (Names{"/yamux/1.0.0", "/mplex/6.7.0"}));
}

TEST(NoiseHandshake, the_first_message_is_a_bare_key) {
  const auto protocol = make_noise(dialer_key(), system_random()).value();
  ByteQueue out;
  ASSERT_TRUE(protocol->begin({.muxers = {"/yamux/1.0.0"}})->start(out));
  EXPECT_EQ(out.size(), kNoiseHeaderBytes + crypto::kX25519Size);
}

TEST(NoiseHandshake, a_host_keeps_its_static_key_and_peers_may_remember_it) {
  const auto identity = NoiseIdentity::create(dialer_key(), system_random()).value();
  VerifiedSignatures verified;
  const auto verify = [&](ByteVector signature) {
    const NoisePayload payload{.identity_key = identity.key_message, .identity_sig = std::move(signature)};
    return verify_static_key(verified, dialer_key().public_key(), payload, identity.static_key.public_key());
  };
  EXPECT_TRUE(verify(identity.signature));
  EXPECT_TRUE(verify(identity.signature));
  EXPECT_EQ(verified.size(), 1u);
  ByteVector wrong = identity.signature;
  wrong[0] ^= 1;
  EXPECT_EQ(verify(wrong).error(), ErrorCode::BadSignature);
  EXPECT_EQ(verified.size(), 1u) << "only good ones are remembered";
}

}  // namespace
}  // namespace starling::security
