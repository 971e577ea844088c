// A TLS channel fed true records that the fuzzer cuts, joins and changes, among them alerts and messages of the
// fuzzer's own under the true key. What comes out as data is what went in, or an error.
#include "security/tls_channel.hpp"
#include "security_fuzz_peer.hpp"

namespace {

using namespace starling;
using security::TlsContent;
using security::TlsRecordKey;

TlsRecordKey make_key(TlsRecordKey::Use use, std::uint8_t seed) {
  return TlsRecordKey::create(use, 0x1301, crypto::SecretBytes(ByteVector(32, seed))).value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input({data, size});
  const auto role = input.byte() % 2 == 0 ? security::Role::Initiator : security::Role::Responder;
  TlsRecordKey sender = make_key(TlsRecordKey::Use::Seal, 1);
  security::TlsChannel receiver({.role = role,
                                 .sending = make_key(TlsRecordKey::Use::Seal, 2),
                                 .receiving = make_key(TlsRecordKey::Use::Open, 1),
                                 .tickets = nullptr});
  ByteQueue sealed, wire, answers;
  fuzz::Expecting sink;
  fuzz::Counting source;
  Status status;
  const auto seal = [&](TlsContent type, Bytes content) {
    const std::size_t record = content.size() + security::kTlsRecordOverhead;
    STARLING_ASSERT(sender.seal(type, content, sealed.prepare(record).first(record)), "sealing cannot fail");
    sealed.commit(record);
  };
  while (status && !input.empty()) {
    const std::uint8_t what = input.byte();
    if (what < 64) {  // data
      seal(TlsContent::ApplicationData, source.next(std::size_t(what) * what * 4));
    } else if (what < 96) {  // an alert, a message or something unknown
      const auto type = TlsContent(input.byte() % 3 + 20);
      seal(type, input.take(what - 64u));
    } else if (what < 100) {  // an honest change of keys
      const std::uint8_t message[] = {24, 0, 0, 1, std::uint8_t(what % 2)};
      seal(TlsContent::Handshake, message);
      STARLING_ASSERT(sender.update(), "deriving cannot fail");
    } else if (what < 160) {  // a part goes over
      const std::size_t part = sealed.size() * (what - 99u) / 60;
      wire.append(sealed.view().first(part));
      sealed.consume(part);
      status = receiver.open(wire, sink);
    } else if (what < 190) {  // bytes of the attacker's own
      wire.append(input.take(what - 159u));
      status = receiver.open(wire, sink);
    } else if (what < 200) {  // the victim sends
      const Status sent = receiver.seal(as_bytes("answer"), answers);
      STARLING_ASSERT(sent, "a living channel seals");
      answers.clear();
    } else if (!sealed.empty()) {  // a changed bit
      sealed.mutable_view()[(std::size_t(input.byte()) << 8 | input.byte()) % sealed.size()] ^= std::uint8_t(what | 1);
    }
  }
  STARLING_ASSERT(receiver.close(answers), "a farewell can always be sealed");
  return 0;
}
