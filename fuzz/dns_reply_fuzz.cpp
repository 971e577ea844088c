// Any bytes as a name server's reply: no crash, and what comes out is of the asked type and within bounds. TXT records
// go on into the expansion of a dnsaddr, which must end.
#include "names/expansion.hpp"
#include "starling/base/assert.hpp"
#include "starling/io/dns_message.hpp"

using namespace starling;

namespace {

const names::ExpansionLimits kLimits{.max_depth = 4, .max_lookups = 32, .max_addresses = 100, .max_txt_records = 16};

// Every TXT question gets these records, every other one fails.
void expand(const io::NameRecords& records) {
  const auto start = Multiaddr::from_string("/dnsaddr/x.example");
  names::Expansion expansion({*start}, kLimits);
  std::size_t asked = 0;
  while (!expansion.done()) {
    for (const auto& ask : expansion.take_questions()) {
      ++asked;
      const bool txt = ask.question.type == io::RecordType::Txt;
      const Error none(ErrorCode::NoRecords, Op::Resolve, Origin::Network);
      (void)expansion.answer(ask, txt ? Result<io::NameRecords>(records) : fail(none));
    }
  }
  STARLING_ASSERT(asked <= kLimits.max_lookups, "the number of lookups is bounded");
  names::Resolution found;
  expansion.collect(found);
  STARLING_ASSERT(found.addresses.size() <= kLimits.max_addresses, "the number of addresses is bounded");
  for (const auto& each : found.addresses) STARLING_ASSERT(!each.address.empty(), "an address is never empty");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const auto type : {io::RecordType::A, io::RecordType::Aaaa, io::RecordType::Txt}) {
    const io::NameQuestion question{"x.example", type};
    const auto records = io::decode_dns_reply(question, {data, size}, "a server");
    if (!records) continue;
    const bool txt = type == io::RecordType::Txt;
    STARLING_ASSERT(txt == records->addresses.empty() && txt != records->texts.empty(), "one kind, and at least one");
    STARLING_ASSERT(records->ttl >= Duration::zero(), "a time to live is never negative");
    for (const auto& address : records->addresses)
      STARLING_ASSERT(address.is_v4() == (type == io::RecordType::A), "addresses are of the asked family");
    if (txt) expand(*records);
  }
  return 0;
}
