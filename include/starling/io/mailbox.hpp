// Mailbox: how threads reach a reactor's thread without a lock. What is sent lies in a list until the reactor comes to
// it, in one go; only the sender that finds the list empty wakes the reactor.
#pragma once

#include <atomic>
#include <memory>

#include "starling/io/reactor.hpp"

namespace starling::io {

/// One message. It goes by the thread that made it to the one that delivers it; nobody else touches it meanwhile.
class Mail {
 public:
  virtual ~Mail() = default;
  /// On the receiving reactor's thread, once.
  virtual void deliver() = 0;

 private:
  friend class Mailbox;
  Mail* next_ = nullptr;
};

/// Resource. Unbounded by itself: senders bound what they have under way. Dies empty, after its reactor's last turn or
/// on its thread.
class Mailbox {
 public:
  explicit Mailbox(Reactor& to) : reactor_(to) {}
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  /// From any thread. What one thread sends is delivered in the order of its calls, from the reactor's turn.
  void send(std::unique_ptr<Mail> mail);

 private:
  void deliver_all();

  Reactor& reactor_;
  std::atomic<Mail*> newest_{nullptr};
};

}  // namespace starling::io
