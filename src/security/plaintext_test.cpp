#include <gtest/gtest.h>

#include "security/plaintext_exchange.hpp"
#include "security/security_test_support.hpp"
#include "starling/wire/frame.hpp"
#include "starling/wire/protobuf.hpp"

namespace starling::security {
namespace {

using namespace testing;
using crypto::KeyType;

const crypto::PrivateKey& key(int index = 0) { return test_key(KeyType::Ed25519, index); }

/// A framed Exchange of any content.
ByteQueue exchange_of(Bytes id, Bytes public_key) {
  ByteVector message;
  wire::MessageWriter writer(message);
  writer.bytes(1, id);
  writer.bytes(2, public_key);
  ByteQueue framed;
  wire::append_frame(framed, message);
  return framed;
}

TEST(PlaintextExchange, has_id_and_key_behind_its_length) {
  const ByteVector framed = encode_exchange(key().public_key());
  ByteQueue expected = exchange_of(peer_of(key()).bytes(), key().public_key().to_protobuf());
  EXPECT_TRUE(equal(framed, expected.view()));
  EXPECT_EQ(framed[0], framed.size() - 1);
}

TEST(PlaintextExchange, waits_until_the_message_is_whole) {
  const ByteVector framed = encode_exchange(test_key(KeyType::Rsa).public_key());  // a length of two bytes
  for (std::size_t size = 0; size < framed.size(); ++size) {
    ByteQueue in;
    in.append(Bytes(framed).first(size));
    const auto taken = take_exchange(in);
    ASSERT_TRUE(taken) << size;
    EXPECT_FALSE(taken->has_value()) << size;
    EXPECT_EQ(in.size(), size);
  }
}

TEST(PlaintextExchange, an_id_that_is_not_the_keys_is_refused) {
  ByteQueue in = exchange_of(peer_of(key(1)).bytes(), key(0).public_key().to_protobuf());
  EXPECT_EQ(take_exchange(in).error(), ErrorCode::HandshakeFailed);
}

TEST(PlaintextExchange, missing_or_broken_fields_are_refused) {
  const ByteVector public_key = key().public_key().to_protobuf();
  ByteQueue no_id = exchange_of({}, public_key), no_key = exchange_of(peer_of(key()).bytes(), {});
  ByteQueue bad_id = exchange_of(as_bytes("id"), public_key),
            bad_key = exchange_of(peer_of(key()).bytes(), as_bytes("k"));
  for (ByteQueue* in : {&no_id, &no_key, &bad_id, &bad_key}) {
    const auto taken = take_exchange(*in);
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error(), ErrorCode::HandshakeFailed);
    EXPECT_NE(taken.error().cause(), nullptr);
  }
  ByteQueue empty;
  empty.append(ByteVector{0});
  EXPECT_EQ(take_exchange(empty).error(), ErrorCode::HandshakeFailed);
}

TEST(PlaintextExchange, a_length_above_the_bound_is_refused_before_its_bytes_come) {
  ByteQueue in;
  in.append(from_hex("818004").value());  // 64 KiB + 1
  EXPECT_EQ(take_exchange(in).error(), ErrorCode::MessageTooLarge);
  ByteQueue endless;
  endless.append(ByteVector(20, 0xff));
  EXPECT_FALSE(take_exchange(endless));
}

TEST(Plaintext, both_sides_speak_at_once) {
  const auto protocol = make_plaintext(key());
  for (const Role role : {Role::Initiator, Role::Responder}) {
    ByteQueue out;
    ASSERT_TRUE(protocol->begin({.role = role})->start(out));
    EXPECT_TRUE(equal(out.view(), encode_exchange(key().public_key())));
  }
}

TEST(Plaintext, the_channel_passes_bytes_as_they_are) {
  const auto dialer = make_plaintext(key(0)), listener = make_plaintext(key(1));
  Pair two(*dialer, *listener, {}, {});
  two.run();
  ASSERT_TRUE(two.both_done());
  two.take();
  ASSERT_TRUE(two.initiator.channel->seal(as_bytes("open"), two.initiator.sent));
  EXPECT_EQ(as_text(two.initiator.sent.view()), "open");
}

}  // namespace
}  // namespace starling::security
