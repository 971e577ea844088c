// The Noise core against published vectors, and its behaviour when messages are cut or changed.
#include "security/noise_xx.hpp"

#include <gtest/gtest.h>

#include "security/noise_channel.hpp"
#include "security/security_test_support.hpp"

namespace starling::security {
namespace {

using crypto::X25519Bytes;
using crypto::X25519KeyPair;

/// Gives one known ephemeral secret.
class FixedRandom final : public Random {
 public:
  explicit FixedRandom(std::string_view hex) : bytes_(from_hex(hex).value()) {}
  void fill(MutableBytes out) override {
    ASSERT_EQ(out.size(), bytes_.size());
    std::ranges::copy(bytes_, out.begin());
  }

 private:
  ByteVector bytes_;
};

X25519KeyPair key_of(std::string_view hex) {
  X25519Bytes secret;
  std::ranges::copy(from_hex(hex).value(), secret.begin());
  return X25519KeyPair::from_secret(secret);
}

struct Message {
  std::string_view payload, ciphertext;
};

struct Vector {
  const char* source;
  std::string_view prologue, initiator_static, initiator_ephemeral, responder_static, responder_ephemeral;
  std::string_view handshake_hash;  // empty: not given
  std::vector<Message> messages;    // three of the handshake, then transport messages in turns, the responder's first
};

// Noise_XX_25519_ChaChaPoly_SHA256 out of the vector files of cacophony and snow.
const Vector kVectors[] = {
    {"cacophony",
     "4a6f686e2047616c74",
     "e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1",
     "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a",
     "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893",
     "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b",
     "c8e5f64e846193be2a834104c2a009868d6c9f3bd3c186299888b488b2f1f58e",
     {{"4c756477696720766f6e204d69736573",
       "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c79444c756477696720766f6e204d69736573"},
      {"4d757272617920526f746862617264",
       "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f14480884381cbad1f276e038c48378ffce2b65285"
       "e08d6b68aaa3629a5a8639392490e5b9bd5269c2f1e4f488ed8831161f19b7815528f8982ffe09be9b5c412f8a0db50f"
       "8814c7194e83f23dbd8d162c9326ad"},
      {"462e20412e20486179656b",
       "c7195ffacac1307ff99046f219750fc47693e23c3cb08b89c2af808b444850a80ae475b9df0f169ae80a89be0865b57f"
       "58c9fea0d4ec82a286427402f113e4b6ae769a1d95941d49b25030"},
      {"4361726c204d656e676572", "96763ed773f8e47bb3712f0e29b3060ffc956ffc146cee53d5e1df"},
      {"4a65616e2d426170746973746520536179", "3e40f15f6f3a46ae446b253bf8b1d9ffb6ed9b174d272328ff91a7e2e5c79c07f5"},
      {"457567656e2042f6686d20766f6e2042617765726b",
       "eb3f3515110702e047a6c9da4478b6ead94873c11c0f2d710ddb3f09fce024b3a58502ae3f"}}},
    {"snow",
     "5468657265206973206e6f20726967687420616e642077726f6e672e2054686572652773206f6e6c792066756e20616e6420626f72696e672"
     "e",
     "7dec208517a3b81a2861d7a71266d5d6dc944c5a8816634a86fe63198a0148ee",
     "a32daf21e93c0131495ce1d903181fde81cc46937daaeb990bae7c992709421e",
     "4d0aed5098e3b4ef20357e9f686ce66204c792b358da2e475017d6c485304881",
     "4eece0f195d026db035ff987597c429d3ad3bcc2944df37d649528951b2a27c5",
     "",
     {{"d03c489139e645d0711a3c9e810d776b46a84912463fafa87b884eebf242dc34",
       "f9fa868ba97ab8a2686deccfaad5a484ee10a5bb85e3d1dce015a84797f92818"
       "d03c489139e645d0711a3c9e810d776b46a84912463fafa87b884eebf242dc34"},
      {"d8190a92f7dc0c93dbea9118ba8055751fb7c6590c416ffbd419964132b99a85",
       "8c4e6fdb7d09d501a86f7eca5c234522751706ed409182c05cdf5f827d4dae47b81c6c5f43b025692c24391eefee725c"
       "17d8cb0fbe3e4abb8aedf42c4fd2592d4ea48ac08989d6ae8b4adae08b2c34087c808c7aa55a63c02b0fab9e93061233"
       "6bd43eaea04d3c670a0a146691aa9cc9d357872320dc735dbc48580cffb553db"},
      {"77891b19dcb92ef7c055b672c4a5aa7fdf1c84146b8b303459022729473ce254",
       "933ca6b5ed60df3df66121f0ab49a09e49efa45c613a86a3cecbf4c535cef2f83f72b42837b18e3572f2fdc2b74c331e"
       "2368a545cef54bdca081678ab0e9dd5348122459e0c034c851984d88ce610963d43cde6cfe73a67fbd5a63e8bfca96d0"},
      {"d7efdf988072881941db045a42882433817555128fbf5663e56081712ec7d212",
       "54ef0ff0629e1aaa7685a2806ab111cba76b52331f2642276736f415868eacb69ab2577f3bda0cbf72f879685f6ed25f"},
      {"dd7bf01a588bafb52c6cfba952e5d8fe35cc2b3f92b4730ae2474615157345ce",
       "356be70f110306d5c699bb834bb9d58d909e325924dfbec972e406e6f294dc63e1daebefe8a62a334facc8048ab4ad66"}}},
};

struct VectorRun {
  explicit VectorRun(const Vector& vector)
      : initiator_key(key_of(vector.initiator_static)),
        responder_key(key_of(vector.responder_static)),
        initiator_random(vector.initiator_ephemeral),
        responder_random(vector.responder_ephemeral),
        prologue(from_hex(vector.prologue).value()) {}

  X25519KeyPair initiator_key, responder_key;
  FixedRandom initiator_random, responder_random;
  ByteVector prologue;
  NoiseXx initiator{Role::Initiator, initiator_key, initiator_random, prologue};
  NoiseXx responder{Role::Responder, responder_key, responder_random, prologue};

  NoiseXx& writer(std::size_t message) { return message % 2 == 0 ? initiator : responder; }
  NoiseXx& reader(std::size_t message) { return message % 2 == 0 ? responder : initiator; }
};

TEST(NoiseXx, handshake_messages_are_those_of_the_published_vectors) {
  for (const Vector& vector : kVectors) {
    VectorRun run(vector);
    for (std::size_t i = 0; i < 3; ++i) {
      ByteVector message;
      ASSERT_TRUE(run.writer(i).write(from_hex(vector.messages[i].payload).value(), message));
      EXPECT_EQ(to_hex(message), vector.messages[i].ciphertext) << vector.source << i;
      EXPECT_EQ(to_hex(run.reader(i).read(message).value()), vector.messages[i].payload) << vector.source << i;
    }
    ASSERT_TRUE(run.initiator.finished() && run.responder.finished());
    EXPECT_EQ(run.initiator.remote_static(), run.responder_key.public_key());
    EXPECT_EQ(run.responder.remote_static(), run.initiator_key.public_key());
    EXPECT_EQ(run.initiator.hash(), run.responder.hash());
    if (!vector.handshake_hash.empty()) EXPECT_EQ(to_hex(run.initiator.hash()), vector.handshake_hash);
  }
}

// The channel's records are the vectors' transport messages behind their length.
TEST(NoiseXx, transport_records_are_those_of_the_published_vectors) {
  for (const Vector& vector : kVectors) {
    VectorRun run(vector);
    for (std::size_t i = 0; i < 3; ++i) {
      ByteVector message;
      ASSERT_TRUE(run.writer(i).write(from_hex(vector.messages[i].payload).value(), message));
      ASSERT_TRUE(run.reader(i).read(message));
    }
    NoiseCiphers at_initiator = run.initiator.split(), at_responder = run.responder.split();
    NoiseChannel initiator(std::move(at_initiator.from_initiator), std::move(at_initiator.from_responder));
    NoiseChannel responder(std::move(at_responder.from_responder), std::move(at_responder.from_initiator));
    for (std::size_t i = 3; i < vector.messages.size(); ++i) {
      const bool from_responder = i % 2 == 1;
      NoiseChannel& from = from_responder ? responder : initiator;
      NoiseChannel& to = from_responder ? initiator : responder;
      ByteQueue wire;
      ASSERT_TRUE(from.seal(from_hex(vector.messages[i].payload).value(), wire));
      EXPECT_EQ(to_hex(wire.view().subspan(kNoiseHeaderBytes)), vector.messages[i].ciphertext) << vector.source << i;
      testing::Collector sink;
      ASSERT_TRUE(to.open(wire, sink));
      EXPECT_EQ(to_hex(sink.bytes), vector.messages[i].payload);
    }
  }
}

TEST(NoiseXx, messages_cut_short_are_refused) {
  const Vector& vector = kVectors[0];
  for (std::size_t cut_message = 0; cut_message < 3; ++cut_message) {
    const std::size_t size = vector.messages[cut_message].ciphertext.size() / 2;
    for (std::size_t cut = 0; cut < size; ++cut) {
      if (cut_message == 0 && cut >= crypto::kX25519Size) break;  // its payload is open, so any size is a message
      VectorRun run(vector);
      for (std::size_t i = 0; i < cut_message; ++i) {
        ByteVector message;
        ASSERT_TRUE(run.writer(i).write(from_hex(vector.messages[i].payload).value(), message));
        ASSERT_TRUE(run.reader(i).read(message));
      }
      const ByteVector message = from_hex(vector.messages[cut_message].ciphertext).value();
      EXPECT_FALSE(run.reader(cut_message).read(Bytes(message).first(cut))) << cut_message << " " << cut;
    }
  }
}

TEST(NoiseXx, a_key_of_small_order_is_refused) {
  VectorRun run(kVectors[0]);
  const ByteVector zero(crypto::kX25519Size);
  ASSERT_TRUE(run.responder.read(zero));
  ByteVector answer;
  const auto written = run.responder.write({}, answer);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error(), ErrorCode::BadKey);
}

TEST(NoiseXx, another_prologue_is_noticed) {
  VectorRun run(kVectors[0]);
  NoiseXx other(Role::Responder, run.responder_key, run.responder_random, as_bytes("other"));
  ByteVector first, second;
  ASSERT_TRUE(run.initiator.write({}, first));
  ASSERT_TRUE(other.read(first));
  ASSERT_TRUE(other.write({}, second));
  EXPECT_EQ(run.initiator.read(second).error(), ErrorCode::DecryptFailed);
}

TEST(NoiseXx, turns_alternate) {
  VectorRun run(kVectors[0]);
  EXPECT_TRUE(run.initiator.may_write() && run.initiator.first_message());
  EXPECT_FALSE(run.responder.may_write());
  ByteVector message;
  ASSERT_TRUE(run.initiator.write({}, message));
  EXPECT_FALSE(run.initiator.may_write());
  ASSERT_TRUE(run.responder.read(message));
  EXPECT_TRUE(run.responder.may_write());
}

}  // namespace
}  // namespace starling::security
