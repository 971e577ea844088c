// "/noise": one static key and one memory of verified peers per host.
// spec: noise/README.md
#include "security/noise_handshake.hpp"

namespace starling::security {
namespace {

class NoiseProtocol final : public Protocol {
 public:
  NoiseProtocol(NoiseIdentity identity, Random& random) : identity_(std::move(identity)), random_(random) {}
  std::string_view protocol_id() const override { return "/noise"; }
  std::unique_ptr<Handshake> begin(HandshakeConfig config) override {
    return std::make_unique<NoiseHandshake>(std::move(config), identity_, verified_, random_);
  }

 private:
  const NoiseIdentity identity_;
  VerifiedSignatures verified_;
  Random& random_;
};

}  // namespace

Result<std::unique_ptr<Protocol>> make_noise(const crypto::PrivateKey& identity, Random& random) {
  STARLING_TRY(NoiseIdentity noise_identity, NoiseIdentity::create(identity, random));
  return std::make_unique<NoiseProtocol>(std::move(noise_identity), random);
}

}  // namespace starling::security
