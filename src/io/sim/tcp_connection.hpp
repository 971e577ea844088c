// A TCP connection between two hosts: two pipes, and at each end what its socket may see. Made by the connecting
// coroutine, owned by the world, destroyed when both ends are closed or gone.
#pragma once

#include <array>
#include <cstdint>

#include "io/sim/path.hpp"
#include "io/sim/ring.hpp"
#include "starling/base/bytes.hpp"
#include "starling/base/intrusive_list.hpp"
#include "starling/io/sim_network.hpp"

namespace starling::io::sim {

class Host;
class SimStreamSocket;
class TcpConnection;
struct WorldState;
struct StalledTag {};

enum class SegmentKind : std::uint8_t { Open, Data, Fin, Reset };

/// One direction: bytes written and not yet read, the segments that carry them, and the window that bounds them.
class Pipe final : public ListNode<StalledTag>, private Timer {
 public:
  Pipe(TcpConnection& connection, int side, Path& there, Path& back, std::size_t window);

  /// Bytes that may be written now.
  std::size_t room();
  void write(Bytes bytes);
  void send(SegmentKind kind);
  /// Bytes that arrived and are not read.
  std::size_t arrived() const { return arrived_; }
  std::size_t read(MutableBytes into);
  /// Forgets what arrived and was not read.
  void drop_arrived();
  /// What is under way never arrives.
  void drop_in_flight();
  /// Tells the writer's socket when there is room again.
  void watch_room();
  /// After a partition, a dead machine or a lost address.
  void resume();
  const Path& path() const { return there_; }

 private:
  struct Segment {
    TimePoint at;
    std::uint32_t size;
    SegmentKind kind;
    bool downloaded;  // the receiver's download has been counted
  };
  /// Room that opens at the writer at some time.
  struct Credit {
    TimePoint at;
    std::uint32_t bytes;
  };
  class RoomTimer final : public Timer {
   public:
    RoomTimer(Reactor& reactor, Pipe& pipe) : Timer(reactor), pipe_(pipe) {}

   private:
    void on_timer() override { pipe_.on_room(); }
    Pipe& pipe_;
  };

  void on_timer() override;
  void on_room();
  void arm_room();
  void push(std::size_t size, SegmentKind kind);
  void deliver(const Segment& segment);
  bool wait_for_download(Segment& segment);
  /// Nothing gets there, or back, now.
  bool blocked(const Path& path) const;
  void stall();
  void give_credit(std::size_t bytes);
  void take_credits();

  TcpConnection& connection_;
  Path& there_;
  Path& back_;
  RoomTimer room_timer_;
  ByteQueue bytes_;              // arrived ones first
  std::size_t arrived_ = 0;      // of bytes_
  std::size_t outstanding_ = 0;  // written, and not known to the writer to have been read
  std::size_t window_;
  Ring<Segment> segments_;
  Ring<Credit> credits_;
  TimePoint last_at_{Duration(0)};
  int side_;
  bool room_watched_ = false;
};

class TcpConnection {
 public:
  TcpConnection(WorldState& world, std::uint64_t number, Host& client, const Endpoint& client_at, Host& server,
                const Endpoint& server_at);
  TcpConnection(const TcpConnection&) = delete;
  TcpConnection& operator=(const TcpConnection&) = delete;

  // Side 0 is the client, side 1 the server.
  Result<std::size_t> read(int side, MutableBytes into);
  Result<std::size_t> write(int side, Bytes from);
  bool readable(int side) const;
  bool writable(int side);
  void watch_room(int side) { pipe(side).watch_room(); }
  void shutdown_write(int side);
  void close(int side);
  /// Closes with a reset whatever was read.
  void abort(int side);
  /// The host of this side crashed.
  void vanish(int side);
  /// After the addresses of a host changed: without its own at both ends nothing gets through.
  void look_for_addresses();
  /// The client tells the server's listener, which is `listener`, that the connection stands.
  void open_at(std::uint64_t listener);

  /// The socket that is told of changes; null for none. A side has one only between accept and close.
  void attach(int side, SimStreamSocket* socket) { ends_[std::size_t(side)].socket = socket; }
  SimStreamSocket* socket(int side) const { return ends_[std::size_t(side)].socket; }
  Host& host(int side) const { return *ends_[std::size_t(side)].host; }
  const Endpoint& local(int side) const { return ends_[std::size_t(side)].local; }
  std::uint64_t number() const { return number_; }
  WorldState& world() { return world_; }

 private:
  friend class Pipe;
  struct End {
    Host* host;
    Endpoint local;
    SimStreamSocket* socket = nullptr;
    bool open = true, reset = false, reset_sent = false, write_ended = false, remote_ended = false;
  };
  End& end(int side) { return ends_[std::size_t(side)]; }
  const End& end(int side) const { return ends_[std::size_t(side)]; }
  Pipe& pipe(int side) { return pipes_[std::size_t(side)]; }
  const Pipe& pipe(int side) const { return pipes_[std::size_t(side)]; }
  /// Something of `kind` and `size` arrived at the other end of `from_side`.
  void arrived(int from_side, SegmentKind kind, std::size_t size);
  void room_opened(int side);
  void offer_to_listener();
  void receive_reset(int side);
  void send_reset(int side);
  void leave(int side);

  WorldState& world_;
  std::uint64_t number_;
  bool cut_off_ = false;  // an end's host has lost the end's address
  std::uint64_t listener_ = 0;
  std::array<End, 2> ends_;
  std::array<Pipe, 2> pipes_;  // by the side that writes
};

}  // namespace starling::io::sim
