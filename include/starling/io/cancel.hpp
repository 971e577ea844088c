// CancelScope: the tree along which cancellation runs. A scope belongs to a TaskGroup or to a deadline; every leaf
// wait inside registers with the innermost scope and ends with the scope's error when it is cancelled.
// Threading: the reactor's thread.
#pragma once

#include <optional>

#include "starling/base/error.hpp"
#include "starling/base/intrusive_list.hpp"

namespace starling::io {

struct CancelTag {};

/// Something that ends early when its scope is cancelled.
class Cancellable : public ListNode<CancelTag> {
 public:
  virtual void on_cancel(const Error& why) = 0;

 protected:
  ~Cancellable() = default;
};

class CancelScope final : private Cancellable {
 public:
  explicit CancelScope(CancelScope* parent);
  CancelScope(const CancelScope&) = delete;
  CancelScope& operator=(const CancelScope&) = delete;

  /// Ends every wait inside, now and later, with `why`. The first call counts.
  void cancel(Error why);
  const Error* cancelled() const { return why_ ? &*why_ : nullptr; }
  /// `wait` must not be linked; if the scope is cancelled already, on_cancel() is not called: look at cancelled().
  void add(Cancellable& wait) { members_.push_back(wait); }

 private:
  void on_cancel(const Error& why) override { cancel(why); }
  std::optional<Error> why_;
  IntrusiveList<Cancellable, CancelTag> members_;
};

}  // namespace starling::io
