#include "starling/peer/peer_record.hpp"

#include <gtest/gtest.h>

#include "peer/go_vectors.hpp"
#include "starling/wire/protobuf.hpp"

namespace starling {
namespace {

using crypto::KeyType;
using crypto::PrivateKey;

constexpr std::string_view kStandardDomain = "libp2p-peer-record", kLegacyDomain = "libp2p-routing-state";
constexpr std::string_view kLegacyType = "/libp2p/routing-state-record";

PrivateKey key_of(std::uint64_t seed) { return PrivateKey::generate(KeyType::Ed25519, *seeded_random(seed)).value(); }
Multiaddr address(std::string_view text) { return Multiaddr::from_string(text).value(); }
PeerRecord record_of(const PrivateKey& key) {
  return {PeerId::from_public_key(key.public_key()),
          0xfedcba9876543210,
          {address("/ip4/127.0.0.1/tcp/1337"), address("/ip6/::1/udp/4001/quic-v1"),
           address("/dns4/example.com/tcp/1/ws")}};
}

TEST(PeerRecordTest, comes_back_in_both_formats) {
  const PrivateKey key = key_of(1);
  const PeerRecord record = record_of(key);
  for (const auto format : {PeerRecordFormat::Standard, PeerRecordFormat::Legacy}) {
    const SignedEnvelope envelope = record.seal(key, format).value();
    EXPECT_EQ(PeerRecord::open(envelope).value(), record);
    EXPECT_EQ(PeerRecord::open(envelope.to_protobuf()).value(), record);
  }
}

// go-libp2p: core/peer/record_test.go; rust-libp2p: core/src/peer_record.rs
TEST(PeerRecordTest, constants_are_those_of_go_and_of_rust) {
  const PrivateKey key = key_of(1);
  const SignedEnvelope standard = record_of(key).seal(key).value();
  EXPECT_EQ(to_hex(standard.payload_type()), "0301");
  EXPECT_TRUE(standard.verify(kStandardDomain));
  const SignedEnvelope legacy = record_of(key).seal(key, PeerRecordFormat::Legacy).value();
  EXPECT_EQ(as_text(legacy.payload_type()), kLegacyType);
  EXPECT_TRUE(legacy.verify(kLegacyDomain));
  EXPECT_EQ(standard.payload().size(), legacy.payload().size());
}

TEST(PeerRecordTest, is_byte_for_byte_what_go_makes) {
  const PrivateKey key = PrivateKey::from_protobuf(from_hex(vectors::kGoKey).value()).value();
  const PeerRecord record{PeerId::from_string(vectors::kGoPeerId).value(),
                          1'700'000'000'000'000'000,
                          {address("/ip4/192.0.2.7/tcp/4001"), address("/ip6/2001:db8::1/udp/4001/quic-v1")}};
  EXPECT_EQ(record.peer.to_cid_string(), vectors::kGoPeerCid);
  EXPECT_EQ(PeerRecord::open(from_hex(vectors::kGoStandardRecord).value()).value(), record);
  EXPECT_EQ(PeerRecord::open(from_hex(vectors::kGoLegacyRecord).value()).value(), record);
  EXPECT_EQ(to_hex(record.seal(key)->to_protobuf()), vectors::kGoStandardRecord);
  EXPECT_EQ(to_hex(record.seal(key, PeerRecordFormat::Legacy)->to_protobuf()), vectors::kGoLegacyRecord);
}

TEST(PeerRecordTest, formats_do_not_mix) {
  const PrivateKey key = key_of(1);
  const ByteVector payload = record_of(key).to_protobuf();
  const auto open = [&](std::string_view domain, std::string_view type) {
    return PeerRecord::open(SignedEnvelope::seal(key, domain, as_bytes(type), payload).value());
  };
  EXPECT_EQ(open(kLegacyDomain, "\x03\x01").error().code(), ErrorCode::BadSignature);
  EXPECT_EQ(open(kStandardDomain, kLegacyType).error().code(), ErrorCode::BadSignature);
  EXPECT_EQ(open("libp2p-relay-rsvp", "\x03\x02").error().code(), ErrorCode::UnknownCode);
}

TEST(PeerRecordTest, record_signed_by_another_peer_is_refused) {
  for (const auto& [domain, type] :
       {std::pair{kStandardDomain, std::string_view("\x03\x01")}, std::pair{kLegacyDomain, kLegacyType}}) {
    const auto envelope =
        SignedEnvelope::seal(key_of(2), domain, as_bytes(type), record_of(key_of(1)).to_protobuf()).value();
    EXPECT_EQ(PeerRecord::open(envelope).error().code(), ErrorCode::BadSignature);
  }
}

TEST(PeerRecordTest, another_key_does_not_seal) {
  EXPECT_EQ(record_of(key_of(1)).seal(key_of(2)).error().code(), ErrorCode::InvalidArgument);
}

// The layout of RFC 0003: id, sequence, then each address in a message of its own.
TEST(PeerRecordTest, layout) {
  PeerRecord record;
  record.peer = PeerId::from_bytes(from_hex("0001aa").value()).value();
  record.sequence = 300;
  record.addresses = {address("/ip4/1.2.3.4/tcp/80")};
  EXPECT_EQ(to_hex(record.to_protobuf()),
            "0a030001aa"
            "10ac02"
            "1a0a"
            "0a08"
            "0401020304060050");
  EXPECT_EQ(PeerRecord::from_protobuf(record.to_protobuf()).value(), record);
}

// go-libp2p: core/peer/record_test.go, empty addresses are dropped
TEST(PeerRecordTest, empty_addresses_are_not_written) {
  const PrivateKey key = key_of(1);
  PeerRecord record = record_of(key);
  const PeerRecord without = record;
  record.addresses.insert(record.addresses.begin() + 1, Multiaddr());
  EXPECT_EQ(record.to_protobuf(), without.to_protobuf());
}

TEST(PeerRecordTest, addresses_that_do_not_parse_are_left_out) {
  ByteVector message;
  wire::MessageWriter writer(message);
  writer.bytes(1, from_hex("0001aa").value());
  for (const std::string_view hex : {"", "ffffff7f", "04010203", "0401020304060050"})
    writer.message(3, [&](wire::MessageWriter& info) { info.bytes(1, from_hex(hex).value()); });
  writer.message(3, [](wire::MessageWriter&) {});
  const PeerRecord record = PeerRecord::from_protobuf(message).value();
  ASSERT_EQ(record.addresses.size(), 1u);
  EXPECT_EQ(record.addresses[0].to_string(), "/ip4/1.2.3.4/tcp/80");
  EXPECT_EQ(record.sequence, 0u);
}

TEST(PeerRecordTest, malformed_records_are_refused) {
  EXPECT_EQ(PeerRecord::from_protobuf({}).error().code(), ErrorCode::Truncated) << "no peer id";
  EXPECT_FALSE(PeerRecord::from_protobuf(from_hex("0a0101").value()));
  EXPECT_FALSE(PeerRecord::from_protobuf(from_hex("0a030001aa1a020a05").value())) << "address is cut";
  EXPECT_FALSE(PeerRecord::from_protobuf(from_hex("0a030001aa1801").value())) << "address is a number";
  EXPECT_EQ(PeerRecord::from_protobuf(ByteVector(8193)).error().code(), ErrorCode::TooLarge);
  EXPECT_FALSE(PeerRecord::open(as_bytes("nonsense")));
}

TEST(PeerRecordTest, record_above_8_kib_is_not_sealed) {
  const PrivateKey key = key_of(1);
  PeerRecord record = record_of(key);
  record.addresses.assign(1000, address("/ip4/127.0.0.1/tcp/1337"));
  EXPECT_EQ(record.seal(key).error().code(), ErrorCode::TooLarge);
}

}  // namespace
}  // namespace starling
