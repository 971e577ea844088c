// multistream-select 1.0 as two pure machines, one per role. Messages are a varint length, the text, and a newline.
// spec: connections/README.md, multistream-select. Limits: one message at most kMaxMultistreamMessage bytes; a listener
// gives up after kMaxMultistreamProposals refused proposals.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "starling/base/bytes.hpp"
#include "starling/base/error.hpp"

namespace starling::transport {

inline constexpr std::string_view kMultistreamId = "/multistream/1.0.0";

/// Proposes protocols in order until the listener takes one.
class MultistreamDialer {
 public:
  explicit MultistreamDialer(std::vector<std::string> protocols) : protocols_(std::move(protocols)) {}

  /// Appends the header and the first proposal. With a single protocol the caller may go on sending at once (lazy
  /// negotiation) and look at the answer later.
  void start(ByteQueue& out);
  /// Consumes answers from the front of `in`, appends further proposals to `out`. Bytes behind the negotiation stay
  /// in `in`. Errors: NoCommonProtocol, ProtocolViolation, MessageTooLarge.
  Status receive(ByteQueue& in, ByteQueue& out);
  /// The same on a view; returns how many bytes were consumed.
  Result<std::size_t> receive(Bytes in, ByteQueue& out);
  bool done() const { return done_; }
  const std::string& selected() const { return protocols_[current_]; }

 private:
  Status on_message(std::string_view text, ByteQueue& out);
  std::vector<std::string> protocols_;
  std::size_t current_ = 0;
  bool header_seen_ = false, done_ = false;
};

/// Answers proposals with the first one it supports.
class MultistreamListener {
 public:
  using Supports = std::function<bool(std::string_view protocol)>;
  /// `list` answers "ls"; may be empty.
  explicit MultistreamListener(Supports supports, std::vector<std::string> list = {})
      : supports_(std::move(supports)), list_(std::move(list)) {}

  Status receive(ByteQueue& in, ByteQueue& out);
  Result<std::size_t> receive(Bytes in, ByteQueue& out);
  bool done() const { return done_; }
  const std::string& selected() const { return selected_; }

 private:
  Status on_message(std::string_view text, ByteQueue& out);
  void answer_list(ByteQueue& out) const;
  Supports supports_;
  std::vector<std::string> list_;
  std::string selected_;
  std::size_t refused_ = 0;
  bool header_seen_ = false, done_ = false;
};

inline constexpr std::size_t kMaxMultistreamMessage = 1024;
inline constexpr std::size_t kMaxMultistreamProposals = 64;

}  // namespace starling::transport
