#include "transport/muxed_connection.hpp"

namespace starling::transport {

MuxedStream::~MuxedStream() {
  if (connection_ != nullptr) connection_->release(*this);
}

void MuxedStream::consume(std::size_t bytes) {
  inbox_.consume(bytes);
  if (connection_ != nullptr) connection_->consumed(*this, bytes);
}

Result<bool> MuxedStream::at_end() const {
  if (!inbox_.empty()) return false;
  if (remote_closed_) return true;
  if (reason_) return std::unexpected(reason_->stream_error(Op::Read));
  return false;
}

Result<std::size_t> MuxedStream::try_write(Bytes data) {
  if (reason_) return std::unexpected(reason_->stream_error(Op::Write));
  if (write_closed_) return fail(ErrorCode::StreamClosed, Op::Write, Origin::Local, "this side was closed before");
  return connection_->write(*this, data);
}

void MuxedStream::close_write() {
  if (std::exchange(write_closed_, true) || connection_ == nullptr) return;
  connection_->close_write(*this);
}

void MuxedStream::reset(ResetCode code) {
  if (connection_ != nullptr) connection_->reset(*this, code);
}

void MuxedStream::end(CloseReason reason) {
  connection_ = nullptr;
  if (!reason_) reason_ = std::move(reason);
  readable_.notify_all();
  writable_.notify_all();
}

}  // namespace starling::transport
