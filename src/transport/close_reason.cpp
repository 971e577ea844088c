// The ends of connections and streams in words.
#include "starling/transport/connection.hpp"

namespace starling::transport {
namespace {

// In the order of CloseCode; ResetCode has the same order, one number on.
constexpr const char* kNames[] = {"negotiation failed", "resource limit", "rate limited",
                                  "protocol violation", "supplanted",     "garbage collected",
                                  "shutdown",           "gated",          "out of range"};

std::string describe(const CloseReason& reason, std::uint32_t first_code) {
  using By = CloseReason::By;
  std::string text = reason.by == By::Local    ? "closed by this node"
                     : reason.by == By::Remote ? "closed by the remote peer"
                                               : "failed";
  const std::uint32_t number = reason.code - first_code;
  if (reason.code >= first_code && number < std::size(kNames))
    text += std::string(" (") + kNames[number] + ")";
  else if (reason.code != 0)
    text += " (code " + std::to_string(reason.code) + ")";
  if (reason.error) text += ": " + reason.error->message();
  return text;
}

Origin origin_of(const CloseReason& reason) {
  return reason.by == CloseReason::By::Remote ? Origin::Remote : Origin::Local;
}

}  // namespace

std::string CloseReason::to_string() const { return describe(*this, std::uint32_t(CloseCode::NegotiationFailed)); }
std::string CloseReason::reset_to_string() const {
  return describe(*this, std::uint32_t(ResetCode::NegotiationFailed));
}

ErrorCode CloseReason::meaning() const {
  if (by != By::Remote) return ErrorCode::ConnectionClosed;
  const auto said = CloseCode(code);
  if (said == CloseCode::ResourceLimit || said == CloseCode::RateLimited) return ErrorCode::RemoteLimit;
  return said == CloseCode::Gated ? ErrorCode::RemoteGated : ErrorCode::ConnectionClosed;
}

ErrorCode CloseReason::reset_meaning() const {
  if (by != By::Remote) return ErrorCode::StreamReset;
  const auto said = ResetCode(code);
  if (said == ResetCode::ResourceLimit || said == ResetCode::RateLimited) return ErrorCode::RemoteLimit;
  return said == ResetCode::Gated ? ErrorCode::RemoteGated : ErrorCode::StreamReset;
}

CloseReason CloseReason::of_streams() const {
  CloseReason reason = *this;
  if (!reason.error) reason.error = Error(meaning(), Op::Close, origin_of(*this), to_string());
  return reason;
}

Error CloseReason::stream_error(Op op) const {
  if (error) return Error(ErrorCode::ConnectionClosed, op, error->origin(), "stream").caused_by(*error);
  Error reset(ErrorCode::StreamReset, op, origin_of(*this), reset_to_string());
  const ErrorCode refusal = reset_meaning();
  if (refusal == ErrorCode::StreamReset) return reset;
  return std::move(reset).caused_by(Error(refusal, Op::None, Origin::Remote));
}

}  // namespace starling::transport
