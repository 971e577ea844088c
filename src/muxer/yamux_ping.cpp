#include "muxer/yamux_ping.hpp"

#include <algorithm>
#include <span>

namespace starling::muxer::yamux {
namespace {

TimePoint after(TimePoint t, Duration d) { return kNever - t < d ? kNever : t + d; }

}  // namespace

TimePoint Pinger::give_up_at() const {
  return patience_ == Duration::zero() ? kNever : after(std::max(asked_at_, last_bytes_), patience_);
}

std::optional<std::uint32_t> Pinger::due(TimePoint now) {
  if (waiting_ || now < next_ || next_ == kNever) return std::nullopt;
  waiting_ = true;
  sent_at_ = asked_at_ = now;
  next_ = options_.interval == Duration::zero() ? kNever : after(now, options_.interval);
  return ++value_;
}

void Pinger::probe(TimePoint now, Duration patience) {
  next_ = std::min(next_, now);
  asked_at_ = now;
  patience_ = patience;
}

bool Pinger::on_answer(std::uint32_t value, TimePoint now) {
  if (!waiting_ || value != value_) return false;
  waiting_ = false;
  trust();
  round_trips_[answers_++ % kSamples] = std::max(now - sent_at_, Duration(1));
  return true;
}

Duration Pinger::round_trip() const {
  const auto taken = std::span(round_trips_).first(std::min(answers_, kSamples));
  return taken.empty() ? Duration::zero() : std::ranges::min(taken);
}

}  // namespace starling::muxer::yamux
