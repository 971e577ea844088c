#include "starling/io/name_client.hpp"

#include <algorithm>

namespace starling::io {
namespace {

// `domain` itself or anything below it.
bool within(std::string_view name, std::string_view domain) {
  if (!name.ends_with(domain)) return false;
  return name.size() == domain.size() || name[name.size() - domain.size() - 1] == '.';
}

constexpr std::size_t kMaxName = 253, kMaxLabel = 63;  // RFC 1035 §2.3.4, as text

bool is_dns_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxName) return false;
  std::size_t label = 0;
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (c == '.' && label == 0) return false;
    if (c != '.' && !letter && c != '-' && c != '_') return false;
    label = c == '.' ? 0 : label + 1;
    if (label > kMaxLabel) return false;
  }
  return label > 0;
}

Result<NameRecords> only(const NameQuestion& question, std::vector<IpAddress> candidates) {
  NameRecords records;
  records.ttl = Duration::max();
  const RecordType type = question.type;
  std::ranges::copy_if(candidates, std::back_inserter(records.addresses), [type](const IpAddress& address) {
    return type != RecordType::Txt && address.is_v4() == (type == RecordType::A);
  });
  if (records.addresses.empty()) return fail(ErrorCode::NoRecords, Op::Resolve, Origin::Local, question.to_string());
  return records;
}

}  // namespace

std::string_view to_string(RecordType type) {
  constexpr std::string_view kNames[] = {"A", "AAAA", "TXT"};
  return kNames[std::size_t(type)];
}

std::string NameQuestion::to_string() const { return std::string(io::to_string(type)) + " " + name; }

std::optional<Result<NameRecords>> answer_without_server(const NameQuestion& question) {
  if (const auto literal = IpAddress::from_string(question.name)) return only(question, {*literal});
  if (!is_dns_name(question.name)) {
    return fail(ErrorCode::InvalidArgument, Op::Resolve, Origin::Local,
                question.to_string() + ": not a DNS name; write an international one in its xn-- form");
  }
  if (within(question.name, "localhost")) {
    return only(question, {*IpAddress::from_string("127.0.0.1"), *IpAddress::from_string("::1")});
  }
  if (within(question.name, "invalid") || within(question.name, "onion")) {
    return fail(ErrorCode::NameNotFound, Op::Resolve, Origin::Local,
                question.to_string() + ": names of this kind are never asked for");
  }
  return std::nullopt;
}

}  // namespace starling::io
