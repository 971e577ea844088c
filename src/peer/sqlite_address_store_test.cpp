// The file: what is opened, what is refused, what is set aside. And a process that is killed while it writes.
#include "starling/peer/sqlite_address_store.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "peer/address_book_testing.hpp"

namespace starling::testing {
namespace {

namespace fs = std::filesystem;

class SqliteAddressStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = fs::temp_directory_path() / "starling_book_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    file_ = folder_ / "addresses.db";
  }
  void TearDown() override { fs::remove_all(folder_); }

  static StoredPeer row(std::uint64_t peer, std::uint32_t generation) {
    AddressSources sources;
    sources.add(AddressSource::Connection);
    return {book_peer(peer),
            {{book_address(generation), sources, AddressLife::Normal, 1'700'000'000}},
            {},
            {"agent", "", {}}};
  }
  std::unique_ptr<SqliteAddressStore> open() {
    auto store = SqliteAddressStore::open(file_);
    EXPECT_TRUE(store) << store.error().message();
    return store ? *std::move(store) : nullptr;
  }
  void sql(const char* text) {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(file_.c_str(), &database), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(database, text, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(database);
    sqlite3_close(database);
  }
  // What was in the way is kept beside the fresh file, and told.
  void expect_set_aside(std::string_view reason) {
    const auto store = open();
    ASSERT_NE(store, nullptr);
    ASSERT_TRUE(store->set_aside()) << reason;
    EXPECT_EQ(*store->set_aside(), ErrorCode::FileMalformed);
    EXPECT_NE(store->set_aside()->detail().find(reason), std::string::npos) << store->set_aside()->detail();
    EXPECT_TRUE(fs::exists(file_.string() + ".broken"));
    EXPECT_TRUE(store->load(10)->empty());
    EXPECT_TRUE(store->write({{row(1, 1)}}));
  }

  fs::path folder_, file_;
};

TEST_F(SqliteAddressStoreTest, rows_come_back_and_removed_ones_do_not) {
  open()->write({{row(1, 1), row(2, 2), row(3, 3)}}).value();
  StoredPeer gone;
  gone.peer = book_peer(2);
  open()->write({{gone, row(3, 4)}}).value();
  const auto store = open();
  EXPECT_EQ(store->load(10).value(), (std::vector{row(1, 1), row(3, 4)}));
  EXPECT_EQ(store->load(1)->size(), 1u);
  EXPECT_FALSE(store->set_aside());
}

TEST_F(SqliteAddressStoreTest, nobody_else_may_read_the_files) {
  std::ofstream(file_).close();
  ::chmod(file_.c_str(), 0644);
  const auto store = open();
  ASSERT_TRUE(store->write({{row(1, 1)}}));
  for (const auto& entry : fs::directory_iterator(folder_))
    EXPECT_EQ(entry.status().permissions() & fs::perms::all, fs::perms::owner_read | fs::perms::owner_write)
        << entry.path();
}

TEST_F(SqliteAddressStoreTest, a_second_process_is_told_that_the_file_is_in_use) {
  int ready[2], go_on[2];
  ASSERT_EQ(::pipe(ready) + ::pipe(go_on), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto first = SqliteAddressStore::open(file_);
    char byte = first && (*first)->write({{row(1, 1)}}) ? 'y' : 'n';
    const bool told = ::write(ready[1], &byte, 1) == 1;
    ::_exit(told && ::read(go_on[0], &byte, 1) == 1 ? 0 : 1);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ASSERT_EQ(byte, 'y');
  const auto second = SqliteAddressStore::open(file_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error(), ErrorCode::FileUnreadable);
  EXPECT_NE(second.error().detail().find("another process has it open"), std::string::npos) << second.error().detail();
  ASSERT_EQ(::write(go_on[1], &byte, 1), 1);
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(open()->load(10)->size(), 1u) << "nothing was moved away";
  for (const int end : {ready[0], ready[1], go_on[0], go_on[1]}) ::close(end);
}

TEST_F(SqliteAddressStoreTest, what_is_not_a_database_is_set_aside) {
  std::ofstream(file_) << std::string(10'000, 'x');
  expect_set_aside("not a database");
}

TEST_F(SqliteAddressStoreTest, a_damaged_database_is_set_aside) {
  std::vector<StoredPeer> rows;
  for (std::uint64_t i = 0; i < 500; ++i) rows.push_back(row(i, std::uint32_t(i)));
  open()->write(rows).value();
  sql("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE;");
  ASSERT_GT(fs::file_size(file_), 20'000u);
  std::fstream(file_, std::ios::in | std::ios::out).seekp(9000) << std::string(4000, '\x7f');
  expect_set_aside("addresses.db");
}

TEST_F(SqliteAddressStoreTest, a_truncated_database_is_set_aside) {
  std::vector<StoredPeer> rows;
  for (std::uint64_t i = 0; i < 500; ++i) rows.push_back(row(i, std::uint32_t(i)));
  open()->write(rows).value();
  sql("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE;");
  fs::resize_file(file_, 9000);
  expect_set_aside("addresses.db");
}

TEST_F(SqliteAddressStoreTest, other_programs_and_later_versions_are_set_aside) {
  sql("CREATE TABLE something (a)");
  expect_set_aside("another program");
  sql("PRAGMA user_version = 99");
  expect_set_aside("has version 99");
}

TEST_F(SqliteAddressStoreTest, a_broken_row_is_left_out_and_the_others_are_read) {
  open()->write({{row(1, 1)}}).value();
  sql("INSERT INTO peers VALUES (x'00', x'00'), (x'1220', x'01');"
      "INSERT INTO peers SELECT id || x'00', value FROM peers WHERE length(id) = 34;"
      "INSERT INTO peers VALUES (x'33', zeroblob(3000000));");
  const auto store = open();
  EXPECT_EQ(store->load(10).value(), (std::vector{row(1, 1)}));
  EXPECT_EQ(store->broken_rows(), 4u);
}

TEST_F(SqliteAddressStoreTest, what_cannot_be_a_file_is_an_error_and_not_a_hang) {
  fs::create_directory(file_);
  EXPECT_EQ(SqliteAddressStore::open(file_).error(), ErrorCode::FileUnwritable);
  fs::remove(file_);
  ASSERT_EQ(::mkfifo(file_.c_str(), 0600), 0);
  EXPECT_EQ(SqliteAddressStore::open(file_).error(), ErrorCode::FileUnwritable);
  EXPECT_EQ(SqliteAddressStore::open(folder_ / "no" / "such" / "folder.db").error(), ErrorCode::FileUnwritable);
}

// A child writes generation after generation, each a batch of several rows, and says over a pipe which one it has
// written. It is killed at a random moment: while it opens, writes, or checkpoints. The file then always opens, holds
// one whole generation, and none older than the last one that was reported.
class KilledWriter : public SqliteAddressStoreTest {
 protected:
  static constexpr std::uint64_t kRows = 8;
  static constexpr int kRounds = 200;

  [[noreturn]] static void write_for_ever(const fs::path& file, int to_parent) {
    auto store = SqliteAddressStore::open(file);
    if (!store || (*store)->set_aside()) ::_exit(1);
    std::uint32_t generation = 0;
    for (const StoredPeer& row : (*store)->load(100).value_or(std::vector<StoredPeer>{}))
      generation = generation_of(row);
    for (;;) {
      ++generation;
      std::vector<StoredPeer> batch;
      for (std::uint64_t i = 0; i < kRows; ++i) {
        batch.push_back(row(i, generation));
        batch.back().facts.agent_version = std::string(1 + (generation * 37) % 3000, 'a');  // pages come and go
      }
      if (!(*store)->write(batch)) ::_exit(2);
      if (::write(to_parent, &generation, sizeof generation) != sizeof generation) ::_exit(3);
    }
  }
  static std::uint32_t generation_of(const StoredPeer& row) {
    return std::uint32_t(get_u32_be(row.addresses.at(0).address.components().at(0).value.data())) - (1u << 24);
  }
};

TEST_F(KilledWriter, two_hundred_times_leaves_a_file_that_opens_with_whole_batches) {
  const auto random = seeded_random(std::uint64_t(::getpid()));
  std::uint32_t reported = 0;
  std::size_t progressed = 0, opening = 0;
  for (int round = 0; round < kRounds; ++round) {
    if (round % 20 == 19) {  // killed while it makes the file, too
      fs::remove_all(folder_);
      fs::create_directory(folder_);
      reported = 0;
    }
    int pipe_ends[2];
    ASSERT_EQ(::pipe(pipe_ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(pipe_ends[0]);
      write_for_ever(file_, pipe_ends[1]);
    }
    ::close(pipe_ends[1]);
    const timespec life{0, long(random->below(40'000'000))};
    (void)::ppoll(nullptr, 0, &life, nullptr);
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "round " << round << ": the writer gave up by itself, code "
                                     << WEXITSTATUS(status);
    std::uint32_t generation = 0;
    const std::uint32_t before = reported;
    while (::read(pipe_ends[0], &generation, sizeof generation) == sizeof generation) reported = generation;
    ::close(pipe_ends[0]);
    ++(reported > before ? progressed : opening);

    const auto store = SqliteAddressStore::open(file_);
    ASSERT_TRUE(store) << "round " << round << ": " << store.error().message();
    ASSERT_FALSE((*store)->set_aside()) << "round " << round << ": " << (*store)->set_aside()->message();
    const auto rows = (*store)->load(100).value();
    ASSERT_EQ((*store)->broken_rows(), 0u);
    ASSERT_EQ(rows.size(), rows.empty() && reported == 0 ? 0u : kRows) << "round " << round;
    for (const StoredPeer& row : rows) {
      ASSERT_EQ(generation_of(row), generation_of(rows[0])) << "round " << round << ": half a batch";
      ASSERT_GE(generation_of(row), reported) << "round " << round << ": a batch that was written is gone";
      ASSERT_LE(generation_of(row), reported + 1) << "round " << round << ": a batch from nowhere";
    }
    if (!rows.empty()) reported = generation_of(rows[0]);
  }
  EXPECT_GT(progressed, std::size_t(kRounds) / 10) << "many a life is long enough to write";
  RecordProperty("killed_after_writing", int(progressed));
  RecordProperty("killed_while_opening", int(opening));
}

}  // namespace
}  // namespace starling::testing
