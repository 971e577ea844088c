// What stands in front of /wss and DNS over HTTPS: the first bytes by which a shared port tells TLS from the rest, the
// client's list of protocols, and both sides of the handshake: against bytes of the fuzzer's own, and in an exchange
// that it changes on the way.
#include "../tests/support/web_certificate.hpp"
#include "security/web_tls_context.hpp"
#include "security_fuzz_peer.hpp"
#include "starling/security/web_tls.hpp"
#include "transport/stream_port.hpp"

namespace {

using namespace starling;

const std::vector<std::string>& protocols() {
  static const std::vector<std::string> names = {"http/1.1"};
  return names;
}

struct Sides {
  testing::TemporaryFolder folder;
  std::unique_ptr<security::WebTlsServer> server;
  std::unique_ptr<security::WebTlsClient> client;
};

Sides& sides() {
  static Sides both;
  if (both.server) return both;
  const std::string certificate = both.folder.write("web.pem", testing::kWebCertificateA);
  const std::string key = both.folder.write("web.key", testing::kWebKeyA);
  both.server = security::WebTlsServer::load({certificate, key, protocols(), Duration::max()}).value();
  both.client = security::WebTlsClient::create({certificate, [] { return testing::kWebCertificateTime; }}).value();
  return both;
}

std::unique_ptr<security::WebTlsHandshake> begin(bool as_client) {
  return as_client ? sides().client->begin("node.example", protocols()) : sides().server->begin();
}

void peek(Bytes data) {
  const auto kind = transport::first_bytes_kind(data);
  STARLING_ASSERT(
      kind == transport::first_bytes_kind(data.first(std::min<std::size_t>(data.size(), 3))) || data.size() < 3,
      "three bytes decide");
  const Bytes chosen = security::choose_web_alpn(data, protocols());
  STARLING_ASSERT(chosen.empty() || as_text(chosen) == "http/1.1", "only what both offer");
}

// The remote says anything. A client never takes it for the server that it wants.
void feed(bool as_client, fuzz::Input input) {
  const auto handshake = begin(as_client);
  ByteQueue in, out;
  Status status = handshake->start(out);
  while (status && !handshake->done() && !input.empty()) {
    in.append(input.take(1u + input.byte()));
    status = handshake->receive(in, out);
  }
  STARLING_ASSERT(!as_client || !handshake->done(), "nobody has the key of the certificate");
}

/// Three bytes of input change one byte of what passes: where (two bytes) and how.
void garble(fuzz::Input& input, ByteQueue& passing) {
  if (passing.empty() || input.empty()) return;
  const std::size_t where = (std::size_t(input.byte()) << 8 | input.byte()) % passing.size();
  passing.mutable_view()[where] ^= input.byte();
}

void exchange(fuzz::Input input) {
  const auto client = begin(/*as_client=*/true), server = begin(/*as_client=*/false);
  ByteQueue to_client, to_server;
  bool alive = client->start(to_server) && server->start(to_client);
  for (int round = 0; alive && round < 3; ++round) {
    garble(input, to_server);
    alive = server->receive(to_server, to_client).has_value();
    garble(input, to_client);
    alive = alive && client->receive(to_client, to_server);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  peek({data, size});
  fuzz::Input input({data, size});
  const std::uint8_t choice = input.byte();
  if (choice < 64)
    exchange(input);
  else
    feed(/*as_client=*/choice < 160, input);
  return 0;
}
