#include "starling/io/task.hpp"

#include <array>
#include <new>

namespace starling::io {
namespace detail {
namespace {

// Frames in classes of 64 bytes up to 2 KiB, kept per thread. Sanitizers want to see every frame by itself.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define STARLING_PLAIN_FRAMES
#endif
#endif
constexpr std::size_t kClassBytes = 64, kClasses = 32, kKeptPerClass = 256;

struct FramePool {
  struct Free {
    Free* next;
  };
  std::array<Free*, kClasses> heads{};
  std::array<std::size_t, kClasses> counts{};
  ~FramePool() {
    for (Free* head : heads)
      while (head != nullptr) ::operator delete(std::exchange(head, head->next));
  }
};

[[maybe_unused]] FramePool& pool() {
  thread_local FramePool frames;
  return frames;
}

thread_local std::size_t live_frames = 0;

}  // namespace

void* allocate_frame(std::size_t size) {
  ++live_frames;
#ifndef STARLING_PLAIN_FRAMES
  const std::size_t index = (size - 1) / kClassBytes;
  if (index < kClasses) {
    FramePool& frames = pool();
    if (FramePool::Free* frame = frames.heads[index]) {
      frames.heads[index] = frame->next;
      --frames.counts[index];
      return frame;
    }
    return ::operator new((index + 1) * kClassBytes);
  }
#endif
  return ::operator new(size);
}

void free_frame(void* frame, [[maybe_unused]] std::size_t size) noexcept {
  --live_frames;
#ifndef STARLING_PLAIN_FRAMES
  const std::size_t index = (size - 1) / kClassBytes;
  if (index < kClasses) {
    FramePool& frames = pool();
    if (frames.counts[index] < kKeptPerClass) {
      frames.heads[index] = new (frame) FramePool::Free{frames.heads[index]};
      ++frames.counts[index];
      return;
    }
  }
#endif
  ::operator delete(frame);
}

}  // namespace detail

std::size_t live_tasks() { return detail::live_frames; }

bool Wait::suspend(std::coroutine_handle<> handle, const TaskContext& context) {
  handle_ = handle;
  reactor_ = context.reactor;
  STARLING_ASSERT(reactor_ != nullptr, "a coroutine waits outside of any reactor");
  if (context.scope != nullptr) {
    if (const Error* why = context.scope->cancelled()) {
      error_ = *why;
      return false;
    }
  }
  if (!begin(context)) return false;
  if (context.scope != nullptr && !static_cast<Runnable*>(this)->linked()) context.scope->add(*this);
  return true;
}

void Wait::complete(std::optional<Error> error) {
  error_ = std::move(error);
  Cancellable::unlink();
  reactor_->post(*this);
}

void Wait::on_cancel(const Error& why) {
  abandon();
  complete(why);
}

bool QueueWait::begin(const TaskContext&) {
  queue_.waiting_.push_back(*this);
  return true;
}

void WaitQueue::notify_one() {
  if (!waiting_.empty()) waiting_.pop_front().complete();
}

void WaitQueue::notify_all() {
  while (!waiting_.empty()) waiting_.pop_front().complete();
}

Error timeout_error(Op op, std::string what) { return Error(ErrorCode::Timeout, op, Origin::Timeout, std::move(what)); }

// The outermost coroutine of a spawned task: starts from the reactor's queue, destroys itself at its end.
struct TaskGroup::Starter {
  struct promise_type final : detail::PromiseBase, Runnable {
    TaskGroup* group = nullptr;
    Starter get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    struct Final {
      bool await_ready() noexcept { return false; }
      void await_suspend(std::coroutine_handle<promise_type> self) noexcept {
        TaskGroup& owner = *self.promise().group;
        self.destroy();
        owner.finished();
      }
      void await_resume() noexcept {}
    };
    Final final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void run() override { std::coroutine_handle<promise_type>::from_promise(*this).resume(); }
  };
  std::coroutine_handle<promise_type> handle;

  static Starter start(Task<void> task) { co_await std::move(task); }
};

bool TaskGroup::spawn(Task<void> task) {
  if (closed_) return false;
  ++running_;
  auto& promise = Starter::start(std::move(task)).handle.promise();
  promise.context = {&reactor_, &scope_};
  promise.group = this;
  reactor_.post(promise);
  return true;
}

void TaskGroup::finished() {
  if (--running_ == 0) idle_.notify_all();
}

void TaskGroup::cancel(Error why) {
  closed_ = true;
  scope_.cancel(std::move(why));
}

Task<void> TaskGroup::join() {
  // A join is not itself cancelled: an owner always outlives its tasks.
  CancelScope shielded(nullptr);
  struct Loop {
    static Task<void> wait(TaskGroup& group) {
      while (group.running_ > 0) (void)co_await group.idle_.wait();
    }
  };
  co_await Loop::wait(*this).in(shielded);
}

Task<void> TaskGroup::close(std::optional<Error> why) {
  cancel(why ? std::move(*why) : Error(ErrorCode::Cancelled, Op::Close, Origin::Cancelled));
  co_await join();
}

void run_task(Reactor& reactor, Task<void> task) {
  struct Wrap {
    static Task<bool> go(Task<void> task) {
      co_await std::move(task);
      co_return true;
    }
  };
  (void)run_task(reactor, Wrap::go(std::move(task)));
}

}  // namespace starling::io
