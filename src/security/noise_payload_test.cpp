#include "security/noise_payload.hpp"

#include <gtest/gtest.h>

#include "security/muxer_choice.hpp"
#include "security/security_test_support.hpp"
#include "starling/wire/protobuf.hpp"

namespace starling::security {
namespace {

using Names = std::vector<std::string>;

NoisePayload sample() {
  NoisePayload payload{.identity_key = to_vector(as_bytes("key")), .identity_sig = to_vector(as_bytes("sig"))};
  payload.extensions.webtransport_certhashes = {to_vector(as_bytes("hash"))};
  payload.extensions.stream_muxers = {"/yamux/1.0.0", "/mplex/6.7.0"};
  return payload;
}

TEST(NoisePayload, has_the_bytes_of_the_schema) {
  EXPECT_EQ(to_hex(encode_noise_payload(sample())),
            "0a036b6579"
            "1203736967"
            "2222"
            "0a0468617368"
            "120c2f79616d75782f312e302e30"
            "120c2f6d706c65782f362e372e30");
}

TEST(NoisePayload, without_extensions_there_is_no_field_for_them) {
  NoisePayload payload = sample();
  payload.extensions = {};
  EXPECT_EQ(to_hex(encode_noise_payload(payload)),
            "0a036b6579"
            "1203736967");
}

TEST(NoisePayload, round_trips) {
  const auto parsed = parse_noise_payload(encode_noise_payload(sample()));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(as_text(parsed->identity_key), "key");
  EXPECT_EQ(as_text(parsed->identity_sig), "sig");
  EXPECT_EQ(parsed->extensions.webtransport_certhashes, sample().extensions.webtransport_certhashes);
  EXPECT_EQ(parsed->extensions.stream_muxers, sample().extensions.stream_muxers);
}

TEST(NoisePayload, unknown_fields_are_skipped) {
  const auto parsed = parse_noise_payload(from_hex("0a016b"
                                                   "1a0464617461"
                                                   "2800"
                                                   "120173")
                                              .value());
  ASSERT_TRUE(parsed);
  EXPECT_EQ(as_text(parsed->identity_key), "k");
  EXPECT_EQ(as_text(parsed->identity_sig), "s");
}

TEST(NoisePayload, an_empty_message_is_an_empty_payload) {
  const auto parsed = parse_noise_payload({});
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(parsed->identity_key.empty() && parsed->identity_sig.empty());
}

TEST(NoisePayload, broken_messages_are_refused) {
  for (const char* hex : {"0a", "0a05aa", "0801", "22020a05",
                          "2204120161"
                          "ff",
                          "ffffffffffffffffffffff"})
    EXPECT_FALSE(parse_noise_payload(from_hex(hex).value())) << hex;
}

ByteVector with_extensions(std::uint32_t field, std::size_t count) {
  ByteVector message;
  wire::MessageWriter(message).message(4, [&](wire::MessageWriter& inner) {
    for (std::size_t i = 0; i < count; ++i) inner.text(field, "m" + std::to_string(i));
  });
  return message;
}

TEST(NoisePayload, more_muxers_than_the_limit_count_as_none) {
  const auto muxers = [](std::size_t count) {
    return parse_noise_payload(with_extensions(2, count)).value().extensions.stream_muxers.size();
  };
  EXPECT_EQ(muxers(kMaxRemoteMuxers), kMaxRemoteMuxers);
  EXPECT_EQ(muxers(kMaxRemoteMuxers + 1), 0u);
  EXPECT_EQ(muxers(10 * kMaxRemoteMuxers), 0u);
}

TEST(NoisePayload, certificate_hashes_are_bounded) {
  EXPECT_TRUE(parse_noise_payload(with_extensions(1, kMaxCertHashes)));
  EXPECT_EQ(parse_noise_payload(with_extensions(1, kMaxCertHashes + 1)).error(), ErrorCode::TooLarge);
}

TEST(NoisePayload, the_signed_message_has_the_specs_prefix) {
  EXPECT_EQ(as_text(signed_static_key(as_bytes("0123"))), "noise-libp2p-static-key:0123");
}

TEST(MuxerChoice, the_first_of_the_initiator_that_both_have) {
  EXPECT_EQ(choose_muxer({"a", "b"}, {"b", "a"}), "a");
  EXPECT_EQ(choose_muxer({"x", "b"}, {"a", "b"}), "b");
  EXPECT_EQ(choose_muxer({"x"}, {"a"}), "");
  EXPECT_EQ(choose_muxer({}, {"a"}), "");
  EXPECT_EQ(choose_muxer(Names(kMaxRemoteMuxers + 1, "a"), {"a"}), "");
}

}  // namespace
}  // namespace starling::security
