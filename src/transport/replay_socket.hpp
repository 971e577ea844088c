// A socket from which something was read to look at it. Private to the layer.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>

#include "starling/io/network.hpp"

namespace starling::transport {

/// What was read to look at it is read again.
class ReplaySocket final : public io::StreamSocket {
 public:
  ReplaySocket(std::unique_ptr<io::StreamSocket> inner, ByteQueue seen)
      : inner_(std::move(inner)), seen_(std::move(seen)) {}
  std::unique_ptr<io::StreamSocket>& inner() { return inner_; }
  Result<std::size_t> try_read(MutableBytes into) override {
    if (seen_.empty()) return inner_->try_read(into);
    const std::size_t count = std::min(seen_.size(), into.size());
    std::copy_n(seen_.view().begin(), count, into.begin());
    seen_.consume(count);
    if (count == into.size()) return count;
    // A short count tells the reader to wait: the inner socket must have been asked.
    const auto more = inner_->try_read(into.subspan(count));
    return count + more.value_or(0);
  }
  Result<std::size_t> try_write(Bytes from) override { return inner_->try_write(from); }
  io::QueueWait readable() override { return inner_->readable(); }
  io::QueueWait writable() override { return inner_->writable(); }
  void shutdown_write() override { inner_->shutdown_write(); }
  void close() override { inner_->close(); }
  io::Endpoint local() const override { return inner_->local(); }
  io::Endpoint remote() const override { return inner_->remote(); }

 private:
  std::unique_ptr<io::StreamSocket> inner_;
  ByteQueue seen_;
};

}  // namespace starling::transport
