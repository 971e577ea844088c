// What the tests of names say often, and a name client that answers from a table, late or never.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "starling/io/sim.hpp"
#include "starling/names/resolver.hpp"

namespace starling::names::testing {

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;
using io::NameQuestion;
using io::NameRecords;
using io::RecordType;
using Texts = std::vector<std::string>;

inline Multiaddr ma(const std::string& text) {
  const auto address = Multiaddr::from_string(text);
  EXPECT_TRUE(address) << text;
  return address.value_or(Multiaddr());
}

inline std::vector<Multiaddr> mas(const Texts& texts) {
  std::vector<Multiaddr> addresses;
  for (const std::string& text : texts) addresses.push_back(ma(text));
  return addresses;
}

inline Texts texts_of(const std::vector<ResolvedAddress>& addresses) {
  Texts texts;
  for (const ResolvedAddress& each : addresses) texts.push_back(each.address.to_string());
  return texts;
}

inline NameRecords addresses(const Texts& texts, Duration ttl = 60s) {
  NameRecords records{.addresses = {}, .texts = {}, .ttl = ttl};
  for (const std::string& text : texts) records.addresses.push_back(*io::IpAddress::from_string(text));
  return records;
}

/// Each text becomes the record dnsaddr=<text>.
inline NameRecords dnsaddrs(const Texts& texts, Duration ttl = 60s) {
  NameRecords records{.addresses = {}, .texts = {}, .ttl = ttl};
  for (const std::string& text : texts) records.texts.push_back("dnsaddr=" + text);
  return records;
}

inline Error no_such_name(const NameQuestion& question) {
  return Error(ErrorCode::NameNotFound, Op::Resolve, Origin::Network, question.to_string());
}

inline constexpr const char* kPeer1 = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA";
inline constexpr const char* kPeer2 = "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD";
inline constexpr const char* kPeer3 = "QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN";

/// Answers after `delay` from `table`; what is not there is NameNotFound. Counts what it was asked.
class TableClient final : public io::NameClient {
 public:
  struct State {
    explicit State(io::Reactor& reactor_in) : reactor(reactor_in) {}
    io::Reactor& reactor;
    std::map<NameQuestion, Result<NameRecords>> table;
    Duration delay = 20ms;
    std::map<NameQuestion, Duration> delays = {};  // of some questions: others than `delay`
    bool silent = false;
    std::vector<NameQuestion> asked;
    int cancelled = 0;
  };
  TableClient(State& state, std::string name) : state_(state), name_(std::move(name)) {}
  io::Task<Result<NameRecords>> look_up(NameQuestion question) override {
    state_.asked.push_back(question);
    const auto own = state_.delays.find(question);
    const Duration delay = own != state_.delays.end() ? own->second : state_.delay;
    const Status waited =
        co_await io::sleep_until(state_.reactor, state_.silent ? kNever : state_.reactor.after(delay));
    if (!waited) {
      ++state_.cancelled;
      co_return std::unexpected(waited.error());
    }
    const auto found = state_.table.find(question);
    if (found == state_.table.end()) co_return fail(no_such_name(question));
    co_return found->second;
  }
  std::string description() const override { return name_; }

 private:
  State& state_;
  std::string name_;
};

}  // namespace starling::names::testing
