#include "starling/crypto/aead.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

namespace starling::crypto {
namespace {

constexpr std::size_t kTag = ChaChaPoly::kTagSize;

ByteVector hex(std::string_view text) { return from_hex(text).value(); }
ByteVector pattern(std::size_t size) {
  ByteVector bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = std::uint8_t(i * 7 + i / 251);
  return bytes;
}
ByteVector seal(const ChaChaPoly& cipher, const ChaChaPoly::Nonce& nonce, Bytes associated, Bytes plaintext) {
  ByteVector sealed(plaintext.size() + kTag);
  EXPECT_TRUE(cipher.seal(nonce, associated, plaintext, sealed));
  return sealed;
}

// RFC 8439, section 2.8.2
TEST(AeadTest, rfc8439_vector) {
  const ChaChaPoly cipher(hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"));
  const ByteVector associated = hex("50515253c0c1c2c3c4c5c6c7");
  ChaChaPoly::Nonce nonce;
  std::ranges::copy(hex("070000004041424344454647"), nonce.begin());
  const Bytes plaintext = as_bytes(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be "
      "it.");
  ByteVector sealed = seal(cipher, nonce, associated, plaintext);
  EXPECT_EQ(
      to_hex(sealed),
      "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e06"
      "0b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d265"
      "86cec64b61161ae10b594f09e26a7e902ecbd0600691");
  const auto opened = cipher.open(nonce, associated, sealed);
  ASSERT_TRUE(opened);
  EXPECT_TRUE(equal(*opened, plaintext));
}

TEST(AeadTest, noise_nonce_is_little_endian_behind_four_zeros) {
  EXPECT_EQ(to_hex(ChaChaPoly::noise_nonce(0)), "000000000000000000000000");
  EXPECT_EQ(to_hex(ChaChaPoly::noise_nonce(0x0102030405060708)), "000000000807060504030201");
  EXPECT_EQ(to_hex(ChaChaPoly::noise_nonce(~std::uint64_t{0})), "00000000ffffffffffffffff");
}

// Sizes around the chunk in which records are processed, and the largest Noise record.
TEST(AeadTest, every_size_comes_back) {
  const ChaChaPoly cipher(pattern(32));
  for (const std::size_t size : {0, 1, 15, 16, 17, 63, 64, 65, 4095, 4096, 4097, 8192, 12000, 65519}) {
    SCOPED_TRACE(size);
    const ByteVector plaintext = pattern(size);
    const auto nonce = ChaChaPoly::noise_nonce(size);
    ByteVector sealed = seal(cipher, nonce, as_bytes("header"), plaintext);
    ByteVector in_place = plaintext;
    in_place.resize(size + kTag);
    ASSERT_TRUE(cipher.seal(nonce, as_bytes("header"), Bytes(in_place).first(size), in_place));
    EXPECT_EQ(in_place, sealed);
    const auto opened = cipher.open(nonce, as_bytes("header"), sealed);
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->data(), sealed.data());
    EXPECT_TRUE(equal(*opened, plaintext));
  }
}

TEST(AeadTest, any_change_is_refused_and_leaves_no_plaintext) {
  const ChaChaPoly cipher(pattern(32));
  const auto nonce = ChaChaPoly::noise_nonce(1);
  const ByteVector plaintext = pattern(100);
  const ByteVector sealed = seal(cipher, nonce, as_bytes("ad"), plaintext);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    ByteVector changed = sealed;
    changed[i] ^= 0x10;
    EXPECT_EQ(cipher.open(nonce, as_bytes("ad"), changed).error().code(), ErrorCode::DecryptFailed);
    EXPECT_TRUE(std::ranges::all_of(Bytes(changed).first(100), [](std::uint8_t byte) { return byte == 0; }));
  }
  ByteVector copy = sealed;
  EXPECT_FALSE(cipher.open(nonce, as_bytes("da"), copy));
  copy = sealed;
  EXPECT_FALSE(cipher.open(ChaChaPoly::noise_nonce(2), as_bytes("ad"), copy));
  copy = sealed;
  EXPECT_FALSE(ChaChaPoly(ByteVector(32, 1)).open(nonce, as_bytes("ad"), copy));
  copy = sealed;
  EXPECT_TRUE(cipher.open(nonce, as_bytes("ad"), copy)) << "a failure before does not disturb the next record";
}

TEST(AeadTest, record_shorter_than_its_tag_is_refused) {
  const ChaChaPoly cipher(pattern(32));
  for (std::size_t size = 0; size < kTag; ++size) {
    ByteVector record(size);
    EXPECT_EQ(cipher.open({}, {}, record).error().code(), ErrorCode::DecryptFailed);
  }
}

TEST(AeadTest, keys_and_directions_take_turns_in_one_thread) {
  const ChaChaPoly first(pattern(32)), second(ByteVector(32, 9));
  for (std::uint64_t n = 0; n < 20; ++n) {
    const auto nonce = ChaChaPoly::noise_nonce(n);
    ByteVector a = seal(first, nonce, {}, as_bytes("first"));
    ByteVector b = seal(second, nonce, {}, as_bytes("second"));
    EXPECT_EQ(as_text(first.open(nonce, {}, a).value()), "first");
    EXPECT_EQ(as_text(second.open(nonce, {}, b).value()), "second");
  }
}

TEST(AeadTest, object_works_on_another_thread) {
  const ChaChaPoly cipher(pattern(32));
  ByteVector sealed = seal(cipher, {}, {}, as_bytes("hello"));
  std::thread([&] { EXPECT_EQ(as_text(cipher.open({}, {}, sealed).value()), "hello"); }).join();
}

TEST(AeadTest, key_moves) {
  ChaChaPoly cipher(pattern(32));
  ByteVector sealed = seal(cipher, {}, {}, as_bytes("hello"));
  ChaChaPoly moved(std::move(cipher));
  ChaChaPoly assigned(ByteVector(32, 1));
  assigned = std::move(moved);
  EXPECT_EQ(as_text(assigned.open({}, {}, sealed).value()), "hello");
}

TEST(AeadTest, wrong_sizes_of_our_own_are_bugs) {
  EXPECT_DEATH(ChaChaPoly(ByteVector(31)), "32 bytes");
  const ChaChaPoly cipher(pattern(32));
  ByteVector out(20);
  EXPECT_DEATH((void)cipher.seal({}, {}, pattern(5), out), "16 bytes longer");
}

}  // namespace
}  // namespace starling::crypto
