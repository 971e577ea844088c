#include "security/openssl_library.hpp"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/provider.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <vector>

#include "security/openssl_handles.hpp"

namespace starling::security {
namespace {

constexpr int kOperations = OSSL_OP__HIGHEST + 1;
// By the first name of OpenSSL's list; what tls_context.cpp asks for, and what OpenSSL needs for it. SHA-1 is the name
// of a certificate in its tables, nothing else.
constexpr auto kNeeded = std::to_array<std::string_view>(
    {"SHA1", "SHA2-256", "SHA2-384", "SHA2-512", "AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305", "HMAC", "HKDF",
     "TLS13-KDF", "X25519", "ECDH", "EC", "ECDSA", "ED25519", "RSA", "RSA-PSS", "CTR-DRBG", "SEED-SRC"});

OSSL_PROVIDER* full_provider() {
  static OSSL_PROVIDER* const provider = OSSL_PROVIDER_load(nullptr, "default");
  return provider;
}

bool is_needed(int operation, const OSSL_ALGORITHM& algorithm) {
  const std::string_view names(algorithm.algorithm_names), properties(algorithm.property_definition);
  if (operation == OSSL_OP_DECODER && !properties.contains("structure=SubjectPublicKeyInfo")) return false;
  return std::ranges::find(kNeeded, names.substr(0, names.find(':'))) != kNeeded.end();
}

using Rows = std::vector<OSSL_ALGORITHM>;

/// The rows of the default provider's table that are needed, and the empty row at the end.
Rows needed_rows(int operation) {
  Rows kept;
  int no_cache = 0;
  const OSSL_ALGORITHM* each = OSSL_PROVIDER_query_operation(full_provider(), operation, &no_cache);
  for (; each != nullptr && each->algorithm_names != nullptr; ++each)
    if (is_needed(operation, *each)) kept.push_back(*each);
  kept.push_back({});
  return kept;
}

const OSSL_ALGORITHM* query_all(void*, int operation, int* no_cache) noexcept {
  static const std::array<Rows, kOperations> tables = [] {
    std::array<Rows, kOperations> made;
    for (int each = 0; each < kOperations; ++each) made[std::size_t(each)] = needed_rows(each);
    return made;
  }();
  *no_cache = 0;
  return operation >= 0 && operation < kOperations ? tables[std::size_t(operation)].data() : nullptr;
}

const OSSL_ALGORITHM* query_without_decoders(void* context, int operation, int* no_cache) noexcept {
  return operation == OSSL_OP_DECODER ? nullptr : query_all(context, operation, no_cache);
}

int capabilities(void*, const char* name, OSSL_CALLBACK* callback, void* argument) noexcept {
  return OSSL_PROVIDER_get_capabilities(full_provider(), name, callback, argument);
}

template <typename Function>
OSSL_DISPATCH entry(int id, Function* function) {
  return {id, reinterpret_cast<void (*)()>(function)};
}

/// The algorithms run in the default provider's context; only the lists of them are ours.
template <auto kQuery>
int start(const OSSL_CORE_HANDLE*, const OSSL_DISPATCH*, const OSSL_DISPATCH** functions, void** context) noexcept {
  static const std::array<OSSL_DISPATCH, 3> ours{
      entry(OSSL_FUNC_PROVIDER_QUERY_OPERATION, kQuery), entry(OSSL_FUNC_PROVIDER_GET_CAPABILITIES, capabilities), {}};
  if (full_provider() == nullptr) return 0;
  *functions = ours.data();
  *context = OSSL_PROVIDER_get0_provider_ctx(full_provider());
  return 1;
}

struct Library {
  std::unique_ptr<OSSL_LIB_CTX, OpensslFree<OSSL_LIB_CTX_free>> context;
  std::unique_ptr<OSSL_PROVIDER, OpensslFree<OSSL_PROVIDER_unload>> provider;  // goes before its context
};

Library make_library(const char* provider, OSSL_provider_init_fn* start) {
  Library library{.context = decltype(Library::context)(OSSL_LIB_CTX_new()), .provider = nullptr};
  if (!library.context || OSSL_PROVIDER_add_builtin(library.context.get(), provider, start) != 1) return {};
  library.provider.reset(OSSL_PROVIDER_load(library.context.get(), provider));
  if (!library.provider) return {};
  return library;
}

}  // namespace

OSSL_LIB_CTX* tls_library() {
  static const Library library = make_library("starling-tls", start<query_without_decoders>);
  return library.context.get();
}

OSSL_LIB_CTX* certificate_library() {
  static const Library library = make_library("starling-certificates", start<query_all>);
  return library.context.get();
}

}  // namespace starling::security
