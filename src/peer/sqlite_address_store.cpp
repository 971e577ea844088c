#include "starling/peer/sqlite_address_store.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace starling {
namespace {

constexpr std::int64_t kApplication = 0x53744142;  // "StAB", so that another program's database is not taken for ours
constexpr std::int64_t kSchema = 1;

// Exclusive: one process, and no shared-memory file. The log is cut back after each checkpoint.
constexpr const char* kSettings =
    "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
    "PRAGMA journal_size_limit = 4194304; PRAGMA trusted_schema = OFF;";
constexpr const char* kCreate =
    "BEGIN IMMEDIATE; CREATE TABLE peers (id BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL) WITHOUT ROWID;"
    "PRAGMA application_id = 1400127810; PRAGMA user_version = 1; COMMIT;";
static_assert(kApplication == 1400127810);

// Whether the file itself is the trouble, not the machine around it.
bool is_damage(int code) {
  const int primary = code & 0xff;
  return primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB || primary == SQLITE_FORMAT || primary == SQLITE_ERROR;
}

bool is_busy(int code) { return (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED; }

ErrorCode code_for(int code, Op op) {
  if (is_damage(code)) return ErrorCode::FileMalformed;
  return op == Op::ReadFile || is_busy(code) ? ErrorCode::FileUnreadable : ErrorCode::FileUnwritable;
}

Error system_error(const std::filesystem::path& file, const char* what) {
  return {ErrorCode::FileUnwritable, Op::WriteFile, Origin::Local,
          std::string(what) + " " + file.string() + ": " + std::strerror(errno)};
}

// The log takes its mode from the file, so that is made first, and no wider than it must be.
Status make_private(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
  if (descriptor < 0) return std::unexpected(system_error(file, "cannot open"));
  struct stat facts{};
  const bool fine = ::fstat(descriptor, &facts) == 0 && S_ISREG(facts.st_mode) && ::fchmod(descriptor, 0600) == 0;
  ::close(descriptor);
  if (fine) return {};
  return fail(ErrorCode::FileUnwritable, Op::WriteFile, Origin::Local, file.string() + " is not a file of ours");
}

Status set_file_aside(const std::filesystem::path& file) {
  for (const char* part : {"", "-wal", "-shm"}) {
    const std::string from = file.string() + part;
    const std::string to = file.string() + ".broken" + part;
    if (::rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT)
      return std::unexpected(system_error(file, "cannot set aside"));
  }
  return {};
}

Bytes column_bytes(sqlite3_stmt* statement, int column) {
  const void* data = sqlite3_column_blob(statement, column);
  return {static_cast<const std::uint8_t*>(data), std::size_t(sqlite3_column_bytes(statement, column))};
}

int bind_bytes(sqlite3_stmt* statement, int index, Bytes value) {
  return sqlite3_bind_blob64(statement, index, value.data(), value.size(), SQLITE_STATIC);
}

}  // namespace

void SqliteAddressStore::CloseDatabase::operator()(sqlite3* database) const { sqlite3_close_v2(database); }
void SqliteAddressStore::FinishStatement::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
SqliteAddressStore::~SqliteAddressStore() = default;

Error SqliteAddressStore::error(Op op, const char* what) const {
  const int code = sqlite3_extended_errcode(database_.get());
  const std::string why = is_busy(code) ? "another process has it open; stop that, or give this one a folder of its own"
                                        : std::string(what) + ": " + sqlite3_errmsg(database_.get());
  return {code_for(code, op), op, Origin::Local,
          file_.string() + ": " + why + " (SQLite " + std::to_string(code) + ")"};
}

Status SqliteAddressStore::run(const char* sql) {
  if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return std::unexpected(error(Op::WriteFile, "set up"));
}

Result<SqliteAddressStore::Statement> SqliteAddressStore::prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(database_.get(), sql, -1, &statement, nullptr) != SQLITE_OK)
    return std::unexpected(error(Op::ReadFile, "prepare"));
  return Statement(statement);
}

Result<std::int64_t> SqliteAddressStore::number(const char* sql) {
  STARLING_TRY(const Statement statement, prepare(sql));
  if (sqlite3_step(statement.get()) != SQLITE_ROW) return std::unexpected(error(Op::ReadFile, "read"));
  return sqlite3_column_int64(statement.get(), 0);
}

Status SqliteAddressStore::check_contents() {
  STARLING_TRY(const Statement check, prepare("PRAGMA quick_check(1)"));
  if (sqlite3_step(check.get()) != SQLITE_ROW) return std::unexpected(error(Op::ReadFile, "check"));
  const std::string verdict(as_text(column_bytes(check.get(), 0)));
  if (verdict == "ok") return {};
  return fail(ErrorCode::FileMalformed, Op::ReadFile, Origin::Local, file_.string() + ": " + verdict);
}

// An empty file gets our table; any other must say that it is ours and of a version that this program knows.
Status SqliteAddressStore::prepare_schema() {
  STARLING_TRY(const std::int64_t tables, number("SELECT count(*) FROM sqlite_schema"));
  if (tables == 0) return run(kCreate);
  STARLING_TRY(const std::int64_t application, number("PRAGMA application_id"));
  STARLING_TRY(const std::int64_t schema, number("PRAGMA user_version"));
  if (application == kApplication && schema == kSchema) return {};
  return fail(ErrorCode::FileMalformed, Op::ReadFile, Origin::Local,
              file_.string() + (application == kApplication ? " has version " + std::to_string(schema) +
                                                                  ", this program knows " + std::to_string(kSchema)
                                                            : " is a database of another program"));
}

Status SqliteAddressStore::connect() {
  STARLING_CHECK(make_private(file_));
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(file_.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  database_.reset(opened);
  if (code != SQLITE_OK) return std::unexpected(error(Op::ReadFile, "open"));
  sqlite3_busy_timeout(opened, 0);  // whoever has it keeps it for its whole life: waiting is of no use
  sqlite3_db_config(opened, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  STARLING_CHECK(run(kSettings));
  STARLING_CHECK(check_contents());
  STARLING_CHECK(prepare_schema());
  STARLING_TRY(put_, prepare("INSERT OR REPLACE INTO peers (id, value) VALUES (?1, ?2)"));
  STARLING_TRY(remove_, prepare("DELETE FROM peers WHERE id = ?1"));
  return {};
}

Result<std::unique_ptr<SqliteAddressStore>> SqliteAddressStore::open(const std::filesystem::path& file) {
  std::unique_ptr<SqliteAddressStore> store(new SqliteAddressStore(file));
  Status connected = store->connect();
  if (connected) return store;
  if (!(connected.error() == ErrorCode::FileMalformed)) return std::unexpected(std::move(connected).error());
  store.reset(new SqliteAddressStore(file));
  STARLING_CHECK(set_file_aside(file));
  STARLING_CHECK(store->connect());
  store->set_aside_ = std::move(connected).error();
  return store;
}

Result<std::vector<StoredPeer>> SqliteAddressStore::load(std::size_t max) {
  STARLING_TRY(const Statement all, prepare("SELECT id, value, length(value) FROM peers"));
  std::vector<StoredPeer> rows;
  int code = SQLITE_DONE;
  while (rows.size() < max && (code = sqlite3_step(all.get())) == SQLITE_ROW) {
    const auto peer = PeerId::from_bytes(column_bytes(all.get(), 0));
    const bool ours = peer && sqlite3_column_int64(all.get(), 2) <= std::int64_t(kMaxStoredPeerBytes);
    auto row = ours ? decode_stored_peer(*peer, column_bytes(all.get(), 1))
                    : Result<StoredPeer>(fail(ErrorCode::TooLarge, Op::Decode, Origin::Local));
    if (row)
      rows.push_back(*std::move(row));
    else
      ++broken_rows_;
  }
  if (code != SQLITE_DONE && code != SQLITE_ROW) return std::unexpected(error(Op::ReadFile, "read"));
  return rows;
}

Status SqliteAddressStore::write_row(const StoredPeer& row) {
  const bool gone = row.addresses.empty();
  sqlite3_stmt* statement = gone ? remove_.get() : put_.get();
  const ByteVector value = gone ? ByteVector{} : encode_stored_peer(row);
  const bool bound =
      bind_bytes(statement, 1, row.peer.bytes()) == SQLITE_OK && (gone || bind_bytes(statement, 2, value) == SQLITE_OK);
  const bool done = bound && sqlite3_step(statement) == SQLITE_DONE;
  Status status;
  if (!done) status = std::unexpected(error(Op::WriteFile, "write"));
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  return status;
}

Status SqliteAddressStore::write(std::span<const StoredPeer> batch) {
  STARLING_CHECK(run("BEGIN IMMEDIATE"));
  Status status;
  for (const StoredPeer& row : batch)
    if (status) status = write_row(row);
  if (status) status = run("COMMIT");
  if (!status && sqlite3_get_autocommit(database_.get()) == 0) (void)run("ROLLBACK");
  return status;
}

}  // namespace starling
