// What a stranger may send to the diagnostics port: read in pieces, answered or refused; never more than that.
#include <algorithm>

#include "starling/base/assert.hpp"
#include "starling/diagnostics/server.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace starling;
  using namespace starling::diagnostics;
  if (size == 0) return 0;
  const std::size_t piece = 1 + data[0];
  Bytes rest(data + 1, size - 1);
  Registry registry;
  registry.add("peers", "Peers", [] { return boost::json::value(1); });
  HttpReader reader(HttpReader::Kind::Requests, {});
  while (!rest.empty()) {
    auto complete = reader.receive(rest.first(std::min(piece, rest.size())));
    rest = rest.subspan(std::min(piece, rest.size()));
    while (complete && *complete) {
      const HttpRequest request = reader.take_request();
      const HttpResponse response = answer(registry, request);
      STARLING_ASSERT(response.status == 200 || response.status >= 400, "every request gets an answer");
      STARLING_ASSERT(response.status != 200 || host_is_an_address(request.host), "a name never gets one");
      complete = reader.receive({});
    }
    if (!complete) break;
  }
  return 0;
}
