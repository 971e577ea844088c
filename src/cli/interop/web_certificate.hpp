// A certificate for listening on /wss that nobody is meant to check: the suites bring none. Resource: two files in a
// folder of their own, gone with it.
#pragma once

#include <filesystem>
#include <string>
#include <utility>

#include "starling/base/error.hpp"

namespace starling::cli {

class WebCertificate {
 public:
  /// Errors: FileUnwritable, and those of making keys.
  static Result<WebCertificate> make();
  WebCertificate(WebCertificate&& other) noexcept : folder_(std::exchange(other.folder_, {})) {}
  ~WebCertificate();

  std::string certificate_file() const { return folder_ / "certificate.pem"; }
  std::string key_file() const { return folder_ / "key.pem"; }

 private:
  explicit WebCertificate(std::filesystem::path folder) : folder_(std::move(folder)) {}
  std::filesystem::path folder_;
};

}  // namespace starling::cli
