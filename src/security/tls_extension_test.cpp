#include "security/tls_extension.hpp"

#include <gtest/gtest.h>

#include "security/security_test_support.hpp"

namespace starling::security {
namespace {

ErrorCode code_of(std::string_view hex) {
  const ByteVector der = from_hex(hex).value();
  const auto parsed = parse_signed_key(der);
  return parsed ? ErrorCode{} : parsed.error().code();
}

TEST(TlsExtension, reads_key_and_signature) {
  const ByteVector der = from_hex(
                             "3007"
                             "0402aabb"
                             "0401cc")
                             .value();
  const auto parsed = parse_signed_key(der);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(to_hex(parsed->public_key), "aabb");
  EXPECT_EQ(to_hex(parsed->signature), "cc");
}

TEST(TlsExtension, round_trips_every_length_form) {
  for (const std::size_t size : {0, 1, 127, 128, 255, 256, 65535, 65536, 100000}) {
    const ByteVector key = testing::noise_bytes(size, 1), signature = testing::noise_bytes(size / 2, 2);
    const ByteVector der = encode_signed_key({.public_key = key, .signature = signature});
    const auto parsed = parse_signed_key(der);
    ASSERT_TRUE(parsed) << size;
    EXPECT_TRUE(equal(parsed->public_key, key)) << size;
    EXPECT_TRUE(equal(parsed->signature, signature)) << size;
  }
}

TEST(TlsExtension, every_prefix_is_refused) {
  const ByteVector key(200, 7);
  const ByteVector der = encode_signed_key({.public_key = key, .signature = key});
  for (std::size_t size = 0; size < der.size(); ++size) EXPECT_FALSE(parse_signed_key(Bytes(der).first(size))) << size;
}

TEST(TlsExtension, refuses_what_is_not_strict_der) {
  EXPECT_EQ(code_of(""), ErrorCode::Truncated);
  EXPECT_EQ(code_of("3107"
                    "0402aabb"
                    "0401cc"),
            ErrorCode::Malformed);  // a SET
  EXPECT_EQ(code_of("3007"
                    "0302aabb"
                    "0401cc"),
            ErrorCode::Malformed);  // a BIT STRING
  EXPECT_EQ(code_of("3080"
                    "0402aabb"
                    "0401cc"
                    "0000"),
            ErrorCode::Malformed);  // indefinite length
  EXPECT_EQ(code_of("308107"
                    "0402aabb"
                    "0401cc"),
            ErrorCode::NotCanonical);  // long form of a short length
  EXPECT_EQ(code_of("30820007"
                    "0402aabb"
                    "0401cc"),
            ErrorCode::NotCanonical);  // leading zero
  EXPECT_EQ(code_of("308401000000"
                    "0402aabb"
                    "0401cc"),
            ErrorCode::Malformed);  // four length bytes
  EXPECT_EQ(code_of("3007"
                    "0402aabb"
                    "0401cc"
                    "00"),
            ErrorCode::TrailingData);  // behind the sequence
  EXPECT_EQ(code_of("3009"
                    "0402aabb"
                    "0401cc"
                    "0500"),
            ErrorCode::TrailingData);  // a third element
  EXPECT_EQ(code_of("3004"
                    "0402aabb"),
            ErrorCode::Truncated);  // no signature
  EXPECT_EQ(code_of("3007"
                    "0409aabb"
                    "0401cc"),
            ErrorCode::Truncated);  // element beyond the sequence
}

}  // namespace
}  // namespace starling::security
