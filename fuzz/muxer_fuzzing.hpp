// Shared by the fuzz targets of the muxers: the input is a script for one session. Bytes below 0x80 feed that many
// and one more of the bytes that follow, in one piece; the others are operations of this side. The session must keep
// the contract of starling/muxer/muxer.hpp whatever arrives; what it does not keep aborts.
#pragma once

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <utility>

#include "starling/muxer/muxer.hpp"

namespace starling::muxer::fuzzing {

inline void expect(bool kept) {
  if (!kept) std::abort();
}

/// The application at this side: answers in ways that the input chooses, and watches what it is told.
class Application final : public Events {
 public:
  explicit Application(Session& session) : session_(session) {}

  bool on_stream(StreamId id) override {
    expect(id != 0 && streams_.emplace(id, Stream{}).second);
    if (mood_ & 1) session_.send(id, as_bytes("hello"));
    if (mood_ & 2) {
      end(id);
      return (mood_ & 4) != 0;
    }
    if (mood_ & 4) {
      streams_.erase(id);
      return false;
    }
    return true;
  }
  void on_data(StreamId id, Bytes payload) override {
    const auto stream = streams_.find(id);
    expect(stream != streams_.end() && !stream->second.closed_there && !payload.empty());
    stream->second.unread += payload.size();
    if (mood_ & 8) session_.send(id, payload);
    if (mood_ & 16) consume(stream->second, id);
    if (mood_ & 32) end(id);
    if (mood_ & 64) open();
  }
  void on_remote_close(StreamId id) override {
    const auto stream = streams_.find(id);
    expect(stream != streams_.end() && !stream->second.closed_there);
    stream->second.closed_there = true;
    if (mood_ & 8) {
      session_.close_write(id);
      stream->second.closed_here = true;
    }
    forget_if_over(id);
  }
  void on_reset(StreamId id, ResetCode) override { expect(streams_.erase(id) == 1); }
  void on_writable(StreamId id) override { expect(streams_.contains(id)); }
  void on_go_away(ResetCode) override {}

  void open() {
    const auto id = session_.open_stream();
    if (id) expect(streams_.emplace(*id, Stream{}).second);
  }
  void act(unsigned what, std::uint8_t argument, TimePoint now) {
    now_ = now;
    if (what == 0) return open();
    if (streams_.empty()) return;
    const auto chosen = std::next(streams_.begin(), argument % streams_.size());
    const StreamId id = chosen->first;
    if (what == 1) session_.send(id, Bytes(kPayload).first(1u << argument % 19));
    if (what == 2) close(id);
    if (what == 3) end(id);
    if (what == 4) consume(chosen->second, id);
  }
  void set_mood(std::uint8_t mood) { mood_ = mood; }
  void set_now(TimePoint now) { now_ = now; }
  std::size_t streams() const { return streams_.size(); }

 private:
  struct Stream {
    std::size_t unread = 0;
    bool closed_here = false, closed_there = false;
  };
  void consume(Stream& stream, StreamId id) { session_.consumed(id, std::exchange(stream.unread, 0), now_); }
  void end(StreamId id) {
    session_.reset(id, 7);
    streams_.erase(id);
  }
  void close(StreamId id) {
    session_.close_write(id);
    streams_.at(id).closed_here = true;
    forget_if_over(id);
  }
  void forget_if_over(StreamId id) {
    const Stream& stream = streams_.at(id);
    if (stream.closed_here && stream.closed_there) streams_.erase(id);
  }

  Session& session_;
  std::map<StreamId, Stream> streams_;
  static constexpr std::array<std::uint8_t, 1u << 18> kPayload{};
  std::uint8_t mood_ = 16;
  TimePoint now_{};
};

inline Config small_limits(bool initiator) {
  Config config{.initiator = initiator};
  config.window_memory_budget = 4u << 20;
  config.max_inbound_streams = 20;
  config.max_outbound_streams = 20;
  config.accept_backlog = 5;
  config.max_pending_pings = 4;
  config.max_control_output = 2000;
  config.max_message_size = 2000;
  return config;
}

/// Runs the script. The first byte chooses the role.
inline int run(std::unique_ptr<Session> (*make)(const Config&), const std::uint8_t* data, std::size_t size) {
  Bytes script(data, size);
  const auto next = [&] {
    const std::uint8_t byte = script.empty() ? 0 : script.front();
    if (!script.empty()) script = script.subspan(1);
    return byte;
  };
  const auto session = make(small_limits((next() & 1) != 0));
  Application application(*session);
  TimePoint now{};
  session->start(now);
  while (!script.empty()) {
    const std::uint8_t op = next();
    Status status;
    if (op < 0x80) {
      const std::size_t length = std::min<std::size_t>(op + 1u, script.size());
      // A copy of its own, so that a read beyond the piece is seen.
      const ByteVector piece = to_vector(script.first(length));
      script = script.subspan(length);
      application.set_now(now);
      status = session->receive(piece, now, application);
    } else if (op < 0xE0) {
      application.act(op & 7, next(), now);
    } else if (op < 0xE8) {
      application.set_mood(next());
    } else if (op < 0xF0) {
      now += std::chrono::milliseconds(1u << next() % 18);
      if (now >= session->next_deadline()) status = session->on_timer(now, application);
    } else if (op < 0xFE) {
      session->output().consume(session->output().size() * (op & 7) / 7);
    } else {
      session->go_away(next());
    }
    if (!status) break;
    const Stats stats = session->stats();
    expect(stats.inbound_streams + stats.outbound_streams == application.streams());
    expect(stats.inbound_streams <= 20 && stats.outbound_streams <= 20);
    expect(stats.receive_window_total <= (4u << 20) + 40 * (256u << 10));
    if (session->output().size() > (8u << 20)) session->output().clear();
  }
  return 0;
}

}  // namespace starling::muxer::fuzzing
