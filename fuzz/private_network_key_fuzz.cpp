// Key files of private networks: what is taken comes back from the file we would write.
#include "starling/base/assert.hpp"
#include "starling/security/private_network.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace starling;
  const auto key = security::PrivateNetworkKey::parse({data, size});
  if (!key) return 0;
  const auto again = security::PrivateNetworkKey::parse(key->to_file().view());
  STARLING_ASSERT(again && equal(again->view(), key->view()), "a key survives its file");
  return 0;
}
