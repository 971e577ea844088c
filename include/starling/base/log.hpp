// Log: lines of key=value for whoever runs a node. Made at the top and passed down; nobody reaches for a global one.
// The sink comes from outside: stderr in the program, a list in tests. Levels: error, something asked for was not done;
// warning, it goes on but somebody should look; info, what a node does once in a while; debug, the rest. What a remote
// peer can trigger needs a LogLimit at info and above. Threading: one thread. Not for hot paths: a line is formatted
// and given to the sink at once.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "starling/base/clock.hpp"
#include "starling/base/error.hpp"

namespace starling {

enum class LogLevel : std::uint8_t { Error, Warning, Info, Debug };
std::string_view to_string(LogLevel level);  // "warning"
std::optional<LogLevel> log_level_from_string(std::string_view name);

/// One key=value. Errors are told whole, durations with a unit.
struct LogField {
  LogField(std::string_view key_in, std::string_view text) : key(key_in), value(text) {}
  LogField(std::string_view key_in, const char* text) : key(key_in), value(text) {}
  LogField(std::string_view key_in, const std::string& text) : key(key_in), value(text) {}
  LogField(std::string_view key_in, bool yes) : key(key_in), value(yes ? "true" : "false") {}
  LogField(std::string_view key_in, const Error& error) : key(key_in), value(error.message()) {}
  LogField(std::string_view key_in, Duration time);
  template <std::integral T>
  LogField(std::string_view key_in, T number) : key(key_in), value(std::to_string(number)) {}

  std::string_view key;
  std::string value;
};

struct LogRecord {
  LogLevel level = LogLevel::Info;
  std::string_view component, message;
  std::span<const LogField> fields;
};
/// `level=info component=daemon message="listening" address=/ip4/…`. A value from a peer cannot forge a line: controls
/// are escaped.
std::string to_line(const LogRecord& record);

/// Says how often a line may come: `burst` at once, then one every `interval`.
class LogLimit {
 public:
  LogLimit(std::uint32_t burst, Duration interval) : burst_(burst), interval_(interval), left_(burst) {}
  bool allow(TimePoint now);
  /// Lines that were not allowed since the last call; goes into the next line as `suppressed`.
  std::uint64_t take_suppressed() { return std::exchange(suppressed_, 0); }

 private:
  std::uint32_t burst_;
  Duration interval_;
  std::uint32_t left_;
  TimePoint refilled_{};
  std::uint64_t suppressed_ = 0;
};

/// Resource; borrowed by those who log.
class Log {
 public:
  using Sink = std::function<void(const LogRecord& record)>;
  using Fields = std::initializer_list<LogField>;

  Log(LogLevel level, Sink sink) : level_(level), sink_(std::move(sink)) {}
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  bool on(LogLevel level) const { return level <= level_; }
  void error(std::string_view component, std::string_view message, Fields fields = {}) {
    write(LogLevel::Error, component, message, fields);
  }
  void warning(std::string_view component, std::string_view message, Fields fields = {}) {
    write(LogLevel::Warning, component, message, fields);
  }
  void info(std::string_view component, std::string_view message, Fields fields = {}) {
    write(LogLevel::Info, component, message, fields);
  }
  void debug(std::string_view component, std::string_view message, Fields fields = {}) {
    write(LogLevel::Debug, component, message, fields);
  }

 private:
  void write(LogLevel level, std::string_view component, std::string_view message, Fields fields) {
    if (on(level)) sink_({level, component, message, {fields.begin(), fields.size()}});
  }
  LogLevel level_;
  Sink sink_;
};

}  // namespace starling
