#include "muxer/yamux_window.hpp"

#include <algorithm>

namespace starling::muxer::yamux {
namespace {

constexpr int kGrowthRoundTrips = 4;  // as go-yamux

}  // namespace

std::uint32_t WindowBudget::grow(std::uint32_t wanted) {
  const std::uint64_t left = limit_ > total_ ? limit_ - total_ : 0;
  const auto granted = std::uint32_t(std::min<std::uint64_t>(wanted, left));
  total_ += granted;
  return granted;
}

std::uint32_t ReceiveWindow::next_update(TimePoint now, const Growth& growth, WindowBudget& budget) {
  if (consumed() < size / 2) return 0;
  if ((now - last_update) / kGrowthRoundTrips < growth.round_trip && size < growth.max_size) {
    size += budget.grow(std::min(size, growth.max_size - size));
  }
  last_update = now;
  const std::uint32_t update = consumed();
  credit += update;
  return update;
}

}  // namespace starling::muxer::yamux
