// Owning pointers for OpenSSL objects, and the one place where OpenSSL's error queue becomes an Error.
// Threading: an object is used by one thread at a time; the error queue is OpenSSL's own, per thread.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string_view>

#include "starling/base/error.hpp"

namespace starling::security {

template <auto kFree>
struct OpensslFree {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};

using X509Ptr = std::unique_ptr<X509, OpensslFree<X509_free>>;
using EvpKeyPtr = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using SslContextPtr = std::unique_ptr<SSL_CTX, OpensslFree<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, OpensslFree<SSL_free>>;
using BioPtr = std::unique_ptr<BIO, OpensslFree<BIO_free>>;

/// The newest entry of this thread's OpenSSL error queue as text after `what`; the queue is empty afterwards.
Error take_openssl_error(ErrorCode code, Op op, Origin origin, std::string_view what);

}  // namespace starling::security
