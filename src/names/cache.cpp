#include "names/cache.hpp"

#include <algorithm>

namespace starling::names {

std::optional<Answer> AnswerCache::find(const io::NameQuestion& question, TimePoint now) {
  const Entry* entry = entries_.find(question);
  if (entry == nullptr) return std::nullopt;
  if (entry->until <= now) {
    entries_.erase(question);
    return std::nullopt;
  }
  Answer answer = entry->answer;
  answer.cached = true;
  return answer;
}

void AnswerCache::keep(const io::NameQuestion& question, const Answer& answer, TimePoint now) {
  Duration time = options_.negative_ttl;
  if (answer.records) {
    time = std::clamp(answer.records->ttl, options_.min_ttl, options_.max_ttl);
  } else if (!(answer.records.error() == ErrorCode::NameNotFound || answer.records.error() == ErrorCode::NoRecords)) {
    return;
  }
  entries_.put(question, {answer, now + time});
}

}  // namespace starling::names
