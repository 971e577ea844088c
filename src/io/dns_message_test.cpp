#include "starling/io/dns_message.hpp"

#include <gtest/gtest.h>

namespace starling::io {
namespace {

using namespace std::chrono_literals;

/// Builds replies field by field; the parser under test does not see this.
class Reply {
 public:
  explicit Reply(const NameQuestion& question, std::uint16_t flags = 0x8180) {
    for (const std::uint16_t field :
         {std::uint16_t(0), flags, std::uint16_t(1), std::uint16_t(0), std::uint16_t(0), std::uint16_t(0)})
      u16(field);
    name(question.name);
    constexpr std::uint16_t kTypes[] = {1, 28, 16};
    u16(kTypes[std::size_t(question.type)]);
    u16(1);
  }
  Reply& record(const std::string& owner, std::uint16_t type, std::uint32_t ttl, const ByteVector& data) {
    name(owner);
    u16(type);
    u16(1);
    u16(std::uint16_t(ttl >> 16));
    u16(std::uint16_t(ttl));
    u16(std::uint16_t(data.size()));
    append(bytes, data);
    put_u16_be(bytes.data() + 6, std::uint16_t(get_u16_be(bytes.data() + 6) + 1));
    return *this;
  }
  static ByteVector encoded(const std::string& text) {
    ByteVector out;
    for (std::size_t start = 0; start <= text.size();) {
      const std::size_t end = std::min(text.find('.', start), text.size());
      out.push_back(std::uint8_t(end - start));
      append(out, as_bytes(std::string_view(text).substr(start, end - start)));
      start = end + 1;
    }
    out.push_back(0);
    return out;
  }
  ByteVector bytes;

 private:
  void u16(std::uint16_t value) {
    bytes.resize(bytes.size() + 2);
    put_u16_be(bytes.data() + bytes.size() - 2, value);
  }
  void name(const std::string& text) { append(bytes, encoded(text)); }
};

ByteVector strings(const std::vector<std::string>& parts) {
  ByteVector data;
  for (const std::string& part : parts) {
    data.push_back(std::uint8_t(part.size()));
    append(data, as_bytes(part));
  }
  return data;
}

constexpr std::uint16_t kA = 1, kCname = 5, kTxt = 16, kAaaa = 28;
const NameQuestion kAskA{"x.example", RecordType::A}, kAskAaaa{"x.example", RecordType::Aaaa},
    kAskTxt{"x.example", RecordType::Txt};

ErrorCode code_of(const Result<NameRecords>& result) { return result ? ErrorCode::Internal : result.error().code(); }
Result<NameRecords> decode(const NameQuestion& question, Bytes message) {
  return decode_dns_reply(question, message, "the server");
}

TEST(DnsMessage, a_query_holds_one_question_with_id_zero_and_wants_recursion) {
  const auto query = encode_dns_query(kAskTxt);
  ASSERT_TRUE(query);
  EXPECT_EQ(to_hex(*query),
            "000001000001000000000000"
            "017807"
            "6578616d706c65"
            "00"
            "0010"
            "0001");
  EXPECT_FALSE(encode_dns_query({std::string(64, 'a'), RecordType::A}));
}

TEST(DnsMessage, addresses_come_with_the_shortest_time_to_live_aliases_included) {
  Reply reply(kAskA);
  reply.record("x.example", kCname, 7, Reply::encoded("y.example"));
  reply.record("y.example", kA, 60, {1, 2, 3, 4}).record("y.example", kA, 90, {1, 2, 3, 5});
  const auto found = decode(kAskA, reply.bytes);
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(found->addresses, (std::vector{IpAddress::v4({1, 2, 3, 4}), IpAddress::v4({1, 2, 3, 5})}));
  EXPECT_EQ(found->ttl, 7s);
  Reply six(kAskAaaa);
  six.record("x.example", kAaaa, 5, ByteVector(16, 1));
  EXPECT_EQ(decode(kAskAaaa, six.bytes)->addresses.front().to_string(), "101:101:101:101:101:101:101:101");
}

TEST(DnsMessage, the_strings_of_a_text_record_are_put_together_records_are_not) {
  Reply reply(kAskTxt);
  reply.record("x.example", kTxt, 300, strings({"dnsaddr=/ip4/1.2", ".3.4/tcp/1"}));
  reply.record("x.example", kTxt, 200, strings({""})).record("x.example", kTxt, 400, strings({std::string("a\0b", 3)}));
  const auto found = decode(kAskTxt, reply.bytes);
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(found->texts, (std::vector<std::string>{"dnsaddr=/ip4/1.2.3.4/tcp/1", "", std::string("a\0b", 3)}));
  EXPECT_EQ(found->ttl, 200s);
}

TEST(DnsMessage, the_name_is_compared_without_case) {
  Reply reply({"X.eXample", RecordType::A});
  reply.record("x.example", kA, 60, {1, 2, 3, 4});
  EXPECT_TRUE(decode(kAskA, reply.bytes));
}

TEST(DnsMessage, a_time_to_live_with_the_top_bit_is_zero) {
  Reply reply(kAskA);
  reply.record("x.example", kA, 0x80000000, {1, 2, 3, 4});
  EXPECT_EQ(decode(kAskA, reply.bytes)->ttl, 0s);
}

TEST(DnsMessage, no_such_name_no_records_and_a_failed_server_differ) {
  EXPECT_EQ(code_of(decode(kAskA, Reply(kAskA, 0x8183).bytes)), ErrorCode::NameNotFound);
  EXPECT_EQ(code_of(decode(kAskA, Reply(kAskA).bytes)), ErrorCode::NoRecords);
  EXPECT_EQ(code_of(decode(kAskA, Reply(kAskA, 0x8182).bytes)), ErrorCode::NameServerFailed);
  const auto refused = decode(kAskA, Reply(kAskA, 0x8185).bytes);
  EXPECT_EQ(refused.error().detail(), "A x.example from the server: response code 5");
  Reply alias_only(kAskA);
  alias_only.record("x.example", kCname, 7, Reply::encoded("y.example"));
  EXPECT_EQ(code_of(decode(kAskA, alias_only.bytes)), ErrorCode::NoRecords);
}

TEST(DnsMessage, what_does_not_answer_the_question_is_refused) {
  Reply good(kAskA);
  good.record("x.example", kA, 60, {1, 2, 3, 4});
  EXPECT_EQ(code_of(decode(kAskAaaa, good.bytes)), ErrorCode::NameServerFailed);
  EXPECT_EQ(code_of(decode({"z.example", RecordType::A}, good.bytes)), ErrorCode::NameServerFailed);
  for (const std::uint16_t flags : {std::uint16_t(0x0180), std::uint16_t(0x8380)})  // a query; cut short
    EXPECT_EQ(code_of(decode(kAskA, Reply(kAskA, flags).bytes)), ErrorCode::NameServerFailed);
  for (std::size_t size = 0; size < good.bytes.size(); ++size)
    EXPECT_FALSE(decode(kAskA, Bytes(good.bytes).first(size))) << size;
}

TEST(DnsMessage, counts_and_lengths_that_lie_are_refused) {
  Reply reply(kAskTxt);
  reply.record("x.example", kTxt, 60, strings({"abc"}));
  ByteVector more = reply.bytes;
  put_u16_be(more.data() + 6, 0xffff);
  EXPECT_FALSE(decode(kAskTxt, more));
  ByteVector overrun = reply.bytes;
  overrun[overrun.size() - 4] = 200;  // the string is longer than its record
  EXPECT_FALSE(decode(kAskTxt, overrun));
  ByteVector circle = reply.bytes;
  circle[12] = 0xc0;  // a name that points at itself
  circle[13] = 12;
  EXPECT_FALSE(decode(kAskTxt, circle));
}

TEST(AnswersWithoutServer, special_names_and_what_is_no_name) {
  const auto code = [](const std::string& name, RecordType type = RecordType::A) {
    const auto answer = answer_without_server({name, type});
    if (!answer) return std::string("asked");
    return *answer ? (*answer)->addresses.front().to_string() : std::string(to_string(answer->error().code()));
  };
  EXPECT_EQ(code("localhost"), "127.0.0.1");
  EXPECT_EQ(code("a.localhost", RecordType::Aaaa), "::1");
  EXPECT_EQ(code("notlocalhost"), "asked");
  EXPECT_EQ(code("localhost.example"), "asked");
  EXPECT_EQ(code("x.onion"), "NameNotFound");
  EXPECT_EQ(code("invalid"), "NameNotFound");
  EXPECT_EQ(code("_dnsaddr.a-b.example", RecordType::Txt), "asked");
  EXPECT_EQ(code(std::string(63, 'a') + ".example"), "asked");
  for (const std::string& wrong : {std::string(), std::string("a..b"), std::string(".a"), std::string("a."),
                                   std::string("a b"), std::string("a\0b", 3),
                                   std::string("b\xc3\xbc"
                                               "cher.example"),
                                   std::string(64, 'a'), std::string("a/b")})
    EXPECT_EQ(code(wrong), "InvalidArgument") << wrong;
  std::string long_name = "a";
  while (long_name.size() < 252) long_name += ".a";
  EXPECT_EQ(code(long_name), "asked");
  EXPECT_EQ(code(long_name + ".a"), "InvalidArgument");
}

}  // namespace
}  // namespace starling::io
