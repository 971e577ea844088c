// Task<T>: the one coroutine type in the tree. Lazy: it runs when awaited, in the awaiting coroutine's reactor and
// cancel scope. A Task is awaited in the expression that makes it, or handed to a TaskGroup. Nothing else.
// Errors are values (Task<Result<T>>); an exception that leaves a coroutine ends the process.
// Threading: a task stays on the reactor where it was started.
#pragma once

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <utility>

#include "starling/base/assert.hpp"
#include "starling/base/error.hpp"
#include "starling/io/cancel.hpp"
#include "starling/io/reactor.hpp"

namespace starling::io {

/// Where a task runs: passed down from the awaiting coroutine.
struct TaskContext {
  Reactor* reactor = nullptr;
  CancelScope* scope = nullptr;
};

/// Tasks of this thread that have not ended: one for each coroutine, those that wait for another one included.
std::size_t live_tasks();

namespace detail {

void* allocate_frame(std::size_t size);
void free_frame(void* frame, std::size_t size) noexcept;

struct PromiseBase {
  TaskContext context;
  std::coroutine_handle<> continuation;

  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* frame, std::size_t size) noexcept { free_frame(frame, size); }

  std::suspend_always initial_suspend() noexcept { return {}; }
  struct FinalAwaiter {
    bool await_ready() noexcept { return false; }
    template <typename P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> handle) noexcept {
      return handle.promise().continuation;
    }
    void await_resume() noexcept {}
  };
  FinalAwaiter final_suspend() noexcept { return {}; }
  [[noreturn]] void unhandled_exception() noexcept { std::terminate(); }
};

template <typename T>
struct Promise;

}  // namespace detail

template <typename T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})), scope_(other.scope_) {}
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  /// Runs the task under `scope` instead of the awaiting coroutine's.
  Task in(CancelScope& scope) && {
    scope_ = &scope;
    return std::move(*this);
  }

  bool await_ready() const noexcept { return false; }
  template <typename P>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<P> parent) noexcept {
    auto& promise = handle_.promise();
    promise.context = parent.promise().context;
    if (scope_ != nullptr) promise.context.scope = scope_;
    promise.continuation = parent;
    return handle_;
  }
  T await_resume() { return handle_.promise().take(); }

 private:
  std::coroutine_handle<promise_type> handle_;
  CancelScope* scope_ = nullptr;
};

namespace detail {

template <typename T>
struct Promise final : PromiseBase {
  std::optional<T> value;
  Task<T> get_return_object() { return Task<T>(std::coroutine_handle<Promise>::from_promise(*this)); }
  template <typename U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T take() { return std::move(*value); }
};

template <>
struct Promise<void> final : PromiseBase {
  Task<void> get_return_object() { return Task<void>(std::coroutine_handle<Promise>::from_promise(*this)); }
  void return_void() noexcept {}
  void take() noexcept {}
};

}  // namespace detail

/// `co_await current_context()`: the reactor and scope of the running task, without suspending.
struct CurrentContext {
  TaskContext context;
  bool await_ready() const noexcept { return false; }
  template <typename P>
  bool await_suspend(std::coroutine_handle<P> handle) noexcept {
    context = handle.promise().context;
    return false;
  }
  TaskContext await_resume() const noexcept { return context; }
};
inline CurrentContext current_context() { return {}; }

/// Base of every leaf wait: suspends the coroutine, registers with its cancel scope, and resumes it from the reactor's
/// queue exactly once with Ok or the scope's error. Lives in the coroutine's frame.
class Wait : private Runnable, private Cancellable {
 public:
  bool await_ready() const noexcept { return false; }
  template <typename P>
  bool await_suspend(std::coroutine_handle<P> handle) {
    return suspend(handle, handle.promise().context);
  }
  Status await_resume() {
    if (error_) return std::unexpected(std::move(*error_));
    return {};
  }

 protected:
  Wait() = default;
  ~Wait() = default;
  /// Starts waiting; returns false if there is nothing to wait for (complete at once).
  virtual bool begin(const TaskContext& context) = 0;
  /// Undo begin(): the wait ends by cancellation.
  virtual void abandon() = 0;
  /// Ends the wait. Exactly once after begin().
  void complete(std::optional<Error> error = std::nullopt);

 private:
  bool suspend(std::coroutine_handle<> handle, const TaskContext& context);
  void run() final { handle_.resume(); }
  void on_cancel(const Error& why) final;

  std::coroutine_handle<> handle_;
  Reactor* reactor_ = nullptr;
  std::optional<Error> error_;
};

class WaitQueue;
struct WaitQueueTag {};

class QueueWait final : public Wait, public ListNode<WaitQueueTag> {
 public:
  explicit QueueWait(WaitQueue& queue) : queue_(queue) {}

 private:
  friend class WaitQueue;
  bool begin(const TaskContext&) override;
  void abandon() override { ListNode<WaitQueueTag>::unlink(); }
  WaitQueue& queue_;
};

/// Coroutines waiting for one condition. `co_await queue.wait()` gives Ok after a notify, or the cancel error; the
/// condition may have changed again by then, so wait in a loop. Everything that waits is built from this.
class WaitQueue {
 public:
  WaitQueue() = default;
  /// Whoever still waits is a bug of the owner: it must notify or cancel and join before it dies.
  ~WaitQueue() { STARLING_ASSERT(waiting_.empty(), "a wait queue dies with a coroutine waiting in it"); }
  QueueWait wait() { return QueueWait(*this); }
  void notify_one();
  void notify_all();
  bool empty() const { return waiting_.empty(); }

 private:
  friend class QueueWait;
  IntrusiveList<QueueWait, WaitQueueTag> waiting_;
};

class SleepWait final : public Wait, private Timer {
 public:
  SleepWait(Reactor& reactor, TimePoint until) : Timer(reactor), until_(until) {}

 private:
  bool begin(const TaskContext&) override {
    set(until_);
    return true;
  }
  void abandon() override { cancel(); }
  void on_timer() override { complete(); }
  TimePoint until_;
};

inline SleepWait sleep_until(Reactor& reactor, TimePoint until) { return SleepWait(reactor, until); }
inline SleepWait sleep_for(Reactor& reactor, Duration time) { return SleepWait(reactor, reactor.after(time)); }

/// Lets everything else that is ready run first.
class YieldWait final : public Wait {
  bool begin(const TaskContext&) override {
    complete();
    return true;
  }
  void abandon() override {}
};
inline YieldWait yield() { return {}; }

/// A scope that is cancelled when time is up, with the error (usually Timeout) that `late` makes then.
template <std::invocable Late>
class DeadlineScope final : private Timer {
 public:
  DeadlineScope(const TaskContext& context, Duration time, Late late)
      : Timer(*context.reactor), scope_(context.scope), late_(std::move(late)) {
    set(context.reactor->after(time));
  }
  CancelScope& scope() { return scope_; }

 private:
  void on_timer() override { scope_.cancel(late_()); }
  CancelScope scope_;
  Late late_;
};

/// Runs `task` with a deadline; `late()` says what timed out, if it does. Cancels the task and still waits for it to
/// end.
template <typename T, std::invocable Late>
Task<T> with_deadline(Duration time, Late late, Task<T> task) {
  DeadlineScope<Late> deadline(co_await current_context(), time, std::move(late));
  co_return co_await std::move(task).in(deadline.scope());
}
/// The same with an error that is at hand.
template <typename T>
Task<T> with_deadline(Duration time, Error error, Task<T> task) {
  return with_deadline(time, [error = std::move(error)] { return error; }, std::move(task));
}

Error timeout_error(Op op, std::string what);

/// Owns running tasks. Resource. close() refuses new work, cancels what runs and waits for it; the destructor asserts
/// that nothing is left. With that, a raw `this` in a task is safe as long as the group belongs to `this`.
class TaskGroup {
 public:
  explicit TaskGroup(Reactor& reactor, CancelScope* parent = nullptr) : reactor_(reactor), scope_(parent) {}
  ~TaskGroup() { STARLING_ASSERT(running_ == 0, "a task group dies with tasks running; close() it first"); }
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  /// Starts `task` from the reactor's next turn. After close() the task is dropped unstarted and false returned.
  bool spawn(Task<void> task);
  /// Cancels all and refuses more, without waiting.
  void cancel(Error why);
  /// Waits until all have ended by themselves.
  Task<void> join();
  /// cancel() and join().
  Task<void> close(std::optional<Error> why = std::nullopt);
  std::size_t running() const { return running_; }
  bool closed() const { return closed_; }
  CancelScope& scope() { return scope_; }
  Reactor& reactor() { return reactor_; }

 private:
  struct Starter;
  friend struct Starter;
  void finished();

  Reactor& reactor_;
  CancelScope scope_;
  WaitQueue idle_;
  std::size_t running_ = 0;
  bool closed_ = false;
};

/// Runs `task` on `reactor` until it ends; for main() and tests. Nothing else may be running the reactor.
template <typename T>
T run_task(Reactor& reactor, Task<T> task) {
  std::optional<T> result;
  TaskGroup group(reactor);
  struct Runner {
    static Task<void> go(Reactor& reactor, Task<T> task, std::optional<T>& result) {
      result.emplace(co_await std::move(task));
      reactor.stop();
    }
  };
  group.spawn(Runner::go(reactor, std::move(task), result));
  reactor.run();
  STARLING_ASSERT(result.has_value(),
                  "the reactor ran dry before the task ended: it waits for something that cannot happen");
  return std::move(*result);
}
void run_task(Reactor& reactor, Task<void> task);

}  // namespace starling::io
