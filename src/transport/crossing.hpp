// A connection whose socket and security live on another reactor. The Carrier there moves bytes between the socket and
// the security channel; the CarriedSocket at home is the byte stream above them, in which the muxer session goes on
// living beside the protocols. Between the two go parcels: plaintext, credit, and how it ends.
//
// Limits: each direction has at most `window` bytes on their way or untaken, and beyond them what the last parcel
// brought at once: a read (256 KiB), or a connection's output. Whoever has no credit left waits, which fills the socket
// and so makes the remote wait. Private to the layer.
//
// Lifetime: the Crossing outlives both ends and every parcel between them (spread.cpp sees to it). Each end is touched
// by its own thread only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "starling/io/lane.hpp"
#include "transport/upgrade.hpp"

namespace starling::transport {

class CarriedSocket;
class Carrier;

/// What crosses at once, either way.
struct Parcel {
  ByteQueue bytes;                    // plaintext
  std::size_t credit = 0;             // bytes of the other direction that have gone on from the receiving end
  bool end = false;                   // the last bytes
  bool close = false;                 // from home: let go of the connection now
  std::optional<Error> failure = {};  // to home: reading or writing has failed
};

/// Bytes as they came, piece by piece: what is moved in is not copied together.
class Pieces {
 public:
  bool empty() const { return pieces_.empty(); }
  void add(ByteQueue piece) {
    if (!piece.empty()) pieces_.push_back(std::move(piece));
  }
  ByteQueue& front() { return pieces_.front(); }
  /// Of the front.
  void consume(std::size_t bytes) {
    front().consume(bytes);
    if (front().empty()) pieces_.erase(pieces_.begin());
  }
  ByteQueue take_front() {
    ByteQueue piece = std::move(front());
    pieces_.erase(pieces_.begin());
    return piece;
  }
  void clear() { pieces_.clear(); }

 private:
  std::vector<ByteQueue> pieces_;  // few: each is what crossed in one turn
};

/// What the carrier agreed on with the remote.
struct Negotiated {
  Status status;
  std::uint64_t InboundCounters::* stage_counter = nullptr;  // as Upgrade::stage_counter()
  StageTimes times;
  PeerId remote_peer;
  std::optional<crypto::PublicKey> remote_key;
  std::string security, muxer;
};

/// What the two ends share.
struct Crossing {
  io::Lane& lane;
  std::size_t window;             // bytes
  CarriedSocket* home = nullptr;  // home's thread only
  bool heard_close = false;       // the lane's, then home's: nothing from home is on its way any more
  Carrier* there = nullptr;       // home's until the lane runs it, then the lane's
  io::WaitQueue home_gone;        // home's
};

/// The end at home. Resource. Its owner may drop it at any time; the carrier then lets go of the connection.
class CarriedSocket final : public io::StreamSocket, private io::Runnable {
 public:
  CarriedSocket(io::Reactor& home, Crossing& crossing, io::Endpoint local, io::Endpoint remote);
  ~CarriedSocket() override;

  /// Waits until the carrier has agreed with the remote, or has failed to. Errors: the cancel error only.
  io::Task<Status> until_negotiated();
  Negotiated& negotiated() { return *negotiated_; }

  Result<std::size_t> try_read(MutableBytes into) override;
  Result<std::size_t> try_write(Bytes from) override;
  io::QueueWait readable() override;
  io::QueueWait writable() override;
  void shutdown_write() override;
  void close() override;
  io::Endpoint local() const override { return local_; }
  io::Endpoint remote() const override { return remote_; }

  /// As try_read() and try_write() without a copy: puts what came at once into `into`, which must be empty; empties
  /// `from`.
  Result<std::size_t> read_into(ByteQueue& into);
  Result<std::size_t> write_from(ByteQueue& from);

  // From the mailbox.
  void take(Parcel parcel);
  void take(Negotiated negotiated);

 private:
  void run() override { again_.notify_all(); }
  io::QueueWait wait(io::WaitQueue& queue, bool ready);
  void send(Parcel parcel);
  Status check_readable() const;
  Status check_writable() const;
  void give_credit(std::size_t bytes);

  io::Reactor& reactor_;
  Crossing& crossing_;
  io::Endpoint local_, remote_;
  std::optional<Negotiated> negotiated_;
  Pieces received_;
  std::size_t under_way_ = 0;  // written bytes without credit yet
  std::size_t credit_ = 0;     // read bytes, of which the carrier does not know yet
  std::optional<Error> failure_;
  bool remote_ended_ = false, write_ended_ = false, closed_ = false;
  io::WaitQueue readable_, writable_, again_;
};

/// The end on the lane: negotiates, then moves bytes until home lets go. Made at home, run and emptied on the lane.
class Carrier final : public io::LaneWork, private security::PlaintextSink, private io::Runnable {
 public:
  /// `upgrader` is only read. Of `options` the expected peer and the way of proposing count.
  Carrier(Crossing& crossing, const Upgrader& upgrader, std::unique_ptr<io::StreamSocket> socket, Direction direction,
          Multiaddr remote, const DialOptions& options);

  io::Task<void> work() override;
  /// From the mailbox.
  void take(Parcel parcel);

 private:
  Status on_plaintext(Bytes plaintext) override;
  void run() override { flush(); }  // the end of the turn

  io::Task<void> negotiate_and_carry();
  void tell_home(Upgrade& upgrade, Status status, const StageTimes& times);
  io::Task<void> carry();
  io::Task<void> read_until_end();
  io::Task<void> write_when_blocked();
  Status open_received();
  void send(Parcel parcel);
  void fail_with(Error error);
  void schedule_flush();
  void flush();
  Status seal_some();
  void give_credit();

  Crossing& crossing_;
  const Upgrader& upgrader_;
  Direction direction_;
  Multiaddr remote_;
  DialOptions options_;
  std::unique_ptr<io::StreamSocket> socket_;
  std::unique_ptr<security::Channel> channel_;
  ByteQueue wire_in_, wire_out_;
  ByteQueue opened_;           // to ship home
  Pieces unsealed_;            // from home
  std::size_t under_way_ = 0;  // shipped bytes without credit yet
  std::size_t credit_ = 0;     // bytes from home that were sealed, of which home does not know yet
  bool ending_ = false, said_farewell_ = false, blocked_ = false, failed_ = false;
  io::CancelScope life_{nullptr};  // until home lets go
  io::WaitQueue home_lets_go_, credit_came_, write_wanted_;
};

}  // namespace starling::transport
