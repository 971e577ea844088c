#include "starling/diagnostics/server.hpp"

#include <array>
#include <boost/json/serialize.hpp>
#include <utility>

namespace starling::diagnostics {
namespace {

constexpr std::string_view kPages = "/debug/p2p/";
constexpr Duration kAcceptPause = std::chrono::milliseconds(100);  // after an error, such as no descriptor left

HttpResponse json(unsigned status, const boost::json::value& value) {
  return {status, "application/json", boost::json::serialize(value) + "\n"};
}
HttpResponse refuse(unsigned status, std::string_view why) { return json(status, {{"error", why}}); }

io::Task<Status> write_all(io::StreamSocket& socket, std::string text) {
  Bytes rest(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  while (!rest.empty()) {
    const auto took = socket.try_write(rest);
    if (took) {
      rest = rest.subspan(*took);
    } else if (took.error() == ErrorCode::WouldBlock) {
      STARLING_CO_CHECK(co_await socket.writable());
    } else {
      co_return std::unexpected(took.error());
    }
  }
  co_return Status{};
}

// Ok(0): the stream has ended.
io::Task<Result<std::size_t>> read_some(io::StreamSocket& socket, MutableBytes into) {
  for (;;) {
    auto got = socket.try_read(into);
    if (got || !(got.error() == ErrorCode::WouldBlock)) co_return got;
    STARLING_CO_CHECK(co_await socket.readable());
  }
}

io::Task<Result<HttpResponse>> ask(io::Network& network, io::Endpoint server, std::string target,
                                   std::uint64_t max_body) {
  STARLING_CO_TRY(auto socket, co_await network.connect(server, {}));
  STARLING_CO_CHECK(co_await write_all(*socket, to_wire_get(target, server.to_string())));
  HttpReader reader(HttpReader::Kind::Responses, {.body = max_body});
  std::array<std::uint8_t, 16384> buffer;
  for (;;) {
    STARLING_CO_TRY(const std::size_t got, co_await read_some(*socket, buffer));
    STARLING_CO_TRY(const bool complete, got == 0 ? reader.end() : reader.receive({buffer.data(), got}));
    if (complete) co_return reader.take_response();
  }
}

}  // namespace

HttpResponse answer(const Registry& registry, const HttpRequest& request) {
  if (!host_is_an_address(request.host)) return refuse(400, "ask by IP address or as localhost, not by a name");
  if (request.method != "GET" && request.method != "HEAD") return refuse(405, "this server answers GET and HEAD only");
  const std::string_view path = std::string_view(request.target).substr(0, request.target.find('?'));
  if (path == "/metrics") return {200, "text/plain; version=0.0.4; charset=utf-8", registry.collect().text()};
  if (path == "/" || path == kPages || path == kPages.substr(0, kPages.size() - 1)) return json(200, registry.index());
  if (!path.starts_with(kPages)) return refuse(404, "there are /metrics and /debug/p2p/");
  auto page = registry.show(path.substr(kPages.size()));
  return page ? json(200, *page) : refuse(404, page.error().detail());
}

Server::Server(io::World world, const Registry& registry, const ServerOptions& options)
    : world_(world), registry_(registry), options_(options), tasks_(world.reactor) {}
Server::~Server() = default;

Result<io::Endpoint> Server::start() {
  if (!options_.at.address.is_loopback() && !options_.allow_remote) {
    return fail(ErrorCode::InvalidArgument, Op::Listen, Origin::Local,
                "diagnostics on " + options_.at.to_string() +
                    ": not a loopback address; everybody who can reach it could read it. If that is meant, set "
                    "diagnostics.allow_remote");
  }
  // No port sharing: a second node must see that the port is taken.
  STARLING_TRY(listener_, world_.network.listen(options_.at, {.backlog = 64, .reuse_port = false}));
  tasks_.spawn(accept());
  return listener_->local();
}

io::Task<void> Server::close() {
  if (listener_) listener_->close();
  co_await tasks_.close();
  listener_.reset();
}

io::Task<void> Server::accept() {
  for (;;) {
    auto socket = co_await listener_->accept();
    if (socket && open_ < options_.max_connections) {
      ++open_;
      tasks_.spawn(serve(std::move(*socket)));
    } else if (socket) {
      ++counters_.refused_connections;
    } else {
      if (socket.error() == ErrorCode::Closed || tasks_.closed()) co_return;
      if (!co_await io::sleep_for(world_.reactor, kAcceptPause)) co_return;
    }
  }
}

io::Task<void> Server::serve(std::unique_ptr<io::StreamSocket> socket) {
  HttpReader reader(HttpReader::Kind::Requests, {});
  for (;;) {
    const Status done = co_await io::with_deadline(options_.timeout, io::timeout_error(Op::Read, "diagnostics request"),
                                                   exchange(*socket, reader));
    if (!done) break;
  }
  socket->close();
  --open_;
}

// One request and its answer. Any error, the end included, ends the connection.
io::Task<Status> Server::exchange(io::StreamSocket& socket, HttpReader& reader) {
  const auto arrived = co_await read_request(socket, reader);
  if (!arrived) {
    const bool unreadable = arrived.error() == ErrorCode::Malformed || arrived.error() == ErrorCode::TooLarge;
    counters_.rejected += unreadable ? 1 : 0;
    if (unreadable)
      STARLING_CO_CHECK(co_await write_all(socket, to_wire(refuse(400, arrived.error().detail()), false, false)));
    co_return std::unexpected(arrived.error());
  }
  const HttpRequest request = reader.take_request();
  const HttpResponse response = answer(registry_, request);
  ++counters_.requests;
  counters_.rejected += response.status >= 400 ? 1 : 0;
  STARLING_CO_CHECK(co_await write_all(socket, to_wire(response, request.keep_alive, request.method == "HEAD")));
  if (!request.keep_alive) co_return fail(ErrorCode::EndOfStream, Op::Read, Origin::Remote);
  co_return Status{};
}

io::Task<Result<bool>> Server::read_request(io::StreamSocket& socket, HttpReader& reader) {
  STARLING_CO_TRY(bool complete, reader.receive({}));  // it may have come with the one before
  std::array<std::uint8_t, 4096> buffer;
  while (!complete) {
    STARLING_CO_TRY(const std::size_t got, co_await read_some(socket, buffer));
    if (got == 0) co_return fail(ErrorCode::EndOfStream, Op::Read, Origin::Remote);
    STARLING_CO_TRY(complete, reader.receive({buffer.data(), got}));
  }
  co_return true;
}

io::Task<Result<HttpResponse>> http_get(io::Network& network, io::Endpoint server, std::string target, Duration timeout,
                                        std::uint64_t max_body) {
  co_return co_await io::with_deadline(timeout, io::timeout_error(Op::Read, "http://" + server.to_string() + target),
                                       ask(network, server, target, max_body));
}

}  // namespace starling::diagnostics
