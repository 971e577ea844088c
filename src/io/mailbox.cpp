#include "starling/io/mailbox.hpp"

#include <utility>

#include "starling/base/assert.hpp"

namespace starling::io {

Mailbox::~Mailbox() {
  STARLING_ASSERT(newest_.load(std::memory_order_acquire) == nullptr, "a mailbox dies with mail in it");
}

// Nothing but whole lists leaves the stack, so a node that comes back at the same address does no harm.
void Mailbox::send(std::unique_ptr<Mail> mail) {
  Mail* const node = mail.release();
  Mail* before = newest_.load(std::memory_order_relaxed);
  do {
    node->next_ = before;
  } while (!newest_.compare_exchange_weak(before, node, std::memory_order_release, std::memory_order_relaxed));
  // Until this has been posted nobody delivers the node, and so nothing of this mailbox goes away.
  if (before == nullptr) reactor_.post_from_thread([this] { deliver_all(); });
}

void Mailbox::deliver_all() {
  Mail* newest = newest_.exchange(nullptr, std::memory_order_acquire);
  Mail* oldest = nullptr;
  while (newest != nullptr) {
    Mail* const next = std::exchange(newest->next_, oldest);
    oldest = std::exchange(newest, next);
  }
  while (oldest != nullptr) {
    const std::unique_ptr<Mail> mail(std::exchange(oldest, oldest->next_));
    mail->deliver();
  }
}

}  // namespace starling::io
