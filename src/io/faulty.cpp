#include "starling/io/faulty.hpp"

#include <algorithm>
#include <utility>

#include "starling/io/name_client.hpp"

namespace starling::io {

struct FaultyNetwork::Faults {
  FaultPlan plan;
  std::uint64_t count = 0;
  bool injected = false;

  /// Ok, or the fault if it is this operation's turn.
  Status next(NetworkOperation operation) {
    if ((std::uint16_t(plan.operations) & std::uint16_t(operation)) == 0) return {};
    if (++count != plan.fail_at) return {};
    injected = true;
    return std::unexpected(plan.error);
  }
  template <typename ByteSpan>
  ByteSpan shortened(ByteSpan bytes) const {
    if (plan.max_transfer_bytes == 0) return bytes;
    return bytes.first(std::min(bytes.size(), plan.max_transfer_bytes));
  }
};

namespace {

using Faults = FaultyNetwork::Faults;

class FaultyStreamSocket final : public StreamSocket {
 public:
  FaultyStreamSocket(std::unique_ptr<StreamSocket> inner, Faults& faults) : inner_(std::move(inner)), faults_(faults) {}

  Result<std::size_t> try_read(MutableBytes into) override {
    STARLING_CHECK(check(NetworkOperation::Read));
    return inner_->try_read(faults_.shortened(into));
  }
  Result<std::size_t> try_write(Bytes from) override {
    STARLING_CHECK(check(NetworkOperation::Write));
    return inner_->try_write(faults_.shortened(from));
  }
  QueueWait readable() override { return inner_->readable(); }
  QueueWait writable() override { return inner_->writable(); }
  void shutdown_write() override { inner_->shutdown_write(); }
  void close() override { inner_->close(); }
  Endpoint local() const override { return inner_->local(); }
  Endpoint remote() const override { return inner_->remote(); }

 private:
  Status check(NetworkOperation operation) {
    if (!broken_) {
      Status next = faults_.next(operation);
      if (next) return next;
      broken_ = std::move(next).error();
    }
    return std::unexpected(*broken_);
  }
  std::unique_ptr<StreamSocket> inner_;
  Faults& faults_;
  std::optional<Error> broken_;
};

class FaultyListener final : public Listener {
 public:
  FaultyListener(std::unique_ptr<Listener> inner, Faults& faults) : inner_(std::move(inner)), faults_(faults) {}
  Task<Result<std::unique_ptr<StreamSocket>>> accept() override {
    STARLING_CO_CHECK(faults_.next(NetworkOperation::Accept));
    STARLING_CO_TRY(auto socket, co_await inner_->accept());
    co_return std::make_unique<FaultyStreamSocket>(std::move(socket), faults_);
  }
  void close() override { inner_->close(); }
  Endpoint local() const override { return inner_->local(); }

 private:
  std::unique_ptr<Listener> inner_;
  Faults& faults_;
};

class FaultyDatagramSocket final : public DatagramSocket {
 public:
  FaultyDatagramSocket(std::unique_ptr<DatagramSocket> inner, Faults& faults)
      : inner_(std::move(inner)), faults_(faults) {}
  Result<Datagram> try_receive(MutableBytes into) override {
    STARLING_CHECK(faults_.next(NetworkOperation::Receive));
    return inner_->try_receive(into);
  }
  Result<std::size_t> try_send(const OutgoingDatagrams& datagrams) override {
    STARLING_CHECK(faults_.next(NetworkOperation::Send));
    return inner_->try_send(datagrams);
  }
  void when_readable(Runnable& work) override { inner_->when_readable(work); }
  void when_writable(Runnable& work) override { inner_->when_writable(work); }
  std::optional<Undelivered> take_undelivered() override { return inner_->take_undelivered(); }
  QueueWait readable() override { return inner_->readable(); }
  QueueWait writable() override { return inner_->writable(); }
  void close() override { inner_->close(); }
  Endpoint local() const override { return inner_->local(); }

 private:
  std::unique_ptr<DatagramSocket> inner_;
  Faults& faults_;
};

class FaultyNameClient final : public NameClient {
 public:
  FaultyNameClient(std::unique_ptr<NameClient> inner, Faults& faults) : inner_(std::move(inner)), faults_(faults) {}
  Task<Result<NameRecords>> look_up(NameQuestion question) override {
    STARLING_CO_CHECK(faults_.next(NetworkOperation::Resolve));
    co_return co_await inner_->look_up(std::move(question));
  }
  std::string description() const override { return inner_->description(); }

 private:
  std::unique_ptr<NameClient> inner_;
  Faults& faults_;
};

}  // namespace

FaultyNetwork::FaultyNetwork(Network& inner, FaultPlan plan)
    : inner_(inner), faults_(std::make_unique<Faults>(Faults{.plan = std::move(plan)})) {}
FaultyNetwork::~FaultyNetwork() = default;

Result<std::unique_ptr<Listener>> FaultyNetwork::listen(const Endpoint& at, const ListenOptions& options) {
  STARLING_CHECK(faults_->next(NetworkOperation::Listen));
  STARLING_TRY(auto listener, inner_.listen(at, options));
  return std::make_unique<FaultyListener>(std::move(listener), *faults_);
}

Task<Result<std::unique_ptr<StreamSocket>>> FaultyNetwork::connect(Endpoint to, ConnectOptions options) {
  STARLING_CO_CHECK(faults_->next(NetworkOperation::Connect));
  STARLING_CO_TRY(auto socket, co_await inner_.connect(to, options));
  co_return std::make_unique<FaultyStreamSocket>(std::move(socket), *faults_);
}

Result<std::unique_ptr<DatagramSocket>> FaultyNetwork::bind_datagram(const Endpoint& at,
                                                                     const DatagramOptions& options) {
  STARLING_CHECK(faults_->next(NetworkOperation::Bind));
  STARLING_TRY(auto socket, inner_.bind_datagram(at, options));
  return std::make_unique<FaultyDatagramSocket>(std::move(socket), *faults_);
}

std::unique_ptr<NameClient> FaultyNetwork::make_name_client(const NameClientOptions& options) {
  return std::make_unique<FaultyNameClient>(inner_.make_name_client(options), *faults_);
}

Result<std::vector<Interface>> FaultyNetwork::interfaces() {
  STARLING_CHECK(faults_->next(NetworkOperation::Interfaces));
  return inner_.interfaces();
}

Result<std::unique_ptr<Listener>> FaultyNetwork::listen_local(const LocalPlace& at, int backlog) {
  STARLING_CHECK(faults_->next(NetworkOperation::Listen));
  STARLING_TRY(auto listener, inner_.listen_local(at, backlog));
  return std::make_unique<FaultyListener>(std::move(listener), *faults_);
}

Result<std::unique_ptr<StreamSocket>> FaultyNetwork::connect_local(const LocalPlace& to) {
  STARLING_CHECK(faults_->next(NetworkOperation::Connect));
  STARLING_TRY(auto socket, inner_.connect_local(to));
  return std::make_unique<FaultyStreamSocket>(std::move(socket), *faults_);
}

std::uint64_t FaultyNetwork::operations() const { return faults_->count; }
bool FaultyNetwork::injected() const { return faults_->injected; }

std::uint64_t fail_each_operation(const std::function<bool(std::uint64_t)>& run, std::uint64_t most) {
  std::uint64_t operation = 1;
  while (operation <= most && run(operation)) ++operation;
  return operation - 1;
}

}  // namespace starling::io
