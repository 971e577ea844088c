#include "muxer/yamux_window.hpp"

#include <algorithm>

#include "starling/muxer/window_growth.hpp"

namespace starling::muxer::yamux {
std::uint32_t WindowBudget::grow(std::uint32_t wanted) {
  const std::uint64_t left = limit_ > total_ ? limit_ - total_ : 0;
  const auto granted = std::uint32_t(std::min<std::uint64_t>(wanted, left));
  if (granted > 0 && memory_ != nullptr && !memory_->reserve(granted)) return 0;
  total_ += granted;
  return granted;
}

void WindowBudget::give_back(std::uint32_t window) {
  total_ -= window;
  if (memory_ != nullptr && window > kInitialWindow) memory_->release(window - kInitialWindow);
}

std::uint32_t ReceiveWindow::next_update(TimePoint now, const Growth& growth, WindowBudget& budget) {
  if (consumed() < size / 2) return 0;
  if (window_should_grow(now - last_update, growth.round_trip) && size < growth.max_size) {
    size += budget.grow(std::min(size, growth.max_size - size));
  }
  last_update = now;
  const std::uint32_t update = consumed();
  credit += update;
  return update;
}

}  // namespace starling::muxer::yamux
