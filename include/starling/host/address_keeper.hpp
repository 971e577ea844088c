// AddressKeeper: carries an address book to its store and back. Changes are written behind, a bounded batch at a time;
// a store that blocks gets a thread of its own, so that no disk ever holds up the reactor.
// Resource: start() once, end with close(). Threading: the reactor's thread.
#pragma once

#include <memory>

#include "starling/io/network.hpp"
#include "starling/io/worker.hpp"
#include "starling/peer/address_store.hpp"

namespace starling::host {

struct AddressKeeperOptions {
  Duration write_interval;  // changes wait this long at most
  std::size_t max_batch;    // rows in one transaction
};

struct AddressKeeperCounters {
  std::uint64_t rows_loaded = 0, rows_written = 0, batches = 0, failed_batches = 0;
  Duration longest_batch{};
};

class AddressKeeper {
 public:
  /// `book` must outlive it.
  AddressKeeper(io::Reactor& reactor, AddressBook& book, std::unique_ptr<AddressStore> store, CalendarOffset calendar,
                const AddressKeeperOptions& options);
  ~AddressKeeper();

  /// Reads what was kept into the book; blocks: before the reactor turns. A store that cannot be read is an error, and
  /// the book works without.
  Status load();
  /// Writes from now on.
  void start();
  /// Writes what is left and ends.
  io::Task<void> close();

  const AddressKeeperCounters& counters() const { return counters_; }
  const AddressStore& store() const { return *store_; }
  /// Of the last batch that could not be written.
  const std::optional<Error>& last_error() const { return last_error_; }

 private:
  io::Task<void> write_behind();
  io::Task<void> write_all();
  io::Task<void> write_batch();

  io::Reactor& reactor_;
  AddressBook& book_;
  std::unique_ptr<AddressStore> store_;
  CalendarOffset calendar_;
  AddressKeeperOptions options_;
  AddressKeeperCounters counters_;
  std::optional<Error> last_error_;
  std::unique_ptr<io::Worker> worker_;
  io::TaskGroup tasks_;
};

}  // namespace starling::host
