// The address book's rows in a SQLite file that survives kill -9 at any moment.
//
// Write-ahead log with synchronous = NORMAL: a batch is one transaction; when the process dies the file holds every
// batch that was written; when the machine dies it holds the first so many of them, whole. That is enough for what can
// be learned again, and costs no fsync a batch. One process at a time, by SQLite's own lock, which dies with the
// process. Threading: one thread at a time; every call may wait for the disk. Resource.
#pragma once

#include <filesystem>

#include "starling/peer/address_store.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace starling {

class SqliteAddressStore final : public AddressStore {
 public:
  /// Opens `file`, or makes it with mode 0600. A file that is damaged, is something else, or was written by a later
  /// version, is renamed to `<file>.broken` and a fresh one made: see set_aside(). Errors: FileUnreadable (also while
  /// another process has it open), FileUnwritable.
  static Result<std::unique_ptr<SqliteAddressStore>> open(const std::filesystem::path& file);
  ~SqliteAddressStore() override;

  Result<std::vector<StoredPeer>> load(std::size_t max) override;
  Status write(std::span<const StoredPeer> batch) override;
  bool blocks() const override { return true; }

  /// Why the file that was there could not be used, if so. To be told to the user.
  const std::optional<Error>& set_aside() const { return set_aside_; }

 private:
  struct CloseDatabase {
    void operator()(sqlite3* database) const;
  };
  struct FinishStatement {
    void operator()(sqlite3_stmt* statement) const;
  };
  using Database = std::unique_ptr<sqlite3, CloseDatabase>;
  using Statement = std::unique_ptr<sqlite3_stmt, FinishStatement>;

  explicit SqliteAddressStore(std::filesystem::path file) : file_(std::move(file)) {}
  Status connect();
  Status check_contents();
  Status prepare_schema();
  Status run(const char* sql);
  Result<std::int64_t> number(const char* sql);
  Result<Statement> prepare(const char* sql);
  Status write_row(const StoredPeer& row);
  Error error(Op op, const char* what) const;

  std::filesystem::path file_;
  Database database_;
  Statement put_, remove_;
  std::optional<Error> set_aside_;
};

}  // namespace starling
