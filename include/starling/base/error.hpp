// Errors as values: what failed, while doing what, whose fault it is, and why.
//
// Error is a small copyable value. `code` is stable and listed in base/error_codes.def with meaning and remedy;
// `op` is the stage; `origin` tells whose fault it is; `detail` names the address, peer or field; `cause` is the
// error below. Thread-safe as any value.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

namespace starling {

enum class ErrorCode : std::uint16_t {
#define STARLING_ERROR(domain, name, number, meaning, remedy) name = number,
#include "starling/base/error_codes.def"
#undef STARLING_ERROR
};

/// The stage an operation was in when it failed.
enum class Op : std::uint8_t {
  None,
  Parse,
  Encode,
  Decode,
  ReadFile,
  WriteFile,
  Configure,
  Resolve,
  Listen,
  Accept,
  Dial,
  Connect,
  Negotiate,
  Secure,
  Mux,
  OpenStream,
  Read,
  Write,
  Close,
  Identify,
  Ping,
  Perf,
  Sign,
  Verify,
  Encrypt,
  Decrypt,
  Run,
};

/// Who caused the error: this side, the remote peer, the network between, a limit of ours, time, a cancel, or a bug.
enum class Origin : std::uint8_t { Local, Remote, Network, Limit, Timeout, Cancelled, Bug };

std::string_view to_string(ErrorCode code);  // "PeerIdMismatch"
std::string_view to_string(Op op);           // "secure"
std::string_view to_string(Origin origin);   // "remote"
std::string_view domain_of(ErrorCode code);  // "security"
std::string_view meaning_of(ErrorCode code);
std::string_view remedy_of(ErrorCode code);

class Error {
 public:
  Error(ErrorCode code, Op op, Origin origin, std::string detail = {});

  ErrorCode code() const { return code_; }
  Op op() const { return op_; }
  Origin origin() const { return origin_; }
  const std::string& detail() const;
  /// The error underneath, or null.
  const Error* cause() const;

  /// The same error with `cause` underneath it.
  Error caused_by(Error cause) &&;
  /// The same error seen from a stage further up, with the address or peer it concerns; `this` becomes the cause.
  Error while_doing(Op op, std::string detail) &&;

  /// One line for people: what was tried, on what, why it failed, what to do.
  std::string message() const;

  friend bool operator==(const Error& a, ErrorCode code) { return a.code_ == code; }

 private:
  struct Extra;
  ErrorCode code_;
  Op op_;
  Origin origin_;
  std::shared_ptr<const Extra> extra_;
};

template <typename T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

inline std::unexpected<Error> fail(ErrorCode code, Op op, Origin origin, std::string detail = {}) {
  return std::unexpected(Error(code, op, origin, std::move(detail)));
}
inline std::unexpected<Error> fail(Error error) { return std::unexpected(std::move(error)); }

}  // namespace starling

#define STARLING_CONCAT_(a, b) a##b
#define STARLING_CONCAT(a, b) STARLING_CONCAT_(a, b)
#define STARLING_TRY_(tmp, ret, decl, ...)       \
  auto tmp = (__VA_ARGS__);                      \
  if (!tmp) [[unlikely]]                         \
    ret std::unexpected(std::move(tmp).error()); \
  decl = std::move(*tmp)

/// STARLING_TRY(auto x, f()): x = the value, or return the error. The CO_ forms are for coroutines.
#define STARLING_TRY(decl, ...) STARLING_TRY_(STARLING_CONCAT(try_, __COUNTER__), return, decl, __VA_ARGS__)
#define STARLING_CO_TRY(decl, ...) STARLING_TRY_(STARLING_CONCAT(try_, __COUNTER__), co_return, decl, __VA_ARGS__)
/// STARLING_CHECK(f()): go on, or return the error of a Status.
#define STARLING_CHECK(...)                                          \
  if (auto check_result = (__VA_ARGS__); !check_result) [[unlikely]] \
  return std::unexpected(std::move(check_result).error())
#define STARLING_CO_CHECK(...)                                       \
  if (auto check_result = (__VA_ARGS__); !check_result) [[unlikely]] \
  co_return std::unexpected(std::move(check_result).error())
