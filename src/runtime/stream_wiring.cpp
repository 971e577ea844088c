#include "runtime/stream_wiring.hpp"

#include "runtime/limits.hpp"

namespace starling::runtime {
namespace {

muxer::Config muxer_config(const Options& options) {
  muxer::Config config;
  config.max_stream_window = options.muxer.max_stream_window;
  config.window_memory_budget = options.muxer.window_memory;
  config.max_frame_payload = options.muxer.max_frame_payload;
  config.max_inbound_streams = options.muxer.max_inbound_streams;
  config.max_outbound_streams = options.muxer.max_outbound_streams;
  config.accept_backlog = options.muxer.accept_backlog;
  config.keep_alive_interval = options.muxer.keep_alive_interval;
  config.keep_alive_timeout = options.muxer.keep_alive_timeout;
  return config;
}

io::Congestion congestion(const Options::Transport& t) {
  if (t.congestion == "system") return {};
  if (t.congestion == "auto") return {.algorithm = "bbr", .long_path = t.long_path};
  return {.algorithm = t.congestion};
}

}  // namespace

transport::UpgraderOptions upgrader_options(const Options& options, const resource::LimitTable& limits) {
  const auto& t = options.transport;
  return {.negotiate_timeout = t.negotiate_timeout,
          .security_timeout = t.security_timeout,
          .connect_timeout = t.connect_timeout,
          .close_timeout = t.close_timeout,
          .max_pending_inbound = max_pending_inbound(options, limits),
          .max_stream_inbox = t.max_stream_inbox,
          .output_buffer = t.output_buffer,
          .listen_backlog = t.listen_backlog,
          .reuse_port = t.reuse_port,
          .muxer = muxer_config(options),
          .identify_timeout = t.identify_timeout,
          .congestion = congestion(t)};
}

}  // namespace starling::runtime
