#include "io/real/local.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/local/stream_protocol.hpp>

#include "io/real/socket.hpp"

namespace starling::io {
namespace {

using stream = asio::local::stream_protocol;

constexpr mode_t kOwnerOnly = 0600;

class UnixSocket final : public StreamSocket {
 public:
  UnixSocket(Reactor& reactor, stream::socket socket) : io_(reactor, std::move(socket)) {
    SystemCode ignored;
    io_.socket().non_blocking(true, ignored);
  }
  Result<std::size_t> try_read(MutableBytes into) override {
    if (io_.closed()) return fail(ErrorCode::Closed, Op::Read, Origin::Local);
    return io_result(::recv(io_.handle(), into.data(), into.size(), MSG_DONTWAIT), Op::Read, "unix");
  }
  Result<std::size_t> try_write(Bytes from) override {
    if (io_.closed() || write_ended_) return fail(ErrorCode::Closed, Op::Write, Origin::Local);
    return io_result(::send(io_.handle(), from.data(), from.size(), MSG_DONTWAIT | MSG_NOSIGNAL), Op::Write, "unix");
  }
  QueueWait readable() override { return io_.readable(); }
  QueueWait writable() override { return io_.writable(); }
  void shutdown_write() override {
    write_ended_ = true;
    SystemCode ignored;
    io_.socket().shutdown(stream::socket::shutdown_send, ignored);
  }
  void close() override { io_.close(); }
  Endpoint local() const override { return {}; }
  Endpoint remote() const override { return {}; }

 private:
  Readiness<stream::socket> io_;
  bool write_ended_ = false;
};

/// Which file stands at a path; no number for none.
std::pair<dev_t, ino_t> file_at(const std::string& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) return {};
  return {info.st_dev, info.st_ino};
}

class UnixListener final : public Listener {
 public:
  UnixListener(Reactor& reactor, stream::acceptor acceptor, std::string path)
      : reactor_(reactor), io_(reactor, std::move(acceptor)), path_(std::move(path)), file_(file_at(path_)) {
    SystemCode ignored;
    io_.socket().non_blocking(true, ignored);
  }
  ~UnixListener() override { close(); }

  Task<Result<std::unique_ptr<StreamSocket>>> accept() override {
    for (;;) {
      if (io_.closed()) co_return fail(ErrorCode::Closed, Op::Accept, Origin::Local, path_);
      SystemCode error;
      stream::socket socket = io_.socket().accept(error);
      if (!error) co_return std::make_unique<UnixSocket>(reactor_, std::move(socket));
      if (error == asio::error::would_block) {
        STARLING_CO_CHECK(co_await io_.readable());
      } else if (error != asio::error::connection_aborted && error != asio::error::interrupted) {
        co_return fail(system_error(error.value(), Op::Accept, path_));
      }
    }
  }
  void close() override {
    if (io_.closed()) return;
    if (file_at(path_) == file_) ::unlink(path_.c_str());  // another process may have put its own there
    io_.close();
  }
  Endpoint local() const override { return {}; }

 private:
  Reactor& reactor_;
  Readiness<stream::acceptor> io_;
  std::string path_;
  std::pair<dev_t, ino_t> file_;
};

Status check_path(const std::string& path, Op op) {
  if (!path.empty() && path.size() < sizeof(sockaddr_un::sun_path) && path.find('\0') == std::string::npos) return {};
  return fail(
      ErrorCode::InvalidArgument, op, Origin::Local,
      "unix path '" + path + "' must have 1 to " + std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " bytes");
}

// A socket that nobody listens on any more is in the way of nobody.
Status clear_path(AsioReactor& reactor, const std::string& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) return {};
  if (!S_ISSOCK(info.st_mode))
    return fail(ErrorCode::AddressInUse, Op::Listen, Origin::Local, path + " exists and is no socket");
  const auto answered = connect_unix(reactor, path);
  if (answered || !(answered.error() == ErrorCode::ConnectionRefused))
    return fail(ErrorCode::AddressInUse, Op::Listen, Origin::Local, path);
  ::unlink(path.c_str());
  return {};
}

}  // namespace

Result<std::unique_ptr<Listener>> listen_unix(AsioReactor& reactor, const std::string& path, int backlog) {
  STARLING_CHECK(check_path(path, Op::Listen));
  STARLING_CHECK(clear_path(reactor, path));
  SystemCode error;
  stream::acceptor acceptor(reactor.context());
  acceptor.open(stream(), error);
  // The file gets the mode that the socket has when it is bound: it is never open to others.
  if (!error && ::fchmod(acceptor.native_handle(), kOwnerOnly) != 0) error.assign(errno, asio::error::system_category);
  if (!error) acceptor.bind(stream::endpoint(path), error);
  if (!error) acceptor.listen(backlog, error);
  if (error) return fail(system_error(error.value(), Op::Listen, "unix " + path));
  return std::make_unique<UnixListener>(reactor, std::move(acceptor), path);
}

Result<std::unique_ptr<StreamSocket>> connect_unix(AsioReactor& reactor, const std::string& path) {
  STARLING_CHECK(check_path(path, Op::Connect));
  SystemCode error;
  stream::socket socket(reactor.context());
  socket.open(stream(), error);
  if (!error) socket.non_blocking(true, error);
  if (!error) socket.connect(stream::endpoint(path), error);
  if (error == asio::error::would_block || error == asio::error::try_again)
    return fail(ErrorCode::ConnectionRefused, Op::Connect, Origin::Network, path + ": too many wait to be accepted");
  if (error) return fail(system_error(error.value(), Op::Connect, "unix " + path));
  return std::make_unique<UnixSocket>(reactor, std::move(socket));
}

}  // namespace starling::io
