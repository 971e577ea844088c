#include "security/openssl_handles.hpp"

#include <openssl/err.h>

#include <string>

namespace starling::security {

Error take_openssl_error(ErrorCode code, Op op, Origin origin, std::string_view what) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  std::string detail(what);
  if (reason != nullptr) detail.append(": ").append(reason);
  return Error(code, op, origin, std::move(detail));
}

}  // namespace starling::security
