// HTTP by Boost.Beast over a libp2p stream: one node serves a page on protocol /http/1.1, another fetches it. Both run
// in this process and talk over TCP on loopback. Prints the answer; exit code 0 if it is the expected one.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cstdio>

#include "starling/host/asio_stream.hpp"
#include "starling/runtime/node.hpp"

namespace {

using namespace starling;
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

constexpr char kProtocol[] = "/http/1.1";

// Beast code as in any tutorial, on an AsioStream instead of a socket.
asio::awaitable<void> answer(host::AsioStream& stream, io::WaitQueue& done) {
  beast::error_code error;
  beast::flat_buffer buffer;
  http::request<http::string_body> request;
  co_await http::async_read(stream, buffer, request, asio::redirect_error(asio::use_awaitable, error));
  if (!error) {
    http::response<http::string_body> response(http::status::ok, request.version());
    response.set(http::field::content_type, "text/plain");
    response.body() = "you asked for " + std::string(request.target()) + " over libp2p\n";
    response.prepare_payload();
    co_await http::async_write(stream, response, asio::redirect_error(asio::use_awaitable, error));
  }
  done.notify_all();
}

asio::awaitable<void> fetch(host::AsioStream& stream, std::string& body, io::WaitQueue& done) {
  beast::error_code error;
  http::request<http::empty_body> request(http::verb::get, "/starling", 11);
  co_await http::async_write(stream, request, asio::redirect_error(asio::use_awaitable, error));
  beast::flat_buffer buffer;
  http::response<http::string_body> response;
  if (!error) co_await http::async_read(stream, buffer, response, asio::redirect_error(asio::use_awaitable, error));
  body = error ? error.message() : response.body();
  done.notify_all();
}

// An Asio coroutine that nobody waits for: it ends by notifying `done`, which the caller waits for.
void start(asio::io_context& context, asio::awaitable<void> work) {
  asio::co_spawn(context, std::move(work), [](const std::exception_ptr&) {});
}

struct Peer {
  static Result<Peer> make(io::RealReactor& reactor, io::Network& network) {
    STARLING_TRY(auto key, crypto::PrivateKey::generate(crypto::KeyType::Ed25519, system_random()));
    STARLING_TRY(auto node,
                 runtime::Node::create({reactor, network, system_random()}, std::move(key), {}, /*wall_clock_ns=*/1));
    return Peer{std::move(node)};
  }
  std::unique_ptr<runtime::Node> node;
};

io::Task<Result<std::string>> run(io::RealReactor& reactor, Peer& server, Peer& client) {
  auto& context = io::io_context_of(reactor);
  server.node->host().handle(kProtocol, [&](host::Stream raw) -> io::Task<void> {
    host::AsioStream stream(reactor, std::move(raw));
    io::WaitQueue done;
    start(context, answer(stream, done));
    (void)co_await done.wait();
    (void)co_await stream.stream().close();
    co_await stream.close();
  });
  STARLING_CO_TRY(const Multiaddr listen, Multiaddr::from_string("/ip4/127.0.0.1/tcp/0"));
  STARLING_CO_TRY(const Multiaddr bound, server.node->host().listen(listen));
  STARLING_CO_TRY(const auto connection, co_await client.node->host().connect(server.node->id(), {bound}));
  (void)connection;
  STARLING_CO_TRY(host::Stream raw, co_await client.node->host().open_stream(server.node->id(), {kProtocol}));
  host::AsioStream stream(reactor, std::move(raw));
  io::WaitQueue done;
  std::string body;
  start(context, fetch(stream, body, done));
  (void)co_await done.wait();
  stream.stream().close_write();
  co_await stream.close();
  co_return body;
}

io::Task<Result<std::string>> run_and_close(io::RealReactor& reactor, Peer& server, Peer& client) {
  auto body = co_await run(reactor, server, client);
  co_await client.node->close();
  co_await server.node->close();
  co_return body;
}

}  // namespace

int main() {
  const auto reactor = io::RealReactor::create();
  const auto network = reactor->make_network();
  auto server = Peer::make(*reactor, *network), client = Peer::make(*reactor, *network);
  if (!server || !client) return 1;
  const auto body = io::run_task(*reactor, run_and_close(*reactor, *server, *client));
  std::printf("%s", body ? body->c_str() : (body.error().message() + "\n").c_str());
  return body && *body == "you asked for /starling over libp2p\n" ? 0 : 1;
}
