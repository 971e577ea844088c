#include "starling/io/lane.hpp"

#include <utility>

namespace starling::io {

// One run(), in the caller's frame. `there` and `work` are the lane's from Start to Ended, the rest is of home.
struct Lane::Run {
  Lane& lane;
  LaneWork& work;
  CancelScope there{nullptr};
  bool ended = false, cancelling = false;
  WaitQueue changed;
};

class Lane::Ended final : public Mail {
 public:
  Ended(Run& run, bool Run::* flag, bool value) : run_(run), flag_(flag), value_(value) {}
  void deliver() override {
    run_.*flag_ = value_;
    run_.changed.notify_all();
  }

 private:
  Run& run_;
  bool Run::* flag_;
  bool value_;
};

class Lane::Start final : public Mail {
 public:
  explicit Start(Run& run) : run_(run) {}
  void deliver() override { run_.lane.tasks_.spawn(run_there(run_)); }

 private:
  Run& run_;
};

// Answered, because the run may have ended before this arrives: its frame waits for the answer.
class Lane::Cancel final : public Mail {
 public:
  Cancel(Run& run, Error why) : run_(run), why_(std::move(why)) {}
  void deliver() override {
    run_.there.cancel(std::move(why_));
    run_.lane.send_home(std::make_unique<Ended>(run_, &Run::cancelling, false));
  }

 private:
  Run& run_;
  Error why_;
};

Lane::Lane(Reactor& home, const World& there)
    : there_(there), to_lane_(there.reactor), to_home_(home), tasks_(there.reactor) {}

Lane::~Lane() { STARLING_ASSERT(under_way_ == 0, "a lane dies with work under way"); }

Task<void> Lane::run_there(Run& run) {
  Lane& lane = run.lane;
  co_await run.work.work().in(run.there);
  lane.send_home(std::make_unique<Ended>(run, &Run::ended, true));
}

Task<Status> Lane::until_ended(Run& run) {
  while (!run.ended || run.cancelling) STARLING_CO_CHECK(co_await run.changed.wait());
  co_return Status{};
}

Task<void> Lane::run(LaneWork& work) {
  Run run{*this, work};
  ++under_way_;
  send(std::make_unique<Start>(run));
  Status ended = co_await until_ended(run);
  if (!ended) {
    run.cancelling = true;
    send(std::make_unique<Cancel>(run, std::move(ended).error()));
    CancelScope always(nullptr);
    (void)co_await until_ended(run).in(always);
  }
  --under_way_;
}

}  // namespace starling::io
