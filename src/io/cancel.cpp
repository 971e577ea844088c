#include "starling/io/cancel.hpp"

namespace starling::io {

CancelScope::CancelScope(CancelScope* parent) {
  if (parent == nullptr) return;
  if (const Error* why = parent->cancelled()) {
    why_ = *why;
  } else {
    parent->add(*this);
  }
}

void CancelScope::cancel(Error why) {
  if (why_) return;
  why_ = std::move(why);
  while (!members_.empty()) members_.pop_front().on_cancel(*why_);
}

}  // namespace starling::io
