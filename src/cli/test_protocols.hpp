// Protocols that only tests between implementations use. Served on request only.
#pragma once

#include <string_view>

#include "starling/host/host.hpp"

namespace starling::cli {

inline constexpr std::string_view kEchoId = "/echo/1.0.0";                      // everything back until the end
inline constexpr std::string_view kTestResetId = "/starling/test/reset/1.0.0";  // resets after the first byte
inline constexpr auto kTestResetCode = transport::ResetCode{0x1234};            // the code of that reset
inline constexpr std::string_view kTestCloseId = "/starling/test/close/1.0.0";  // reads 64 KiB, then goes away

void serve_test_protocols(host::Host& host);

}  // namespace starling::cli
