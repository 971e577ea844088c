#include "cli/interop/web_certificate.hpp"

#include <stdlib.h>

#include "starling/base/random.hpp"
#include "starling/multiformats/multibase.hpp"
#include "starling/peer/secret_file.hpp"
#include "starling/security/certificate.hpp"

namespace starling::cli {
namespace {

ByteVector pem(const std::string& label, Bytes der) {
  const std::string text = "-----BEGIN " + label + "-----\n" + base64_encode(der) + "\n-----END " + label + "-----\n";
  return to_vector(as_bytes(text));
}

}  // namespace

Result<WebCertificate> WebCertificate::make() {
  std::string folder = (std::filesystem::temp_directory_path() / "starling-interop-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr)
    return fail(ErrorCode::FileUnwritable, Op::WriteFile, Origin::Local, folder + ": no folder can be made there");
  WebCertificate made{std::filesystem::path(folder)};
  STARLING_TRY(const auto identity, crypto::PrivateKey::generate(crypto::KeyType::Ed25519, system_random()));
  STARLING_TRY(const auto der, security::make_certificate_der(identity));
  STARLING_CHECK(save_secret_file(made.certificate_file(), pem("CERTIFICATE", der.certificate)));
  STARLING_CHECK(save_secret_file(made.key_file(), pem("EC PRIVATE KEY", der.private_key)));
  return made;
}

WebCertificate::~WebCertificate() {
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

}  // namespace starling::cli
