// The little of Redis that the official test suites use to meet: lists and strings.
#pragma once

#include <memory>
#include <string>

#include "starling/base/clock.hpp"
#include "starling/base/error.hpp"

struct redisContext;

namespace starling::cli {

/// A blocking connection; a test program has nothing else to do while it waits.
class Redis {
 public:
  /// `address` is host:port.
  static Result<Redis> connect(const std::string& address);
  Status remove(const std::string& key);
  Status push(const std::string& key, const std::string& value);
  Status set(const std::string& key, const std::string& value);
  /// Waits for a value under `key`, whichever kind the other side made it: list (popped) or string (read).
  Result<std::string> wait_for(const std::string& key, Duration limit);

 private:
  struct Free {
    void operator()(redisContext* context) const;
  };
  explicit Redis(redisContext* context) : context_(context) {}
  std::unique_ptr<redisContext, Free> context_;
};

}  // namespace starling::cli
