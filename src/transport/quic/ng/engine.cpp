// The engine on ngtcp2: packets that belong to no session, and the making of sessions.
#include <ngtcp2/ngtcp2_crypto_gnutls.h>

#include "starling/crypto/hash.hpp"
#include "starling/security/certificate.hpp"
#include "transport/quic/ng/convert.hpp"
#include "transport/quic/ng/make.hpp"
#include "transport/quic/ng/session.hpp"

namespace starling::transport {

bool quic_available() { return true; }

namespace quic {
namespace ng {
namespace {

constexpr std::uint8_t kLongHeader = 0x80;
constexpr std::size_t kResetSize = 42;  // of a stateless reset; smaller than the packet it answers, which ends loops
constexpr Duration kTokenLifetime = std::chrono::seconds(10);
constexpr std::uint32_t kVersions[] = {NGTCP2_PROTO_VER_V1};
constexpr std::uint16_t kCommonSizes[] = {1452, 1406, 1342, 1232};  // of datagrams: Ethernet, PPPoE, tunnels

/// Which datagrams to try: the common sizes, and the largest we may send, which takes jumbo frames.
std::vector<std::uint16_t> path_sizes(std::size_t largest) {
  std::vector<std::uint16_t> sizes;
  for (const std::uint16_t size : kCommonSizes)
    if (size < largest) sizes.push_back(size);
  if (largest > NGTCP2_MAX_UDP_PAYLOAD_SIZE) sizes.push_back(std::uint16_t(largest));
  return sizes;
}

class NgEngine final : public Engine {
 public:
  explicit NgEngine(Shared shared) : shared_(std::move(shared)) {}

  std::optional<PacketHead> parse(Bytes packet) const override;
  std::unique_ptr<Session> connect(const Path& path, std::optional<PeerId> expected, SessionEvents& events,
                                   TimePoint now) override;
  Verdict judge(const Path& path, Bytes packet, const PacketHead& head, bool require_proof, TimePoint now) override;
  std::unique_ptr<Session> accept(const Path& path, const PacketHead& head, const Verdict& verdict, Bytes packet,
                                  SessionEvents& events, TimePoint now) override;
  ByteVector answer(const Path& path, Bytes packet, const PacketHead& head, Verdict::Kind kind, TimePoint now) override;

 private:
  ByteVector version_negotiation(const PacketHead& head);
  ByteVector retry(const Path& path, const PacketHead& head, TimePoint now);
  ByteVector stateless_reset(Bytes packet, const PacketHead& head);
  static ByteVector closing(const PacketHead& head, std::uint64_t code);

  Shared shared_;
};

std::optional<PacketHead> NgEngine::parse(Bytes packet) const {
  ngtcp2_version_cid found;
  const int code = ngtcp2_pkt_decode_version_cid(&found, packet.data(), packet.size(), kOwnIdSize);
  if (code != 0 && code != NGTCP2_ERR_VERSION_NEGOTIATION) return std::nullopt;
  if (found.dcidlen > kMaxIdSize || found.scidlen > kMaxIdSize) return std::nullopt;
  PacketHead head;
  head.long_header = (packet[0] & kLongHeader) != 0;
  head.known_version = code == 0;
  head.version = found.version;
  head.to.size = std::uint8_t(found.dcidlen);
  std::copy_n(found.dcid, found.dcidlen, head.to.bytes.begin());
  head.from.size = std::uint8_t(found.scidlen);
  std::copy_n(found.scid, found.scidlen, head.from.bytes.begin());
  return head;
}

std::unique_ptr<Session> NgEngine::connect(const Path& path, std::optional<PeerId> expected, SessionEvents& events,
                                           TimePoint now) {
  auto session = std::make_unique<NgSession>(shared_, std::move(expected), events);
  if (!session->start_client(path, now)) return nullptr;
  return session;
}

Verdict NgEngine::judge(const Path& path, Bytes packet, const PacketHead& head, bool require_proof, TimePoint now) {
  if (head.long_header && !head.known_version) {
    return {packet.size() >= kMinInitialSize ? Verdict::Kind::VersionNegotiation : Verdict::Kind::Drop, {}, {}, false};
  }
  ngtcp2_pkt_hd initial;
  if (!head.long_header || ngtcp2_accept(&initial, packet.data(), packet.size()) != 0) {
    const bool answer = !head.long_header && packet.size() > kResetSize;
    return {answer ? Verdict::Kind::StatelessReset : Verdict::Kind::Drop, {}, {}, false};
  }
  Verdict verdict{Verdict::Kind::Accept, head.to, {}, false};
  if (initial.tokenlen == 0) {
    if (require_proof) verdict.kind = Verdict::Kind::Retry;
    return verdict;
  }
  SocketName remote(path.remote);
  ngtcp2_cid original;
  const int code = ngtcp2_crypto_verify_retry_token2(
      &original, initial.token, initial.tokenlen, shared_.token_secret.data(), shared_.token_secret.size(),
      initial.version, remote.data(), remote.size(), &initial.dcid, to_ng(kTokenLifetime), to_ng(now));
  if (code == NGTCP2_CRYPTO_ERR_VERIFY_TOKEN) return {Verdict::Kind::BadToken, {}, {}, false};
  if (code != 0) {  // not one of ours: as good as none
    if (require_proof) verdict.kind = Verdict::Kind::Retry;
    return verdict;
  }
  verdict.original = from_ng(original);
  verdict.retry_source = head.to;
  verdict.validated = true;
  return verdict;
}

std::unique_ptr<Session> NgEngine::accept(const Path& path, const PacketHead&, const Verdict& verdict, Bytes packet,
                                          SessionEvents& events, TimePoint now) {
  ngtcp2_pkt_hd initial;
  if (ngtcp2_accept(&initial, packet.data(), packet.size()) != 0) return nullptr;
  auto session = std::make_unique<NgSession>(shared_, std::nullopt, events);
  if (!session->start_server(path, initial, verdict, now)) return nullptr;
  return session;
}

ByteVector NgEngine::answer(const Path& path, Bytes packet, const PacketHead& head, Verdict::Kind kind, TimePoint now) {
  switch (kind) {
    case Verdict::Kind::VersionNegotiation:
      return version_negotiation(head);
    case Verdict::Kind::Retry:
      return retry(path, head, now);
    case Verdict::Kind::StatelessReset:
      return stateless_reset(packet, head);
    case Verdict::Kind::BadToken:
      return closing(head, NGTCP2_INVALID_TOKEN);
    case Verdict::Kind::Refuse:
      return closing(head, NGTCP2_CONNECTION_REFUSED);
    default:
      return {};
  }
}

ByteVector NgEngine::version_negotiation(const PacketHead& head) {
  ByteVector answer(kMinInitialSize);
  const std::uint8_t random = std::uint8_t(shared_.random.next_u64());
  const ngtcp2_ssize size =
      ngtcp2_pkt_write_version_negotiation(answer.data(), answer.size(), random, head.from.bytes.data(), head.from.size,
                                           head.to.bytes.data(), head.to.size, kVersions, std::size(kVersions));
  answer.resize(size > 0 ? std::size_t(size) : 0);
  return answer;
}

ByteVector NgEngine::retry(const Path& path, const PacketHead& head, TimePoint now) {
  ConnectionId ours;
  ours.size = kOwnIdSize;
  shared_.random.fill(MutableBytes(ours.bytes).first(kOwnIdSize));
  const ngtcp2_cid source = to_ng(ours), original = to_ng(head.to), client = to_ng(head.from);
  std::uint8_t token[NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN2];
  SocketName remote(path.remote);
  const ngtcp2_ssize token_size =
      ngtcp2_crypto_generate_retry_token2(token, shared_.token_secret.data(), shared_.token_secret.size(), head.version,
                                          remote.data(), remote.size(), &source, &original, to_ng(now));
  ByteVector answer(kMinInitialSize);
  const ngtcp2_ssize size = token_size < 0
                                ? token_size
                                : ngtcp2_crypto_write_retry(answer.data(), answer.size(), head.version, &client,
                                                            &source, &original, token, std::size_t(token_size));
  answer.resize(size > 0 ? std::size_t(size) : 0);
  return answer;
}

ByteVector NgEngine::stateless_reset(Bytes packet, const PacketHead& head) {
  std::uint8_t token[NGTCP2_STATELESS_RESET_TOKENLEN], random[kResetSize - NGTCP2_STATELESS_RESET_TOKENLEN];
  reset_token(shared_, to_ng(head.to), token);
  shared_.random.fill(random);
  ByteVector answer(std::min(packet.size() - 1, kResetSize));
  const ngtcp2_ssize size =
      ngtcp2_pkt_write_stateless_reset(answer.data(), answer.size(), token, random, sizeof random);
  answer.resize(size > 0 ? std::size_t(size) : 0);
  return answer;
}

ByteVector NgEngine::closing(const PacketHead& head, std::uint64_t code) {
  ByteVector answer(kMinInitialSize);
  const ngtcp2_cid to = to_ng(head.from), from = to_ng(head.to);
  const ngtcp2_ssize size =
      ngtcp2_crypto_write_connection_close(answer.data(), answer.size(), head.version, &to, &from, code, nullptr, 0);
  answer.resize(size > 0 ? std::size_t(size) : 0);
  return answer;
}

}  // namespace

void reset_token(const Shared& shared, const ngtcp2_cid& id, std::uint8_t* token) {
  const crypto::Sha256Digest digest = crypto::hmac_sha256(shared.reset_secret, Bytes(id.data, id.datalen));
  std::copy_n(digest.begin(), NGTCP2_STATELESS_RESET_TOKENLEN, token);
}

Result<std::unique_ptr<Engine>> make_engine_of(EngineParts parts, Bytes secret, Random& random,
                                               const QuicOptions& options, std::function<std::int64_t()> unix_seconds) {
  if (!unix_seconds) unix_seconds = &security::system_unix_seconds;
  STARLING_TRY(auto tls, TlsContext::create(parts.certificate, static_cast<bool>(options.key_log), options.resumption));
  if (parts.certificate) crypto::wipe(parts.certificate->private_key);
  Shared shared{random, options, std::move(unix_seconds), std::move(tls), path_sizes(options.max_udp_payload),
                {},     {},      parts.null_protection};
  shared.reset_secret = crypto::hmac_sha256(secret, as_bytes("starling quic stateless reset"));
  random.fill(shared.token_secret);
  return std::make_unique<NgEngine>(std::move(shared));
}

}  // namespace ng

// The secret of resets comes from the key, so that a peer of an earlier run learns at once that its connection is gone.
Result<std::unique_ptr<Engine>> make_engine(Random& random, const crypto::PrivateKey& identity,
                                            const QuicOptions& options, std::function<std::int64_t()> unix_seconds) {
  STARLING_TRY(auto certificate, security::make_certificate_der(identity));
  ByteVector secret = identity.to_protobuf();
  auto engine = ng::make_engine_of({std::move(certificate), false}, secret, random, options, std::move(unix_seconds));
  crypto::wipe(secret);
  return engine;
}

}  // namespace quic
}  // namespace starling::transport
