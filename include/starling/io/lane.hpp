// Lane: a second reactor that work is handed to. start_lanes() gives each a thread of its own; a lane made directly
// works on the reactor it was given, which in the simulator is the one of the world.
//
// Two threads never share an object: what crosses is Mail, and what a lane works on is touched by the lane until its
// run() has ended. Threading: run(), send() and adopt() on the home reactor's thread, send_home() on the lane's.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "starling/io/mailbox.hpp"
#include "starling/io/network.hpp"

namespace starling::io {

/// What a lane does. Lives at home until Lane::run() has ended.
class LaneWork {
 public:
  /// On the lane's thread and reactor.
  virtual Task<void> work() = 0;

 protected:
  ~LaneWork() = default;
};

/// Resource. Dies when no run() is under way.
class Lane {
 public:
  Lane(Reactor& home, const World& there);
  virtual ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  /// Reactor, network and randomness of the lane, for work that runs there.
  const World& world() const { return there_; }

  /// Runs `work` on the lane and ends when it has ended. A cancel is passed on; the work still has to end.
  Task<void> run(LaneWork& work);

  void send(std::unique_ptr<Mail> mail) { to_lane_.send(std::move(mail)); }
  void send_home(std::unique_ptr<Mail> mail) { to_home_.send(std::move(mail)); }

  /// Moves a socket in which nobody waits from the home reactor to the lane's: the result belongs to the lane. Null if
  /// this kind of socket cannot move; `socket` is then untouched.
  virtual std::unique_ptr<StreamSocket> adopt(std::unique_ptr<StreamSocket>& socket) { return std::move(socket); }

  /// What the lane's thread has cost; zero without a thread of its own.
  virtual Duration cpu_time() const { return Duration::zero(); }

 private:
  struct Run;
  class Start;
  class Cancel;
  class Ended;
  static Task<void> run_there(Run& run);
  static Task<Status> until_ended(Run& run);

  World there_;
  Mailbox to_lane_, to_home_;
  TaskGroup tasks_;            // of the lane's thread
  std::size_t under_way_ = 0;  // of the home thread
};

/// `count` lanes, each a thread that lives as long as the lane, with the operating system's network and randomness.
std::vector<std::unique_ptr<Lane>> start_lanes(Reactor& home, std::size_t count);

}  // namespace starling::io
