#include "security/tls_record_key.hpp"

#include <gtest/gtest.h>

#include <string>

#include "security/security_test_support.hpp"

namespace starling::security {
namespace {

using namespace testing;
using Use = TlsRecordKey::Use;

constexpr std::uint16_t kSuites[] = {0x1301, 0x1302, 0x1303};

crypto::SecretBytes secret(std::string_view hex) { return crypto::SecretBytes(from_hex(hex).value()); }
crypto::SecretBytes secret_for(std::uint16_t suite) {
  return crypto::SecretBytes(noise_bytes(suite == 0x1302 ? 48 : 32, 7));
}
TlsRecordKey make(Use use, std::uint16_t suite, std::uint64_t sequence = 0) {
  return TlsRecordKey::create(use, suite, secret_for(suite), sequence).value();
}
ByteVector seal(TlsRecordKey& key, TlsContent type, Bytes content) {
  ByteVector record(content.size() + kTlsRecordOverhead);
  EXPECT_TRUE(key.seal(type, content, record));
  return record;
}
/// RFC 8448's payload: 0, 1, 2 … 49.
ByteVector fifty_bytes() {
  ByteVector bytes(50);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = std::uint8_t(i);
  return bytes;
}

// RFC 8448, section 3, "Simple 1-RTT Handshake": what the client sends after it.
TEST(TlsRecordKey, seals_the_records_of_rfc_8448) {
  auto client = TlsRecordKey::create(Use::Seal, 0x1301,
                                     secret("9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5"))
                    .value();
  EXPECT_EQ(to_hex(seal(client, TlsContent::ApplicationData, fifty_bytes())),
            "1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a20441e2b62974e"
            "1f5a6292a2977014bd1e3deae63aeebb21694915e4");
  EXPECT_EQ(to_hex(seal(client, TlsContent::Alert, ByteVector{1, 0})),
            "1703030013c9872760655666b74d7ff1153efd6db6d0b0e3");
}

// The server has sent one record, a ticket, before.
TEST(TlsRecordKey, opens_the_records_of_rfc_8448) {
  auto server = TlsRecordKey::create(Use::Open, 0x1301,
                                     secret("a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643"), 1)
                    .value();
  ByteVector record =
      from_hex(
          "17030300432e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36e30efaf97d90e6dffc602dcb501a59a8fcc4"
          "9c4bf2e5f0a21c0047c2abf332540dd032e167c2955d")
          .value();
  const auto opened = server.open(record);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->type, TlsContent::ApplicationData);
  EXPECT_TRUE(equal(opened->content, fifty_bytes()));
}

TEST(TlsRecordKey, every_suite_opens_what_it_seals_at_every_size) {
  for (const std::uint16_t suite : kSuites) {
    TlsRecordKey sender = make(Use::Seal, suite), receiver = make(Use::Open, suite);
    EXPECT_EQ(sender.suite(), suite);
    for (const std::size_t size : {0uz, 1uz, 15uz, 16uz, 17uz, 1000uz, kMaxTlsPlaintext}) {
      const ByteVector content = noise_bytes(size, size);
      ByteVector record = seal(sender, TlsContent::ApplicationData, content);
      const auto opened = receiver.open(record);
      ASSERT_TRUE(opened) << size;
      EXPECT_EQ(opened->type, TlsContent::ApplicationData);
      EXPECT_TRUE(equal(opened->content, content)) << size;
    }
    EXPECT_EQ(sender.sequence(), 7u);
  }
}

TEST(TlsRecordKey, a_changed_bit_anywhere_is_refused_and_leaves_no_plaintext) {
  for (const std::uint16_t suite : kSuites) {
    TlsRecordKey sender = make(Use::Seal, suite);
    const ByteVector whole = seal(sender, TlsContent::ApplicationData, as_bytes("0123456789"));
    for (std::size_t at = 0; at < whole.size(); ++at) {
      TlsRecordKey receiver = make(Use::Open, suite);
      ByteVector record = whole;
      record[at] ^= 1;
      const auto opened = receiver.open(record);
      ASSERT_FALSE(opened) << at;
      EXPECT_EQ(opened.error(), ErrorCode::DecryptFailed);
      EXPECT_EQ(as_text(record).find("234"), std::string_view::npos);
    }
  }
}

TEST(TlsRecordKey, records_too_short_for_their_tag_are_refused) {
  for (std::size_t size = 0; size < kTlsHeaderBytes + 16; ++size) {
    TlsRecordKey receiver = make(Use::Open, 0x1301);
    ByteVector record(size, 0x17);
    EXPECT_EQ(receiver.open(record).error(), ErrorCode::DecryptFailed) << size;
  }
}

TEST(TlsRecordKey, padding_is_taken_off_and_a_record_of_nothing_else_has_no_type) {
  TlsRecordKey sender = make(Use::Seal, 0x1301), receiver = make(Use::Open, 0x1301);
  // A record whose last byte, the type, is zero: what stands before it is type and padding.
  ByteVector padded = seal(sender, TlsContent::Invalid, ByteVector{'h', 'i', 23, 0, 0});
  const auto opened = receiver.open(padded);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->type, TlsContent::ApplicationData);
  EXPECT_EQ(as_text(opened->content), "hi");
  ByteVector nothing = seal(sender, TlsContent::Invalid, ByteVector{0, 0});
  EXPECT_EQ(receiver.open(nothing)->type, TlsContent::Invalid);
}

TEST(TlsRecordKey, after_an_update_only_the_next_secret_opens) {
  for (const std::uint16_t suite : kSuites) {
    TlsRecordKey sender = make(Use::Seal, suite), late = make(Use::Open, suite), receiver = make(Use::Open, suite);
    ASSERT_TRUE(sender.update());
    EXPECT_EQ(sender.sequence(), 0u);
    ByteVector record = seal(sender, TlsContent::ApplicationData, as_bytes("new")), same = record;
    EXPECT_FALSE(late.open(record));
    ASSERT_TRUE(receiver.update());
    EXPECT_EQ(as_text(receiver.open(same).value().content), "new");
  }
}

TEST(TlsRecordKey, other_suites_are_our_own_error) {
  const auto made = TlsRecordKey::create(Use::Seal, 0x1304, secret_for(0x1301));  // CCM
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error(), ErrorCode::Internal);
}

}  // namespace
}  // namespace starling::security
