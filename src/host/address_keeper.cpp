#include "starling/host/address_keeper.hpp"

#include <utility>

namespace starling::host {

AddressKeeper::AddressKeeper(io::Reactor& reactor, AddressBook& book, std::unique_ptr<AddressStore> store,
                             CalendarOffset calendar, const AddressKeeperOptions& options)
    : reactor_(reactor),
      book_(book),
      store_(std::move(store)),
      calendar_(calendar),
      options_(options),
      tasks_(reactor) {}

AddressKeeper::~AddressKeeper() = default;

Status AddressKeeper::load() {
  // No row is without an address, so there are never more rows than addresses.
  STARLING_TRY(const std::vector<StoredPeer> rows, store_->load(book_.options().max_addresses));
  for (const StoredPeer& row : rows) book_.restore(row, calendar_, reactor_.now());
  counters_.rows_loaded = rows.size();
  return {};
}

void AddressKeeper::start() {
  if (store_->blocks()) worker_ = std::make_unique<io::Worker>(reactor_);
  tasks_.spawn(write_behind());
}

io::Task<void> AddressKeeper::write_batch() {
  const std::vector<StoredPeer> batch = book_.take_changes(options_.max_batch, calendar_);
  if (batch.empty()) co_return;
  const TimePoint start = reactor_.now();
  Status written;
  const auto write = [&] { written = store_->write(batch); };
  if (worker_)
    co_await worker_->run(write);
  else
    write();
  counters_.longest_batch = std::max(counters_.longest_batch, reactor_.now() - start);
  if (written) {
    ++counters_.batches;
    counters_.rows_written += batch.size();
    co_return;
  }
  ++counters_.failed_batches;  // these rows are written when they change again
  last_error_ = std::move(written).error();
}

io::Task<void> AddressKeeper::write_all() {
  while (book_.has_changes()) co_await write_batch();
}

io::Task<void> AddressKeeper::write_behind() {
  while (co_await io::sleep_for(reactor_, options_.write_interval)) co_await write_all();
}

io::Task<void> AddressKeeper::close() {
  co_await tasks_.close();
  co_await write_all();
  worker_.reset();
}

}  // namespace starling::host
