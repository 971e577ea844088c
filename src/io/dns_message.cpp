#include "starling/io/dns_message.hpp"

#include <ares.h>
#include <arpa/nameser.h>
#include <netdb.h>

#include <algorithm>
#include <array>
#include <memory>

namespace starling::io {
namespace {

constexpr std::size_t kHeaderSize = 12;        // RFC 1035 §4.1.1
constexpr std::size_t kFixedRecordSize = 10;   // type, class, ttl, length: §4.1.3
constexpr std::uint32_t kMaxTtl = 0x7fffffff;  // RFC 2181 §8: larger means 0
constexpr std::size_t kMaxAddresses = 256;     // of one reply; the rest is left

int code_of(RecordType type) {
  constexpr int kCodes[] = {ns_t_a, ns_t_aaaa, ns_t_txt};
  return kCodes[std::size_t(type)];
}

using AresString = std::unique_ptr<char, decltype(&ares_free_string)>;

// Reads over a reply's names and fixed fields; c-ares's own parsers leave the TTL of TXT records out.
class Walker {
 public:
  explicit Walker(Bytes message) : message_(message), at_(kHeaderSize) {}

  std::optional<std::string> name() {
    char* text = nullptr;
    long size = 0;
    if (ares_expand_name(message_.data() + at_, message_.data(), int(message_.size()), &text, &size) != ARES_SUCCESS)
      return std::nullopt;
    const AresString owner(text, ares_free_string);
    at_ += std::size_t(size);
    return std::string(text);
  }
  std::optional<Bytes> take(std::size_t size) {
    if (message_.size() - at_ < size) return std::nullopt;
    at_ += size;
    return message_.subspan(at_ - size, size);
  }

 private:
  Bytes message_;
  std::size_t at_;
};

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 'a' - 'A') : c; };
  return std::ranges::equal(a, b, [&](char x, char y) { return lower(x) == lower(y); });
}

// The shortest TTL of the answer section, for a reply that repeats our question; nullopt for any other.
std::optional<Duration> shortest_ttl(const NameQuestion& question, Bytes message) {
  Walker walker(message);
  const auto asked = walker.name();
  const auto kind = walker.take(4);
  if (!asked || !kind || get_u16_be(message.data() + 4) != 1) return std::nullopt;
  if (!same_name(*asked, question.name) || get_u16_be(kind->data()) != code_of(question.type)) return std::nullopt;
  std::uint32_t shortest = kMaxTtl;
  for (int left = get_u16_be(message.data() + 6); left > 0; --left) {
    if (!walker.name()) return std::nullopt;
    const auto fixed = walker.take(kFixedRecordSize);
    if (!fixed || !walker.take(get_u16_be(fixed->data() + 8))) return std::nullopt;
    const std::uint32_t ttl = get_u32_be(fixed->data() + 4);
    shortest = std::min(shortest, ttl > kMaxTtl ? 0 : ttl);
  }
  return std::chrono::seconds(shortest);
}

int parse_a(Bytes message, std::vector<IpAddress>& into) {
  std::array<ares_addrttl, kMaxAddresses> found;
  int count = int(found.size());
  const int status = ares_parse_a_reply(message.data(), int(message.size()), nullptr, found.data(), &count);
  for (int i = 0; status == ARES_SUCCESS && i < count; ++i) {
    std::array<std::uint8_t, 4> four;
    std::memcpy(four.data(), &found[std::size_t(i)].ipaddr, four.size());
    into.push_back(IpAddress::v4(four));
  }
  return status;
}

int parse_aaaa(Bytes message, std::vector<IpAddress>& into) {
  std::array<ares_addr6ttl, kMaxAddresses> found;
  int count = int(found.size());
  const int status = ares_parse_aaaa_reply(message.data(), int(message.size()), nullptr, found.data(), &count);
  for (int i = 0; status == ARES_SUCCESS && i < count; ++i) {
    std::array<std::uint8_t, 16> sixteen;
    std::memcpy(sixteen.data(), &found[std::size_t(i)].ip6addr, sixteen.size());
    into.push_back(IpAddress::v6(sixteen));
  }
  return status;
}

int parse_txt(Bytes message, std::vector<std::string>& into) {
  ares_txt_ext* first = nullptr;
  const int status = ares_parse_txt_reply_ext(message.data(), int(message.size()), &first);
  for (const ares_txt_ext* part = first; part != nullptr; part = part->next) {
    if (part->record_start != 0 || into.empty()) into.emplace_back();
    into.back().append(reinterpret_cast<const char*>(part->txt), part->length);
  }
  if (first != nullptr) ares_free_data(first);
  return status;
}

int parse(RecordType type, Bytes message, NameRecords& into) {
  if (type == RecordType::A) return parse_a(message, into.addresses);
  return type == RecordType::Aaaa ? parse_aaaa(message, into.addresses) : parse_txt(message, into.texts);
}

Error failed(const NameQuestion& question, std::string_view server, std::string_view why) {
  return Error(ErrorCode::NameServerFailed, Op::Resolve, Origin::Network,
               question.to_string() + " from " + std::string(server) + ": " + std::string(why));
}

// From the header alone: the server's refusals, and what is not a whole reply.
std::optional<Error> header_error(const NameQuestion& question, Bytes message, std::string_view server) {
  if (message.size() < kHeaderSize || message.size() > NS_MAXMSG) return failed(question, server, "not a DNS message");
  if ((message[2] & 0x80) == 0) return failed(question, server, "a query came back for an answer");
  if ((message[2] & 0x02) != 0) return failed(question, server, "the answer is cut short");
  switch (message[3] & 0x0f) {
    case ns_r_noerror:
      return std::nullopt;
    case ns_r_nxdomain:
      return dns_error(ARES_ENOTFOUND, question, server);
    default:
      return failed(question, server, "response code " + std::to_string(message[3] & 0x0f));
  }
}

}  // namespace

Error dns_error(int status, const NameQuestion& question, std::string_view server) {
  const std::string where = question.to_string() + " from " + std::string(server);
  switch (status) {
    case ARES_ENOTFOUND:
      return Error(ErrorCode::NameNotFound, Op::Resolve, Origin::Network, where);
    case ARES_ENODATA:
      return Error(ErrorCode::NoRecords, Op::Resolve, Origin::Network, where);
    case ARES_ETIMEOUT:
      return Error(ErrorCode::Timeout, Op::Resolve, Origin::Network, where + ": no answer");
    case ARES_EBADNAME:
      return Error(ErrorCode::InvalidArgument, Op::Resolve, Origin::Local, question.to_string() + ": not a DNS name");
    case ARES_EDESTRUCTION:
    case ARES_ECANCELLED:
      return Error(ErrorCode::Closed, Op::Resolve, Origin::Local, where);
    default:
      return failed(question, server, ares_strerror(status));
  }
}

Result<ByteVector> encode_dns_query(const NameQuestion& question) {
  unsigned char* buffer = nullptr;
  int size = 0;
  const int status = ares_create_query(question.name.c_str(), ns_c_in, code_of(question.type), /*id=*/0,
                                       /*rd=*/1, &buffer, &size, /*max_udp_size=*/0);
  if (status != ARES_SUCCESS) return fail(dns_error(status, question, "nobody"));
  const AresString owner(reinterpret_cast<char*>(buffer), ares_free_string);
  return ByteVector(buffer, buffer + size);
}

Result<NameRecords> decode_dns_reply(const NameQuestion& question, Bytes message, std::string_view server) {
  if (auto error = header_error(question, message, server)) return fail(std::move(*error));
  const auto ttl = shortest_ttl(question, message);
  if (!ttl) return fail(failed(question, server, "the reply is malformed or answers another question"));
  NameRecords records;
  records.ttl = *ttl;
  const int status = parse(question.type, message, records);
  if (status != ARES_SUCCESS) return fail(dns_error(status, question, server));
  if (records.addresses.empty() && records.texts.empty()) return fail(dns_error(ARES_ENODATA, question, server));
  return records;
}

}  // namespace starling::io
