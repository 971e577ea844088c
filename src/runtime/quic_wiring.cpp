#include "runtime/quic_wiring.hpp"

#include <cstdio>
#include <memory>

namespace starling::runtime {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

File append_to(const std::string& path) { return File(std::fopen(path.c_str(), "ae")); }

transport::QuicCongestion congestion(const std::string& name) {
  if (name == "bbr") return transport::QuicCongestion::Bbr;
  return name == "reno" ? transport::QuicCongestion::Reno : transport::QuicCongestion::Cubic;
}

// A function object must be copied, a file must not: the copies share it.
Status add_key_log(transport::QuicOptions& options, const std::string& path) {
  if (path.empty()) return {};
  const std::shared_ptr<std::FILE> file = append_to(path);
  if (!file) return fail(ErrorCode::FileUnwritable, Op::WriteFile, Origin::Local, "quic.key_log_file = " + path);
  options.key_log = [file](std::string_view line) {
    std::fwrite(line.data(), 1, line.size(), file.get());
    std::fflush(file.get());
  };
  return {};
}

void add_qlog(transport::QuicOptions& options, const std::string& folder) {
  if (folder.empty()) return;
  options.qlog = [folder](std::string_view name) -> std::function<void(Bytes)> {
    const std::shared_ptr<std::FILE> file = append_to(folder + "/" + std::string(name) + ".sqlog");
    if (!file) return {};
    return [file](Bytes text) { std::fwrite(text.data(), 1, text.size(), file.get()); };
  };
}

}  // namespace

Result<transport::QuicOptions> quic_options(const Options& options) {
  const Options::Quic& q = options.quic;
  transport::QuicOptions made{.handshake_timeout = q.handshake_timeout,
                              .idle_timeout = q.idle_timeout,
                              .keep_alive = q.keep_alive,
                              .close_timeout = q.close_timeout,
                              .initial_round_trip = q.initial_round_trip,
                              .initial_stream_window = q.initial_stream_window,
                              .max_stream_window = q.max_stream_window,
                              .initial_connection_window = q.initial_connection_window,
                              .max_connection_window = q.max_connection_window,
                              .max_inbound_streams = q.max_inbound_streams,
                              .output_buffer = q.output_buffer,
                              .max_unacknowledged = q.max_unacknowledged,
                              .max_pending_inbound = q.max_pending_inbound,
                              .retry_above = q.retry_above,
                              .max_replies_per_second = q.max_replies_per_second,
                              .max_closing = q.max_closing,
                              .max_udp_payload = q.max_udp_payload,
                              .socket_receive_buffer = q.socket_receive_buffer,
                              .socket_send_buffer = q.socket_send_buffer,
                              .max_datagram_queue = q.max_datagram_queue,
                              .congestion = congestion(q.congestion),
                              .resumption = options.transport.tls_resumption,
                              .key_log = {},
                              .qlog = {}};
  STARLING_CHECK(add_key_log(made, q.key_log_file));
  add_qlog(made, q.qlog_dir);
  return made;
}

}  // namespace starling::runtime
