// Stream: what a protocol handler and an application hold. A byte stream to a peer, with its protocol agreed on.
// Move-only handle; dropping it before both sides closed resets the stream. One reading and one writing coroutine at
// a time. Threading: the reactor's thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "starling/host/traffic.hpp"
#include "starling/io/task.hpp"
#include "starling/swarm/swarm.hpp"
#include "starling/transport/multistream.hpp"

namespace starling::host {

struct StreamInfo {
  PeerId peer;
  std::string protocol;
  transport::Direction direction = transport::Direction::Outbound;
  swarm::ConnectionId connection = 0;
  Multiaddr remote_address;
};

/// A proposal that was sent and whose answer is still to be checked.
struct LazyNegotiation {
  transport::MultistreamDialer dialer;
  Duration timeout;  // for the answer, from the first read on
};

/// What an open stream holds of its node: room in the budgets, and its connection's right to stay open.
struct StreamHold {
  resource::StreamScope scope;
  swarm::Activity activity;
};

class Stream {
 public:
  /// With `lazy`, the answer to the proposal is checked before the first read.
  Stream(std::unique_ptr<transport::RawStream> raw, StreamInfo info, std::optional<LazyNegotiation> lazy = {},
         StreamHold hold = {});
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;
  ~Stream();

  const StreamInfo& info() const { return state_->info; }
  /// Memory that the protocol keeps for this stream is charged here.
  resource::StreamScope& scope() { return state_->hold.scope; }
  const std::string& protocol() const { return state_->info.protocol; }

  /// Reads at least one byte unless the remote ended its side: then 0. Errors: StreamReset, ConnectionClosed,
  /// NoCommonProtocol or Timeout (a lazily opened stream that the remote refused or did not answer), or the cancel
  /// error.
  io::Task<Result<std::size_t>> read_some(MutableBytes into);
  /// Reads exactly into.size() bytes. Error EndOfStream if the remote ends before.
  io::Task<Status> read_exactly(MutableBytes into);
  /// Waits for at least one byte and shows everything that has arrived; empty at the end of the stream. consume() what
  /// was used. The view dies with the next call.
  io::Task<Result<Bytes>> peek();
  void consume(std::size_t bytes) {
    state_->raw->consume(bytes);
    state_->account.read(bytes);
  }
  /// One varint-length-prefixed message of at most `max_size` bytes. Errors as read_exactly, TooLarge.
  io::Task<Result<ByteVector>> read_message(std::size_t max_size);

  /// Takes all of `data`, waiting for room as often as needed.
  io::Task<Status> write(Bytes data);
  io::Task<Status> write_message(Bytes message);

  /// Half-close: we send no more.
  void close_write() { state_->raw->close_write(); }
  /// Ends both directions at once.
  void reset(transport::ResetCode code = transport::ResetCode::None) { state_->raw->reset(code); }
  /// Half-close, then wait until the remote ended its side too, dropping what it still sends (at most 64 KiB).
  io::Task<Status> close();
  /// Why the stream was ended, if it was reset or its connection went.
  const transport::CloseReason* close_reason() const { return state_->raw->close_reason(); }
  /// Whom its bytes are charged to; called once by the host.
  void charge_to(StreamAccount account) { state_->account = std::move(account); }

 private:
  io::Task<Status> finish_negotiation();
  io::Task<Status> read_answer();
  Error refusal(Error error);
  // Elsewhere, because a stream is handed on from coroutine to coroutine and its holds are in lists.
  struct State {
    StreamHold hold;  // given back after the raw stream has gone
    std::unique_ptr<transport::RawStream> raw;
    StreamInfo info;
    std::optional<LazyNegotiation> lazy;
    StreamAccount account;
  };
  std::unique_ptr<State> state_;
};

/// Writes a view; for the shells around machines.
io::Task<Status> write_all(transport::RawStream& raw, Bytes data);

}  // namespace starling::host
