#include "starling/crypto/hash.hpp"

#include <gtest/gtest.h>

namespace starling::crypto {
namespace {

ByteVector hex(std::string_view text) { return from_hex(text).value(); }
ByteVector repeat(std::size_t count, std::uint8_t byte) { return ByteVector(count, byte); }

// FIPS 180-4 examples
TEST(HashTest, sha256_vectors) {
  EXPECT_EQ(to_hex(sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(sha256(as_bytes("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha256(as_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(to_hex(sha256(repeat(1'000'000, 'a'))), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(HashTest, pieces_give_the_digest_of_the_whole) {
  const ByteVector message = repeat(200, 0x5a);
  for (std::size_t cut = 0; cut <= message.size(); ++cut) {
    Sha256 hash;
    hash.update(Bytes(message).first(cut)).update({}).update(Bytes(message).subspan(cut));
    EXPECT_EQ(hash.finish(), sha256(message)) << cut;
  }
}

TEST(HashTest, copy_goes_on_by_itself_and_finish_begins_anew) {
  Sha256 prefix;
  prefix.update(as_bytes("ab"));
  Sha256 copy = prefix;
  EXPECT_EQ(copy.update(as_bytes("c")).finish(), sha256(as_bytes("abc")));
  EXPECT_EQ(prefix.update(as_bytes("d")).finish(), sha256(as_bytes("abd")));
  EXPECT_EQ(copy.finish(), sha256({}));
}

// RFC 4231, test cases 1 to 4, 6 and 7
TEST(HashTest, hmac_vectors) {
  struct Case {
    ByteVector key, message;
    std::string_view mac;
  };
  const auto text = [](std::string_view characters) { return to_vector(as_bytes(characters)); };
  const Case cases[] = {
      {repeat(20, 0x0b), text("Hi There"), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {text("Jefe"), text("what do ya want for nothing?"),
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {repeat(20, 0xaa), repeat(50, 0xdd), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {hex("0102030405060708090a0b0c0d0e0f10111213141516171819"), repeat(50, 0xcd),
       "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
      {repeat(131, 0xaa), text("Test Using Larger Than Block-Size Key - Hash Key First"),
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {repeat(131, 0xaa),
       text("This is a test using a larger than block-size key and a larger than block-size data. The key needs to be "
            "hashed before being used by the HMAC algorithm."),
       "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"}};
  for (const Case& c : cases) EXPECT_EQ(to_hex(hmac_sha256(c.key, c.message)), c.mac);
}

TEST(HashTest, hmac_of_pieces_is_that_of_the_whole) {
  EXPECT_EQ(hmac_sha256(as_bytes("key"), {as_bytes("one"), {}, as_bytes("two")}),
            hmac_sha256(as_bytes("key"), as_bytes("onetwo")));
}

// RFC 5869, appendix A.1 to A.3
TEST(HashTest, hkdf_vectors) {
  struct Case {
    ByteVector input, salt, info;
    std::string_view extracted, expanded;
  };
  ByteVector input(80), salt(80), info(80);
  for (std::size_t i = 0; i < 80; ++i) {
    input[i] = std::uint8_t(i);
    salt[i] = std::uint8_t(0x60 + i);
    info[i] = std::uint8_t(0xb0 + i);
  }
  const Case cases[] = {{repeat(22, 0x0b), hex("000102030405060708090a0b0c"), hex("f0f1f2f3f4f5f6f7f8f9"),
                         "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
                         "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
                        {input, salt, info, "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
                         "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590"
                         "e09da3275600c2f09b8"
                         "367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
                        {repeat(22, 0x0b),
                         {},
                         {},
                         "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
                         "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"}};
  for (const Case& c : cases) {
    const Sha256Digest extracted = hkdf_extract(c.salt, c.input);
    EXPECT_EQ(to_hex(extracted), c.extracted);
    ByteVector out(c.expanded.size() / 2);
    hkdf_expand(extracted, c.info, out);
    EXPECT_EQ(to_hex(out), c.expanded);
  }
}

// Noise revision 34, section 4.3, written out
TEST(HashTest, noise_hkdf_is_the_chain_of_hmacs) {
  const Sha256Digest chaining_key = sha256(as_bytes("chain"));
  const ByteVector input = to_vector(as_bytes("input"));
  const Sha256Digest temporary = hmac_sha256(chaining_key, input);
  const Sha256Digest one = hmac_sha256(temporary, hex("01"));
  const Sha256Digest two = hmac_sha256(temporary, {one, hex("02")});
  const Sha256Digest three = hmac_sha256(temporary, {two, hex("03")});
  EXPECT_EQ((noise_hkdf<3>(chaining_key, input)), (std::array{one, two, three}));
  EXPECT_EQ((noise_hkdf<2>(chaining_key, input)), (std::array{one, two}));
  EXPECT_EQ(noise_hkdf<2>(chaining_key, {})[0], hmac_sha256(hmac_sha256(chaining_key, Bytes{}), hex("01")));
}

TEST(HashTest, hkdf_output_is_bounded) {
  ByteVector largest(255 * 32), too_large(255 * 32 + 1);
  hkdf_expand({}, {}, largest);
  EXPECT_DEATH(hkdf_expand({}, {}, too_large), "255 digests");
}

}  // namespace
}  // namespace starling::crypto
