// Any text as a network: what is accepted leads back to itself and contains its own start; and any address, taken
// apart, agrees with itself.
#include "starling/base/assert.hpp"
#include "starling/multiformats/address_scope.hpp"
#include "starling/multiformats/ip_prefix.hpp"

using namespace starling;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input(data, size);
  if (const auto prefix = IpPrefix::from_string(as_text(input))) {
    STARLING_ASSERT(IpPrefix::from_string(prefix->to_string()).value() == *prefix, "the text leads back");
    STARLING_ASSERT(prefix->contains(prefix->bytes()), "a network contains its first address");
    (void)scope_of(prefix->bytes());
  }
  if (const auto address = Multiaddr::from_bytes(input)) {
    const AddressTraits traits = traits_of(*address);
    STARLING_ASSERT((traits.ip4 || traits.ip6) == !traits.ip.empty(), "an IP address is there or not");
    STARLING_ASSERT(traits.scope == scope_of(traits.ip), "the scope is that of the IP address");
  }
  return 0;
}
