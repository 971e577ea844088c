#include "io/real/reactor.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "starling/io/asio.hpp"

namespace starling::io {
namespace {
// Asio adds it to the time of day without looking for an overflow.
constexpr Duration kLongestWait = std::chrono::hours(1);
}  // namespace

boost::asio::io_context& io_context_of(RealReactor& reactor) { return static_cast<AsioReactor&>(reactor).context(); }

std::unique_ptr<RealReactor> RealReactor::create() { return std::make_unique<AsioReactor>(); }

AsioReactor::AsioReactor() : work_(boost::asio::make_work_guard(context_)) {}

TimePoint AsioReactor::now() const {
  return TimePoint(std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

void AsioReactor::post_from_thread(std::function<void()> work) { boost::asio::post(context_, std::move(work)); }

void AsioReactor::run() {
  stopped_ = false;
  TimePoint woke{};
  bool measured = false;
  while (!stopped_) {
    const bool more = turn();
    if (measured) turn_took(now() - woke);
    if (stopped_) break;
    const TimePoint next = next_timer();
    // One handler a turn: what it wakes runs and is flushed before the next, and no extra look at the sockets is paid
    // for.
    if (more) {
      context_.poll_one();
    } else if (next == kNever) {
      context_.run_one();
    } else if (const TimePoint at = now(); next > at) {
      context_.run_one_for(std::min<Duration>(next - at, kLongestWait));
    }
    measured = turn_times() != nullptr;
    woke = measured || next != kNever ? now() : TimePoint::min();
    fire_timers(woke);
  }
}

namespace {
// Asio calls back later even when the waiting coroutine is gone; the set of signals therefore lives on the heap.
struct SignalState {
  explicit SignalState(boost::asio::io_context& context) : set(context) {}
  boost::asio::signal_set set;
  WaitQueue queue;
  int number = 0;
};
}  // namespace

Task<Result<int>> AsioReactor::wait_signal(std::vector<int> signals) {
  auto state = std::make_shared<SignalState>(context_);
  for (const int number : signals) {
    boost::system::error_code error;
    state->set.add(number, error);
    if (error) co_return fail(system_error(error.value(), Op::Run, "signal " + std::to_string(number)));
  }
  state->set.async_wait([state](const boost::system::error_code& error, int number) {
    if (error) return;
    state->number = number;
    state->queue.notify_all();
  });
  while (state->number == 0) {
    Status waited = co_await state->queue.wait();
    if (waited) continue;
    state->set.cancel();
    co_return std::unexpected(std::move(waited).error());
  }
  co_return state->number;
}

Error system_error(int number, Op op, std::string what) {
  struct Row {
    int number;
    ErrorCode code;
    Origin origin;
  };
  static constexpr Row kRows[] = {
      {EADDRINUSE, ErrorCode::AddressInUse, Origin::Local},
      {EADDRNOTAVAIL, ErrorCode::AddressNotAvailable, Origin::Local},
      {ECONNREFUSED, ErrorCode::ConnectionRefused, Origin::Remote},
      {ECONNRESET, ErrorCode::ConnectionReset, Origin::Remote},
      {EPIPE, ErrorCode::ConnectionReset, Origin::Remote},
      {ECONNABORTED, ErrorCode::ConnectionReset, Origin::Remote},
      {ENETUNREACH, ErrorCode::Unreachable, Origin::Network},
      {EHOSTUNREACH, ErrorCode::Unreachable, Origin::Network},
      {ENETDOWN, ErrorCode::Unreachable, Origin::Network},
      {ETIMEDOUT, ErrorCode::Timeout, Origin::Network},
      {EACCES, ErrorCode::PermissionDenied, Origin::Local},
      {EPERM, ErrorCode::PermissionDenied, Origin::Local},
      {EMSGSIZE, ErrorCode::TooLarge, Origin::Local},
      {EMFILE, ErrorCode::OutOfDescriptors, Origin::Limit},
      {ENFILE, ErrorCode::OutOfDescriptors, Origin::Limit},
      {EBADF, ErrorCode::Closed, Origin::Local},
  };
  for (const Row& row : kRows)
    if (row.number == number) return Error(row.code, op, row.origin, std::move(what));
  return Error(ErrorCode::SocketFailed, op, Origin::Local, what + ": " + std::strerror(number));
}

}  // namespace starling::io
