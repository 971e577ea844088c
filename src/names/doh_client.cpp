#include <algorithm>
#include <list>
#include <utility>

#include "names/https_connection.hpp"
#include "starling/io/dns_message.hpp"
#include "starling/names/doh.hpp"

namespace starling::names {
namespace {

using Connection = std::unique_ptr<HttpsConnection>;

class DohClient final : public io::NameClient {
 public:
  DohClient(io::World world, DohOptions options, std::unique_ptr<security::WebTlsClient> tls, io::NameClient& bootstrap)
      : world_(world),
        options_(std::move(options)),
        tls_(std::move(tls)),
        bootstrap_(bootstrap),
        sweep_(world.reactor, [this] { close_idle(); }) {}
  ~DohClient() override {
    for (Idle& idle : idle_) idle.connection->close();
  }

  io::Task<Result<io::NameRecords>> look_up(io::NameQuestion question) override {
    if (auto known = io::answer_without_server(question)) co_return std::move(*known);
    STARLING_CO_TRY(const ByteVector query, io::encode_dns_query(question));
    while (running_ >= options_.max_connections) STARLING_CO_CHECK(co_await slot_free_.wait());
    ++running_;
    auto reply = co_await ask(query);
    --running_;
    slot_free_.notify_one();
    if (!reply) co_return std::unexpected(explained(question, std::move(reply).error()));
    STARLING_CO_TRY(auto records, io::decode_dns_reply(question, reply->message, description()));
    records.ttl -= std::min(records.ttl, reply->age);
    co_return records;
  }
  std::string description() const override { return options_.url.to_string(); }

 private:
  struct Reply {
    ByteVector message;
    Duration age;
  };
  struct Idle {
    Connection connection;
    TimePoint until;
  };

  // A kept connection first; the server may have closed it meanwhile, and then a fresh one is worth a try.
  io::Task<Result<Reply>> ask(Bytes query) {
    while (!idle_.empty()) {
      Connection kept = std::move(idle_.back().connection);
      idle_.pop_back();
      arm_sweep();
      DohExchange exchange(options_.max_reply);
      const Status status = co_await kept->run(options_.url, query, exchange);
      if (status) co_return finish(std::move(kept), exchange);
      if (exchange.started() || !is_broken(status.error())) co_return std::unexpected(status.error());
    }
    STARLING_CO_TRY(Connection fresh, co_await connect());
    DohExchange exchange(options_.max_reply);
    STARLING_CO_CHECK(co_await fresh->run(options_.url, query, exchange));
    co_return finish(std::move(fresh), exchange);
  }

  static bool is_broken(const Error& error) {
    return error == ErrorCode::ConnectionReset || error == ErrorCode::EndOfStream ||
           error == ErrorCode::NameServerFailed;
  }

  Reply finish(Connection connection, const DohExchange& exchange) {
    Reply reply{to_vector(exchange.message()), exchange.age()};
    if (exchange.keeps_alive() && connection->clean()) {
      idle_.push_back({std::move(connection), world_.reactor.after(options_.idle_timeout)});
      arm_sweep();
    } else {
      connection->close();
    }
    return reply;
  }

  io::Task<Result<Connection>> connect() {
    STARLING_CO_TRY(const auto addresses, co_await server_addresses());
    std::optional<Error> last;
    for (const io::IpAddress& address : addresses) {
      auto connection =
          co_await HttpsConnection::open(world_.network, {address, options_.url.port}, options_.url.host, *tls_);
      if (connection) co_return std::move(*connection);
      last = std::move(connection).error();
      if (last->origin() == Origin::Cancelled || *last == ErrorCode::Timeout) break;
    }
    co_return std::unexpected(*std::move(last));
  }

  io::Task<Result<std::vector<io::IpAddress>>> server_addresses() {
    auto four = co_await bootstrap_.look_up({options_.url.host, io::RecordType::A});
    if (four) co_return std::move(four->addresses);
    STARLING_CO_TRY(auto six, co_await bootstrap_.look_up({options_.url.host, io::RecordType::Aaaa}));
    co_return std::move(six.addresses);
  }

  // Who was asked what, above what went wrong; a cancel and a deadline stay what they are.
  Error explained(const io::NameQuestion& question, Error error) const {
    if (error == ErrorCode::Timeout || error.origin() == Origin::Cancelled) return error;
    return Error(ErrorCode::NameServerFailed, Op::Resolve, error.origin(),
                 question.to_string() + " from " + description())
        .caused_by(std::move(error));
  }

  void close_idle() {
    while (!idle_.empty() && idle_.front().until <= world_.reactor.now()) {
      idle_.front().connection->close();
      idle_.pop_front();
    }
    arm_sweep();
  }

  void arm_sweep() {
    if (idle_.empty())
      sweep_.cancel();
    else
      sweep_.set(idle_.front().until);
  }

  io::World world_;
  DohOptions options_;
  std::unique_ptr<security::WebTlsClient> tls_;
  io::NameClient& bootstrap_;
  std::list<Idle> idle_;  // the one used last at the end; no more than max_connections
  std::size_t running_ = 0;
  io::WaitQueue slot_free_;
  io::CallbackTimer sweep_;
};

}  // namespace

std::unique_ptr<io::NameClient> make_doh_client(io::World world, DohOptions options,
                                                std::unique_ptr<security::WebTlsClient> tls,
                                                io::NameClient& bootstrap) {
  return std::make_unique<DohClient>(world, std::move(options), std::move(tls), bootstrap);
}

}  // namespace starling::names
