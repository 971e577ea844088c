// Making the engine with parts that a node never chooses: for tests and fuzzing.
#pragma once

#include "starling/security/certificate.hpp"
#include "transport/quic/engine.hpp"

namespace starling::transport::quic::ng {

struct EngineParts {
  /// What is shown to the peer; nullopt: no certificate at all.
  std::optional<security::CertificateDer> certificate;
  /// Packets are neither encrypted nor authenticated: whatever is sent to such a session reaches its frames.
  bool null_protection = false;
};

/// As make_engine(), which it serves. `secret` seeds the stateless reset tokens.
Result<std::unique_ptr<Engine>> make_engine_of(EngineParts parts, Bytes secret, Random& random,
                                               const QuicOptions& options, std::function<std::int64_t()> unix_seconds);

}  // namespace starling::transport::quic::ng
