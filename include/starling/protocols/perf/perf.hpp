// Perf: how fast bytes go to a peer and back.
// spec: perf/perf.md. The client tells how many bytes it wants, uploads, half-closes; the server reads to the end and
// then sends. Serving it lets strangers use the line: off unless asked for. Threading: the host's reactor.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "starling/host/host.hpp"

namespace starling::perf {

inline constexpr std::string_view kProtocolId = "/perf/1.0.0";

/// Byte i of what both sides send: lets a test check the content.
std::uint8_t pattern_byte(std::uint64_t index);
/// Index of the first byte of `data` that differs from the pattern starting at `start`; nullopt if none.
std::optional<std::uint64_t> find_mismatch(std::uint64_t start, Bytes data);

struct PerfOptions {
  Duration idle_timeout;             // no progress for so long ends the run
  std::uint64_t max_download_bytes;  // a server sends no more than this per stream
};

/// What one served stream moved.
struct Served {
  PeerId peer;
  std::uint64_t upload_bytes = 0, download_bytes = 0;
  std::uint64_t mismatches = 0;  // pieces of the upload that differ from the pattern
};
/// With `on_served`, every upload is compared with the pattern and every stream that ended well is reported.
void serve(host::Host& host, PerfOptions options, std::function<void(const Served&)> on_served = {});

struct PerfRequest {
  std::uint64_t upload_bytes = 0, download_bytes = 0;
  bool check = false;  // compare the download with the pattern
};
struct PerfResult {
  std::uint64_t uploaded = 0, downloaded = 0;
  Duration upload_time{}, download_time{};
};
/// One run on a stream of its own. Errors: those of streams; ProtocolViolation if content or size are wrong.
/// `progress` may be empty; it is called as bytes move.
io::Task<Result<PerfResult>> run(host::Host& host, PeerId peer, PerfRequest request, PerfOptions options,
                                 std::function<void(const PerfResult&)> progress = {});

}  // namespace starling::perf
