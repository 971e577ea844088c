// Any bytes as an identify message: what was read can be written and read again, within the bounds.
#include "starling/base/assert.hpp"
#include "starling/host/identify_message.hpp"

using namespace starling;
using namespace starling::host;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  IdentifyInfo info;
  if (!merge_identify({data, size}, info)) return 0;
  STARLING_ASSERT(info.protocols.size() <= kMaxIdentifyProtocols, "protocols are bounded");
  STARLING_ASSERT(info.listen_addresses.size() <= kMaxIdentifyAddresses, "addresses are bounded");
  IdentifyInfo again;
  const auto messages = encode_identify(info);
  STARLING_ASSERT(messages.size() <= kMaxIdentifyMessages, "messages are bounded");
  for (const ByteVector& message : messages)
    STARLING_ASSERT(merge_identify(message, again).has_value(), "what we write can be read");
  STARLING_ASSERT(again.agent_version == info.agent_version && again.listen_addresses == info.listen_addresses,
                  "and says the same");
  if (info.public_key) (void)check_identify(info, PeerId::from_public_key(*info.public_key));
  return 0;
}
