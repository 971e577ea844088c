// The address book under load: learning when it is full, expiry, and a batch of rows to a file.
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <filesystem>

#include "peer/address_book_testing.hpp"
#include "starling/peer/sqlite_address_store.hpp"

namespace {

using namespace starling;
using namespace starling::testing;

AddressBookOptions large_book() {
  AddressBookOptions options = book_options();
  options.max_addresses = 1'000'000;
  options.max_addresses_bytes = 256u << 20;
  options.max_addresses_per_peer = 64;
  return options;
}

std::vector<Multiaddr> addresses_of(std::uint32_t peer) {
  return {book_address(4 * peer), book_address(4 * peer + 1), book_address(4 * peer + 2), book_address(4 * peer + 3)};
}

// 250,000 peers with four addresses each; every further peer pushes one out.
void LearnWhenFull(benchmark::State& state) {
  AddressBook book(large_book());
  std::uint32_t peer = 0;
  TimePoint now{};
  const auto learn = [&] {
    now += Duration(1);
    book.add(book_peer(peer), addresses_of(peer), AddressSource::Dht, AddressLife::Normal, now);
    ++peer;
  };
  while (peer < 250'000) learn();
  for (auto _ : state) learn();
  state.counters["addresses"] = double(book.address_count());
  state.counters["evicted"] = double(book.counters().evicted_in_all);
}
BENCHMARK(LearnWhenFull);

void ExpirePeer(benchmark::State& state) {
  AddressBook book(large_book());
  TimePoint now{};
  std::uint32_t peer = 0;
  for (; peer < 250'000; ++peer) {
    now += Duration(1000);
    book.add(book_peer(peer), addresses_of(peer), AddressSource::Dht, AddressLife::Normal, now);
  }
  for (auto _ : state) {
    if (book.next_expiry() == kNever) return state.SkipWithError("ran out of peers");
    book.expire(book.next_expiry());
  }
}
BENCHMARK(ExpirePeer)->Iterations(200'000);

// 256 peers with four proven addresses each, as the node writes them: one transaction.
void WriteBatch(benchmark::State& state) {
  std::string pattern = std::filesystem::temp_directory_path() / "starling_bench_XXXXXX";
  const std::filesystem::path folder = ::mkdtemp(pattern.data());
  {
    const auto store = SqliteAddressStore::open(folder / "addresses.db").value();
    AddressBook book(large_book());
    std::uint32_t peer = 0;
    for (auto _ : state) {
      state.PauseTiming();
      for (int i = 0; i < 256; ++i, ++peer)
        for (const Multiaddr& address : addresses_of(peer)) book.dial_succeeded(book_peer(peer), address, TimePoint{});
      const auto batch = book.take_changes(256, {1'700'000'000'000'000'000});
      state.ResumeTiming();
      if (!store->write(batch)) state.SkipWithError("not written");
    }
    state.SetItemsProcessed(std::int64_t(peer));
  }
  std::filesystem::remove_all(folder);
}
BENCHMARK(WriteBatch)->Unit(benchmark::kMillisecond);

// Opening, checking and reading 100,000 peers.
void OpenAndLoad(benchmark::State& state) {
  std::string pattern = std::filesystem::temp_directory_path() / "starling_bench_XXXXXX";
  const std::filesystem::path folder = ::mkdtemp(pattern.data());
  {
    const auto store = SqliteAddressStore::open(folder / "addresses.db").value();
    AddressBook book(large_book());
    for (std::uint32_t peer = 0; peer < 100'000; ++peer)
      for (const Multiaddr& address : addresses_of(peer)) book.dial_succeeded(book_peer(peer), address, TimePoint{});
    while (book.has_changes())
      if (!store->write(book.take_changes(1000, {1'700'000'000'000'000'000}))) state.SkipWithError("not written");
  }
  for (auto _ : state) {
    AddressBook book(large_book());
    const auto store = SqliteAddressStore::open(folder / "addresses.db").value();
    for (const StoredPeer& row : *store->load(1'000'000)) book.restore(row, {1'700'000'000'000'000'000}, TimePoint{});
    if (book.peer_count() != 100'000) state.SkipWithError("not all came back");
  }
  std::filesystem::remove_all(folder);
}
BENCHMARK(OpenAndLoad)->Unit(benchmark::kMillisecond)->Iterations(3);

}  // namespace
