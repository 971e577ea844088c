#include "muxer/yamux_ping.hpp"

#include <algorithm>
#include <span>

namespace starling::muxer::yamux {
namespace {

TimePoint after(TimePoint t, Duration d) { return kNever - t < d ? kNever : t + d; }

}  // namespace

TimePoint Pinger::give_up_at() const {
  if (options_.interval == Duration::zero() || options_.timeout == Duration::zero()) return kNever;
  return after(std::max(sent_at_, last_bytes_), options_.timeout);
}

std::optional<std::uint32_t> Pinger::due(TimePoint now) {
  if (waiting_ || now < next_ || next_ == kNever) return std::nullopt;
  waiting_ = true;
  sent_at_ = now;
  next_ = options_.interval == Duration::zero() ? kNever : after(now, options_.interval);
  return ++value_;
}

void Pinger::on_answer(std::uint32_t value, TimePoint now) {
  if (!waiting_ || value != value_) return;
  waiting_ = false;
  round_trips_[answers_++ % kSamples] = std::max(now - sent_at_, Duration(1));
}

Duration Pinger::round_trip() const {
  const auto taken = std::span(round_trips_).first(std::min(answers_, kSamples));
  return taken.empty() ? Duration::zero() : std::ranges::min(taken);
}

}  // namespace starling::muxer::yamux
