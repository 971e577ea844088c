#include "starling/base/error.hpp"

#include <array>
#include <utility>

namespace starling {
namespace {

struct CodeInfo {
  ErrorCode code;
  std::string_view domain, name, meaning, remedy;
};

constexpr CodeInfo kCodes[] = {
#define STARLING_ERROR(domain, name, number, meaning, remedy) {ErrorCode::name, #domain, #name, meaning, remedy},
#include "starling/base/error_codes.def"
#undef STARLING_ERROR
};

const CodeInfo& info_of(ErrorCode code) {
  for (const CodeInfo& info : kCodes)
    if (info.code == code) return info;
  return kCodes[0];
}

}  // namespace

struct Error::Extra {
  std::string detail;
  std::shared_ptr<const Error> cause;
};

std::string_view to_string(ErrorCode code) { return info_of(code).name; }
std::string_view domain_of(ErrorCode code) { return info_of(code).domain; }
std::string_view meaning_of(ErrorCode code) { return info_of(code).meaning; }
std::string_view remedy_of(ErrorCode code) { return info_of(code).remedy; }

std::string_view to_string(Op op) {
  constexpr std::string_view kNames[] = {
      "",       "parse",    "encode",  "decode",    "read file", "write file", "configure",   "resolve", "listen",
      "accept", "dial",     "connect", "negotiate", "secure",    "mux",        "open stream", "read",    "write",
      "close",  "identify", "ping",    "perf",      "sign",      "verify",     "encrypt",     "decrypt", "run"};
  static_assert(std::size(kNames) == static_cast<std::size_t>(Op::Run) + 1);
  return kNames[static_cast<std::size_t>(op)];
}

std::string_view to_string(Origin origin) {
  constexpr std::string_view kNames[] = {"local", "remote", "network", "limit", "timeout", "cancelled", "bug"};
  return kNames[static_cast<std::size_t>(origin)];
}

Error::Error(ErrorCode code, Op op, Origin origin, std::string detail) : code_(code), op_(op), origin_(origin) {
  if (!detail.empty()) extra_ = std::make_shared<const Extra>(Extra{std::move(detail), nullptr});
}

const std::string& Error::detail() const {
  static const std::string kNone;
  return extra_ ? extra_->detail : kNone;
}

const Error* Error::cause() const { return extra_ ? extra_->cause.get() : nullptr; }

Error Error::caused_by(Error cause) && {
  extra_ = std::make_shared<const Extra>(Extra{detail(), std::make_shared<const Error>(std::move(cause))});
  return std::move(*this);
}

Error Error::while_doing(Op op, std::string detail) && {
  Error outer(code_, op, origin_, std::move(detail));
  return std::move(outer).caused_by(std::move(*this));
}

std::string Error::message() const {
  std::string text;
  for (const Error* error = this; error != nullptr; error = error->cause()) {
    if (!text.empty()) text += ": ";
    if (error->op_ != Op::None) text += std::string(to_string(error->op_)) + ": ";
    if (!error->detail().empty()) text += error->detail();
    if (error->cause() == nullptr) {
      if (!error->detail().empty()) text += " — ";
      text += std::string(meaning_of(error->code_));
    } else if (text.ends_with(": ")) {
      text.resize(text.size() - 2);
    }
  }
  return text + " (" + std::string(to_string(code_)) + ", " + std::string(to_string(origin_)) + "); " +
         std::string(remedy_of(code_));
}

}  // namespace starling
