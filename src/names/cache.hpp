// What was answered, until its time to live is over. Bounded; the answer used longest ago gives way. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "starling/base/lru_map.hpp"
#include "starling/io/name_client.hpp"
#include "starling/names/resolver.hpp"

namespace starling::names {

struct HashQuestion {
  std::size_t operator()(const io::NameQuestion& question) const noexcept {
    return std::hash<std::string>{}(question.name) * 3 + std::size_t(question.type);
  }
};

class AnswerCache {
 public:
  explicit AnswerCache(const ResolverOptions& options) : options_(options), entries_(options.cache_entries) {}

  /// The answer to `question` that holds at `now`, or nullopt.
  std::optional<Answer> find(const io::NameQuestion& question, TimePoint now);
  /// Keeps records and the errors that are answers (NameNotFound, NoRecords), no others.
  void keep(const io::NameQuestion& question, const Answer& answer, TimePoint now);
  void clear() { entries_.clear(); }
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Answer answer;
    TimePoint until;
  };
  const ResolverOptions& options_;
  LruMap<io::NameQuestion, Entry, HashQuestion> entries_;
};

}  // namespace starling::names
