// The yamux session: a pure machine over one connection. yamux_session.cpp holds what this side asks for,
// yamux_receive.cpp what the remote's frames do.
//
// A StreamId is the 32-bit id of the wire; when the remote uses an id for a second stream, a count in the upper half
// tells the two apart, so that what the application still does with the old one cannot reach the new one.
// No pointer into the stream table is held across a call on Events: those calls may end streams.
// Resource: owned by one connection, used on its thread. Limits: Config.
// spec: yamux/README.md
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "muxer/stream_table.hpp"
#include "muxer/unsent_frames.hpp"
#include "muxer/yamux_frame.hpp"
#include "muxer/yamux_ping.hpp"
#include "muxer/yamux_window.hpp"
#include "starling/muxer/muxer.hpp"

namespace starling::muxer::yamux {

class YamuxSession final : public Session {
 public:
  /// `first_id`: the wire id of our first stream, 0 for what the role prescribes; another one only for tests.
  explicit YamuxSession(const Config& config, std::uint32_t first_id = 0);

  std::string_view protocol_id() const override { return kYamuxId; }
  void start(TimePoint now) override;
  Status receive(Bytes bytes, TimePoint now, Events& events) override;
  Result<StreamId> open_stream() override;
  std::size_t send(StreamId id, Bytes payload) override;
  void close_write(StreamId id) override;
  void reset(StreamId id, ResetCode code) override;
  void consumed(StreamId id, std::size_t bytes, TimePoint now) override;
  void go_away(ResetCode code) override;
  void probe(TimePoint now, Duration patience, std::string doubt) override;
  void trust() override;
  TimePoint next_deadline() const override { return failure_ ? kNever : pinger_.next_deadline(); }
  Status on_timer(TimePoint now, Events& events) override;
  ByteQueue& output() override { return output_; }
  Stats stats() const override;

 private:
  struct Stream {
    ReceiveWindow window;
    std::uint32_t send_credit = kInitialWindow;
    std::uint32_t use = 0;  // how often the remote had used the id before, roughly: the upper half of StreamId
    bool ours : 1 = false;
    bool owes_ack : 1 = false;      // theirs: we have not acknowledged it
    bool awaits_ack : 1 = false;    // ours: the remote has not acknowledged it
    bool closed_here : 1 = false;   // we sent FIN
    bool closed_there : 1 = false;  // the remote sent FIN
    bool blocked : 1 = false;       // send() took fewer bytes than offered
  };
  // The DATA frame whose payload is arriving.
  struct Body {
    std::uint32_t left = 0;
    StreamId stream = 0;  // 0 = nobody wants it
    bool fin = false;
  };

  // yamux_receive.cpp
  Status read_frames(Bytes bytes, Events& events);
  Status read_header(Bytes& bytes, Events& events);
  void read_body(Bytes& bytes, Events& events);
  void end_body(Events& events);
  Status on_frame(const std::uint8_t* header, Events& events);
  Status on_ping(const Header& frame);
  Status on_stream_frame(const Header& frame, Events& events);
  Status on_syn(const Header& frame, Events& events);
  Status on_window_update(const Header& frame, Stream& stream, Events& events);
  Status on_data(const Header& frame, const Stream& stream, Events& events);
  void on_ack(Stream& stream);
  void on_fin(StreamId id, Events& events);
  void on_rst(const Header& frame, Events& events);
  Status accept(std::uint32_t wire, Events& events);
  Status refuse(std::uint32_t wire, ResetCode code);
  Status send_acks();
  Status count_control_frame();
  Status remote_fault(ErrorCode code, std::string_view detail);

  // yamux_session.cpp
  static std::uint32_t wire_of(StreamId id) { return std::uint32_t(id); }
  static StreamId id_of(std::uint32_t wire, const Stream& stream) { return StreamId(stream.use) << 32 | wire; }
  Stream* find(StreamId id);
  void erase(std::uint32_t wire);
  bool may_open() const;
  std::uint16_t owed_flags(Stream& stream);
  void put_header(const Header& header);
  void ping_if_due();
  void put_data(std::uint32_t wire, std::uint16_t flags, Bytes payload);
  std::uint64_t sent() const { return written_ - output_.size(); }

  const Config config_;
  StreamTable<std::uint32_t, Stream> streams_;
  WindowBudget budget_;
  Pinger pinger_;
  std::string doubt_;  // of probe(), until the ping under way is answered
  ByteQueue output_;
  std::uint64_t written_ = 0;  // bytes ever put into output_
  UnsentFrames control_bytes_, pongs_;
  std::vector<StreamId> ack_queue_;  // accepted in this receive()

  std::array<std::uint8_t, kHeaderSize> header_{};  // a header that arrived in part
  std::uint32_t header_have_ = 0;
  Body body_;

  TimePoint now_{};
  std::uint64_t next_id_;  // wider than an id so that it can pass the last
  std::uint32_t highest_remote_ = 0, reuses_ = 0;
  std::uint32_t inbound_ = 0, outbound_ = 0, unacknowledged_ = 0;
  std::uint64_t refused_ = 0, dropped_pings_ = 0, discarded_bytes_ = 0;
  bool said_go_away_ = false, heard_go_away_ = false, refused_open_ = false, receiving_ = false;
  std::optional<Error> failure_;
};

}  // namespace starling::muxer::yamux
