// Lanes with a thread each.
#include "starling/io/lane.hpp"

#include <pthread.h>

#include <ctime>
#include <string>
#include <thread>
#include <utility>

#include "io/real/network.hpp"
#include "io/real/reactor.hpp"

namespace starling::io {
namespace {

class LaneThread final : public Lane {
 public:
  LaneThread(Reactor& home, std::unique_ptr<AsioReactor> reactor, std::unique_ptr<Network> network, std::size_t number)
      : Lane(home, {*reactor, *network, system_random()}),
        reactor_(std::move(reactor)),
        network_(std::move(network)),
        thread_([reactor = reactor_.get()] { reactor->run(); }) {
    ::pthread_setname_np(thread_.native_handle(), ("reactor " + std::to_string(number)).c_str());
  }
  ~LaneThread() override {
    reactor_->post_from_thread([reactor = reactor_.get()] { reactor->stop(); });
    thread_.join();
  }

  std::unique_ptr<StreamSocket> adopt(std::unique_ptr<StreamSocket>& socket) override {
    return move_tcp_socket(socket, *reactor_);
  }
  Duration cpu_time() const override {
    clockid_t clock{};
    timespec time{};
    auto& thread = const_cast<std::thread&>(thread_);
    if (::pthread_getcpuclockid(thread.native_handle(), &clock) != 0 || ::clock_gettime(clock, &time) != 0) return {};
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  }

 private:
  std::unique_ptr<AsioReactor> reactor_;
  std::unique_ptr<Network> network_;
  std::thread thread_;
};

}  // namespace

std::vector<std::unique_ptr<Lane>> start_lanes(Reactor& home, std::size_t count) {
  std::vector<std::unique_ptr<Lane>> lanes;
  for (std::size_t number = 1; number <= count; ++number) {
    auto reactor = std::make_unique<AsioReactor>();
    auto network = reactor->make_network();
    lanes.push_back(std::make_unique<LaneThread>(home, std::move(reactor), std::move(network), number));
  }
  return lanes;
}

}  // namespace starling::io
