// Owners for OpenSSL objects, and its errors as ours. Private to the layer.
#pragma once

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <memory>

#include "starling/base/error.hpp"

namespace starling::crypto {

template <auto Free>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};

using EvpKey = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using EvpKeyContext = std::unique_ptr<EVP_PKEY_CTX, Freer<EVP_PKEY_CTX_free>>;
using EvpDigestContext = std::unique_ptr<EVP_MD_CTX, Freer<EVP_MD_CTX_free>>;
using EvpCipherContext = std::unique_ptr<EVP_CIPHER_CTX, Freer<EVP_CIPHER_CTX_free>>;
using EvpCipher = std::unique_ptr<EVP_CIPHER, Freer<EVP_CIPHER_free>>;
using BigNumber = std::unique_ptr<BIGNUM, Freer<BN_clear_free>>;
using BigNumberContext = std::unique_ptr<BN_CTX, Freer<BN_CTX_free>>;
using EcGroup = std::unique_ptr<EC_GROUP, Freer<EC_GROUP_free>>;
using EcPoint = std::unique_ptr<EC_POINT, Freer<EC_POINT_clear_free>>;
using EcdsaSignature = std::unique_ptr<ECDSA_SIG, Freer<ECDSA_SIG_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, Freer<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Freer<OSSL_PARAM_free>>;

/// An error of ours; empties OpenSSL's queue of this thread.
inline std::unexpected<Error> openssl_failure(ErrorCode code, Op op, Origin origin, std::string detail) {
  ERR_clear_error();
  return fail(code, op, origin, std::move(detail));
}

}  // namespace starling::crypto
