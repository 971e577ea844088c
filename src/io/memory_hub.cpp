#include "starling/io/memory_hub.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <utility>

#include "io/ready_queue.hpp"

namespace starling::io {
namespace {

// What the two ends of a stream have in common; side 0 connected, side 1 was accepted.
struct Pipe {
  Pipe(Reactor& reactor_in, std::size_t limit_in) : reactor(reactor_in), limit(limit_in) {}
  struct Side {
    ByteQueue written;  // by this side, not yet read by the other
    ReadyQueue readable, writable;
    bool write_ended = false, closed = false;
  };
  Reactor& reactor;
  std::size_t limit;
  std::array<Side, 2> sides;
};

class MemorySocket final : public StreamSocket {
 public:
  MemorySocket(std::shared_ptr<Pipe> pipe, std::size_t side) : pipe_(std::move(pipe)), side_(side) {}
  ~MemorySocket() override { close(); }

  Result<std::size_t> try_read(MutableBytes into) override {
    if (mine().closed) return fail(ErrorCode::Closed, Op::Read, Origin::Local);
    ByteQueue& from = other().written;
    const std::size_t count = std::min(into.size(), from.size());
    if (count == 0 && !into.empty() && !ended()) return fail(ErrorCode::WouldBlock, Op::Read, Origin::Local);
    std::copy_n(from.view().begin(), count, into.begin());
    if (count > 0) from.consume(count);
    if (count > 0) other().writable.notify();
    return count;
  }
  Result<std::size_t> try_write(Bytes bytes) override {
    if (mine().closed || mine().write_ended) return fail(ErrorCode::Closed, Op::Write, Origin::Local);
    if (other().closed) return fail(ErrorCode::ConnectionReset, Op::Write, Origin::Remote, "the other end is gone");
    const std::size_t count = std::min(bytes.size(), pipe_->limit - mine().written.size());
    if (count == 0 && !bytes.empty()) return fail(ErrorCode::WouldBlock, Op::Write, Origin::Local);
    mine().written.append(bytes.first(count));
    other().readable.notify();
    return count;
  }
  QueueWait readable() override {
    return mine().readable.wait(pipe_->reactor, mine().closed || ended() || !other().written.empty());
  }
  QueueWait writable() override {
    const bool room = mine().written.size() < pipe_->limit;
    return mine().writable.wait(pipe_->reactor, mine().closed || other().closed || room);
  }
  void shutdown_write() override {
    mine().write_ended = true;
    other().readable.notify();
  }
  void close() override {
    if (std::exchange(mine().closed, true)) return;
    mine().write_ended = true;
    other().written.clear();
    for (Pipe::Side& side : pipe_->sides) {
      side.readable.notify();
      side.writable.notify();
    }
  }
  Endpoint local() const override { return {}; }
  Endpoint remote() const override { return {}; }

 private:
  Pipe::Side& mine() { return pipe_->sides[side_]; }
  Pipe::Side& other() { return pipe_->sides[1 - side_]; }
  bool ended() { return other().write_ended && other().written.empty(); }

  std::shared_ptr<Pipe> pipe_;
  std::size_t side_;
};

}  // namespace

using Names = std::map<std::string, MemoryHub::Meeting*>;

/// A name somebody listens on.
class MemoryHub::Meeting final : public Listener {
 public:
  Meeting(std::shared_ptr<Names> names, std::string name, int backlog)
      : names_(std::move(names)), name_(std::move(name)), backlog_(std::size_t(std::max(backlog, 1))) {
    names_->emplace(name_, this);
  }
  ~Meeting() override { close(); }

  Task<Result<std::unique_ptr<StreamSocket>>> accept() override {
    while (waiting_.empty()) {
      if (!names_) co_return fail(ErrorCode::Closed, Op::Accept, Origin::Local, name_);
      STARLING_CO_CHECK(co_await arrived_.wait());
    }
    auto socket = std::move(waiting_.front());
    waiting_.pop_front();
    co_return socket;
  }
  void close() override {
    if (!names_) return;
    names_->erase(name_);
    names_.reset();
    waiting_.clear();
    arrived_.notify_all();
  }
  Endpoint local() const override { return {}; }

  bool put(std::unique_ptr<StreamSocket> socket) {
    if (waiting_.size() >= backlog_) return false;
    waiting_.push_back(std::move(socket));
    arrived_.notify_one();
    return true;
  }

 private:
  std::shared_ptr<Names> names_;  // null once closed
  std::string name_;
  std::size_t backlog_;
  std::deque<std::unique_ptr<StreamSocket>> waiting_;
  WaitQueue arrived_;
};

MemoryHub::MemoryHub(Reactor& reactor, std::size_t buffer_bytes)
    : reactor_(reactor), buffer_bytes_(buffer_bytes), names_(std::make_shared<Names>()) {}
MemoryHub::~MemoryHub() = default;

Result<std::unique_ptr<Listener>> MemoryHub::listen(const std::string& name, int backlog) {
  if (names_->contains(name)) return fail(ErrorCode::AddressInUse, Op::Listen, Origin::Local, name);
  return std::make_unique<Meeting>(names_, name, backlog);
}

Result<std::unique_ptr<StreamSocket>> MemoryHub::connect(const std::string& name) {
  const auto found = names_->find(name);
  if (found == names_->end()) return fail(ErrorCode::ConnectionRefused, Op::Connect, Origin::Network, name);
  auto pipe = std::make_shared<Pipe>(reactor_, buffer_bytes_);
  if (!found->second->put(std::make_unique<MemorySocket>(pipe, 1)))
    return fail(ErrorCode::ConnectionRefused, Op::Connect, Origin::Network, name + ": too many wait to be accepted");
  return std::make_unique<MemorySocket>(std::move(pipe), 0);
}

}  // namespace starling::io
