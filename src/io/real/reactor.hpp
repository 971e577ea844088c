// The Asio side of the reactor, for the sockets beside it.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "starling/io/real.hpp"

namespace starling::io {

class AsioReactor final : public RealReactor {
 public:
  AsioReactor();
  TimePoint now() const override;
  void post_from_thread(std::function<void()> work) override;
  void run() override;
  void stop() override { stopped_ = true; }
  Task<Result<int>> wait_signal(std::vector<int> signals) override;
  std::unique_ptr<Network> make_network() override;

  boost::asio::io_context& context() { return context_; }

 private:
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  bool stopped_ = false;
};

/// The error of a failed system call, with what was tried.
Error system_error(int number, Op op, std::string what);

}  // namespace starling::io
