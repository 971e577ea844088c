// For the tests of this folder: Events that remember, and two sessions with an in-memory wire between them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "starling/muxer/muxer.hpp"

namespace starling::muxer::testing {

/// Text as bytes, for payloads.
inline Bytes bytes_of(std::string_view text) { return as_bytes(text); }

/// `size` bytes that differ from place to place; `seed` tells streams apart.
inline ByteVector pattern(std::size_t size, std::size_t seed = 0) {
  ByteVector bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = std::uint8_t((i + seed) * 131 + ((i + seed) >> 8) * 7);
  return bytes;
}

/// What one side was told.
class Recorder final : public Events {
 public:
  struct Seen {
    ByteVector data;
    bool remote_closed = false;
    std::optional<ResetCode> reset;
    int writable = 0;
    std::size_t unread = 0;
  };

  bool on_stream(StreamId id) override {
    accepted.push_back(id);
    streams[id] = {};
    if (stream_hook) stream_hook(id);
    return accept;
  }
  void on_data(StreamId id, Bytes payload) override {
    Seen& seen = streams[id];
    if (payload.empty() || seen.remote_closed || seen.reset) misuse = "data empty, after close or after reset";
    append(seen.data, payload);
    seen.unread += payload.size();
    if (data_hook) data_hook(id, payload);
    if (consume && session != nullptr) take(id, streams[id].unread);
  }
  void on_remote_close(StreamId id) override {
    if (std::exchange(streams[id].remote_closed, true)) misuse = "closed twice";
    if (close_hook) close_hook(id);
  }
  void on_reset(StreamId id, ResetCode code) override {
    if (streams[id].reset) misuse = "reset twice";
    streams[id].reset = code;
    if (reset_hook) reset_hook(id);
  }
  void on_writable(StreamId id) override {
    ++streams[id].writable;
    if (writable_hook) writable_hook(id);
  }
  void on_go_away(ResetCode code) override { go_away = code; }
  void on_openable() override { ++openable; }

  /// Consumes as the application would.
  void take(StreamId id, std::size_t bytes) {
    streams[id].unread -= bytes;
    session->consumed(id, bytes, *now);
  }
  std::string text(StreamId id) { return std::string(as_text(streams[id].data)); }

  Session* session = nullptr;
  const TimePoint* now = nullptr;
  bool accept = true, consume = true;
  std::function<void(StreamId)> stream_hook, close_hook, reset_hook, writable_hook;
  std::function<void(StreamId, Bytes)> data_hook;

  std::map<StreamId, Seen> streams;
  std::vector<StreamId> accepted;
  std::optional<ResetCode> go_away;
  int openable = 0;
  std::string misuse;  // empty while the session keeps the contract
};

struct Side {
  std::unique_ptr<Session> session;
  Recorder seen;
  Status status;  // of the last receive() or on_timer()
};

using Factory = std::unique_ptr<Session> (*)(const Config&);

/// A dialer (`a`) and a listener (`b`) of one connection, and the time.
class Pair {
 public:
  Pair(Factory make, Config a_config = {}, Config b_config = {}) {
    a_config.initiator = true;
    b_config.initiator = false;
    connect(a, make(a_config));
    connect(b, make(b_config));
  }

  /// Moves up to `most` bytes one way; false when there were none or the receiver failed.
  bool move(Side& from, Side& to, std::size_t most = SIZE_MAX) {
    ByteQueue& output = from.session->output();
    const std::size_t size = std::min(most, output.size());
    if (size == 0 || !to.status) return false;
    const ByteVector bytes = to_vector(output.view().first(size));
    output.consume(size);
    to.status = to.session->receive(bytes, now, to.seen);
    return to.status.has_value();
  }
  /// Moves everything both ways until nothing is left.
  void settle() {
    bool moved = true;
    while (moved) {
      moved = move(a, b);
      moved = move(b, a) || moved;
    }
  }
  /// Time passes and both sides are asked about it.
  void pass(Duration time) {
    now += time;
    for (Side* side : {&a, &b})
      if (side->status && side->session->next_deadline() <= now)
        side->status = side->session->on_timer(now, side->seen);
  }
  /// A stream from `a`, known to `b`: its names at both sides.
  std::pair<StreamId, StreamId> open() {
    const auto id = a.session->open_stream();
    settle();
    return {id.value_or(0), b.seen.accepted.empty() ? 0 : b.seen.accepted.back()};
  }
  std::string misuse() const { return a.seen.misuse + b.seen.misuse; }

  TimePoint now{std::chrono::hours(1)};
  Side a, b;

 private:
  void connect(Side& side, std::unique_ptr<Session> session) {
    side.session = std::move(session);
    side.seen.session = side.session.get();
    side.seen.now = &now;
    side.session->start(now);
  }
};

}  // namespace starling::muxer::testing
