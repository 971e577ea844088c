// The mplex session: a pure machine over one connection. mplex is deprecated and has no flow control, no errors and
// no keep-alive: send() takes everything, consumed() does nothing, and whoever holds received payload must reset a
// stream that grows too large.
//
// StreamId: our own streams carry their wire id, shifted left, with the lowest bit set; those of the remote are
// counted, because a remote may use a wire id again after both sides have closed it.
// No pointer into a table is held across a call on Events: those calls may end streams.
// Resource: owned by one connection, used on its thread. Limits: Config. spec: mplex/README.md
#pragma once

#include <optional>
#include <string>

#include "muxer/mplex_frame.hpp"
#include "muxer/stream_table.hpp"
#include "muxer/unsent_frames.hpp"
#include "starling/muxer/muxer.hpp"

namespace starling::muxer::mplex {

class MplexSession final : public Session {
 public:
  /// `first_id`: the wire id of our first stream; other than 0 only for tests.
  explicit MplexSession(const Config& config, std::uint64_t first_id = 0);

  std::string_view protocol_id() const override { return kMplexId; }
  void start(TimePoint) override {}
  Status receive(Bytes bytes, TimePoint now, Events& events) override;
  Result<StreamId> open_stream() override;
  std::size_t send(StreamId id, Bytes payload) override;
  void close_write(StreamId id) override;
  void reset(StreamId id, ResetCode code) override;
  void consumed(StreamId, std::size_t, TimePoint) override {}
  void go_away(ResetCode) override { closing_ = true; }
  TimePoint next_deadline() const override { return kNever; }
  Status on_timer(TimePoint now, Events& events) override;
  ByteQueue& output() override { return output_; }
  Stats stats() const override;

 private:
  struct Stream {
    std::uint64_t wire = 0;
    bool closed_here = false, closed_there = false;
  };
  // The message whose payload is arriving.
  struct Body {
    std::uint64_t left = 0;
    StreamId stream = 0;  // 0 = nobody wants it
  };

  Status read_messages(Bytes bytes, Events& events);
  void read_body(Bytes& bytes, Events& events);
  Status on_message(const Header& header, Events& events);
  Status on_new_stream(const Header& header, Events& events);
  void on_close(StreamId id, Events& events);
  void on_reset(StreamId id, Events& events);
  Status refuse(std::uint64_t wire);
  Status remote_fault(ErrorCode code, std::string_view detail);

  static bool is_ours(StreamId id) { return (id & 1) != 0; }
  StreamId id_of(const Header& header);
  Stream* find(StreamId id) { return failure_ ? nullptr : streams_.find(id); }
  bool may_open() const { return outbound_ < config_.max_outbound_streams && next_id_ <= kLastId; }
  void erase(StreamId id);
  void put(const Header& header, Bytes payload = {});

  const Config config_;
  StreamTable<StreamId, Stream> streams_;
  StreamTable<std::uint64_t, StreamId> inbound_ids_;  // by wire id + 1
  ByteQueue output_;
  std::uint64_t written_ = 0;  // bytes ever put into output_
  UnsentFrames control_bytes_;
  HeaderReader reader_;
  Body body_;
  std::uint64_t next_id_, accepted_ = 0;
  std::uint32_t inbound_ = 0, outbound_ = 0;
  std::uint64_t refused_ = 0, discarded_bytes_ = 0;
  bool closing_ = false, refused_open_ = false, receiving_ = false;
  std::optional<Error> failure_;
};

}  // namespace starling::muxer::mplex
