// Channel<T>: a bounded queue between tasks of one reactor.
#pragma once

#include <deque>
#include <optional>

#include "starling/io/task.hpp"

namespace starling::io {

template <typename T>
class Channel {
 public:
  explicit Channel(std::size_t capacity) : capacity_(capacity) {}

  /// False when full or closed; the item is then still the caller's.
  bool try_send(T&& item) {
    if (closed_ || items_.size() >= capacity_) return false;
    items_.push_back(std::move(item));
    not_empty_.notify_one();
    return true;
  }
  /// Waits for room. Errors: Closed, or the cancel error.
  Task<Status> send(T item) {
    while (!closed_ && items_.size() >= capacity_) STARLING_CO_CHECK(co_await not_full_.wait());
    if (closed_) co_return fail(ErrorCode::Closed, Op::Write, Origin::Local, "channel");
    items_.push_back(std::move(item));
    not_empty_.notify_one();
    co_return Status{};
  }
  std::optional<T> try_receive() {
    if (items_.empty()) return std::nullopt;
    T item = std::move(items_.front());
    items_.pop_front();
    not_full_.notify_one();
    return item;
  }
  /// Waits for an item. Errors: Closed when closed and drained, or the cancel error.
  Task<Result<T>> receive() {
    while (items_.empty()) {
      if (closed_) co_return fail(ErrorCode::Closed, Op::Read, Origin::Local, "channel");
      STARLING_CO_CHECK(co_await not_empty_.wait());
    }
    co_return std::move(*try_receive());
  }
  /// No more sends; what is queued can still be received.
  void close() {
    closed_ = true;
    not_empty_.notify_all();
    not_full_.notify_all();
  }
  std::size_t size() const { return items_.size(); }
  bool closed() const { return closed_; }

 private:
  std::size_t capacity_;
  std::deque<T> items_;
  WaitQueue not_empty_, not_full_;
  bool closed_ = false;
};

}  // namespace starling::io
