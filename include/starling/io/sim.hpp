// The simulated side of io: a reactor whose clock jumps to the next event, and a virtual network of hosts and links.
// Same seed, same run: everything that happens goes into a trace hash.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "starling/io/network.hpp"

namespace starling::io {

/// A reactor in virtual time. run() ends when nothing is left to happen, at stop(), or at the time given to
/// run_until().
class SimReactor final : public Reactor {
 public:
  static std::unique_ptr<SimReactor> create() { return std::make_unique<SimReactor>(); }
  TimePoint now() const override { return now_; }
  /// From the world's own thread: a simulation has no other.
  void post_from_thread(std::function<void()> work) override;
  void run() override { run_until(kNever); }
  /// Turns until `end`; the clock then stands at `end` unless it was stopped or, for kNever, ran dry.
  void run_until(TimePoint end);
  void stop() override { stopped_ = true; }

 private:
  class PostedWork final : public Runnable {
   public:
    void run() override;
    std::vector<std::function<void()>> work;
  };
  PostedWork posted_;
  TimePoint now_{Duration(0)};
  bool stopped_ = false;
};

}  // namespace starling::io
